"""Whom a name stands for when somebody is to be forgotten: every id, handle, ticket and text of theirs.

The store and the canonical tables on disk are both asked, and what either says is joined: a person must not
stay in one of them because the other was erased before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from sqlalchemy import Connection, Table, select

from connectors.identity.handles import normal_handle
from connectors.identity.person_index import writer_name
from features.schema import IDENTITIES
from features.tables import read_table
from serving.codec import to_frame
from serving.forget_marks import Marks
from serving.people import phone_region
from serving.tables import CONTEXT, identities

Kind = Literal["person", "account"]
SHORTEST_TEXT = 40
"""Characters of the shortest text that is looked for word by word: shorter ones are written by many."""
_PORTION = 500
_ASKED = ("accounts", "contacts", "tickets", "ticket_events", IDENTITIES)
_WRITTEN = (("tickets", "subject"), ("tickets", "body"), ("ticket_events", "text"))
_NAMED = (("contacts", "contact_id", "contacts"), ("accounts", "account_id", "accounts"))


@dataclass(frozen=True)
class Forgotten:
    """Everything that goes by one person or account. ``key`` is the contact or account id."""

    kind: Kind
    key: str
    contacts: frozenset[str] = frozenset()
    handles: frozenset[str] = frozenset()
    """Handles (kind:value, one form) that are nobody else's."""
    accounts: frozenset[str] = frozenset()
    tickets: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    """Names of these people, or of the account, that nobody else has."""
    texts: frozenset[str] = frozenset()
    """What was written in their tickets, or by them, and nowhere else."""

    @property
    def aliases(self) -> frozenset[str]:
        """Everything that a ticket's writer or an actor may be called."""
        return self.contacts | self.handles

    @property
    def strings(self) -> frozenset[str]:
        """Everything that must not be found in a text any more."""
        values = {handle.partition(":")[2] for handle in self.handles}
        return self.aliases | values | self.accounts | self.names | self.texts

    def pseudonyms(self, pseudonym: str) -> dict[str, str]:
        """What each contact id is called where a row stays: apart, so that rows of one day do not collide."""
        ordered = sorted(self.aliases)
        return {alias: f"{pseudonym}.{number}" for number, alias in enumerate(ordered, start=1)}

    def marks(self, pseudonym: str) -> Marks:
        """How they are told in records and texts of others."""
        return Marks.of(pseudonym, self.strings, self.tickets)

    def joined(self, other: "Forgotten") -> "Forgotten":
        """What either knows."""
        sets = [one.name for one in fields(self) if one.name not in ("kind", "key")]
        return replace(self, **{name: getattr(self, name) | getattr(other, name) for name in sets})


Ask = Callable[[str, str, Iterable[str]], pd.DataFrame]
"""Rows of a canonical table in which a column has one of some values."""


def whom(connection: Connection, tables: Path, said: str) -> Forgotten | None:
    """The account of this id, or the person of this contact id, handle, bare address or number.

    ``tables``: folder of the canonical tables, which may be absent. ``None`` where nobody goes by that name.
    """
    region = phone_region(connection)
    name = writer_name(said, region)
    asks = (
        partial(_stored, connection),
        partial(_among, {table: read_table(tables, table) for table in _ASKED}),
    )
    found: Forgotten | None = None
    for ask in asks:
        one = _account(ask, said, region) or (None if name is None else _person(ask, name, region))
        if one is not None and (found is None or found.kind == one.kind):
            found = one if found is None else found.joined(one)
    return None if found is None else _told_apart(found, asks)


def _account(ask: Ask, account_id: str, region: str) -> Forgotten | None:
    versions = ask("accounts", "account_id", {account_id})
    tickets = ask("tickets", "account_id", {account_id})
    members = set(ask("contacts", "account_id", {account_id})["contact_id"])
    if versions.empty and tickets.empty and not members:
        return None
    newest = _newest(ask("contacts", "contact_id", members), "contact_id")
    found = Forgotten(
        "account",
        account_id,
        accounts=frozenset({account_id}),
        tickets=frozenset(tickets["ticket_id"]),
        names=frozenset(versions["name"].dropna()),
    )
    for contact_id in sorted(newest.loc[newest["account_id"] == account_id, "contact_id"]):
        one = _person(ask, contact_id, region)
        found = found if one is None else found.joined(one)
    return found


