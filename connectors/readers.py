"""Raw files -> rows of text, in chunks. A record that cannot be read is kept aside with the reason."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from connectors.formats import Record, ShapeError, Unfold, unfold_of
from connectors.mapping import RawFile

CHUNK_ROWS = 50_000
_BLOCK_BYTES = 1 << 24


class ReadError(ValueError):
    """A raw file cannot be read at all. Names the file, what was found and the fix."""


@dataclass(frozen=True)
class Malformed:
    """One record that could not be read."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Chunk:
    """Some records of one file: cells are text, lists or ``None``; ``row_numbers`` counts records from 1."""

    rows: pd.DataFrame
    row_numbers: np.ndarray
    malformed: list[Malformed] = field(default_factory=list)


def read_chunks(path: Path, spec: RawFile) -> Iterator[Chunk]:
    """The records of ``path`` in order. An empty file has none.

    Raises ``ReadError`` for a file that is damaged as a whole: cut-off compression, wrong encoding, not JSON.
    """
    try:
        if spec.format == "csv":
            yield from _read_csv(path, spec)
        elif spec.format == "parquet":
            yield from _read_parquet(path)
        elif spec.format == "json":
            yield from _unfolded(_json_records(path), unfold_of(spec))
        else:
            yield from _unfolded(_json_lines(path), unfold_of(spec))
    except (EOFError, gzip.BadGzipFile) as error:
        raise ReadError(
            f"{path}: the compressed file is damaged or cut off ({error}); deliver it again"
        ) from error


def read_labels(path: Path) -> dict[str, str]:
    """A JSON object of label -> label. Raises ``ReadError`` for anything else."""
    try:
        labels = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ReadError(f"{path} is not JSON: {error}") from error
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ReadError(f"{path} must be one JSON object of label -> label")
    return labels


def _open_bytes(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _read_csv(path: Path, spec: RawFile) -> Iterator[Chunk]:
    header = _csv_header(path, spec)
    if not header:
        return
    bad: list[pa_csv.InvalidRow] = []

    def set_aside(row: pa_csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    with _open_bytes(path) as stream:
        try:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=_BLOCK_BYTES, encoding=spec.encoding
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=spec.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()),
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            seen = 0
            for batch in reader:
                rows = batch.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=np.nan)}.get)
                numbers = _numbers_around(seen, len(rows), {row.number - 1 for row in bad})
                last = int(numbers[-1]) if len(numbers) else seen
                yield Chunk(
                    rows, numbers, [_malformed_csv(row) for row in bad if seen < row.number - 1 < last]
                )
                seen = last
            late = [_malformed_csv(row) for row in bad if row.number - 1 > seen]
            if late:
                yield Chunk(pd.DataFrame(columns=header), np.array([], dtype=np.int64), late)
        except pa.ArrowInvalid as error:
            fix = (
                "set the source's `encoding`" if "UTF8" in str(error) else "is it complete? deliver it again"
            )
            raise ReadError(f"{path} cannot be read as CSV: {error}; {fix}") from error


def _csv_header(path: Path, spec: RawFile) -> list[str]:
    encoding = "utf-8-sig" if spec.encoding == "utf-8" else spec.encoding
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding=encoding, newline="") as stream:
            lines = (line for line in stream if line.strip())
            header = next(csv.reader(lines, delimiter=spec.delimiter), [])
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} is not {spec.encoding}: {error}; set the source's `encoding`") from error
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise ReadError(f"{path}: column {', '.join(map(repr, repeated))} is in the header twice; rename one")
    return header


def _numbers_around(seen: int, count: int, skipped: set[int]) -> np.ndarray:
    """The next ``count`` record numbers after ``seen`` that are not ``skipped``."""
    candidates = np.arange(seen + 1, seen + 1 + count + len(skipped))
    return candidates[~np.isin(candidates, list(skipped))][:count]


def _malformed_csv(row: pa_csv.InvalidRow) -> Malformed:
    reason = f"{row.actual_columns} columns instead of {row.expected_columns}"
    return Malformed(row.number - 1, reason, row.text)


def _read_parquet(path: Path) -> Iterator[Chunk]:
    try:
        parquet = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise ReadError(f"{path} is not a complete Parquet file: {error}; deliver it again") from error
    seen = 0
    for batch in parquet.iter_batches(batch_size=CHUNK_ROWS):
        rows = _frame([_flat(record) for record in batch.to_pylist()])
        yield Chunk(rows, np.arange(seen + 1, seen + 1 + len(rows)))
        seen += len(rows)


Parsed = tuple[int, Record | Malformed]


def _json_lines(path: Path) -> Iterator[Parsed]:
    with _open_bytes(path) as stream:
        for number, line in enumerate(stream, start=1):
            text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if text.strip():
                yield number, _parse_line(number, text)


def _parse_line(number: int, line: bytes) -> Record | Malformed:
    try:
        record = json.loads(line.decode("utf-8"))
    except ValueError as error:
        kind = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
        return Malformed(number, kind, line.decode("utf-8", errors="replace").rstrip("\n"))
    if not isinstance(record, dict):
        return Malformed(number, "not a JSON object", line.decode("utf-8").rstrip("\n"))
    return record


def _json_records(path: Path) -> Iterator[Parsed]:
    """Records of one JSON document: a list, or an object with exactly one list of records in it."""
    with _open_bytes(path) as stream:
        content = stream.read()
    if not content.strip():
        return
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise ReadError(f"{path} is not one complete JSON document: {error}; deliver it again") from error
    lists = (
        [v for v in document.values() if isinstance(v, list)] if isinstance(document, dict) else [document]
    )
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise ReadError(f"{path} must hold a list of records, or an object with exactly one list in it")
    for number, record in enumerate(lists[0], start=1):
        is_record = isinstance(record, dict)
        yield number, record if is_record else Malformed(number, "not a JSON object", json.dumps(record))


def _unfolded(parsed: Iterator[Parsed], unfold: Unfold) -> Iterator[Chunk]:
    while batch := list(islice(parsed, CHUNK_ROWS)):
        rows: list[Record] = []
        numbers: list[int] = []
        malformed: list[Malformed] = []
        for number, record in batch:
            if isinstance(record, Malformed):
                malformed.append(record)
                continue
            try:
                unfolded = [_flat(row) for row in unfold(record)]
            except ShapeError as error:
                malformed.append(Malformed(number, str(error), json.dumps(record, ensure_ascii=False)))
                continue
            rows += unfolded
            numbers += [number] * len(unfolded)
        yield Chunk(_frame(rows), np.array(numbers, dtype=np.int64), malformed)


def _flat(record: Record, path: str = "") -> Record:
    """Nested objects as dotted columns; scalars as text, lists of scalars as lists of text."""
    flat: Record = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{path}{name}.")
        else:
            flat[f"{path}{name}"] = _cell(value)
    return flat


def _cell(value: Any) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        scalars = (_cell(item) for item in value if not isinstance(item, dict | list))
        return [text for text in scalars if isinstance(text, str)]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _frame(rows: list[Record]) -> pd.DataFrame:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        is_text = not any(isinstance(cell, list) for cell in cells)
        columns[name] = pd.Series(cells, dtype="str" if is_text else "object")
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
