"""Promises in working time: when an answer is due, and how likely it is to come late."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policy.desk_schema import WEEKDAYS, Calendar, Desk
from policy.situation import Situation

_HORIZON_DAYS = 3660
"""A target further away than ten years means a calendar that never works."""


@dataclass(frozen=True)
class SlaTargets:
    """When the first response and the resolution are due, in UTC; ``None`` where nothing was promised."""

    first_response_due_at: datetime | None
    resolution_due_at: datetime | None


def due_times(desk: Desk, plan: str | None, created_at: datetime) -> SlaTargets:
    """What was promised for a ticket created at ``created_at`` (aware) by a customer on ``plan``.

    A plan that is unknown or not listed has the targets of ``default_plan``, and none without one.
    """
    name = plan if plan in desk.plans else desk.default_plan
    if name is None:
        return SlaTargets(None, None)
    promised = desk.plans[name]
    calendar = desk.calendars[promised.calendar]
    return SlaTargets(
        add_working_time(calendar, created_at, timedelta(hours=promised.first_response_hours)),
        add_working_time(calendar, created_at, timedelta(hours=promised.resolution_hours)),
    )


def breach_risk(desk: Desk, situation: Situation, due: SlaTargets) -> float | None:
    """Probability that the first response comes after it is due; ``None`` where nothing was promised.

    Response times are taken as exponential with the plan's usual mean: ``exp(-time left / usual time)``, in
    working hours. One once the time is over.
    """
    if due.first_response_due_at is None:
        return None
    plan = situation.account.plan if situation.account else None
    name = plan if plan in desk.plans else desk.default_plan
    if name is None:
        return None
    promised = desk.plans[name]
    left = working_time_between(
        desk.calendars[promised.calendar], situation.as_of, due.first_response_due_at
    ) / timedelta(hours=1)
    return math.exp(-max(left, 0.0) / promised.usual_first_response_hours)


def add_working_time(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """The moment (UTC) at which ``amount`` of working time has passed since ``start`` (aware).

    Time is counted as it really passes, so a span across the change to daylight saving time is an hour
    shorter. Raises ``ValueError`` for a ``start`` without time zone.
    """
    left = amount
    for opens, closes in _working_spans(calendar, start, start + timedelta(days=_HORIZON_DAYS)):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise ValueError(f"the calendar has no {amount} of working time within ten years of {start:%Y-%m-%d}")


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Working time from ``start`` to ``end`` (both aware); zero if ``end`` is not after ``start``."""
    return sum((closes - opens for opens, closes in _working_spans(calendar, start, end)), timedelta())


def _working_spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spans of working time (UTC) between two aware moments, in order."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError(f"{start} to {end}: working time needs moments with a time zone; add one, e.g. UTC")
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    zone, holidays = ZoneInfo(calendar.time_zone), frozenset(calendar.holidays)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        if day not in holidays:
            for opens, closes in calendar.hours.get(WEEKDAYS[day.weekday()], ()):
                since = max(_moment(day, opens, zone), start)
                until = min(_moment(day, closes, zone), end)
                if since < until:
                    yield since, until
        day += timedelta(days=1)


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Local wall-clock time as a moment in UTC; minute 1440 is the midnight that ends the day."""
    if minute == 24 * 60:
        day, minute = day + timedelta(days=1), 0
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)
