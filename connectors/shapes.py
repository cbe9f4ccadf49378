"""What one record of a vendor looks like before it is understood, and how a wrong one is refused."""

from typing import Any

Record = dict[str, Any]
"""One object as a vendor sent it: parsed JSON, not checked."""


class ShapeError(ValueError):
    """A vendor's object lacks what its kind must have. Names the field."""


def require(record: Record, kind: str, *names: str) -> None:
    """Raise ``ShapeError`` unless ``record``, called ``kind`` in the message, has every one of ``names``."""
    missing = [name for name in names if record.get(name) in (None, "")]
    if missing:
        raise ShapeError(f"{kind} without {', '.join(missing)}")


def part(record: Record, kind: str, name: str) -> Record:
    """The object under ``name``, empty where there is none. Raises ``ShapeError`` for anything else."""
    found = record.get(name)
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise ShapeError(f"{kind}: {name} is not an object")
    return found


def parts(record: Record, kind: str, name: str) -> list[Record]:
    """The objects listed under ``name``; empty where there are none. Raises ``ShapeError`` for the rest."""
    found = record.get(name)
    if found is None or found == "":
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ShapeError(f"{kind}: {name} is not a list of objects")
    return found


def texts(record: Record, kind: str, name: str) -> list[str]:
    """The list of texts under ``name``, without empty ones. Raises ``ShapeError`` for anything but a list."""
    found = record.get(name)
    if found is None or found == "":
        return []
    if not isinstance(found, list):
        raise ShapeError(f"{kind}: {name} is not a list")
    return [str(one) for one in found if one not in (None, "") and not isinstance(one, dict | list)]


def check_text(record: Record, kind: str, *names: str) -> None:
    """Raise ``ShapeError`` if one of ``names`` holds a list or an object where there should be text."""
    wrong = [name for name in names if isinstance(record.get(name), dict | list)]
    if wrong:
        raise ShapeError(f"{kind}: {', '.join(wrong)} is not text")
