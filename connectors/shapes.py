"""What one record of a vendor looks like before it is understood, and how a wrong one is refused."""

from typing import Any

Record = dict[str, Any]
"""One object as a vendor sent it: parsed JSON, not checked."""


class ShapeError(ValueError):
    """A vendor's object lacks what its kind must have. Names the field."""


def require(record: Record, kind: str, *names: str) -> None:
    """Raise ``ShapeError`` unless ``record``, called ``kind`` in the message, has every one of ``names``."""
    missing = [name for name in names if record.get(name) is None]
    if missing:
        raise ShapeError(f"{kind} without {', '.join(missing)}")
