"""Erasing a person or an account from the store: their rows deleted, rows of others reduced.

What is theirs is told by its columns (a ticket's id, a contact's, an account's), whichever table has them, so
that a table that is added later is erased from too. Uses of the product count for the account: a person's are
kept under the pseudonym. What the ledger vouches for leaves an entry that says so (``serving.erasures``).
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, and_, delete, func, or_, select, update

from serving.erasures import is_erased, record_erased, record_reduced
from serving.forget_marks import Marks
from serving.forget_who import Forgotten
from serving.ledger import append_entry
from serving.people import learn_contacts
from serving.store import Store
from serving.tables import (
    CONTEXT,
    contact_handles,
    decision_inputs,
    decisions,
    deliveries,
    erasures,
    feedback,
    idempotency,
    identities,
    identity_decisions,
    ledger,
    metadata,
    outbox,
    pointer_moves,
)

_PORTION = 500
_STREAM = 1_000
_TICKET_ID = re.compile(r'"ticket_id":\s*("(?:[^"\\]|\\.)*")')
_KEPT = (ledger, erasures, pointer_moves)
"""Never written over: hashes, pseudonyms, and which release served; a scan tells if somebody is in them."""


def erase_rows(store: Store, who: Forgotten, pseudonym: str, at: datetime) -> Counter[str]:
    """Delete what is theirs in one transaction, then reduce rows of others, a few at a time.

    Returns rows by what happened to them. Doing it again changes nothing more.
    """
    with store.writing() as connection:
        counts = _delete(connection, who, pseudonym, at)
        if counts:
            told = {"pseudonym": pseudonym, "kind": who.kind, **{k: counts[k] for k in sorted(counts)}}
            append_entry(connection, "forgotten", pseudonym, told, at)
    return counts + reduce_others(store, who.marks(pseudonym), at)


def count_rows(store: Store, who: Forgotten) -> Counter[str]:
    """What ``erase_rows`` would delete, by table."""
    counts: Counter[str] = Counter()
    with store.reading() as connection:
        for table, where in _theirs(connection, who):
            statement = select(func.count()).select_from(table).where(where)
            counts[f"{table.name}: deleted"] += connection.scalar(statement) or 0
    return +counts


def _delete(connection: Connection, who: Forgotten, pseudonym: str, at: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    neighbours = _neighbours(connection, who)
    gone = [("decision", row) for row in _ids(connection, decisions, "decision_id", who)]
    said = _in(feedback.c.decision_id, [row for _, row in gone])
    gone += [("feedback", row) for row in connection.scalars(select(feedback.c.feedback_id).where(said))]
    counts.update(_renamed(connection, who, pseudonym))
    for table, where in _theirs(connection, who):
        counts[f"{table.name}: deleted"] += connection.execute(delete(table).where(where)).rowcount
    for kind, identity in gone:
        if not is_erased(connection, kind, identity):
            record_erased(connection, kind, identity, pseudonym, at)
    if neighbours:
        learn_contacts(connection, neighbours)
    return +counts


def _theirs(connection: Connection, who: Forgotten) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Each table with which of its rows are theirs alone, in an order in which they can be deleted."""
    decided = _ids(connection, decisions, "decision_id", who)
    said = list(
        connection.scalars(select(feedback.c.feedback_id).where(_in(feedback.c.decision_id, decided)))
    )
    events = CONTEXT["ticket_events"]
    facts = list(connection.scalars(select(events.c.event_id).where(_in(events.c.ticket_id, who.tickets))))
    answers = [*decided, *said, *facts]
    columns: dict[str, Iterable[str]] = {
        "ticket_id": who.tickets,
        "decision_id": decided,
        "feedback_id": said,
        "contact_id": who.aliases,
        "alias": who.aliases,
        "account_id": who.accounts,
    }
    for table in metadata.sorted_tables:
        if table in _KEPT:
            continue
        named = [_in(table.c[name], values) for name, values in columns.items() if name in table.c and values]
        if table is idempotency:
            named = [
                and_(table.c.scope == "triage", _in(table.c.key, who.tickets)),
                _in(table.c.answer_id, answers),
            ]
        elif table is identity_decisions:
            named = [_in(table.c[name], who.aliases) for name in ("subject", "other")]
        elif table is CONTEXT["usage"]:
            named = [_in(table.c.account_id, who.accounts)]
        elif table is outbox:
            named = [and_(_in(table.c.decision_id, decided), table.c.kind != "incident")]
        if named:
            yield table, or_(*named)


