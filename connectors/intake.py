"""Raw folder + mapping -> canonical rows, with every raw row accounted for.

For each table: rows in = rows kept + quarantined + filtered by the mapping + identical duplicates.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from connectors.columns import Lookups, Reading, matches, recipe_values
from connectors.contract import breaches, repeated_keys
from connectors.mapping import Lookup, Mapping, MappingError, Rule, Source
from connectors.raw_rows import source_rows, without_missing
from connectors.readers import Chunk, Malformed, read_chunks, read_labels
from connectors.verdicts import Verdicts
from features.schema import TABLES, typed

QUARANTINE_COLUMNS = ("table", "source_file", "row_number", "reason", "raw")
Progress = Callable[[str], None]


@dataclass
class TableIntake:
    """What became of the raw rows of one canonical table. ``quarantine`` has ``QUARANTINE_COLUMNS``."""

    kept: pd.DataFrame
    quarantine: pd.DataFrame
    rows_in: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0

    @property
    def quarantined_share(self) -> float:
        """Rejected rows relative to the rows that the mapping wanted."""
        wanted = self.rows_in - self.filtered.total()
        return len(self.quarantine) / wanted if wanted else 0.0

    def reasons(self) -> dict[str, int]:
        """How many rows were quarantined for each reason, commonest first."""
        counts = Counter(self.quarantine["reason"])
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def joined(self, other: "TableIntake", key: Sequence[str]) -> "TableIntake":
        """Both intakes of one table as one, oldest knowledge first.

        Rows of ``other`` whose ``key`` is there already count as duplicates: the first source wins.
        """
        own = pd.MultiIndex.from_frame(self.kept[list(key)])
        known = pd.MultiIndex.from_frame(other.kept[list(key)]).isin(own)
        kept = pd.concat([self.kept, other.kept[~known]], ignore_index=True)
        return TableIntake(
            kept=kept.sort_values("known_at", kind="stable", ignore_index=True),
            quarantine=pd.concat([self.quarantine, other.quarantine], ignore_index=True),
            rows_in=self.rows_in + other.rows_in,
            filtered=self.filtered + other.filtered,
            duplicates=self.duplicates + other.duplicates + int(known.sum()),
        )


@dataclass
class Intake:
    """Everything read from one raw folder. A table that no file feeds is absent."""

    tables: dict[str, TableIntake]
    missing_files: list[str]
    unread_files: list[str]


@dataclass
class _Collected:
    kept: list[pd.DataFrame] = field(default_factory=list)
    rejected: list[pd.DataFrame] = field(default_factory=list)
    rows_in: int = 0
    filtered: Counter[str] = field(default_factory=Counter)


def take_in(folder: Path, mapping: Mapping, progress: Progress) -> Intake:
    """Read every file that ``mapping`` names under ``folder``. Raises ``ReadError`` or ``MappingError``."""
    if not folder.is_dir():
        raise MappingError(
            f"no raw folder {folder}/: bring one in with `firstline ingest FOLDER --mapping FILE`"
        )
    lookups = {name: _read_lookup(folder, lookup, name) for name, lookup in mapping.lookups.items()}
    collected: dict[str, _Collected] = {}
    for source in mapping.sources:
        paths = matching_files(folder, source.file)
        read = partial(_chunks, paths, source)
        rows = 0
        with TemporaryDirectory(prefix="firstline-") as spool:
            for path, chunk in source_rows(read, source, mapping.time_zone, Path(spool)):
                rows += len(chunk.rows) + len(chunk.malformed)
                _take_chunk(chunk, source, path.relative_to(folder), mapping, lookups, collected)
        if paths:
            progress(f"  read {source.file}: {len(paths)} files, {rows:,} rows")
            for rule in source.tables:
                collected.setdefault(rule.table, _Collected())
    patterns = mapping.file_patterns()
    named = {path for pattern in patterns for path in matching_files(folder, pattern)}
    return Intake(
        tables={name: _settled(name, collected[name]) for name in TABLES if name in collected},
        missing_files=[pattern for pattern in patterns if not matching_files(folder, pattern)],
        unread_files=sorted(
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and path not in named
        ),
    )


def _chunks(paths: Sequence[Path], source: Source) -> Iterator[tuple[Path, Chunk]]:
    return ((path, chunk) for path in paths for chunk in read_chunks(path, source))


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """Files under ``folder`` that ``pattern`` names, sorted by path."""
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def _read_lookup(folder: Path, lookup: Lookup, name: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    for path in matching_files(folder, lookup.file):
        if lookup.format == "labels":
            labels |= read_labels(path)
            continue
        for chunk in read_chunks(path, lookup):
            labels |= dict(_lookup_pairs(without_missing(chunk, lookup.missing), lookup, name))
    return labels


def _lookup_pairs(chunk: Chunk, lookup: Lookup, name: str) -> Iterator[tuple[str, str]]:
    for column in (lookup.key, lookup.value):
        if len(chunk.rows) and column not in chunk.rows:
            found = ", ".join(map(str, chunk.rows.columns))
            raise MappingError(f"lookup {name}: no column {column!r} in {lookup.file}; found {found}")
    if not len(chunk.rows):
        return
    pairs = chunk.rows[[lookup.key, lookup.value]].dropna()
    for keys, value in pairs.itertuples(index=False):
        for key in keys.split(lookup.split) if lookup.split else (keys,):
            yield key.strip(), value


def _take_chunk(
    chunk: Chunk,
    source: Source,
    file: Path,
    mapping: Mapping,
    lookups: Lookups,
    collected: dict[str, _Collected],
) -> None:
    rows = chunk.rows
    has_header = source.format in ("csv", "parquet")
    for name, recipe in source.derive.items():
        reading = Reading(lookups, mapping.time_zone, has_header, f"{file}, derive.{name}")
        rows = rows.assign(
            **{name: recipe_values(recipe, "string", rows, reading, Verdicts(len(rows)), name)}
        )
    for rule in source.tables:
        into = collected.setdefault(rule.table, _Collected())
        into.rows_in += len(rows) + len(chunk.malformed)
        into.rejected.append(_malformed_rows(chunk.malformed, rule.table, str(file)))
        if len(rows):
            reading = Reading(lookups, mapping.time_zone, has_header, f"{file}, {rule.table}")
            _take_rows(rows, chunk.row_numbers, rule, reading, str(file), into)


def _take_rows(
    rows: pd.DataFrame, numbers: np.ndarray, rule: Rule, reading: Reading, file: str, into: _Collected
) -> None:
    wanted = matches(rows, rule.keep_where, reading)
    into.filtered[f"not {_said(rule.keep_where)}"] += int((~wanted).sum())
    for name, values in rule.skip_where.items():
        unwanted = wanted & matches(rows, {name: values}, reading)
        into.filtered[_said({name: values})] += int(unwanted.sum())
        wanted &= ~unwanted
    rows, numbers = rows[wanted], numbers[wanted.to_numpy(dtype=bool)]
    verdicts = Verdicts(len(rows))
    specs = TABLES[rule.table].columns
    columns = {
        name: recipe_values(recipe, specs[name].kind, rows, reading, verdicts, name)
        for name, recipe in rule.columns.items()
    }
    frame = typed(rule.table, pd.DataFrame(columns, index=rows.index))
    for reason, broken in breaches(rule.table, frame[list(columns)]):
        verdicts.reject(broken, reason)
    rejected = verdicts.is_rejected
    into.filtered.update(verdicts.filtered[verdicts.is_filtered])
    reasons = verdicts.rejected[rejected]
    into.rejected.append(_quarantine(rule.table, file, numbers[rejected], reasons, _as_json(rows[rejected])))
    kept = ~verdicts.is_filtered & ~rejected
    into.kept.append(frame[kept].assign(source_file=file, row_number=numbers[kept]))


def _said(condition: dict[str, list[str]]) -> str:
    return " and ".join(f"{name} is {' or '.join(values)}" for name, values in condition.items())


def _as_json(rows: pd.DataFrame) -> list[str]:
    records = rows.astype("object").where(rows.notna(), None).to_dict("records")
    return [
        json.dumps({k: v for k, v in record.items() if v is not None}, ensure_ascii=False, default=str)
        for record in records
    ]


def _malformed_rows(malformed: list[Malformed], table: str, file: str) -> pd.DataFrame:
    numbers = np.array([row.row_number for row in malformed], dtype=np.int64)
    raws = [json.dumps(row.raw, ensure_ascii=False) for row in malformed]
    return _quarantine(table, file, numbers, [row.reason for row in malformed], raws)


def _quarantine(table: str, file: str, numbers: np.ndarray, reasons: object, raws: list[str]) -> pd.DataFrame:
    columns = {"table": table, "source_file": file, "row_number": numbers, "reason": reasons, "raw": raws}
    frame = pd.DataFrame(columns, columns=list(QUARANTINE_COLUMNS), index=range(len(numbers)))
    return frame.astype({name: "int64" if name == "row_number" else "str" for name in QUARANTINE_COLUMNS})


def _settled(table: str, collected: _Collected) -> TableIntake:
    """Rows of all files together, oldest knowledge first; repeated keys are sorted out."""
    empty = typed(table, pd.DataFrame()).assign(source_file="", row_number=0)
    frame = pd.concat(collected.kept or [empty], ignore_index=True)
    frame = frame.sort_values("known_at", kind="stable", ignore_index=True)
    identical, conflicting = repeated_keys(table, frame)
    if conflicting.any():
        losers = frame[conflicting]
        raws = _as_json(losers.drop(columns=["source_file", "row_number"]))
        clash = _quarantine(
            table,
            "",
            losers["row_number"].to_numpy(),
            ["key repeated with other content"] * len(losers),
            raws,
        ).assign(source_file=losers["source_file"].to_numpy())
        collected.rejected.append(clash)
    return TableIntake(
        kept=typed(table, frame[~identical & ~conflicting].reset_index(drop=True)),
        quarantine=pd.concat([_malformed_rows([], table, ""), *collected.rejected], ignore_index=True),
        rows_in=collected.rows_in,
        filtered=+collected.filtered,
        duplicates=int(identical.sum()),
    )
