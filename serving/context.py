"""The online context: canonical tables in the store, and the questions that one ticket asks of them.

Every question takes ``as_of`` and sees only rows with ``known_at < as_of``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import BindParameter, Connection, and_, bindparam, func, or_, select, true, union_all

from features.moments import OUTCOMES
from features.ownership import accounts_as_of, is_filled
from features.people import persons_as_of
from features.rows import NO_ROWS, Rows
from features.schema import ACCOUNT_REVISIONS, IDENTITIES, TABLES
from serving.codec import to_rows
from serving.database import insert_new
from serving.moments import microseconds
from serving.people import learn_contacts, names_ever_at, names_of, told_about
from serving.questions import BEFORE, any_of, is_one_of, known, rows_of
from serving.tables import CONTEXT, decisions

USAGE_WINDOW = timedelta(days=120)
"""Usage older than this is not kept online; no feature looks back further."""

_ACCOUNT: BindParameter[str | None] = bindparam("account_id")
_CONTACT: BindParameter[str | None] = bindparam("contact_id")
_START: BindParameter[int] = bindparam("start")
_TICKETS, _EVENTS = CONTEXT["tickets"], CONTEXT["ticket_events"]
_EVER_THEIRS = union_all(
    *(
        select(_TICKETS.c.ticket_id).where(one, _TICKETS.c.known_at < BEFORE)
        for one in (
            _TICKETS.c.account_id == _ACCOUNT,
            and_(
                or_(_TICKETS.c.account_id.is_(None), _TICKETS.c.account_from.is_not(None)),
                _TICKETS.c.writer.in_(names_ever_at(_ACCOUNT, BEFORE)),
            ),
            _TICKETS.c.contact_id == _CONTACT,
            _TICKETS.c.writer.in_(any_of("names")),
        )
    )
)
"""Tickets that were ever known to be the account's or the contact's: features tell from when.

One question for each way, because PostgreSQL goes through every ticket where a way is one of several by OR.
"""
_THEIR_TICKETS = known("tickets", _TICKETS.c.ticket_id.in_(_EVER_THEIRS))
_READ = (*OUTCOMES, "reply", "intent_set")
"""Kinds of events of earlier tickets that a decision reads: half of all there are."""
_THEIR_EVENTS = known(
    "ticket_events", and_(_EVENTS.c.ticket_id.in_(_EVER_THEIRS), is_one_of(_EVENTS.c.kind, _READ))
)
_THEIR_ACCOUNT = known("accounts", CONTEXT["accounts"].c.account_id == _ACCOUNT)
_THEIR_CONTACT = known("contacts", CONTEXT["contacts"].c.contact_id == _CONTACT)
_THEIR_USAGE = known(
    "usage", and_(CONTEXT["usage"].c.account_id == _ACCOUNT, CONTEXT["usage"].c.day >= _START)
)
_EVENTS_OF = known("ticket_events", _EVENTS.c.ticket_id == bindparam("ticket_id"))
_DECIDED_INTENTS = select(decisions.c.ticket_id, decisions.c.intent, decisions.c.at).where(
    decisions.c.ticket_id.in_(any_of("tickets")), decisions.c.intent.is_not(None), decisions.c.at < BEFORE
)


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

    Tickets are complete, and so are their events of the kinds that decisions read; usage covers the last
    ``USAGE_WINDOW``. Tickets are the contact's whatever name they were written under; also those are there
    that were only once taken to be the contact's or the account's. Their ``contact_id`` and ``account_id``
    are whose they are as known by ``as_of``.
    Agents and articles belong to nobody and are left empty: see ``reference``.
    """
    names, before = names_of(connection, contact_id, as_of), microseconds(as_of)
    asked = {
        "account_id": account_id,
        "contact_id": contact_id,
        "names": sorted(set(names.values("alias"))),
        "before": before,
        "start": microseconds(as_of - USAGE_WINDOW),
    }
    found = rows_of(connection, "tickets", _THEIR_TICKETS, **asked)
    told = _told_of_writers(connection, found, names, as_of)
    return {
        "accounts": rows_of(connection, "accounts", _THEIR_ACCOUNT, **asked),
        "contacts": rows_of(connection, "contacts", _THEIR_CONTACT, **asked),
        "agents": NO_ROWS,
        "articles": NO_ROWS,
        "tickets": _as_now_understood(found, told, before),
        "ticket_events": rows_of(connection, "ticket_events", _THEIR_EVENTS, **asked),
        "usage": rows_of(connection, "usage", _THEIR_USAGE, **asked),
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
    identity = TABLES[name].key[0]
    rows = rows_of(connection, name, known(name, true()), before=microseconds(as_of))
    newest = {key: place for place, key in enumerate(rows.values(identity))}
    return rows.take(sorted(newest.values()))


def known_intents(
    connection: Connection, ticket_ids: Sequence[str], events: pd.DataFrame | Rows, as_of: datetime
) -> Rows:
    """What each ticket was about, as decided or as set in ``events`` (theirs), oldest first.

    Columns: ``ticket_id, intent, known_at``.
    """
    asked = {"tickets": list(ticket_ids), "before": microseconds(as_of)}
    decided = connection.execute(_DECIDED_INTENTS, asked).all()
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
    return rows_of(connection, "ticket_events", _EVENTS_OF, ticket_id=ticket_id, before=microseconds(as_of))


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


def rows_in(connection: Connection) -> dict[str, int]:
    """Number of rows of each context table."""
    return {name: connection.scalar(select(func.count()).select_from(t)) or 0 for name, t in CONTEXT.items()}