def _renamed(connection: Connection, who: Forgotten, pseudonym: str) -> Counter[str]:
    """What stays without a name: uses of the product, what they did to tickets of others, and an incident
    that one of their tickets revealed."""
    usage, events = CONTEXT["usage"], CONTEXT["ticket_events"]
    decided = _ids(connection, decisions, "decision_id", who)
    told: list[tuple[Table, ColumnElement[bool], dict[str, Any]]] = [
        (
            usage,
            and_(usage.c.contact_id == alias, ~_in(usage.c.account_id, who.accounts)),
            {"contact_id": name},
        )
        for alias, name in who.pseudonyms(pseudonym).items()
    ]
    of_others = and_(_in(events.c.actor_id, who.aliases), ~_in(events.c.ticket_id, who.tickets))
    told.append((events, of_others, {"actor_id": pseudonym, "text": None}))
    revealed = and_(_in(outbox.c.decision_id, decided), outbox.c.kind == "incident")
    told.append((outbox, revealed, {"decision_id": pseudonym}))
    counts: Counter[str] = Counter()
    for table, where, values in told:
        changed = connection.execute(update(table).where(where).values(**values)).rowcount
        counts[f"{table.name}: under a pseudonym"] += changed
    return counts


def _ids(connection: Connection, table: Table, column: str, who: Forgotten) -> list[str]:
    of_them = or_(_in(table.c.ticket_id, who.tickets), _in(table.c.account_id, who.accounts))
    return list(connection.scalars(select(table.c[column]).where(of_them)))


def _neighbours(connection: Connection, who: Forgotten) -> set[str]:
    """Contacts of others that share a handle with them: who those are is worked out again."""
    held = select(contact_handles.c.handle).where(_in(contact_handles.c.contact_id, who.contacts))
    sharing = select(contact_handles.c.contact_id).where(contact_handles.c.handle.in_(held))
    named = select(identities.c.contact_id).where(
        _in(identities.c.alias, who.aliases), identities.c.contact_id.is_not(None)
    )
    return {*connection.scalars(sharing), *connection.scalars(named)} - who.aliases


def reduce_others(store: Store, marks: Marks, at: datetime) -> Counter[str]:
    """Take them out of rows of others: past tickets shown beside other decisions, mentions, bodies of
    webhooks. Rows are read again before they are written, a transaction each."""
    counts: Counter[str] = Counter()
    for table in metadata.sorted_tables:
        columns = _texts(table)
        if table in _KEPT or not columns:
            continue
        key = list(table.primary_key.columns)
        with store.reading() as connection:
            found = [tuple(row) for row in _mentioning(connection, table, columns, key, marks)]
        for identity in found:
            with store.writing() as connection:
                where = and_(*(column == value for column, value in zip(key, identity, strict=True)))
                if _reduced(connection, table, columns, where, marks, at):
                    counts[f"{table.name}: reduced"] += 1
    return counts


def mentions(connection: Connection, marks: Marks) -> Counter[str]:
    """Rows of each table in which they can still be found, every column and packed input read."""
    counts: Counter[str] = Counter()
    for table in metadata.sorted_tables:
        key = list(table.primary_key.columns)
        columns = [
            column for column in table.c if isinstance(column.type, Text) or column.type.python_type is str
        ]
        if columns:
            counts[table.name] += len(_mentioning(connection, table, columns, key, marks))
    rows = connection.execution_options(yield_per=_STREAM).execute(select(decision_inputs.c.inputs))
    counts[decision_inputs.name] = sum(
        _is_in_json(zlib.decompress(row.inputs).decode(), marks) for row in rows
    )
    return +counts


