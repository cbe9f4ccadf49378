"""Spooled rows of one table -> the canonical table on disk, sorted by when each row was known.

Sorting and grouping happen outside memory (of keys: ``spool``, of rows: ``in_order``); what becomes of rows
that share a key is ``connectors.intake.settle`` to judge, what an event without its ticket means is decided
here.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from connectors.intake.in_order import PLACE, in_order
from connectors.intake.settle import Judge
from connectors.intake.spool import (
    QUARANTINE_SCHEMA,
    SIZE,
    Sorter,
    Spool,
    canonical_rows,
    quoted,
    spool_schema,
    table_schema,
)
from connectors.rules.rule_rows import as_json, quarantined
from features.schema import TABLES

NO_TICKET = "ticket_id: no such ticket"
BEFORE_TICKET = "occurred_at: before its ticket was created"


@dataclass
class TableSpool:
    """The rows of one canonical table while they are read, and what is counted meanwhile."""

    table: str
    folder: Path
    rows_in: int = 0
    from_tickets: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rows = Spool(self.folder / f"{self.table}.rows", spool_schema(self.table))
        self.quarantine = Spool(self.folder / f"{self.table}.quarantine", QUARANTINE_SCHEMA)

    def reject(self, rows: pd.DataFrame) -> None:
        """Put rows into quarantine."""
        self.reasons.update(rows["reason"])
        self.quarantine.add(rows)


@dataclass(frozen=True)
class Settled:
    """The canonical table ``path``, how many rows it has, and what became of rows with a shared key."""

    path: Path
    rows: int
    duplicates: int
    to_events: int


def settle(
    spool: TableSpool, sorter: Sorter, events: Callable[[], TableSpool], tickets: Path | None
) -> Settled:
    """Close the spool of a table and make the table of it. Quarantine is complete and closed afterwards.

    ``events()`` takes what later rows of ``tickets`` say; ``tickets``, the settled table, is what ticket
    events are held against (``None``: nobody delivers tickets).
    """
    spool.rows.close()
    rows = _keyed(spool.table, spool.rows.path, 0)
    key = [*_ids(spool.table), "version", "is_restated"]
    sorter.run(
        f"CREATE OR REPLACE TEMP TABLE contested AS SELECT {', '.join(key)} FROM {rows} "
        "GROUP BY ALL HAVING count(*) > 1 OR bool_or(is_deleted)"
    )
    same_key = " AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in key)
    judged = Spool(spool.folder / f"{spool.table}.judged", spool_schema(spool.table))
    work = spool.folder / f"{spool.table}.parts"
    duplicates = moved = 0
    if sorter.count("SELECT count(*) FROM contested"):
        query = (
            f"SELECT s.{PLACE}, s.{SIZE}, s.version FROM {rows} s SEMI JOIN contested c ON {same_key} "
            f"ORDER BY {_judging_order(key)}"
        )
        parts = in_order(sorter.rows(query), [spool.rows], work)
        duplicates, moved = _judge(spool, parts, judged, events)
        rows = f"(SELECT s.* FROM {rows} s ANTI JOIN contested c ON {same_key})"
    judged.close()
    again = _keyed(spool.table, judged.path, spool.rows.rows)
    both = f"({_chosen(spool.table, rows)} UNION ALL {_chosen(spool.table, again)})"
    table = Spool(spool.folder / f"{spool.table}.parquet", table_schema(spool.table))
    for part in in_order(sorter.rows(_final(spool.table, both, tickets)), [spool.rows, judged], work):
        good = _without_strays(spool, part) if spool.table == "ticket_events" else part
        table.add(canonical_rows(spool.table, good))
    table.close()
    spool.quarantine.close()
    for used in (spool.rows, judged):
        used.path.unlink()
    return Settled(table.path, table.rows, duplicates, moved)


def _ids(table: str) -> list[str]:
    return [name for name in TABLES[table].key if name != "known_at"]


def _keyed(table: str, path: Path, begun: int) -> str:
    """The rows of a spool with ``version`` and their place, where ``begun`` rows come before the spool."""
    rows = f"read_parquet({quoted(path)}, file_row_number = true)"
    return f"(SELECT *, {_version(table)} AS version, file_row_number + {begun} AS {PLACE} FROM {rows})"


def _chosen(table: str, rows: str) -> str:
    """What ordering a table looks at."""
    looked_at = ["known_at", *_ids(table)]
    looked_at += ["ticket_id", "kind", "occurred_at"] if table == "ticket_events" else []
    return f"SELECT {PLACE}, {SIZE}, {', '.join(looked_at)} FROM {rows}"


def _version(table: str) -> str:
    if "known_at" not in TABLES[table].key:
        return "CAST(NULL AS TIMESTAMP)"
    return "CASE WHEN is_restated THEN NULL ELSE known_at END"


def _judging_order(key: list[str]) -> str:
    in_group = ("input", "known_at", "received_at", "is_deleted", "file_order", "row_number", "rule_order")
    return ", ".join(f"s.{name} NULLS FIRST" for name in [*key, *in_group])


def _judge(
    spool: TableSpool, parts: Iterator[pa.Table], into: Spool, events: Callable[[], TableSpool]
) -> tuple[int, int]:
    judge = Judge(spool.table)
    duplicates = moved = 0
    for part in parts:
        judged = judge.judge(part.to_pandas())
        into.add(_spooled(judged.kept, spool.table))
        if judged.events:
            events().rows.add(_spooled(judged.events, "ticket_events"))
            events().from_tickets += len(judged.events)
        if judged.conflicts:
            losers, reasons = zip(*judged.conflicts, strict=True)
            spool.reject(_refused(pd.DataFrame(list(losers)), spool.table, list(reasons)))
        duplicates += judged.duplicates
        moved += judged.moved
    return duplicates, moved


def _spooled(rows: list[dict[str, object]], table: str) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=spool_schema(table))


def _refused(rows: pd.DataFrame, table: str, reasons: list[str]) -> pd.DataFrame:
    numbers = rows["row_number"].to_numpy(dtype=np.int64)
    raws = as_json(rows[list(TABLES[table].columns)])
    return quarantined(table, list(rows["source_file"]), numbers, reasons, raws)


def _final(table: str, keys: str, tickets: Path | None) -> str:
    """Place, size and what is set anew in each row, in the order of the canonical table."""
    order = ", ".join(["known_at", *(f"{name} NULLS FIRST" for name in _ids(table))])
    if table != "ticket_events":
        return f"SELECT {PLACE}, {SIZE} FROM {keys} ORDER BY {order}"
    if tickets is None:
        return f"SELECT {PLACE}, {SIZE}, '' AS stray FROM {keys} ORDER BY {order}"
    return f"""
        SELECT {PLACE}, {SIZE}, stray, known_at FROM (
            SELECT s.{PLACE}, s.{SIZE}, s.event_id,
                CASE WHEN t.ticket_id IS NULL AND s.kind <> 'deleted' THEN '{NO_TICKET}'
                     WHEN date_trunc('second', s.occurred_at) < date_trunc('second', t.opened_at)
                     THEN '{BEFORE_TICKET}' ELSE '' END AS stray,
                greatest(s.known_at, t.opened_at) AS known_at
            FROM {keys} s LEFT JOIN (
                SELECT ticket_id, make_timestamp(epoch_us(created_at)) AS opened_at
                FROM read_parquet({quoted(tickets)})
            ) t ON s.ticket_id = t.ticket_id
        ) ORDER BY {order}"""


def _without_strays(spool: TableSpool, part: pa.Table) -> pa.Table:
    """Events whose ticket there is, none of them before it. A source that rounds to seconds may tell an event
    in the same second before its ticket: it then counts as known with the ticket."""
    reasons = part.column("stray").to_pandas()
    is_stray = (reasons != "").to_numpy(dtype=bool)
    if is_stray.any():
        rows = part.filter(pa.array(is_stray)).to_pandas()
        spool.reject(_refused(rows, spool.table, list(reasons[is_stray])))
    return part.filter(pa.array(~is_stray))
