"""Moments in the store: whole microseconds since 1970-01-01 UTC, exact and ordered in every database."""

import secrets
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """``at`` as microseconds since 1970. Raises ``ValueError`` where it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"moment {at.isoformat()} has no time zone: give it one, for example +00:00")
    return (at - _EPOCH) // _MICROSECOND


def now() -> datetime:
    """The present moment (UTC)."""
    return datetime.now(UTC)


def moment(us: int) -> datetime:
    """The UTC moment ``us`` microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=us)


def time_ordered_id(at: datetime) -> str:
    """A UUID version 7 (RFC 9562): unique, and sorting by the millisecond of ``at``."""
    milliseconds = max(microseconds(at) // 1000, 0) & (1 << 48) - 1
    bits = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
