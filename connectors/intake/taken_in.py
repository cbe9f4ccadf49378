"""What became of the raw rows of each canonical table; the rows themselves lie on disk."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from connectors.intake.settlement import NO_TICKET
from connectors.intake.spool import frames
from features.schema import typed


@dataclass(frozen=True)
class TableIntake:
    """What became of the raw rows of one canonical table; the rows themselves lie on disk."""

    table: str
    path: Path
    quarantine_path: Path
    rows_in: int
    rows_kept: int
    duplicates: int
    filtered: Counter[str]
    quarantined: Counter[str]
    """Rows by reason."""
    from_tickets: int = 0
    """Ticket events made of corrections and deletions of tickets."""
    to_events: int = 0
    """Rows of tickets that became such events."""
    work: "TemporaryDirectory[str] | None" = None
    """Keeps the files; they are deleted when nobody holds this any more."""

    def batches(self) -> Iterator[pd.DataFrame]:
        """The kept rows in order of being known, some at a time."""
        return frames(self.path, self.table)

    @property
    def kept(self) -> pd.DataFrame:
        """All kept rows in memory."""
        empty = typed(self.table, pd.DataFrame())
        return pd.concat([empty, *self.batches()], ignore_index=True) if self.rows_kept else empty

    @property
    def quarantine(self) -> pd.DataFrame:
        """All quarantined rows in memory, with ``spool.QUARANTINE_COLUMNS``."""
        return pd.read_parquet(self.quarantine_path)

    @property
    def rows_quarantined(self) -> int:
        """How many rows are in quarantine."""
        return self.quarantined.total()

    @property
    def quarantined_share(self) -> float:
        """Rows that break the contract relative to those the mapping wanted.

        Events without a ticket are not counted: an export of events often reaches further back than tickets.
        """
        wanted = self.rows_in - self.filtered.total()
        return (self.rows_quarantined - self.quarantined[NO_TICKET]) / wanted if wanted else 0.0

    def reasons(self) -> dict[str, int]:
        """How many rows were quarantined for each reason, commonest first."""
        return dict(sorted(self.quarantined.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True)
class Intake:
    """Everything read from one raw folder. A table that no file feeds is absent."""

    tables: dict[str, TableIntake]
    missing_files: list[str]
    unread_files: list[str]
    notes: list[str]
    """What was odd about files, a sentence each."""
