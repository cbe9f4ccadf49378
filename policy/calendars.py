"""Working time: what a business calendar counts, over time zones, holidays and daylight saving.

Time is counted as it really passes: an open span across the change to daylight saving is an hour shorter, one
across the change back an hour longer. Times at which nothing may be counted (the desk waits for the customer)
are handed in as ``Pause`` and behave like further breaks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policy.desk_schema import WEEKDAYS, Calendar

_HORIZON_DAYS = 3660
"""A target further away than ten years means a calendar that never works."""


@dataclass(frozen=True)
class Pause:
    """A time (aware, ``since`` before ``until``) that does not count."""

    since: datetime
    until: datetime


def add_working_time(
    calendar: Calendar, start: datetime, amount: timedelta, pauses: Sequence[Pause] = ()
) -> datetime:
    """The moment (UTC) at which ``amount`` of working time outside of ``pauses`` has passed since ``start``.

    Raises ``ValueError`` for a ``start`` without time zone.
    """
    left = amount
    for opens, closes in working_spans(calendar, start, start + timedelta(days=_HORIZON_DAYS), pauses):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise ValueError(f"the calendar has no {amount} of working time within ten years of {start:%Y-%m-%d}")


def working_time_between(
    calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()
) -> timedelta:
    """Working time outside of ``pauses`` from ``start`` to ``end`` (aware); zero if ``end`` is not after."""
    return sum((closes - opens for opens, closes in working_spans(calendar, start, end, pauses)), timedelta())


def working_spans(
    calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()
) -> Iterator[tuple[datetime, datetime]]:
    """Spans of working time (UTC) between two aware moments, in order, without ``pauses``."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError(f"{start} to {end}: working time needs moments with a time zone; add one, e.g. UTC")
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    zone, holidays = ZoneInfo(calendar.time_zone), frozenset(calendar.holidays)
    ordered = sorted(pauses, key=lambda pause: pause.since)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        if day not in holidays:
            for opens, closes in calendar.hours.get(WEEKDAYS[day.weekday()], ()):
                since = max(_moment(day, opens, zone), start)
                until = min(_moment(day, closes, zone), end)
                yield from _without(since, until, ordered)
        day += timedelta(days=1)


def _without(
    since: datetime, until: datetime, pauses: Sequence[Pause]
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of one span when ``pauses`` (in order of their start) are taken out."""
    for pause in pauses:
        if pause.until <= since:
            continue
        if pause.since >= until:
            break
        if since < pause.since:
            yield since, pause.since.astimezone(UTC)
        since = max(since, pause.until.astimezone(UTC))
    if since < until:
        yield since, until


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Local wall-clock time as a moment in UTC; minute 1440 is the midnight that ends the day."""
    if minute == 24 * 60:
        day, minute = day + timedelta(days=1), 0
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)
