"""What is measured about a desk, defined once: monitoring, the backtest and a report use these and no others.

Grain: a ``Handled`` is one ticket and what became of it, as known by the end of the period measured. Times
are ``datetime`` (aware), durations hours, money currency units. A figure that nothing stands behind is
``None``, never zero. Silence is never a success: where outcomes are judged it counts neither for nor against,
and a first contact that nobody said was enough was not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean, median

from policy.calendars import working_time_between
from policy.desk_schema import Calendar
from policy.resolution import SUCCESSES, Aftermath, Resolution, resolution_of
from policy.sla import Turn, waiting_for_customer

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Handled:
    """One ticket and what became of it. ``turns``: what was said, oldest first; ``queues``: in order."""

    ticket_id: str
    issue: str | None
    created_at: datetime
    turns: tuple[Turn, ...] = ()
    queues: tuple[str, ...] = ()
    automated: bool = False
    """Resolved by the desk itself, without a person."""
    confirmed_at: datetime | None = None
    recontacted_at: datetime | None = None
    usage_seen_at: datetime | None = None
    csat: int | None = None
    """1 (worst) to 5."""
    handling_hours: float = 0.0
    """Working hours that people spent on it."""

    @property
    def first_response_at(self) -> datetime | None:
        """The first public word that the customer did not write; solving counts."""
        own = (t.at for t in self.turns if _answers(t))
        return next(own, None)

    @property
    def solved_at(self) -> datetime | None:
        """The last "solved" that was not reopened."""
        at: datetime | None = None
        for turn in self.turns:
            if turn.kind in ("solved", "reopened"):
                at = turn.at if turn.kind == "solved" else None
        return at

    @property
    def outcome(self) -> Resolution:
        """Confirmed, usage-verified, recontacted, silent, or open, judged from the first "solved"."""
        first = next((turn.at for turn in self.turns if turn.kind == "solved"), None)
        reopened = next((turn.at for turn in self.turns if turn.kind == "reopened"), None)
        back = min((at for at in (reopened, self.recontacted_at) if at is not None), default=None)
        return resolution_of(Aftermath(first, self.confirmed_at, back, self.usage_seen_at))


def first_response_hours(ticket: Handled, calendar: Calendar) -> float | None:
    """Working hours from the customer's words to the first response; ``None`` while there is none."""
    answered = ticket.first_response_at
    return None if answered is None else working_time_between(calendar, ticket.created_at, answered) / _HOUR


def resolution_hours(ticket: Handled) -> float | None:
    """Hours by the customer's own clock, nights and weekends included, from their words to the solution.

    Time in which they were asked something counts as well: they were without a solution. ``None`` while open.
    """
    return None if ticket.solved_at is None else (ticket.solved_at - ticket.created_at) / _HOUR


def desk_resolution_hours(ticket: Handled, calendar: Calendar) -> float | None:
    """Working hours to the solution without the time in which the desk waited for the customer."""
    if ticket.solved_at is None:
        return None
    pauses = waiting_for_customer(ticket.turns, ticket.solved_at)
    return working_time_between(calendar, ticket.created_at, ticket.solved_at, pauses) / _HOUR


def resolved_on_first_contact(ticket: Handled) -> bool | None:
    """Whether one answer was enough: one public reply at most, one queue, and *known* to be resolved.

    ``None`` while the ticket is open. A silent ticket is not resolved on first contact.
    """
    if ticket.outcome == "open":
        return None
    replies = sum(turn.kind == "reply" and turn.actor_kind != "customer" for turn in ticket.turns)
    return ticket.outcome in SUCCESSES and replies <= 1 and len(set(ticket.queues)) <= 1


def first_contact_resolution(tickets: Iterable[Handled]) -> float | None:
    """Share of closed tickets that were resolved on first contact."""
    return _share(filter(lambda each: each is not None, map(resolved_on_first_contact, tickets)))


