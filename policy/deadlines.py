"""What is about to be broken: a promise that has nearly run out is escalated once, before it is too late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from policy.desk_schema import Desk
from policy.sla import Clock, Turn, first_response_clock, resolution_clock

Promise = Literal["first_response", "resolution"]


@dataclass(frozen=True)
class DeadlineCall:
    """One promise about to be broken, or broken: which, when it is due, why in words, who is told."""

    promise: Promise
    due_at: datetime
    used_share: float
    reason: str
    queue: str


def deadlines_at_risk(
    desk: Desk, plan: str | None, queue: str, created_at: datetime, turns: Sequence[Turn], now: datetime
) -> list[DeadlineCall]:
    """The promises of one open ticket that ``desk.deadlines.escalate_at_share`` of the time has run out on.

    A promise that was kept, or whose clock stands still because the customer is asked, calls nobody. The
    ticket's own ``queue`` is told unless the desk names another.
    """
    clocks: tuple[tuple[Promise, Clock | None], ...] = (
        ("first_response", first_response_clock(desk, plan, created_at, turns, now)),
        ("resolution", resolution_clock(desk, plan, created_at, turns, now)),
    )
    return [
        DeadlineCall(
            promise, clock.due_at, clock.used_share, _reason(promise, clock), desk.deadlines.queue or queue
        )
        for promise, clock in clocks
        if clock is not None
        and clock.met_at is None
        and clock.waiting_since is None
        and clock.used_share >= desk.deadlines.escalate_at_share
    ]


def _reason(promise: Promise, clock: Clock) -> str:
    what = promise.replace("_", " ")
    used = f"{clock.used_share:.0%} of the working time for the {what} is used up"
    return f"{used}, {'it was' if clock.breached else 'it is'} due at {clock.due_at:%Y-%m-%d %H:%M} UTC"
