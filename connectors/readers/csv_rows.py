"""Records of CSV files. One bad row costs one row: a byte that is no text, a wrong number of cells, a
quotation mark left open.

Blocks without any quotation mark have one record a line and go to Arrow (thirty times as fast); the others
go to the standard library's ``csv`` in strict mode. Where a quotation mark is left open, the first
line of the record is blamed and reading resumes at the next.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from connectors.mapping.file import RawFile
from connectors.readers.files import (
    MAX_RECORD_BYTES,
    Overlong,
    Readable,
    ReadError,
    overlong_reason,
    segments,
    utf8_blocks,
)
from connectors.readers.rows import Chunk, Malformed, beginning

_OPEN_QUOTE = "a quotation mark is left open or misplaced"


def csv_header(stream: Readable, path: Path, spec: RawFile) -> list[str]:
    """The names of the columns; none for an empty file. Raises ``ReadError`` for a header nobody can use."""
    names, _ = _header_of(segments(utf8_blocks(stream, path, spec.encoding)), path, spec)
    return names


def csv_chunks(stream: Readable, path: Path, spec: RawFile) -> Iterator[Chunk]:
    """The rows below the header; every cell is text, empty cells are missing."""
    pieces = segments(utf8_blocks(stream, path, spec.encoding))
    names, rest = _header_of(pieces, path, spec)
    if not names:
        return
    how = _Dialect(names, spec.delimiter, spec.encoding)
    seen, pending = 0, rest
    for piece in pieces:
        if isinstance(piece, Overlong):
            read = _read(pending, how, is_last=True)
            too_long = Malformed(read.records + 1, overlong_reason(), beginning(piece.first))
            read = _Read(read.rows, read.numbers, [*read.malformed, too_long], read.records + 1)
        else:
            read = _read(pending + piece, how, is_last=False)
        pending = read.pending
        yield from _shifted(read, seen)
        seen += read.records
    yield from _shifted(_read(pending, how, is_last=True), seen)


@dataclass(frozen=True)
class _Dialect:
    names: list[str]
    delimiter: str
    encoding: str


@dataclass(frozen=True)
class _Read:
    """Records of one segment, numbered from 1; ``pending`` is the beginning of one that is not complete."""

    rows: pd.DataFrame
    numbers: np.ndarray
    malformed: list[Malformed] = field(default_factory=list)
    records: int = 0
    pending: bytes = b""


def _shifted(read: _Read, seen: int) -> Iterator[Chunk]:
    if len(read.rows) or read.malformed:
        malformed = [Malformed(one.row_number + seen, one.reason, one.raw) for one in read.malformed]
        yield Chunk(read.rows, read.numbers + seen, malformed)


def _header_of(pieces: Iterator[bytes | Overlong], path: Path, spec: RawFile) -> tuple[list[str], bytes]:
    """The names of the columns, and what follows them in the first segment."""
    for piece in pieces:
        if isinstance(piece, Overlong):
            raise ReadError(f"{path}: the header is {overlong_reason()}: is this a CSV file with line ends?")
        try:
            lines = _decoded(piece.replace(b"\r\n", b"\n"))[0].split("\n")
            reader = csv.reader((f"{line}\n" for line in lines), delimiter=spec.delimiter, strict=True)
            names = next((record for record in reader if any(cell.strip() for cell in record)), None)
        except csv.Error as error:
            raise ReadError(f"{path}: the header cannot be read ({error}); correct its quotes") from error
        if names is None:
            continue
        if not _encodable("".join(names)):
            raise ReadError(f"{path}: the header is not {spec.encoding} text; set the source's `encoding`")
        repeated = sorted({name for name in names if name and names.count(name) > 1})
        if repeated:
            raise ReadError(
                f"{path}: column {', '.join(map(repr, repeated))} is in the header twice; rename one"
            )
        named = [name or f"(column {position})" for position, name in enumerate(names, start=1)]
        return named, _encoded("\n".join(lines[reader.line_num :]))
    return [], b""


def _read(data: bytes, how: _Dialect, is_last: bool) -> _Read:
    data = data.replace(b"\r\n", b"\n")
    if not data.strip(b"\n"):
        return _Read(pd.DataFrame(columns=how.names, dtype="str"), np.array([], dtype=np.int64))
    if b'"' in data or b"\r" in data:
        return _read_quoted(data, how, is_last)
    if not is_last and not data.endswith(b"\n"):
        cut = data.rfind(b"\n") + 1
        read = _read_plain(data[:cut], how)
        return _Read(read.rows, read.numbers, read.malformed, read.records, data[cut:])
    return _read_plain(data, how)


def _read_plain(data: bytes, how: _Dialect) -> _Read:
    """One record a line."""
    bad: list[Malformed] = []

    def set_aside(row: pa_csv.InvalidRow) -> str:
        reason = _wrong_width(row.actual_columns, row.expected_columns)
        bad.append(Malformed(row.number, reason, beginning(row.text)))
        return "skip"

    table = pa_csv.read_csv(
        BytesIO(data),
        read_options=pa_csv.ReadOptions(
            use_threads=False, column_names=how.names, block_size=max(len(data), 1) + 1
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=how.delimiter, quote_char=False, invalid_row_handler=set_aside
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(how.names, pa.binary()),
            check_utf8=False,
        ),
    )
    records = len(table) + len(bad)
    numbers = np.setdiff1d(np.arange(1, records + 1), [row.row_number for row in bad], assume_unique=True)
    try:
        text = table.cast(pa.schema([(name, pa.string()) for name in how.names]))
    except pa.ArrowInvalid:
        cells = (table[name].to_pylist() for name in how.names)
        rows = [[_decoded(cell or b"")[0] for cell in row] for row in zip(*cells, strict=True)]
        kept, numbers, not_text = _without_bad_bytes(rows, numbers, how)
        return _Read(kept, numbers, sorted(bad + not_text, key=_number), records)
    return _Read(_frame(text), numbers, bad, records)


def _read_quoted(data: bytes, how: _Dialect, is_last: bool) -> _Read:
    """Records that may span lines."""
    whole = len(data) if is_last else data.rfind(b"\n") + 1
    text, is_text = _decoded(data[:whole])
    lines = text.removesuffix("\n").split("\n")
    rows: list[list[str]] = []
    numbers: list[int] = []
    bad: list[Malformed] = []
    pending = data[whole:]
    for cells, begun, end in _records(lines, how):
        if cells is None and end >= len(lines) and not is_last:
            unfinished = _encoded("\n".join([*lines[begun:], ""])) + pending
            if len(unfinished) <= MAX_RECORD_BYTES:
                pending = unfinished
                break
        number = len(rows) + len(bad) + 1
        if cells is not None and len(cells) == len(how.names):
            rows.append(cells)
            numbers.append(number)
        else:
            reason = _OPEN_QUOTE if cells is None else _wrong_width(len(cells), len(how.names))
            bad.append(Malformed(number, reason, beginning(_encoded(lines[begun]))))
    records = len(rows) + len(bad)
    found = np.array(numbers, dtype=np.int64)
    if is_text:
        return _Read(_frame(_table(rows, how)), found, bad, records, pending)
    kept, found, not_text = _without_bad_bytes(rows, found, how)
    return _Read(kept, found, sorted(bad + not_text, key=_number), records, pending)


def _records(lines: list[str], how: _Dialect) -> Iterator[tuple[list[str] | None, int, int]]:
    """(cells, first line, line after the last) of each record that is not empty.

    Cells are ``None`` where a quotation mark is left open or misplaced, or where a record over several lines
    has a wrong number of cells, which is the same mistake met by a later quotation mark; after such a record
    reading resumes at the line after its first.
    """
    csv.field_size_limit(4 * MAX_RECORD_BYTES)
    begun = 0
    while begun < len(lines):
        start = begun
        reader = csv.reader(
            (lines[at] + "\n" for at in range(start, len(lines))), delimiter=how.delimiter, strict=True
        )
        try:
            for cells in reader:
                end = start + reader.line_num
                if end - begun > 1 and len(cells) != len(how.names):
                    raise csv.Error(_OPEN_QUOTE)
                if cells:
                    yield cells, begun, end
                begun = end
        except csv.Error:
            yield None, begun, start + reader.line_num
            begun += 1


def _without_bad_bytes(
    rows: list[list[str]], numbers: np.ndarray, how: _Dialect
) -> tuple[pd.DataFrame, np.ndarray, list[Malformed]]:
    """Rows that are text, their numbers, and those that hold bytes which are none."""
    bad = []
    is_text = np.ones(len(rows), dtype=bool)
    for position, row in enumerate(rows):
        for name, cell in zip(how.names, row, strict=True):
            if not _encodable(cell):
                is_text[position] = False
                reason = f"{name}: not {how.encoding} text"
                raw = beginning(_encoded(how.delimiter.join(row)))
                bad.append(Malformed(int(numbers[position]), reason, raw))
                break
    good = [row for row, kept in zip(rows, is_text, strict=True) if kept]
    return _frame(_table(good, how)), numbers[is_text], bad


def _decoded(data: bytes) -> tuple[str, bool]:
    """``data`` as text, and whether all of it is text; bytes that are not stay as lone surrogates."""
    try:
        return data.decode("utf-8"), True
    except UnicodeDecodeError:
        return data.decode("utf-8", errors="surrogateescape"), False


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")


def _encodable(cell: str) -> bool:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _table(rows: Sequence[Sequence[str | None]], how: _Dialect) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in how.names)
    return pa.table([pa.array(list(column), type=pa.string()) for column in columns], names=how.names)


def _frame(table: pa.Table) -> pd.DataFrame:
    """Text columns, empty cells missing."""
    missing = [pc.if_else(pc.equal(column, ""), None, column) for column in table.columns]
    table = pa.table(missing, names=table.column_names)
    return table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=np.nan)}.get)


def _wrong_width(found: int, expected: int) -> str:
    return f"{found} columns instead of {expected}"


def _number(row: Malformed) -> int:
    return row.row_number
