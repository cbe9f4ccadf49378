"""The files of one source while they are read: look-ups, derived columns, and columns that files lack."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from connectors.mapping.checks import CASE_COLUMNS, EVENT_PREFIXES
from connectors.mapping.file import Rule, Source
from connectors.mapping.recipes import RECEIVED_AT
from connectors.readers import Chunk, OnBytes, columns_of, read_chunks
from connectors.rules.columns import Lookups, Reading, recipe_values
from connectors.rules.verdicts import Verdicts

_MOST_NAMES = 300
_WITH_HEADER = ("csv", "parquet")
_CLOCKS_DIFFER = pd.Timedelta(minutes=5)


@dataclass
class Feed:
    """One source of one input. ``received``: path inside the folder -> when it was delivered."""

    source: Source
    folder: Path
    paths: list[Path]
    time_zone: str
    lookups: Lookups
    received: Mapping[str, pd.Timestamp]
    otherwise_received: pd.Timestamp | None
    _seen: dict[Path, dict[str, None]] = field(default_factory=dict)
    _ahead: dict[str, tuple[int, pd.Timedelta]] = field(default_factory=dict)
    _empty: dict[Path, None] = field(default_factory=dict)

    def received_at(self, path: Path) -> pd.Timestamp | None:
        """When the file was delivered, if that is known."""
        return self.received.get(path.relative_to(self.folder).as_posix(), self.otherwise_received)

    def chunks(self, path: Path, on_bytes: OnBytes) -> Iterator[Chunk]:
        """The raw rows of one file, with the time of receipt as a column."""
        received_at = self.received_at(path)
        self._empty[path] = None
        for chunk in read_chunks(path, self.source, on_bytes):
            if len(chunk.rows) or chunk.malformed:
                self._empty.pop(path, None)
            self._see(path, chunk.rows)
            if received_at is None:
                yield chunk
            else:
                told = {RECEIVED_AT: pd.Series(received_at.isoformat(), index=chunk.rows.index, dtype="str")}
                yield Chunk(chunk.rows.assign(**told), chunk.row_numbers, chunk.malformed)

    def reading(self, where: str) -> Reading:
        """What recipes need besides the rows."""
        return Reading(self.lookups, self.time_zone, self.source.format in _WITH_HEADER, where)

    def derived(self, rows: pd.DataFrame, file: str) -> pd.DataFrame:
        """``rows`` with the columns that the source derives. Raises ``MappingError``."""
        for name, recipe in self.source.derive.items():
            reading = self.reading(f"{file}, derive.{name}")
            values = recipe_values(recipe, "string", rows, reading, Verdicts(len(rows)), name)
            rows = rows.assign(**{name: values})
        return rows

    def lacks(self, path: Path, rule: Rule) -> str | None:
        """Why the rows of ``path`` cannot be read by ``rule`` although those of other files can: a column
        that was renamed or left out there. ``None`` where no file has it: then the mapping is wrong."""
        wanted = rule.raw_names().union(*(recipe.raw_names() for recipe in self.source.derive.values()))
        own = self._columns(path)
        for name in sorted(wanted - set(own)):
            others = [self._columns(other) for other in self.paths if other != path]
            having = [columns for columns in others if name in columns]
            if having:
                return f"no column {name!r} in this file{_renamed(name, own, having)}"
        return None

    def compare_with_receipt(self, table: str, known_at: pd.Series, received_at: pd.Timestamp | None) -> None:
        """Remember how many rows say they were known after their file was delivered."""
        if received_at is None:
            return
        ahead = known_at - received_at
        ahead = ahead[ahead > _CLOCKS_DIFFER]
        if len(ahead):
            count, most = self._ahead.get(table, (0, pd.Timedelta(0)))
            self._ahead[table] = (count + len(ahead), max(most, ahead.max()))

    def notes(self) -> list[str]:
        """What is odd about these files, a sentence each."""
        empty = [f"{path.relative_to(self.folder)}: there is no record in it" for path in self._empty]
        return [*empty, *self._times_ahead(), *self._absent_columns()]

    def _times_ahead(self) -> Iterator[str]:
        for table, (count, most) in self._ahead.items():
            yield (
                f"{self.source.file}: {count:,} rows of {table} say they were known after their file was "
                f"delivered, by up to {most.round('min')}: is `time_zone` right?"
            )

    def _absent_columns(self) -> list[str]:
        """Columns that the mapping names and that no record of a file without header has."""
        if self.source.format in _WITH_HEADER or not self._seen:
            return []
        told = []
        for name in sorted(filter(self._is_raw, self.source.raw_names())):
            having = [list(columns) for columns in self._seen.values() if name in columns]
            if not having:
                told.append(f"{self.source.file}: no record has {name!r}, which the mapping names")
                continue
            for path, columns in self._seen.items():
                if name not in columns:
                    guess = _renamed(name, list(columns), having)
                    file = path.relative_to(self.folder)
                    told.append(f"{file}: no record has {name!r}, as other files do{guess}")
        return told

    def _is_raw(self, name: str) -> bool:
        is_made = name in (*self.source.derive, *CASE_COLUMNS, RECEIVED_AT)
        return not is_made and not name.startswith(EVENT_PREFIXES)

    def _see(self, path: Path, rows: pd.DataFrame) -> None:
        if len(rows):
            seen = self._seen.setdefault(path, {})
            named = self.source.raw_names()
            seen.update({str(name): None for name in rows if name in named or len(seen) < _MOST_NAMES})

    def _columns(self, path: Path) -> list[str]:
        if path not in self._seen:
            self._seen[path] = dict.fromkeys(columns_of(path, self.source))
        return list(self._seen[path])


def _renamed(name: str, own: list[str], others: list[list[str]]) -> str:
    """What ``name`` may be called now: a column that files with ``name`` do not have."""
    new = [column for column in own if not any(column in columns for columns in others)]
    likely = get_close_matches(name, new, n=1, cutoff=0.5) or (new if len(new) == 1 else [])
    return f" (renamed to {likely[0]!r}?)" if likely else ""
