"""Raw folder + mapping -> canonical rows, with every raw row accounted for, in bounded memory.

For each table: rows in + from tickets = kept + quarantined + filtered + duplicates + to events. Corrections
and deletions of tickets go "to events", and reach the table of ticket events "from tickets".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from connectors.deliveries import matching_files, raw_files, received_at_of
from connectors.intake.meeting import strangers
from connectors.intake.settlement import Settled, TableSpool, settle
from connectors.intake.spool import Sorter
from connectors.intake.taken_in import Intake, TableIntake
from connectors.mapping.file import Mapping, MappingError, Source
from connectors.readers import Chunk, OnBytes
from connectors.rules.feed import Feed
from connectors.rules.lookups import read_lookup
from connectors.rules.raw_rows import source_rows
from connectors.rules.rule_rows import as_json, malformed_rows, quarantined, rule_rows
from features.schema import TABLES, TIME_DTYPE

__all__ = [
    "Input",
    "Intake",
    "Progress",
    "TableIntake",
    "bytes_to_read",
    "matching_files",
    "take_in",
    "take_in_all",
]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Input:
    """A raw folder and the mapping that reads it."""

    folder: Path
    mapping: Mapping


def take_in(folder: Path, mapping: Mapping, progress: Progress) -> Intake:
    """Read every file that ``mapping`` names under ``folder``. Raises ``ReadError`` or ``MappingError``."""
    return take_in_all([Input(folder, mapping)], progress)


def take_in_all(
    inputs: Sequence[Input],
    progress: Progress,
    work: Path | None = None,
    received_at: pd.Timestamp | None = None,
    on_bytes: OnBytes = lambda count: None,
) -> Intake:
    """Read several raw folders as one; where two have a row with one key, the first folder's counts.

    ``work``: where rows lie while they are many (default: the system's temporary folder). ``received_at``:
    when files without a delivery record were received, if that is known. Raises ``ReadError`` or
    ``MappingError``.
    """
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
    temporary = TemporaryDirectory(prefix="firstline-ingest-", dir=work)
    reader = _Reader(temporary, progress, on_bytes, received_at)
    for number, one in enumerate(inputs):
        reader.read(one, number)
    first = inputs[0]
    patterns = first.mapping.file_patterns()
    named = {path for pattern in patterns for path in matching_files(first.folder, pattern)}
    return Intake(
        tables=reader.settled(),
        missing_files=[pattern for pattern in patterns if not matching_files(first.folder, pattern)],
        unread_files=[
            str(path.relative_to(first.folder)) for path in raw_files(first.folder) if path not in named
        ],
        notes=reader.notes,
    )


def bytes_to_read(inputs: Sequence[Input]) -> int:
    """Size on disk of everything that ``take_in_all`` will read; an event log is read twice."""
    total = 0
    for one in inputs:
        parts = [*one.mapping.sources, *one.mapping.lookups.values()]
        for part in parts:
            times = 2 if isinstance(part, Source) and part.case is not None else 1
            total += times * sum(path.stat().st_size for path in matching_files(one.folder, part.file))
    return total


class _Reader:
    """Spools the rows of all inputs by table, then settles the tables."""

    def __init__(
        self,
        work: "TemporaryDirectory[str]",
        progress: Progress,
        on_bytes: OnBytes,
        received_at: pd.Timestamp | None,
    ) -> None:
        self._temporary, self._work = work, Path(work.name)
        self._progress, self._on_bytes = progress, on_bytes
        self._received_at = received_at
        self._spools: dict[str, TableSpool] = {}
        self._files = 0
        self.notes: list[str] = []

    def read(self, one: Input, number: int) -> None:
        """Spool the rows of one input."""
        folder, mapping = one.folder, one.mapping
        if not folder.is_dir():
            raise MappingError(
                f"no raw folder {folder}/: bring one in with `firstline ingest FOLDER --mapping FILE`"
            )
        received = received_at_of(folder)
        lookups = {
            name: read_lookup(folder, lookup, name, self._on_bytes)
            for name, lookup in mapping.lookups.items()
        }
        self.notes += [note for name, labels in lookups.items() for note in labels.notes(name)]
        for source in mapping.sources:
            paths = matching_files(folder, source.file)
            feed = Feed(source, folder, paths, mapping.time_zone, lookups, received, self._received_at)
            rows = self._read_source(feed, number)
            if paths:
                self._progress(f"  read {source.file}: {len(paths)} files, {rows:,} rows")
            for rule in source.tables if paths else ():
                self._spool(rule.table)
            self.notes += feed.notes()

    def _read_source(self, feed: Feed, number: int) -> int:
        def read() -> Iterator[tuple[Path, Chunk]]:
            return ((path, chunk) for path in feed.paths for chunk in feed.chunks(path, self._on_bytes))

        order = {path: self._files + position for position, path in enumerate(feed.paths)}
        self._files += len(order)
        count = 0
        for path, chunk in source_rows(read, feed.source, feed.time_zone, self._work / "cases"):
            count += len(chunk.rows) + len(chunk.malformed)
            self._take(chunk, path, feed, {"input": number, "file_order": order[path]})
        return count

    def _take(self, chunk: Chunk, path: Path, feed: Feed, origin: dict[str, int]) -> None:
        file = str(path.relative_to(feed.folder))
        received_at = feed.received_at(path)
        rows = _with_derived(chunk.rows, path, feed)
        for order, rule in enumerate(feed.source.tables):
            spool = self._spool(rule.table)
            spool.rows_in += len(chunk.rows) + len(chunk.malformed)
            spool.reject(malformed_rows(chunk.malformed, rule.table, file))
            if not len(chunk.rows):
                continue
            try:
                made = rule_rows(rows, chunk.row_numbers, rule, feed.reading(f"{file}, {rule.table}"), file)
            except MappingError:
                reason = feed.lacks(path, rule)
                if reason is None:
                    raise
                reasons, raws = [reason] * len(chunk.rows), as_json(chunk.rows)
                spool.reject(quarantined(rule.table, file, chunk.row_numbers, reasons, raws))
                continue
            spool.filtered.update(made.filtered)
            spool.reject(made.quarantine)
            received = pd.Series(received_at, index=made.kept.index, dtype=TIME_DTYPE)
            feed.compare_with_receipt(rule.table, made.kept["known_at"], received_at)
            kept = made.kept.assign(source_file=file, rule_order=order, received_at=received)
            spool.rows.add(kept.assign(**origin))

    def _spool(self, table: str) -> TableSpool:
        if table not in self._spools:
            self._spools[table] = TableSpool(table, self._work)
        return self._spools[table]

    def settled(self) -> dict[str, TableIntake]:
        """Every table that was fed, made of its spool."""
        tables: dict[str, TableIntake] = {}
        sorter = Sorter(self._work)
        try:
            for name in TABLES:
                if name in self._spools:
                    spool = self._spools[name]
                    self._progress(f"  sort {name}: {spool.rows.rows:,} rows")
                    tickets = tables["tickets"].path if "tickets" in tables else None
                    made = settle(spool, sorter, lambda: self._spool("ticket_events"), tickets)
                    tables[name] = _counted(spool, made, self._temporary)
            paths = {name: table.path for name, table in tables.items() if table.rows_kept}
            self.notes += strangers(paths, sorter)
        finally:
            sorter.close()
        return tables


def _with_derived(rows: pd.DataFrame, path: Path, feed: Feed) -> pd.DataFrame:
    """``rows`` with derived columns; without, where this file lacks what they are made of: its rules tell."""
    try:
        return feed.derived(rows, str(path.relative_to(feed.folder)))
    except MappingError:
        if not any(feed.lacks(path, rule) for rule in feed.source.tables):
            raise
        return rows


def _counted(spool: TableSpool, made: Settled, work: "TemporaryDirectory[str]") -> TableIntake:
    return TableIntake(
        table=spool.table,
        path=made.path,
        quarantine_path=spool.quarantine.path,
        rows_in=spool.rows_in,
        rows_kept=made.rows,
        duplicates=made.duplicates,
        filtered=+spool.filtered,
        quarantined=+spool.reasons,
        from_tickets=spool.from_tickets,
        to_events=made.to_events,
        work=work,
    )
