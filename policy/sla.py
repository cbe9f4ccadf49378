"""What was promised: when an answer and a solution are due, and how likely they are to come late.

The first response is due after the plan's working time. The resolution's clock stands still while the desk
waits for the customer: from a public reply by the desk (or from "solved") until the customer writes again (or
the ticket is reopened). What the customer does not answer is no breach of the desk.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from policy.calendars import Pause, add_working_time, working_time_between
from policy.desk_schema import Calendar, Desk, Plan
from policy.situation import Situation

RiskSource = Literal["model", "estimate"]


@dataclass(frozen=True)
class SlaTargets:
    """When the first response and the resolution are due, in UTC; ``None`` where nothing was promised."""

    first_response_due_at: datetime | None
    resolution_due_at: datetime | None


class Turn(NamedTuple):
    """One thing that happened in a conversation: ``kind`` as in ``ticket_events`` (reply, solved, ...)."""

    at: datetime
    kind: str
    actor_kind: str


@dataclass(frozen=True)
class Clock:
    """One promise as it stands: when it is due, and the share of the promised working time that is used up.

    ``met_at``: when it was kept (perhaps too late). ``waiting_since``: the desk waits for the customer, and
    ``due_at`` moves on until they write.
    """

    due_at: datetime
    used_share: float
    met_at: datetime | None = None
    waiting_since: datetime | None = None

    @property
    def breached(self) -> bool:
        """Whether the promise was or is broken."""
        return self.used_share > 1


def plan_of(desk: Desk, plan: str | None) -> Plan | None:
    """What ``plan`` was promised; one that is unknown or not listed has ``default_plan``, or nothing."""
    name = plan if plan in desk.plans else desk.default_plan
    return desk.plans[name] if name is not None else None


def due_times(desk: Desk, plan: str | None, created_at: datetime, turns: Sequence[Turn] = ()) -> SlaTargets:
    """What is due for a ticket created at ``created_at`` (aware) by a customer on ``plan``.

    ``turns`` so far (oldest first) move the resolution on by the working time spent waiting for the customer.
    """
    promised = plan_of(desk, plan)
    if promised is None:
        return SlaTargets(None, None)
    calendar, pauses = desk.calendars[promised.calendar], waiting_for_customer(turns)
    return SlaTargets(
        add_working_time(calendar, created_at, timedelta(hours=promised.first_response_hours)),
        add_working_time(calendar, created_at, timedelta(hours=promised.resolution_hours), pauses),
    )


def waiting_for_customer(turns: Sequence[Turn], now: datetime | None = None) -> tuple[Pause, ...]:
    """When the desk waited for the customer; one that still lasts ends ``now`` (left out without)."""
    pauses, since = list[Pause](), None
    for turn in turns:
        if turn.kind == "solved" or (turn.kind == "reply" and turn.actor_kind != "customer"):
            since = since or turn.at
        elif since is not None and turn.kind in ("reply", "reopened"):
            pauses += [Pause(since, turn.at)] if since < turn.at else []
            since = None
    if since is not None and now is not None and since < now:
        pauses.append(Pause(since, now))
    return tuple(pauses)


def first_response_clock(
    desk: Desk, plan: str | None, created_at: datetime, turns: Sequence[Turn], now: datetime
) -> Clock | None:
    """The promise of a first response as of ``now``; ``None`` where nothing was promised.

    Kept by the first public reply that a customer did not write, or by solving the ticket.
    """
    promised = plan_of(desk, plan)
    if promised is None:
        return None
    answers = (
        t.at for t in turns if t.kind == "solved" or (t.kind == "reply" and t.actor_kind != "customer")
    )
    return _clock(
        desk.calendars[promised.calendar],
        created_at,
        timedelta(hours=promised.first_response_hours),
        (),
        next(answers, None),
        now,
        None,
    )


def resolution_clock(
    desk: Desk, plan: str | None, created_at: datetime, turns: Sequence[Turn], now: datetime
) -> Clock | None:
    """The promise of a resolution as of ``now``; kept by the last "solved" that was not reopened."""
    promised = plan_of(desk, plan)
    if promised is None:
        return None
    solved_at: datetime | None = None
    for turn in turns:
        if turn.kind in ("solved", "reopened"):
            solved_at = turn.at if turn.kind == "solved" else None
    pauses = waiting_for_customer(turns, solved_at or now)
    last = pauses[-1] if pauses else None
    waiting = last.since if last is not None and last.until == now and solved_at is None else None
    return _clock(
        desk.calendars[promised.calendar],
        created_at,
        timedelta(hours=promised.resolution_hours),
        pauses,
        solved_at,
        now,
        waiting,
    )


def breach_risk(desk: Desk, situation: Situation, due: SlaTargets) -> tuple[float, RiskSource] | None:
    """Probability that the first response comes late, and where it is from; ``None`` without a promise.

    A release with an outcome model says it (``Situation.breach_risk``). Without one it is an estimate:
    response times are taken as exponential with the plan's usual mean, ``exp(-time left / usual time)`` in
    working hours. One once the time is over, whoever says what.
    """
    promised = plan_of(desk, situation.account.plan if situation.account else None)
    if due.first_response_due_at is None or promised is None:
        return None
    left = working_time_between(
        desk.calendars[promised.calendar], situation.as_of, due.first_response_due_at
    ) / timedelta(hours=1)
    if situation.breach_risk is not None:
        return (situation.breach_risk if left > 0 else 1.0), "model"
    return math.exp(-max(left, 0.0) / promised.usual_first_response_hours), "estimate"


def _clock(
    calendar: Calendar,
    created_at: datetime,
    allowed: timedelta,
    pauses: tuple[Pause, ...],
    met_at: datetime | None,
    now: datetime,
    waiting_since: datetime | None,
) -> Clock:
    used = working_time_between(calendar, created_at, met_at or now, pauses)
    return Clock(
        add_working_time(calendar, created_at, allowed, pauses), used / allowed, met_at, waiting_since
    )
