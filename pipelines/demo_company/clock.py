"""Time in the demo company: moments are whole seconds since 1970 (UTC), days are whole days since 1970."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

MINUTE, HOUR, DAY = 60, 3600, 86_400


@lru_cache(maxsize=4096)
def day_text(day: int) -> str:
    """The day as ``YYYY-MM-DD``."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


@lru_cache(maxsize=4096)
def weekday(day: int) -> int:
    """0 for Monday ... 6 for Sunday."""
    return (day + 3) % 7


def moment_text(moment: int) -> str:
    """The moment as ``YYYY-MM-DDTHH:MM:SSZ``."""
    day, second = divmod(moment, DAY)
    return f"{day_text(day)}T{second // HOUR:02d}:{second // MINUTE % 60:02d}:{second % 60:02d}Z"


def as_datetime(moment: int) -> datetime:
    """The moment as an aware ``datetime``."""
    return datetime.fromtimestamp(moment, UTC)


@dataclass(frozen=True)
class Month:
    """A calendar month of the history; ``start`` and ``end`` are days, ``end`` is not part of it."""

    index: int
    name: str
    start: int
    end: int
    calendar_month: int

    def holds(self, moment: int) -> bool:
        """Whether ``moment`` lies in this month."""
        return self.start * DAY <= moment < self.end * DAY


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def months_before(end: date, number: int) -> tuple[Month, ...]:
    """The ``number`` months that end at ``end``, oldest first; one that ``end`` cuts is shortened."""
    last = end - timedelta(days=1)
    months: list[Month] = []
    stop = end
    year, month = last.year, last.month
    for index in reversed(range(number)):
        start = date(year, month, 1)
        months.append(Month(index, f"{year}-{month:02d}", day_number(start), day_number(stop), month))
        stop = start
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return tuple(reversed(months))


def month_of(months: Sequence[Month], moment: int) -> Month | None:
    """The month that holds ``moment``; ``None`` outside the history."""
    return next((m for m in months if m.holds(moment)), None)
