"""Tickets that are decided and not solved: the queue as the clocks run, and what the clock escalates.

A ticket counts as solved from its last "solved" that was not followed by "reopened".
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from policy.deadlines import DeadlineCall, deadlines_at_risk
from policy.desk_schema import Desk
from policy.ranking import Rank, Term, as_clocks_run, waited_by
from policy.sla import Turn, waiting_for_customer
from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.outbox import Action, put_new
from serving.tables import CONTEXT, decisions

CLOCK_JUMP = timedelta(hours=1, minutes=5)
"""How far a clock may be set back, for example by somebody who mistook summer time."""
_TURNS = ("reply", "solved", "reopened")


class OpenTicket(NamedTuple):
    """One open ticket: its decision's record, and what was said since, oldest first."""

    decision_id: str
    ticket_id: str
    subject: str | None
    created_at: datetime
    record: dict[str, Any]
    turns: tuple[Turn, ...]


def open_tickets(connection: Connection, as_of: datetime) -> list[OpenTicket]:
    """Every ticket decided before ``as_of`` that is not solved as known by then, oldest decision first."""
    before = microseconds(as_of)
    tickets, events = CONTEXT["tickets"], CONTEXT["ticket_events"]
    decided = (
        select(
            decisions.c.decision_id,
            decisions.c.ticket_id,
            decisions.c.at,
            decisions.c.record,
            tickets.c.subject,
            tickets.c.created_at,
        )
        .join_from(decisions, tickets, tickets.c.ticket_id == decisions.c.ticket_id, isouter=True)
        .where(decisions.c.at <= before, ~_solved(before))
        .order_by(decisions.c.at, decisions.c.decision_id)
    )
    rows = connection.execute(decided).all()
    said = connection.execute(
        select(events.c.ticket_id, events.c.known_at, events.c.kind, events.c.actor_kind)
        .join_from(events, decisions, decisions.c.ticket_id == events.c.ticket_id)
        .where(events.c.kind.in_(_TURNS), events.c.known_at < before, ~_solved(before))
        .order_by(events.c.known_at, events.c.event_id)
    )
    turns: dict[str, list[Turn]] = {}
    for row in said:
        turns.setdefault(row.ticket_id, []).append(Turn(moment(row.known_at), row.kind, row.actor_kind or ""))
    return [
        OpenTicket(
            row.decision_id,
            row.ticket_id,
            row.subject,
            moment(row.at if row.created_at is None else row.created_at),
            json.loads(row.record),
            tuple(turns.get(row.ticket_id, ())),
        )
        for row in rows
    ]


def queue_moment(connection: Connection, now: datetime) -> datetime:
    """``now``, or the moment of the newest decision where a clock was set back since by an hour or so.

    The queue and the tick look as of then: nothing that was decided may disappear from them meanwhile.
    """
    newest = connection.scalar(select(func.max(decisions.c.at)))
    if newest is None or not now < moment(newest) <= now + CLOCK_JUMP:
        return now
    return moment(newest)


def ranked(tickets: Sequence[OpenTicket], now: datetime) -> list[OpenTicket]:
    """``tickets`` with their place as of ``now`` in the record, the largest value at risk first.

    Until the first response, its clock presses; from then on the resolution's, which stands still while the
    desk waits for the customer.
    """
    placed = [ticket._replace(record=_placed(ticket, now)) for ticket in tickets]
    return sorted(placed, key=lambda t: (-t.record["queue"]["value_at_risk"], t.record["at"], t.decision_id))


def deadline_calls(desk: Desk, ticket: OpenTicket, now: datetime) -> list[DeadlineCall]:
    """The promises of ``ticket`` that are about to be broken at ``now``."""
    plan, queue = ticket.record["account"].get("plan"), ticket.record["route"]["queue"]
    return deadlines_at_risk(desk, plan, queue, ticket.created_at, ticket.turns, now)


def escalate(connection: Connection, ticket: OpenTicket, calls: Sequence[DeadlineCall], now: datetime) -> int:
    """Put ``calls`` into the outbox and the ledger, each promise once for ever; returns how many were new.

    Several replicas may do this at the same time.
    """
    return sum(_escalated(connection, ticket, call, now) for call in calls)


def _escalated(connection: Connection, ticket: OpenTicket, call: DeadlineCall, now: datetime) -> bool:
    payload = {
        "ticket_id": ticket.ticket_id,
        "queue": call.queue,
        "agent": ticket.record["route"]["agent"],
        "promise": call.promise,
        "due_at": call.due_at.isoformat(),
        "used_share": round(call.used_share, 4),
        "reason": call.reason,
    }
    action_id = f"{ticket.decision_id}:{call.promise}"
    new = put_new(connection, Action(action_id, ticket.decision_id, now, "deadline", payload))
    if new:
        append_entry(connection, "deadline", action_id, payload, now)
    return new


def _placed(ticket: OpenTicket, now: datetime) -> dict[str, Any]:
    queue, sla = ticket.record["queue"], ticket.record["sla"]
    if queue.get("since") is None:
        return ticket.record
    since = datetime.fromisoformat(queue["since"])
    pauses = waiting_for_customer(ticket.turns, now)
    paused = sum((pause.until - pause.since for pause in pauses), timedelta())
    answered = any(turn.actor_kind != "customer" for turn in ticket.turns if turn.kind == "reply")
    due = sla["resolution_due_at" if answered else "first_response_due_at"]
    due_at = None if due is None else datetime.fromisoformat(due) + paused
    terms = tuple(Term(**term) for term in queue["terms"])
    fields = {name: value for name, value in queue.items() if name not in ("since", "terms", "reasons")}
    rank = as_clocks_run(
        Rank(**fields, terms=terms, reasons=tuple(queue["reasons"])), waited_by(since, due_at, now, paused)
    )
    return ticket.record | {
        "queue": queue
        | {
            "value_at_risk": rank.value_at_risk,
            "reasons": list(rank.reasons),
            "terms": [term.__dict__ for term in rank.terms],
        }
    }


def _solved(before: int) -> Any:
    """Whether the last "solved" since the decision was not followed by "reopened"."""
    solved, later = CONTEXT["ticket_events"].alias(), CONTEXT["ticket_events"].alias()
    reopened = (
        select(later.c.event_id)
        .where(
            later.c.ticket_id == solved.c.ticket_id,
            later.c.kind == "reopened",
            later.c.known_at >= solved.c.known_at,
            later.c.known_at < before,
        )
        .exists()
    )
    return (
        select(solved.c.event_id)
        .where(
            solved.c.ticket_id == decisions.c.ticket_id,
            solved.c.kind == "solved",
            solved.c.known_at >= decisions.c.at,
            solved.c.known_at < before,
            ~reopened,
        )
        .correlate(decisions)
        .exists()
    )
