"""Incidents of the store: opened once when a topic surges, with the tickets that belong to each.

``watch_incidents`` reads the decisions of the last weeks anew each time (``policy.surges`` keeps nothing
between calls), compares what it finds with what is stored, and writes the difference: run it as often as you
like.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select, tuple_, update

from policy.surges import HOUR, Incident, Report, SurgeRules, SurgeWatch
from serving.database import insert_new
from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.outbox import Action, put_new
from serving.tables import decisions, incident_tickets, incidents

_LOOKED_BACK = timedelta(hours=48)
"""Incidents that opened longer ago and are not stored were over before anybody watched."""


class Watched(NamedTuple):
    """What one look changed."""

    opened: int
    attached: int
    closed: int


def open_incident(connection: Connection, topic: str | None, at: datetime) -> str | None:
    """The id of the incident on ``topic`` (an intent) that was open at ``at``; ``None`` without one."""
    when = microseconds(at)
    return connection.scalar(
        select(incidents.c.incident_id)
        .where(
            incidents.c.topic == topic,
            incidents.c.opened_at <= when,
            incidents.c.closed_at.is_(None) | (incidents.c.closed_at > when),
        )
        .order_by(incidents.c.opened_at.desc())
        .limit(1)
    )


def watch_incidents(
    connection: Connection, queue: str, at: datetime, rules: SurgeRules | None = None
) -> Watched:
    """Open, extend and close incidents as of ``at``; a new one is told to ``queue`` once, by the outbox."""
    rules = rules or SurgeRules()
    surges = SurgeWatch(rules)
    decision_of = {}
    for row in _decided(connection, at, rules):
        report = Report(row.at / 1_000_000, row.intent, row.account_id or row.ticket_id, row.ticket_id)
        decision_of[row.ticket_id] = row.decision_id
        surges.read(report)
    surges.close_quiet(at.timestamp())
    opened = attached = 0
    for found in surges.incidents:
        stored = _stored(connection, found, rules)
        if stored is None:
            if found.opened_at < (at - _LOOKED_BACK).timestamp():
                continue
            stored = _opened(connection, found, decision_of[found.ticket_ids[-1]], queue, at)
            opened += 1
        attached += insert_new(connection, incident_tickets, [[t, stored] for t in found.ticket_ids])
        last = int(found.last_at * 1_000_000)
        connection.execute(
            update(incidents)
            .where(incidents.c.incident_id == stored, incidents.c.last_at < last)
            .values(last_at=last, accounts=len(found.accounts))
        )
    return Watched(opened, attached, _closed(connection, at, rules))


def _decided(
    connection: Connection, at: datetime, rules: SurgeRules
) -> Sequence[Row[str, str, int, str, str | None]]:
    since = microseconds(at - timedelta(days=rules.baseline_days + 3))
    return connection.execute(
        select(
            decisions.c.decision_id,
            decisions.c.ticket_id,
            decisions.c.at,
            decisions.c.intent,
            decisions.c.account_id,
        )
        .where(decisions.c.at >= since, decisions.c.at <= microseconds(at), decisions.c.intent.is_not(None))
        .order_by(decisions.c.at, decisions.c.decision_id)
    ).all()


def _stored(connection: Connection, found: Incident, rules: SurgeRules) -> str | None:
    """The stored incident that ``found`` is: the same topic, not over for long when it opened.

    What is usual shifts a little as weeks go by, so a later look may date the opening a ticket earlier or
    later.
    """
    opened, quiet = int(found.opened_at * 1_000_000), int(rules.closes_after_hours * HOUR * 1_000_000)
    return connection.scalar(
        select(incidents.c.incident_id)
        .where(
            incidents.c.topic == found.topic,
            incidents.c.opened_at <= opened + quiet,
            incidents.c.last_at >= opened - quiet,
        )
        .order_by(incidents.c.opened_at.desc())
        .limit(1)
    )


def _opened(connection: Connection, found: Incident, decision_id: str, queue: str, at: datetime) -> str:
    incident_id = f"incident:{found.topic}:{int(found.opened_at)}"
    opened = int(found.opened_at * 1_000_000)
    row = [incident_id, found.topic, opened, found.evidence, len(found.accounts), opened, None]
    if insert_new(connection, incidents, [row]):
        payload = {
            "incident_id": incident_id,
            "topic": found.topic,
            "opened_at": moment(opened).isoformat(),
            "queue": queue,
            "evidence": found.evidence,
            "ticket_ids": list(found.ticket_ids),
        }
        if put_new(connection, Action(incident_id, decision_id, at, "incident", payload)):
            append_entry(connection, "incident", incident_id, payload, at)
    return incident_id


def _closed(connection: Connection, at: datetime, rules: SurgeRules) -> int:
    quiet = int(rules.closes_after_hours * HOUR * 1_000_000)
    over = update(incidents).where(
        incidents.c.closed_at.is_(None), incidents.c.last_at + quiet <= microseconds(at)
    )
    return connection.execute(over.values(closed_at=incidents.c.last_at + quiet)).rowcount


def incident_list(
    connection: Connection, at: datetime, limit: int = 100, after: tuple[datetime, str] | None = None
) -> list[dict[str, Any]]:
    """The newest incidents opened by ``at``: topic, times, evidence, accounts and how many tickets belong.

    ``after``: when the last incident seen was opened, and its id; those that come after it are answered.
    """
    tickets = func.count(incident_tickets.c.ticket_id)
    newest = (incidents.c.opened_at, incidents.c.incident_id)
    later = [] if after is None else [tuple_(*newest) < tuple_(microseconds(after[0]), after[1])]
    rows = connection.execute(
        select(incidents, tickets.label("tickets"))
        .outerjoin(incident_tickets, incident_tickets.c.incident_id == incidents.c.incident_id)
        .where(incidents.c.opened_at <= microseconds(at), *later)
        .group_by(*incidents.c)
        .order_by(*(column.desc() for column in newest))
        .limit(limit)
    )
    return [
        {
            "incident_id": row.incident_id,
            "topic": row.topic,
            "opened_at": moment(row.opened_at),
            "closed_at": None if row.closed_at is None else moment(row.closed_at),
            "evidence": row.evidence,
            "accounts": row.accounts,
            "tickets": row.tickets,
        }
        for row in rows
    ]
