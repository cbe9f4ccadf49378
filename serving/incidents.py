"""Incidents of the store: opened once when a topic surges, with the tickets that belong to each.

``watch_incidents`` reads the decisions of the last weeks anew each time (``policy.surges`` keeps nothing
between calls), compares what it finds with what is stored, and writes the difference: run it as often as you
like.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_, update

from features.text import ticket_text
from policy.desk_schema import Desk
from policy.surges import HOUR, Incident, Report, SurgeRules, SurgeWatch
from serving.clusters import (
    MOST_TEXTS,
    WINDOW,
    clustered,
    is_open_cluster,
    leaders_of_open_incidents,
)
from serving.database import insert_new
from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.outbox import Action, put_new
from serving.questions import any_of
from serving.tables import CONTEXT, decisions, incident_tickets, incidents

_LONGEST_NAME = 40
_LOOKED_BACK = timedelta(hours=48)
"""Incidents that opened longer ago and are not stored were over before anybody watched."""
_OPEN_INCIDENT = (
    select(incidents.c.incident_id)
    .where(
        incidents.c.topic.in_(any_of("topics")),
        incidents.c.opened_at <= bindparam("at"),
        incidents.c.closed_at.is_(None) | (incidents.c.closed_at > bindparam("at")),
    )
    .order_by(incidents.c.opened_at.desc())
    .limit(1)
)


class Watched(NamedTuple):
    """What one look changed."""

    opened: int
    attached: int
    closed: int


def open_incident(connection: Connection, topics: Sequence[str], at: datetime) -> str | None:
    """The id of the newest incident on one of ``topics`` that was open at ``at``; ``None`` without one."""
    return connection.scalar(_OPEN_INCIDENT, {"topics": list(topics), "at": microseconds(at)})


def watch_incidents(connection: Connection, desk: Desk, at: datetime) -> Watched:
    """Open, extend and close incidents as of ``at``; a new one is told to the crisis queue, by the outbox.

    Tickets without a known intent are about what their texts are nearly the same as (``serving.clusters``).
    """
    rules = surge_rules(desk)
    surges, queue = SurgeWatch(rules), desk.escalation.queues["crisis"]
    unnamed = _unnamed(connection, desk.surges.alike, at)
    decision_of = {}
    for row in _decided(connection, at, rules):
        topic = unnamed.get(row.ticket_id, row.intent)
        if topic is None:
            continue
        area = row.product_area if topic == row.intent else None
        who = row.account_id or row.ticket_id
        decision_of[row.ticket_id] = row.decision_id
        surges.read(Report(row.at / 1_000_000, topic, who, row.ticket_id, area))
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


def surge_rules(desk: Desk) -> SurgeRules:
    """The rules of the detector as the desk sets them."""
    return SurgeRules(**desk.surges.model_dump(exclude={"alike"}))


def _decided(connection: Connection, at: datetime, rules: SurgeRules) -> Sequence[Row]:
    since = microseconds(at - timedelta(days=rules.baseline_days + 3))
    tickets = CONTEXT["tickets"]
    return connection.execute(
        select(
            decisions.c.decision_id,
            decisions.c.ticket_id,
            decisions.c.at,
            decisions.c.intent,
            decisions.c.account_id,
            tickets.c.product_area,
        )
        .join_from(decisions, tickets, tickets.c.ticket_id == decisions.c.ticket_id, isouter=True)
        .where(decisions.c.at >= since, decisions.c.at <= microseconds(at))
        .order_by(decisions.c.at, decisions.c.decision_id)
    ).all()


def _unnamed(connection: Connection, alike: float, at: datetime) -> dict[str, str | None]:
    """The cluster of each recent ticket without a known intent; ``None`` where its text says too little.

    A ticket of an open incident stays in its cluster however old it grows.
    """
    tickets = CONTEXT["tickets"]
    rows = connection.execute(
        select(decisions.c.ticket_id, decisions.c.record, tickets.c.subject, tickets.c.body)
        .join_from(decisions, tickets, tickets.c.ticket_id == decisions.c.ticket_id)
        .where(decisions.c.at >= microseconds(at - WINDOW), decisions.c.at <= microseconds(at))
        .order_by(decisions.c.at.desc(), decisions.c.decision_id.desc())
    )
    texts = [
        (row.ticket_id, ticket_text(row.subject, row.body)) for row in rows if _has_no_intent(row.record)
    ][:MOST_TEXTS]
    topics = clustered(reversed(texts), alike, leaders_of_open_incidents(connection, at))
    belonging = connection.execute(
        select(incident_tickets.c.ticket_id, incidents.c.topic)
        .join_from(incident_tickets, incidents, incidents.c.incident_id == incident_tickets.c.incident_id)
        .where(is_open_cluster(at))
    )
    return {ticket_id: topics.get(ticket_id) for ticket_id, _ in texts} | {
        row.ticket_id: row.topic for row in belonging
    }


def _has_no_intent(record: str) -> bool:
    intent = json.loads(record).get("intent") or {}
    return bool(intent) and (intent["name"] is None or bool(intent["out_of_scope"]))


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
    incident_id = _incident_id(found)
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


def _incident_id(found: Incident) -> str:
    """Named after the topic where that is short enough for an action of the outbox."""
    long = len(found.topic) > _LONGEST_NAME
    name = hashlib.sha256(found.topic.encode()).hexdigest()[:16] if long else found.topic
    return f"incident:{name}:{int(found.opened_at)}"


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