def _person(ask: Ask, name: str, region: str) -> Forgotten | None:
    rows = ask(IDENTITIES, "alias", {name}).sort_values("known_at")
    if rows.empty and ask("tickets", "writer", {name}).empty and ask("contacts", "contact_id", {name}).empty:
        return None
    person = name if rows.empty else str(rows.iloc[-1]["contact_id"])
    theirs = set(ask(IDENTITIES, "contact_id", {person})["alias"])
    now = _newest(ask(IDENTITIES, "alias", {name, person, *theirs}), "alias")
    aliases = {name, person, *now.loc[now["contact_id"] == person, "alias"]}
    handles = {alias for alias in aliases if normal_handle(alias, region) == alias}
    ids = aliases - handles
    records = ask("contacts", "contact_id", ids)
    handles |= _own(ask, _held(records, region), ids)
    written = [ask("tickets", column, ids | handles) for column in ("contact_id", "writer")]
    return Forgotten(
        "person",
        person,
        contacts=frozenset(ids),
        handles=frozenset(handles),
        tickets=frozenset(ticket_id for frame in written for ticket_id in frame["ticket_id"]),
        names=frozenset(records["name"].dropna()),
    )


def _held(records: pd.DataFrame, region: str) -> set[str]:
    """Every handle in versions of contacts, in its one form."""
    listed = (handle for handles in records["handles"] if handles is not None for handle in handles)
    return {form for handle in listed if (form := normal_handle(handle, region)) is not None}


def _own(ask: Ask, handles: set[str], ids: set[str]) -> set[str]:
    """Those of ``handles`` that were never said to be anybody's but of the contacts ``ids``."""
    meant = ask(IDENTITIES, "alias", handles)
    said = zip(meant["alias"], meant["contact_id"], meant["records"], strict=True)
    others = {alias for alias, contact_id, records in said if {contact_id, *records} - ids - {alias}}
    return handles - others


def _told_apart(found: Forgotten, asks: Sequence[Ask]) -> Forgotten:
    """``found`` with only those names that nobody else has, and the texts that only their tickets have."""
    names = {name for name in found.names if " " in name.strip()}
    texts = {
        text
        for ask in asks
        for table, column, asked, of in (
            *((table, column, "ticket_id", found.tickets) for table, column in _WRITTEN),
            ("ticket_events", "text", "actor_id", found.aliases),
        )
        for text in ask(table, asked, of)[column].dropna()
        if len(text) >= SHORTEST_TEXT
    }
    for ask in asks:
        for table, identity, own in _NAMED:
            frame = ask(table, "name", names)
            names -= set(frame.loc[~frame[identity].isin(getattr(found, own)), "name"])
        for table, column in _WRITTEN:
            frame = ask(table, column, texts)
            theirs = frame["ticket_id"].isin(found.tickets)
            if "actor_id" in frame:
                theirs |= frame["actor_id"].isin(found.aliases)
            texts -= set(frame.loc[~theirs, column])
    return replace(found, names=frozenset(names), texts=frozenset(text.strip() for text in texts))


def _newest(frame: pd.DataFrame, identity: str) -> pd.DataFrame:
    return frame.sort_values("known_at", kind="stable").drop_duplicates(identity, keep="last")


def _stored(connection: Connection, name: str, column: str, values: Iterable[str]) -> pd.DataFrame:
    table: Table = identities if name == IDENTITIES else CONTEXT[name]
    ordered = sorted(values)
    rows: list[Any] = []
    for start in range(0, len(ordered), _PORTION):
        some = ordered[start : start + _PORTION]
        rows += connection.execute(select(table).where(table.c[column].in_(some))).all()
    return to_frame(name, rows)


def _among(frames: Mapping[str, pd.DataFrame], name: str, column: str, values: Iterable[str]) -> pd.DataFrame:
    frame = frames[name]
    return frame[frame[column].isin(list(values))]