def known_resolution_rate(tickets: Iterable[Handled]) -> float | None:
    """Share of successes among tickets whose outcome is known."""
    outcomes = [ticket.outcome for ticket in tickets]
    return _share(outcome in SUCCESSES for outcome in outcomes if outcome not in ("open", "silent"))


def silent_share(tickets: Iterable[Handled]) -> float | None:
    """Share of closed tickets of which nobody knows whether they were resolved."""
    outcomes = [ticket.outcome for ticket in tickets]
    return _share(outcome == "silent" for outcome in outcomes if outcome != "open")


def csat_by_issue(tickets: Iterable[Handled]) -> dict[str, tuple[float, int]]:
    """Mean rating (1 to 5) and number of ratings by issue; unrated tickets count for nothing."""
    ratings: dict[str, list[int]] = {}
    for ticket in tickets:
        if ticket.csat is not None:
            ratings.setdefault(ticket.issue or "unknown", []).append(ticket.csat)
    return {issue: (mean(given), len(given)) for issue, given in sorted(ratings.items())}


def routing_accuracy(tickets: Iterable[Handled]) -> float | None:
    """Share of tickets whose first queue was also their last."""
    return _share(ticket.queues[0] == ticket.queues[-1] for ticket in tickets if ticket.queues)


def handoffs(ticket: Handled) -> int:
    """How often the ticket changed queue."""
    return sum(one != other for one, other in pairwise(ticket.queues))


def automation_rate(tickets: Sequence[Handled]) -> float | None:
    """Share of all tickets that were closed without a person and did not come back.

    This is how much work is saved, not how well: ``known_resolution_rate`` of the automated says that. A
    ticket that came back is left out, so a desk cannot raise this by closing what it did not solve.
    """
    return _share(ticket.automated and ticket.outcome not in ("open", "recontacted") for ticket in tickets)


def utilisation(tickets: Iterable[Handled], staffed_hours: float) -> float | None:
    """Share of the agents' paid hours spent on tickets; ``None`` without paid hours."""
    spent = sum(ticket.handling_hours for ticket in tickets)
    return spent / staffed_hours if staffed_hours > 0 else None


def cost_per_resolution(
    tickets: Sequence[Handled], cost_per_hour: float, fixed_cost: float = 0.0
) -> float | None:
    """All that was spent on ``tickets``, by every one known to be resolved; silence is not in the count."""
    return _per(_spent(tickets, cost_per_hour, fixed_cost), sum(t.outcome in SUCCESSES for t in tickets))


def cost_per_closed_ticket(
    tickets: Sequence[Handled], cost_per_hour: float, fixed_cost: float = 0.0
) -> float | None:
    """All that was spent on ``tickets``, by every one closed and not come back: what most desks report.

    It says nothing about whether anything was resolved, since the silent are in the count.
    """
    closed = sum(ticket.outcome not in ("open", "recontacted") for ticket in tickets)
    return _per(_spent(tickets, cost_per_hour, fixed_cost), closed)


def typical(values: Iterable[float | None]) -> float | None:
    """The median of those values that are known."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def by_issue(
    tickets: Iterable[Handled], figure: Callable[[Sequence[Handled]], float | None]
) -> Mapping[str, float | None]:
    """``figure`` for the tickets of each issue."""
    groups: dict[str, list[Handled]] = {}
    for ticket in tickets:
        groups.setdefault(ticket.issue or "unknown", []).append(ticket)
    return {issue: figure(group) for issue, group in sorted(groups.items())}


def _answers(turn: Turn) -> bool:
    return turn.kind == "solved" or (turn.kind == "reply" and turn.actor_kind != "customer")


def _share(verdicts: Iterable[bool | None]) -> float | None:
    known = [bool(verdict) for verdict in verdicts]
    return sum(known) / len(known) if known else None


def _spent(tickets: Iterable[Handled], cost_per_hour: float, fixed_cost: float) -> float:
    return fixed_cost + cost_per_hour * sum(ticket.handling_hours for ticket in tickets)


def _per(spent: float, count: int) -> float | None:
    return spent / count if count else None
