"""The online context: canonical tables in the store, and the questions that one ticket asks of them.

Every question takes ``as_of`` and sees only rows with ``known_at < as_of``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, or_, select, union_all

from features.ownership import accounts_as_of, is_filled
from features.people import persons_as_of
from features.rows import NO_ROWS, Rows
from features.schema import ACCOUNT_REVISIONS, IDENTITIES, TABLES
from policy.situation import Surge
from policy.surges import part_of
from serving.clusters import topic_like
from serving.codec import plain_rows, to_rows
from serving.database import insert_new
from serving.incidents import open_incident
from serving.moments import microseconds
from serving.people import learn_contacts, names_ever_at, names_of, told_about
from serving.tables import CONTEXT, decisions

USAGE_WINDOW = timedelta(days=120)
"""Usage older than this is not kept online; no feature looks back further."""
SURGE_BASELINE_DAYS = 28
"""Days before the present one that say how many tickets about an intent are usual."""


def append(connection: Connection, name: str, frame: pd.DataFrame | Rows) -> int:
    """Add the rows of ``frame`` whose key is new to context table ``name``; returns how many were new."""
    rows = to_rows(name, frame)
    added = insert_new(connection, CONTEXT[name], rows)
    if name == "contacts":
        learn_contacts(connection, Rows.of(frame).values("contact_id"))
    return added


def history_for(
    connection: Connection, account_id: str | None, contact_id: str | None, as_of: datetime
) -> dict[str, Rows]:
    """Canonical rows about the account or the contact with ``known_at < as_of``, oldest first.

    Tickets and their events are complete, usage covers the last ``USAGE_WINDOW``. Tickets are the contact's
    whatever name they were written under; also those are there that were only once taken to be the contact's
    or the account's. Their ``contact_id`` and ``account_id`` are whose they are as known by ``as_of``.
    Agents and articles belong to nobody and are left empty: see ``reference``.
    """
    before = microseconds(as_of)
    tickets, events, usage = CONTEXT["tickets"], CONTEXT["ticket_events"], CONTEXT["usage"]
    names = names_of(connection, contact_id, as_of)
    owned = _about(tickets, account_id, contact_id, sorted(set(names.values("alias"))), before)
    since = microseconds(as_of - USAGE_WINDOW)
    its_events = events.c.ticket_id.in_(select(tickets.c.ticket_id).where(owned, tickets.c.known_at < before))
    found = _read(connection, "tickets", owned, before)
    told = _told_of_writers(connection, found, names, as_of)
    return {
        "accounts": _read(connection, "accounts", _is(CONTEXT["accounts"], "account_id", account_id), before),
        "contacts": _read(connection, "contacts", _is(CONTEXT["contacts"], "contact_id", contact_id), before),
        "agents": NO_ROWS,
        "articles": NO_ROWS,
        "tickets": _as_now_understood(found, told, before),
        "ticket_events": _read(connection, "ticket_events", its_events, before),
        "usage": _read(
            connection, "usage", _is(usage, "account_id", account_id) & (usage.c.day >= since), before
        ),
        **told,
    }


def _told_of_writers(connection: Connection, tickets: Rows, names: Rows, as_of: datetime) -> dict[str, Rows]:
    """The derived tables about ``names`` and about whoever wrote those of ``tickets`` whose account follows
    their writer."""
    filled = np.flatnonzero(is_filled(tickets))
    written = tickets.values("writer") if len(filled) else ()
    writers = {written[row] for row in filled.tolist()} - {None}
    known = set(names.values("alias"))
    return {
        IDENTITIES: told_about(connection, IDENTITIES, known | writers, as_of) if writers - known else names,
        ACCOUNT_REVISIONS: told_about(connection, ACCOUNT_REVISIONS, writers, as_of),
    }


def _as_now_understood(tickets: Rows, told: Mapping[str, Rows], before: int) -> Rows:
    """``tickets`` with the person and the account that they are known by now to belong to."""
    if not len(tickets) or not len(told[IDENTITIES]):
        return tickets
    return tickets.with_columns(
        {
            "contact_id": persons_as_of(tickets, told[IDENTITIES], before).to_pylist(),
            "account_id": accounts_as_of(tickets, told, before).to_pylist(),
        }
    )


def reference(connection: Connection, name: str, as_of: datetime) -> Rows:
    """The newest version of every row of ``agents`` or ``articles`` as of ``as_of``."""
    table = CONTEXT[name]
    identity = TABLES[name].key[0]
    rows = _read(connection, name, table.c.known_at < microseconds(as_of), microseconds(as_of))
    newest = {key: place for place, key in enumerate(rows.values(identity))}
    return rows.take(sorted(newest.values()))


def known_intents(
    connection: Connection, ticket_ids: Sequence[str], events: pd.DataFrame | Rows, as_of: datetime
) -> Rows:
    """What each ticket was about, as decided or as set in ``events`` (theirs), oldest first.

    Columns: ``ticket_id, intent, known_at``.
    """
    decided = connection.execute(
        select(decisions.c.ticket_id, decisions.c.intent, decisions.c.at).where(
            decisions.c.ticket_id.in_(ticket_ids),
            decisions.c.intent.is_not(None),
            decisions.c.at < microseconds(as_of),
        )
    ).all()
    told = Rows.of(events)
    facts = zip(
        told.values("ticket_id"),
        told.values("value"),
        told.times("known_at").tolist(),
        told.values("kind"),
        strict=True,
    )
    labelled = [fact[:3] for fact in facts if fact[3] == "intent_set" and fact[1] is not None]
    known = sorted([*map(tuple, decided), *labelled], key=lambda row: (row[2], row[0]))
    columns = zip(*known, strict=True) if known else ((), (), ())
    return Rows(dict(zip(("ticket_id", "intent", "known_at"), columns, strict=True)), len(known))


def told_of(connection: Connection, ticket_id: str, as_of: datetime) -> Rows:
    """Events of the one ticket with ``known_at < as_of``: pushed before, or together with the ticket."""
    own = CONTEXT["ticket_events"].c.ticket_id == ticket_id
    return _read(connection, "ticket_events", own, microseconds(as_of))


def surge(
    connection: Connection, intent: str, as_of: datetime, usual_per_day: float, area: str | None = None
) -> Surge:
    """Tickets and accounts about ``intent`` in the last 24 hours, against ``usual_per_day``.

    A ticket counts from when its intent was first decided or set by an agent; one without an account is its
    own account. ``area``: the product area that the customer chose. Read are the last day and what came
    before of its tickets, however many tickets about ``intent`` there are.
    """
    start, end = microseconds(as_of - timedelta(days=1)), microseconds(as_of)
    reports = _reports(intent, start, end).subquery()
    row = connection.execute(
        select(
            func.count(func.distinct(reports.c.who)), func.count(func.distinct(reports.c.ticket_id))
        ).where(~_reported_before(reports.c.ticket_id, intent, start))
    ).one()
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
    reports = _reports(intent, microseconds(begins), microseconds(end)).subquery()
    tickets = connection.scalar(select(func.count(func.distinct(reports.c.ticket_id)))) or 0
    return tickets / SURGE_BASELINE_DAYS


def unnamed_surge(connection: Connection, text: str, alike: float, as_of: datetime) -> Surge:
    """Whether a ticket whose intent nobody knows belongs to an open incident, by its ``text``."""
    topic = topic_like(connection, text, alike, as_of)
    return Surge() if topic is None else Surge(incident_id=open_incident(connection, [topic], as_of))


def open_tickets_by_agent(connection: Connection, as_of: datetime, days: int = 30) -> dict[str, int]:
    """How many tickets assigned in the last ``days`` days each agent has not solved, by agent id."""
    end, start = microseconds(as_of), microseconds(as_of - timedelta(days=days))
    events = CONTEXT["ticket_events"]
    assigned, later = events.alias("assigned"), events.alias("later")
    superseded = (
        select(later.c.event_id)
        .where(
            later.c.ticket_id == assigned.c.ticket_id,
            later.c.known_at > assigned.c.known_at,
            later.c.known_at < end,
            later.c.kind.in_(("solved", "assigned")),
        )
        .exists()
    )
    rows = connection.execute(
        select(assigned.c.value, func.count(func.distinct(assigned.c.ticket_id)))
        .where(
            assigned.c.kind == "assigned",
            assigned.c.known_at >= start,
            assigned.c.known_at < end,
            assigned.c.value.is_not(None),
            ~superseded,
        )
        .group_by(assigned.c.value)
    )
    return {row[0]: row[1] for row in rows}


def solved_about(connection: Connection, intent: str, as_of: datetime, limit: int) -> tuple[Rows, Rows]:
    """The newest ``limit`` tickets an agent labelled ``intent``, and all their events: canonical rows."""
    before = microseconds(as_of)
    tickets, events = CONTEXT["tickets"], CONTEXT["ticket_events"]
    newest = (
        select(events.c.ticket_id)
        .where(events.c.kind == "intent_set", events.c.value == intent, events.c.known_at < before)
        .order_by(events.c.known_at.desc())
        .limit(limit)
    )
    ids = list(dict.fromkeys(connection.scalars(newest)))
    return (
        _read(connection, "tickets", tickets.c.ticket_id.in_(ids), before),
        _read(connection, "ticket_events", events.c.ticket_id.in_(ids), before),
    )


def _reports(intent: str, start: int, end: int) -> Select[Any] | Any:
    tickets, events = CONTEXT["tickets"], CONTEXT["ticket_events"]
    decided = select(
        decisions.c.ticket_id,
        func.coalesce(decisions.c.account_id, decisions.c.ticket_id).label("who"),
        decisions.c.at.label("known_at"),
    ).where(decisions.c.intent == intent, decisions.c.at >= start, decisions.c.at < end)
    labelled = (
        select(
            events.c.ticket_id,
            func.coalesce(tickets.c.account_id, events.c.ticket_id).label("who"),
            events.c.known_at,
        )
        .join_from(events, tickets, tickets.c.ticket_id == events.c.ticket_id)
        .where(
            events.c.kind == "intent_set",
            events.c.value == intent,
            events.c.known_at >= start,
            events.c.known_at < end,
        )
    )
    return union_all(decided, labelled)


def _reported_before(ticket_id: ColumnElement[str], intent: str, start: int) -> ColumnElement[bool]:
    """Whether the ticket was known to be about ``intent`` before ``start``: it is no new report.

    The intent is compared as an expression, so that each database looks the few rows of the ticket up and
    does not go through all there ever was about the intent, once for every ticket.
    """
    events = CONTEXT["ticket_events"].alias("before")
    decided = (
        select(decisions.c.decision_id)
        .where(
            decisions.c.ticket_id == ticket_id,
            func.coalesce(decisions.c.intent, "") == intent,
            decisions.c.at < start,
        )
        .exists()
    )
    labelled = (
        select(events.c.event_id)
        .where(
            events.c.ticket_id == ticket_id,
            events.c.kind == "intent_set",
            func.coalesce(events.c.value, "") == intent,
            events.c.known_at < start,
        )
        .exists()
    )
    return or_(decided, labelled)


def _read(connection: Connection, name: str, where: ColumnElement[bool], before: int) -> Rows:
    table = CONTEXT[name]
    order = [table.c.known_at, *(table.c[k] for k in TABLES[name].key if k != "known_at")]
    statement = select(table).where(where, table.c.known_at < before).order_by(*order)
    return plain_rows(name, connection.execute(statement).all())


def _is(table: Table, column: str, value: str | None) -> ColumnElement[bool]:
    return table.c[column] == value if value is not None else table.c[column].in_(())


def _about(
    tickets: Table, account_id: str | None, contact_id: str | None, names: list[str], before: int
) -> ColumnElement[bool]:
    """Tickets that were ever known to be the account's or the contact's: features tell from when."""
    owned = _is(tickets, "account_id", account_id)
    if account_id is not None:
        follows_writer = or_(tickets.c.account_id.is_(None), tickets.c.account_from.is_not(None))
        owned |= and_(follows_writer, tickets.c.writer.in_(names_ever_at(account_id, before)))
    return or_(
        owned,
        _is(tickets, "contact_id", contact_id),
        tickets.c.writer.in_(names),
    )


def rows_in(connection: Connection) -> dict[str, int]:
    """Number of rows of each context table."""
    return {name: connection.scalar(select(func.count()).select_from(t)) or 0 for name, t in CONTEXT.items()}
