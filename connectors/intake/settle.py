"""Rows that share a key: which is kept, which says the same again, and what a later one corrects.

Nothing is overwritten. The row known first is kept; a later row with other content becomes a row of its own,
known from then on:

- a version (accounts, contacts, agents, articles): the new version;
- a ticket: a ``corrected`` event whose value is the JSON of what differs from the ticket as first known;
- a ticket event that sets a value: the event again, as ``<event_id>@<known_at>``; any other fact about a
  ticket: a ``corrected`` event that names it;
- usage: the difference to what was stated before;
- a row that says the thing was deleted: a ``deleted`` event of the ticket, or ``retracted`` events that name
  each form of the ticket event.

A later row is known at its own ``known_at`` where that is later, else when its file was delivered. If neither
is later, nothing tells which of the two is right: it is in conflict and goes to quarantine.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.schema import TABLES

CONFLICT = "key repeated with other content"
NO_TIME_OF_DELETION = "deleted, but nothing says when: map known_at to it, or deliver the file later"
SETS_A_VALUE = ("intent_set", "priority_set", "queue_set", "sentiment_set", "assigned", "csat")
_AMOUNTS = ("events", "errors", "seconds")
_MICROSECOND = pd.Timedelta(microseconds=1)

Row = dict[str, Any]


@dataclass
class Judged:
    """What became of the rows of one batch. ``conflicts`` are (row, reason)."""

    kept: list[Row] = field(default_factory=list)
    """Rows of the table itself: first ones, new versions, values set again, differences."""
    events: list[Row] = field(default_factory=list)
    """Ticket events made of rows of ``tickets``."""
    conflicts: list[tuple[Row, str]] = field(default_factory=list)
    duplicates: int = 0
    moved: int = 0
    """Rows of ``tickets`` that became ticket events."""


@dataclass
class _Group:
    """Rows of one key so far: the row as first known, as last known, and the ids it has had as an event."""

    input: int
    first: Row | None = None
    last: Row | None = None
    ids: list[str] = field(default_factory=list)
    is_deleted: bool = False
    refused: set[int] = field(default_factory=set)


class Judge:
    """Goes through the rows of one table whose key is shared, sorted by key, input and time; keeps its place
    between batches, so that a key may have more rows than fit in one."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._ids = [name for name in TABLES[table].key if name != "known_at"]
        self._content = [
            name for name in TABLES[table].columns if name != "known_at" and name not in self._ids
        ]
        self._key: tuple[Any, ...] | None = None
        self._thing: tuple[Any, ...] | None = None
        self._last_at = pd.Timestamp.min
        self._group = _Group(0)

    def judge(self, rows: pd.DataFrame) -> Judged:
        """What becomes of each of ``rows``; times are UTC without zone, ``version`` is the part of the key
        that is a time."""
        judged = Judged()
        for row, content in zip(_records(rows), self._hashes(rows), strict=True):
            self._begin(row)
            self._place(row | {"content": content}, judged)
        return judged

    def _hashes(self, rows: pd.DataFrame) -> list[int]:
        """64 bits that stand for everything but key and ``known_at``; only compared within a key."""
        content = rows[self._content].copy()
        for name, spec in TABLES[self._table].columns.items():
            if spec.kind == "list":
                content[name] = content[name].map(lambda cell: None if cell is None else "\x1f".join(cell))
        return list(map(int, pd.util.hash_pandas_object(content, index=False)))

    def _begin(self, row: Row) -> None:
        thing = tuple(row[name] for name in self._ids)
        key = (*thing, row["version"], row["is_restated"])
        if thing != self._thing:
            self._thing, self._last_at = thing, pd.Timestamp.min
        if key != self._key:
            self._key, self._group = key, _Group(row["input"])

    def _place(self, row: Row, judged: Judged) -> None:
        group = self._group
        if row["input"] > group.input:
            judged.duplicates += 1
        elif row["is_deleted"]:
            self._delete(row, judged)
        elif group.last is None:
            group.first = group.last = row
            group.ids.append(row.get("event_id") or "")
            self._last_at = max(self._last_at, row["known_at"])
            judged.kept.append(row)
        elif row["content"] == group.last["content"] or row["content"] in group.refused:
            judged.duplicates += 1
        elif (at := self._known_from(row)) is None:
            group.refused.add(row["content"])
            judged.conflicts.append((row, CONFLICT))
        else:
            self._correct(row, at, judged)
            group.last = row
            group.refused.clear()

    def _known_from(self, row: Row) -> pd.Timestamp | None:
        """When a later row of the same key was known; ``None`` if nothing says that it is later."""
        before = self._group.last
        if before is None or row["known_at"] > before["known_at"]:
            at = row["known_at"]
        elif _is_later(row["received_at"], before["received_at"]):
            at = max(row["received_at"], row["known_at"])
        else:
            return None
        self._last_at = at if at > self._last_at else self._last_at + _MICROSECOND
        return self._last_at

    def _delete(self, row: Row, judged: Judged) -> None:
        if self._group.is_deleted:
            judged.duplicates += 1
        elif (at := self._known_from(row)) is None:
            judged.conflicts.append((row, NO_TIME_OF_DELETION))
        elif self._table == "tickets":
            self._group.is_deleted = True
            ticket_id = row["ticket_id"]
            judged.events.append(_event(row, f"deleted:{ticket_id}", "deleted", at))
            judged.moved += 1
        else:
            self._group.is_deleted = True
            ids = self._group.ids or [row["event_id"]]
            judged.kept += [_event(row, f"retracted:{one}", "retracted", at, value=one) for one in ids]

    def _correct(self, row: Row, at: pd.Timestamp, judged: Judged) -> None:
        first, last = self._group.first or row, self._group.last or row
        if self._table == "tickets":
            event_id = f"corrected:{row['ticket_id']}@{_said(at)}"
            changed = self._changed(first, row)
            judged.events.append(_event(row, event_id, "corrected", at, value=_json(changed)))
            judged.moved += 1
        elif self._table == "ticket_events":
            again = f"{row['event_id']}@{_said(at)}"
            if row["kind"] == first["kind"] and row["kind"] in SETS_A_VALUE:
                judged.kept.append(row | {"event_id": again, "known_at": at})
                self._group.ids.append(again)
            else:
                changed = {"event_id": row["event_id"], **self._changed(first, row)}
                told = _event(row, f"corrected:{again}", "corrected", at, value=_json(changed))
                judged.kept.append(told)
        elif self._table == "usage":
            amounts = {name: _difference(row[name], last[name]) for name in _AMOUNTS}
            judged.kept.append(row | amounts | {"known_at": at})
        else:
            judged.kept.append(row | {"known_at": at})

    def _changed(self, before: Row, after: Row) -> Row:
        return {name: after[name] for name in self._content if not _same(before[name], after[name])}


