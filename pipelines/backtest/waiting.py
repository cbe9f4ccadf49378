"""Waiting tickets in the order in which a desk takes them: by a standing key, or by value at risk."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import numpy as np

from policy.ranking import Rank, as_clocks_run, waited_by

_HOUR = timedelta(hours=1)
FAR_HOURS = 24.0
T = TypeVar("T")


@dataclass(frozen=True)
class Worth:
    """Value at risk of a waiting ticket over time, exactly: two straight lines that meet when it is due.

    Policy's value is linear in the share of the promise used up and in the days waited, and both are linear
    in time until the promise is over. So three values that policy gives are all there is to know.
    Hours count from the start of the replay.
    """

    since: float
    value: float
    slope: float
    due: float
    value_due: float
    slope_due: float

    def at(self, hours: float) -> float:
        """The value at that time."""
        if hours < self.due:
            return self.value + self.slope * (hours - self.since)
        return self.value_due + self.slope_due * (hours - self.due)


def worth_over_time(
    rank: Rank,
    created: datetime,
    due_at: datetime | None,
    paused_hours: float,
    now_hours: float,
    start: datetime,
) -> Worth:
    """How the ``rank`` of a ticket goes on from ``now_hours``, by ``policy.ranking`` itself."""
    paused = timedelta(hours=paused_hours)

    def value(hours: float) -> float:
        moment = start + timedelta(hours=hours)
        return as_clocks_run(rank, waited_by(created, due_at, moment, paused)).value_at_risk

    due = (due_at - start) / _HOUR if due_at is not None else now_hours
    due = max(due, now_hours)
    first, at_due, later = value(now_hours), value(due), value(due + FAR_HOURS)
    slope = (at_due - first) / (due - now_hours) if due > now_hours else 0.0
    return Worth(now_hours, first, slope, due, at_due, (later - at_due) / FAR_HOURS)


class Line(Protocol[T]):
    """Tickets waiting in one queue."""

    def put(self, item: T, key: tuple[float, ...], worth: Worth | None) -> None:
        """Add a ticket."""

    def take(self, hours: float) -> T:
        """Remove and return who is next."""

    def __len__(self) -> int: ...


class StandingLine(Generic[T]):
    """The smallest key first; equal keys in the order in which they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[tuple[float, ...], int, T]] = []
        self._count = 0

    def put(self, item: T, key: tuple[float, ...], worth: Worth | None) -> None:
        """Add a ticket."""
        heapq.heappush(self._heap, (key, self._count, item))
        self._count += 1

    def take(self, hours: float) -> T:
        """Remove and return who is next."""
        return heapq.heappop(self._heap)[2]

    def __len__(self) -> int:
        return len(self._heap)


class RunningLine(Generic[T]):
    """The most value at risk first, as the clocks stand when somebody is free."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._worths: list[Worth] = []

    def put(self, item: T, key: tuple[float, ...], worth: Worth | None) -> None:
        """Add a ticket; ``worth`` is required."""
        if worth is None:
            raise ValueError("a line by value at risk needs the worth of every ticket")
        self._items.append(item)
        self._worths.append(worth)

    def take(self, hours: float) -> T:
        """Remove and return who is next."""
        best = self._place(hours)
        self._worths.pop(best)
        return self._items.pop(best)

    def _place(self, hours: float) -> int:
        best, most = 0, -float("inf")
        for place, worth in enumerate(self._worths):
            value = worth.at(hours)
            if value > most:
                best, most = place, value
        return best

    def __len__(self) -> int:
        return len(self._items)


def overtaking_bound_days(ahead: float, behind: float, waiting_cost_per_day: float) -> float:
    """Days after which nobody who comes later overtakes any more.

    ``ahead``: the largest value at risk that a newcomer may have; ``behind``: that of the ticket when it
    came. Waiting adds ``waiting_cost_per_day`` without limit, so after ``(ahead - behind) / cost`` days the
    ticket is worth more than any newcomer. Infinite where waiting costs nothing.
    """
    if waiting_cost_per_day <= 0:
        return float("inf")
    return max(0.0, ahead - behind) / waiting_cost_per_day


def largest(values: Sequence[float]) -> float:
    """The largest of ``values``; 0 without any."""
    return float(np.max(values)) if len(values) else 0.0
