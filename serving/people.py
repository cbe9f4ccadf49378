"""Who is who in the running service: the same rules as in ingest, kept up to date row by row.

``identities`` in the store is worked out from contacts and decisions, both append-only. When either grows,
the neighbourhood it touches (all who could be one with it) is worked out again; nothing else can change.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    func,
    select,
    union,
)

from connectors.identity.decisions import Decision, Name, in_order
from connectors.identity.evidence import evidence_of
from connectors.identity.handles import normal_handle, tells_people_apart
from connectors.identity.people import MOST_RECORDS
from connectors.identity.person_index import who_is_who, writer_name
from features.rows import NO_ROWS, Rows
from features.schema import IDENTITIES, spec_of
from serving.codec import plain_rows, to_frame, to_rows
from serving.database import insert_new
from serving.moments import microseconds, moment
from serving.questions import BEFORE, any_of, rows_of
from serving.tables import CONTEXT, DERIVED_TABLES, contact_handles, identities, identity_decisions, marks

PHONE_REGION = "phone_region"
"""Mark in the store: the country of phone numbers without a country code, as ingest was told it."""
_IDS_PER_QUESTION = 500

_PERSON: BindParameter[str] = bindparam("contact_id")


def _derived(table: Table, where: ColumnElement[bool]) -> Select[Any]:
    return select(table).where(where, table.c.known_at < BEFORE).order_by(*table.primary_key)


_STANDS_FOR = (
    select(identities.c.contact_id, identities.c.account_id)
    .where(identities.c.alias == bindparam("alias"), identities.c.known_at < BEFORE)
    .order_by(identities.c.known_at.desc())
    .limit(1)
)
_NAME = (
    select(CONTEXT["contacts"].c.name)
    .where(CONTEXT["contacts"].c.contact_id == _PERSON, CONTEXT["contacts"].c.known_at < BEFORE)
    .order_by(CONTEXT["contacts"].c.known_at.desc())
    .limit(1)
)
_EVER_THE_PERSON = _derived(
    identities,
    identities.c.alias.in_(
        select(identities.c.alias).where(identities.c.contact_id == _PERSON, identities.c.known_at < BEFORE)
    ),
)
_TOLD_ABOUT = {
    name: _derived(table, table.c.alias.in_(any_of("aliases"))) for name, table in DERIVED_TABLES.items()
}


class Person(NamedTuple):
    """Who wrote, as far as is known: ``writer`` is the name given, in its one form."""

    contact_id: str
    account_id: str | None
    name: str | None
    writer: str


def person(
    connection: Connection, contact_id: str | None, handle: str | None, as_of: datetime
) -> Person | None:
    """Whom the id, else the handle (kind:value) stood for just before ``as_of``; a stranger for itself.

    ``None`` where neither names anybody.
    """
    writer = _writer(connection, contact_id, handle)
    if writer is None:
        return None
    before = microseconds(as_of)
    row = connection.execute(_STANDS_FOR, {"alias": writer, "before": before}).one_or_none()
    who, account_id = (row.contact_id or writer, row.account_id) if row else (writer, None)
    name = connection.scalar(_NAME, {"contact_id": who, "before": before})
    return Person(who, account_id, name, writer)


def names_of(connection: Connection, contact_id: str | None, as_of: datetime) -> Rows:
    """Rows of ``identities`` about every name that ever stood for the person, known before ``as_of``."""
    if contact_id is None:
        return NO_ROWS
    asked = {"contact_id": contact_id, "before": microseconds(as_of)}
    return rows_of(connection, IDENTITIES, _EVER_THE_PERSON, **asked)


def told_about(connection: Connection, name: str, aliases: set[str], as_of: datetime) -> Rows:
    """Rows of the derived table ``name`` about ``aliases``, known before ``as_of``."""
    rows: list[Any] = []
    for some in _portions(aliases):
        asked = {"aliases": list(some), "before": microseconds(as_of)}
        rows += connection.execute(_TOLD_ABOUT[name], asked).all()
    return plain_rows(name, rows)


def names_ever_at(account_id: BindParameter[Any], before: BindParameter[int]) -> CompoundSelect[Any]:
    """Aliases whose tickets were ever taken, before a moment (microseconds), to be of the account."""
    return union(
        *(
            select(table.c.alias).where(table.c.account_id == account_id, table.c.known_at < before)
            for table in DERIVED_TABLES.values()
        )
    )


def stored_names(
    connection: Connection, column: str, values: Sequence[str], name: str = IDENTITIES
) -> pd.DataFrame:
    """Rows of the derived table ``name`` whose ``column`` is one of ``values``, by its key."""
    table = DERIVED_TABLES[name]
    rows: list[Any] = []
    for some in _portions(set(values)):
        rows += connection.execute(select(table).where(table.c[column].in_(some))).all()
    return to_frame(name, rows).sort_values(list(spec_of(name).key), ignore_index=True)


def learn_contacts(connection: Connection, contact_ids: Iterable[str]) -> None:
    """Work out again who is who around these contacts, whose rows are in the store."""
    seeds = set(contact_ids)
    region = phone_region(connection)
    evidence = evidence_of(_contacts(connection, seeds), region)
    for some in _portions(seeds):
        connection.execute(delete(contact_handles).where(contact_handles.c.contact_id.in_(some)))
    held = evidence.holdings
    rows = list(zip(held["handle"], held["contact_id"], held["start"].tolist(), strict=True))
    insert_new(connection, contact_handles, rows)
    _work_out(connection, seeds, region)


def learn_decision(connection: Connection, decision: Decision) -> bool:
    """Keep what a person decided and work out again who is who; ``False`` where it was known already."""
    row = (
        decision.decision_id,
        decision.kind,
        decision.subject,
        decision.other,
        decision.by,
        decision.why,
        decision.known_at,
    )
    if not insert_new(connection, identity_decisions, [row]):
        return False
    by_id = {known.decision_id: known for known in decisions(connection)}
    about = decision
    while about.kind == "undo" and about.subject in by_id:
        about = by_id.pop(about.subject)  # each once: a file may hold undos of each other
    if about.kind != "undo":
        _work_out(connection, set(_names(about)), phone_region(connection))
    return True


def decisions(connection: Connection) -> list[Decision]:
    """Every decision of people, oldest first."""
    rows = connection.execute(select(identity_decisions)).all()
    return in_order(Decision(**{**row._asdict(), "at": moment(row.at)}) for row in rows)


def phone_region(connection: Connection) -> str:
    """The country of phone numbers without a country code."""
    return connection.scalar(select(marks.c.value).where(marks.c.name == PHONE_REGION)) or ""


def _writer(connection: Connection, contact_id: str | None, handle: str | None) -> str | None:
    if contact_id is not None:
        return writer_name(contact_id, phone_region(connection))
    return normal_handle(handle, phone_region(connection)) if handle is not None else None


def _names(decision: Decision) -> Iterator[Name]:
    yield decision.subject
    if decision.other is not None:
        yield decision.other


def _work_out(connection: Connection, seeds: set[str], region: str) -> None:
    """Write the derived tables again for all names in the neighbourhoods of ``seeds`` (ids or handles)."""
    decided = decisions(connection)
    near, handles, others = _surroundings(connection, seeds, decided)
    about = {d.decision_id: d for d in decided if (near | handles) & set(_names(d))}
    found = who_is_who(
        _contacts(connection, near | others),
        [d for d in decided if d.kind == "undo" or d.decision_id in about],
        region,
    )
    names = near | handles
    for name, table in DERIVED_TABLES.items():
        for some in _portions(names):
            connection.execute(delete(table).where(table.c.alias.in_(some)))
        rows = getattr(found, name)
        insert_new(connection, table, to_rows(name, rows[rows["alias"].isin(names)]))


def _surroundings(
    connection: Connection, seeds: set[str], decided: Sequence[Decision]
) -> tuple[set[str], set[str], set[str]]:
    """Everybody who could be one with ``seeds``: names of contacts, their handles, and contacts that hold one
    of the handles without ever being one through it."""
    near: set[str] = set()
    handles: set[str] = set()
    others: set[str] = set()
    new = set(seeds)
    while new:
        near |= new
        fresh = {*_of(connection, contact_handles, "contact_id", new, "handle"), *new} - handles
        handles |= fresh
        together = [{*_names(d)} for d in decided if d.kind != "undo" and {*_names(d)} & (near | handles)]
        new = set().union(*together)
        for handle, holders in _holders(connection, fresh).items():
            new |= set(holders if tells_people_apart(handle) else holders[:1])
            others |= set(holders)
        new -= near
    return near, handles, others - near


def _holders(connection: Connection, handles: set[str]) -> dict[str, list[str]]:
    """The contacts that have each handle, the oldest first, no more than matter."""
    table = contact_handles
    place = func.row_number().over(
        partition_by=table.c.handle, order_by=(table.c.known_at, table.c.contact_id)
    )
    found: dict[str, list[str]] = {}
    for some in _portions(handles):
        ranked = select(table, place.label("place")).where(table.c.handle.in_(some)).subquery()
        rows = connection.execute(
            select(ranked.c.handle, ranked.c.contact_id)
            .where(ranked.c.place <= MOST_RECORDS + 1)
            .order_by(ranked.c.handle, ranked.c.place)
        )
        for handle, contact_id in rows:
            found.setdefault(handle, []).append(contact_id)
    return found


def _contacts(connection: Connection, contact_ids: set[str]) -> pd.DataFrame:
    table = CONTEXT["contacts"]
    rows: list[Any] = []
    for some in _portions(contact_ids):
        rows += connection.execute(select(table).where(table.c.contact_id.in_(some))).all()
    return to_frame("contacts", rows)


def _of(connection: Connection, table: Table, column: str, values: set[str], wanted: str) -> Iterator[str]:
    for some in _portions(values):
        yield from connection.scalars(select(table.c[wanted]).where(table.c[column].in_(some)).distinct())


def _portions(values: set[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _IDS_PER_QUESTION):
        yield ordered[start : start + _IDS_PER_QUESTION]
