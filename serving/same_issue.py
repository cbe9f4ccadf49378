"""What others wrote about the same issue: how many lately, whether it is an incident, how it was solved.

Every question takes ``as_of`` and sees only rows with ``known_at < as_of``.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)

from features.rows import Rows
from policy.situation import Surge
from policy.surges import part_of
from serving.clusters import topic_like
from serving.incidents import open_incident
from serving.moments import microseconds
from serving.questions import BEFORE, any_of, is_one_of, known, rows_of
from serving.tables import CONTEXT, decisions

SURGE_BASELINE_DAYS = 28
"""Days before the present one that say how many tickets about an intent are usual."""
_TICKETS, _EVENTS = CONTEXT["tickets"], CONTEXT["ticket_events"]
_INTENT: BindParameter[str] = bindparam("intent")
_START: BindParameter[int] = bindparam("start")
_END: BindParameter[int] = bindparam("end")


def _reports() -> CompoundSelect[Any]:
    """Tickets that became known to be about the intent from ``_START`` until before ``_END``, and whose."""
    decided = select(
        decisions.c.ticket_id,
        func.coalesce(decisions.c.account_id, decisions.c.ticket_id).label("who"),
        decisions.c.at.label("known_at"),
    ).where(decisions.c.intent == _INTENT, decisions.c.at >= _START, decisions.c.at < _END)
    labelled = (
        select(
            _EVENTS.c.ticket_id,
            func.coalesce(_TICKETS.c.account_id, _EVENTS.c.ticket_id).label("who"),
            _EVENTS.c.known_at,
        )
        .join_from(_EVENTS, _TICKETS, _TICKETS.c.ticket_id == _EVENTS.c.ticket_id)
        .where(
            _EVENTS.c.kind == "intent_set",
            _EVENTS.c.value == _INTENT,
            _EVENTS.c.known_at >= _START,
            _EVENTS.c.known_at < _END,
        )
    )
    return union_all(decided, labelled)


def _reported_before(ticket_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the ticket was known to be about the intent before ``_START``: it is no new report.

    The intent is compared as an expression, so that each database looks the few rows of the ticket up and
    does not go through all there ever was about the intent, once for every ticket.
    """
    events = _EVENTS.alias("before")
    decided = (
        select(decisions.c.decision_id)
        .where(
            decisions.c.ticket_id == ticket_id,
            func.coalesce(decisions.c.intent, "") == _INTENT,
            decisions.c.at < _START,
        )
        .exists()
    )
    labelled = (
        select(events.c.event_id)
        .where(
            events.c.ticket_id == ticket_id,
            events.c.kind == "intent_set",
            func.coalesce(events.c.value, "") == _INTENT,
            events.c.known_at < _START,
        )
        .exists()
    )
    return or_(decided, labelled)


_REPORTED = _reports().subquery()
_NEW_REPORTS = select(
    func.count(func.distinct(_REPORTED.c.who)), func.count(func.distinct(_REPORTED.c.ticket_id))
).where(~_reported_before(_REPORTED.c.ticket_id))
_REPORTED_TICKETS = select(func.count(func.distinct(_REPORTED.c.ticket_id)))
_NEWEST_LABELLED = (
    select(_EVENTS.c.ticket_id)
    .where(_EVENTS.c.kind == "intent_set", _EVENTS.c.value == _INTENT, _EVENTS.c.known_at < BEFORE)
    .order_by(_EVENTS.c.known_at.desc())
    .limit(bindparam("most"))
)
_TICKETS_NAMED = known("tickets", _TICKETS.c.ticket_id.in_(any_of("tickets")))
_SOLUTIONS_OF = known(
    "ticket_events",
    and_(
        _EVENTS.c.ticket_id.in_(any_of("tickets")), is_one_of(_EVENTS.c.kind, ("solved", "reopened", "reply"))
    ),
)


def surge(
    connection: Connection, intent: str, as_of: datetime, usual_per_day: float, area: str | None = None
) -> Surge:
    """Tickets and accounts about ``intent`` in the last 24 hours, against ``usual_per_day``.

    A ticket counts from when its intent was first decided or set by an agent; one without an account is its
    own account. ``area``: the product area that the customer chose. Read are the last day and what came
    before of its tickets, however many tickets about ``intent`` there are.
    """
    start, end = microseconds(as_of - timedelta(days=1)), microseconds(as_of)
    row = connection.execute(_NEW_REPORTS, {"intent": intent, "start": start, "end": end}).one()
    topics = [intent] if area is None else [intent, part_of(intent, area)]
    return Surge(
        accounts_24h=row[0],
        tickets_24h=row[1],
        baseline_per_day=usual_per_day,
        incident_id=open_incident(connection, topics, as_of),
    )


def usual_per_day(connection: Connection, intent: str, day: datetime) -> float:
    """Tickets a day about ``intent`` in the ``SURGE_BASELINE_DAYS`` that ended a day before ``day``.

    Reads every such ticket: ask once a day for each intent.
    """
    end = day - timedelta(days=1)
    begins = end - timedelta(days=SURGE_BASELINE_DAYS)
    span = {"intent": intent, "start": microseconds(begins), "end": microseconds(end)}
    tickets = connection.scalar(_REPORTED_TICKETS, span) or 0
    return tickets / SURGE_BASELINE_DAYS


def unnamed_surge(connection: Connection, text: str, alike: float, as_of: datetime) -> Surge:
    """Whether a ticket whose intent nobody knows belongs to an open incident, by its ``text``."""
    topic = topic_like(connection, text, alike, as_of)
    return Surge() if topic is None else Surge(incident_id=open_incident(connection, [topic], as_of))


def solved_about(connection: Connection, intent: str, as_of: datetime, limit: int) -> tuple[Rows, Rows]:
    """The newest ``limit`` tickets an agent labelled ``intent``, and how they were answered and solved."""
    before = microseconds(as_of)
    newest = connection.scalars(_NEWEST_LABELLED, {"intent": intent, "before": before, "most": limit})
    named = {"tickets": list(dict.fromkeys(newest)), "before": before}
    return (
        rows_of(connection, "tickets", _TICKETS_NAMED, **named),
        rows_of(connection, "ticket_events", _SOLUTIONS_OF, **named),
    )
