"""A live payload through the mapping file: the canonical rows that an export of the same records would give.

The one path of exports without files and without sorting: nothing is known here of earlier rows, so
duplicates and later readings of one ticket are for whoever keeps the rows. A deletion is a ``deleted`` event.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from connectors.formats import unfold_of
from connectors.live.payload import Payload
from connectors.mapping.file import Mapping, Source
from connectors.mapping.recipes import RECEIVED_AT
from connectors.readers.json_rows import unfolded
from connectors.readers.rows import Chunk
from connectors.rules.columns import Lookups
from connectors.rules.feed import Feed
from connectors.rules.raw_rows import without_missing
from connectors.rules.rule_rows import malformed_rows, rule_rows
from connectors.shapes import Record
from features.schema import TABLES, typed


@dataclass(frozen=True)
class LiveRows:
    """Canonical rows by table, each key once; and what breaks the contract, with the reason."""

    tables: dict[str, pd.DataFrame]
    quarantine: pd.DataFrame
    unread: list[str]
    """Raw formats of the payload that no source of the mapping reads."""


def live_rows(payload: Payload, mapping: Mapping, lookups: Lookups, received_at: pd.Timestamp) -> LiveRows:
    """What ``payload`` says in canonical rows. ``lookups``: the mapping's look-up tables, read beforehand.

    Raises ``MappingError`` where the mapping cannot be carried out.
    """
    kept: dict[str, list[pd.DataFrame]] = defaultdict(list)
    refused = [malformed_rows([], "", "")]
    for source in mapping.sources:
        feed = Feed(source, Path(), [], mapping.time_zone, lookups, {}, received_at)
        for chunk in _chunks(payload.records.get(source.format) or [], source, received_at):
            rows = feed.derived(chunk.rows, payload.delivery_id) if len(chunk.rows) else chunk.rows
            for rule in source.tables:
                refused.append(malformed_rows(chunk.malformed, rule.table, payload.delivery_id))
                if not len(rows):
                    continue
                where = f"{payload.delivery_id}, {rule.table}"
                made = rule_rows(rows, chunk.row_numbers, rule, feed.reading(where), payload.delivery_id)
                refused.append(made.quarantine)
                is_deleted = made.kept["is_deleted"].astype(bool)
                kept[rule.table].append(made.kept[~is_deleted])
                if rule.table == "tickets" and is_deleted.any():
                    kept["ticket_events"].append(_deletions(made.kept[is_deleted]))
    tables = {name: _once(name, kept[name]) for name in TABLES if any(map(len, kept[name]))}
    unread = sorted(set(payload.records) - {source.format for source in mapping.sources})
    return LiveRows(tables, pd.concat(refused, ignore_index=True), unread)


def _chunks(records: list[Record], source: Source, received_at: pd.Timestamp) -> Iterator[Chunk]:
    parsed = ((number, record, 0) for number, record in enumerate(records, start=1))
    for chunk in unfolded(parsed, unfold_of(source)):
        told = chunk.rows.assign(**{RECEIVED_AT: received_at.isoformat()})
        rows = told.astype({RECEIVED_AT: "str"})
        yield without_missing(Chunk(rows, chunk.row_numbers, chunk.malformed), source.missing)


def _deletions(tickets: pd.DataFrame) -> pd.DataFrame:
    """The event that says of each of ``tickets`` that it was deleted, as ``intake.settle`` makes it."""
    events = pd.DataFrame(
        {
            "event_id": "deleted:" + tickets["ticket_id"],
            "ticket_id": tickets["ticket_id"],
            "known_at": tickets["known_at"],
            "occurred_at": tickets["known_at"],
            "kind": "deleted",
            "actor_kind": "system",
        }
    )
    return typed("ticket_events", events)


def _once(table: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    rows = typed(table, pd.concat([frame for frame in frames if len(frame)], ignore_index=True))
    return rows.drop_duplicates(list(TABLES[table].key), ignore_index=True)