def _records(rows: pd.DataFrame) -> list[Row]:
    missing = rows.astype("object").where(rows.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in missing.to_dict("records")]


def _is_later(received: pd.Timestamp | None, before: pd.Timestamp | None) -> bool:
    return received is not None and (before is None or received > before)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray | list) or isinstance(other, np.ndarray | list):
        return list(one if one is not None else []) == list(other if other is not None else [])
    return bool(one == other)


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None and before is None else int(after or 0) - int(before or 0)


def _event(row: Row, event_id: str, kind: str, at: pd.Timestamp, value: str | None = None) -> Row:
    told = dict.fromkeys(TABLES["ticket_events"].columns) | {
        "event_id": event_id,
        "ticket_id": row["ticket_id"],
        "known_at": at,
        "occurred_at": at,
        "kind": kind,
        "value": value,
        "actor_kind": "system",
    }
    origin = ("source_file", "row_number", "input", "file_order", "rule_order", "received_at")
    return told | {name: row[name] for name in origin} | {"is_deleted": False, "is_restated": False}


def _said(at: pd.Timestamp) -> str:
    return f"{at.isoformat()}Z"


def _json(changed: Row) -> str:
    said = {
        name: _said(value) if isinstance(value, pd.Timestamp) else value for name, value in changed.items()
    }
    return json.dumps(said, ensure_ascii=False, default=list)