def _texts(table: Table) -> list[Any]:
    """Columns that hold what somebody wrote or a record: no part of the key."""
    return [column for column in table.c if isinstance(column.type, Text) and not column.primary_key]


def _mentioning(
    connection: Connection, table: Table, columns: Sequence[Any], key: Sequence[Any], marks: Marks
) -> list[Any]:
    found = []
    if table is decisions:
        rows = connection.execution_options(yield_per=_STREAM).execute(select(*key, table.c.record))
        found = [row[:-1] for row in rows if _shows_their_ticket(row.record, marks)]
    if table is outbox:
        rows = connection.execute(select(*key, table.c.payload).where(table.c.kind == "incident"))
        found = [row[:-1] for row in rows if _is_in_json(row.payload, marks)]
    for start in range(0, len(marks.strings), _PORTION // 10):
        some = marks.strings[start : start + _PORTION // 10]
        forms = {form for text in map(_lower, some) for form in (text, *_in_json_strings(text))}
        either = or_(
            *(func.lower(c).contains(form, autoescape=True) for c in columns for form in sorted(forms))
        )
        rows = connection.execute(select(*key, *columns).where(either))
        found += [
            row[: len(key)]
            for row in rows
            if any(_is_in_json(cell, marks) for cell in row[len(key) :] if cell)
        ]
    return list(dict.fromkeys(map(tuple, found)))


def _lower(text: str) -> str:
    """``text`` in lower case as databases make it: letters of ASCII only."""
    return "".join(c.lower() if c.isascii() else c for c in text)


def _in_json_strings(text: str) -> Iterator[str]:
    yield from (json.dumps(text, ensure_ascii=only_ascii)[1:-1] for only_ascii in (True, False))


def _shows_their_ticket(record: str, marks: Marks) -> bool:
    return any(json.loads(found) in marks.tickets for found in _TICKET_ID.findall(record))


def _is_in_json(cell: str, marks: Marks) -> bool:
    return marks.masked_cell(cell) != cell


def _reduced(
    connection: Connection,
    table: Table,
    columns: Sequence[Any],
    where: ColumnElement[bool],
    marks: Marks,
    at: datetime,
) -> bool:
    row = connection.execute(select(table).where(where)).mappings().one_or_none()
    if row is None:
        return False
    new = {c.name: marks.masked_cell(row[c.name]) for c in columns if row[c.name]}
    new = {name: cell for name, cell in new.items() if cell != row[name]}
    if table is deliveries and new:
        new = {"body": "{}", "status": "ignored" if row["status"] == "pending" else row["status"]}
    if not new:
        return False
    connection.execute(update(table).where(where).values(**new))
    for kind, vouched, identity in (
        ("decision", decisions, "decision_id"),
        ("feedback", feedback, "feedback_id"),
    ):
        if table is vouched:
            record_reduced(connection, kind, row[identity], {**row, **new}, at)
    if table is decisions:
        _reduce_inputs(connection, row["decision_id"], marks)
    return True


def _reduce_inputs(connection: Connection, decision_id: str, marks: Marks) -> None:
    where = decision_inputs.c.decision_id == decision_id
    packed = connection.scalar(select(decision_inputs.c.inputs).where(where))
    if packed is not None:
        content = {**marks.masked_value(json.loads(zlib.decompress(packed))), "reduced": True}
        told = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        connection.execute(update(decision_inputs).where(where).values(inputs=zlib.compress(told)))


def _in(column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Whether ``column`` is one of ``values``, asked in portions: databases bound a question."""
    ordered = sorted(values)
    return or_(
        *(column.in_(ordered[at : at + _PORTION]) for at in range(0, len(ordered), _PORTION)), column.in_(())
    )
