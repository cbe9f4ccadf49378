"""Rows on disk while they are too many for memory: canonical rows with their origin, and quarantined rows.

A spool is one Parquet file, written once from beginning to end. DuckDB sorts and groups the keys of its rows
outside memory, in the folder it is given (``connectors.intake.in_order`` lets the rows follow); it decides
nothing about rows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.rules.verdicts import QUARANTINE_COLUMNS
from features.schema import TABLES, Kind, empty_table, typed

ROW_GROUP_ROWS = 1 << 16
ROW_GROUP_BYTES = 1 << 24
"""A row group, and whatever else is in memory at a time, ends with the row that reaches one of the two."""
MEMORY = "512MB"
"""What sorting keys may use before it goes to disk."""
SIZE = "size_bytes"
"""Column of a spool of canonical rows: about how much memory the row takes."""

ORIGIN: dict[str, pa.DataType] = {
    "source_file": pa.string(),
    "row_number": pa.int64(),
    "input": pa.int32(),
    "file_order": pa.int32(),
    "rule_order": pa.int32(),
    "received_at": pa.timestamp("us"),
    "is_deleted": pa.bool_(),
    "is_restated": pa.bool_(),
}
"""Where a canonical row comes from: its file and record; which input, file and rule, in order of reading;
when the file was delivered; whether the row says that the thing was deleted, or states a total again."""

QUARANTINE_SCHEMA = pa.schema(
    [(name, pa.int64() if name == "row_number" else pa.string()) for name in QUARANTINE_COLUMNS]
)
_TYPES: dict[Kind, pa.DataType] = {
    "string": pa.string(),
    "time": pa.timestamp("us"),
    "int": pa.int64(),
    "float": pa.float64(),
    "list": pa.list_(pa.string()),
}


def spool_schema(table: str) -> pa.Schema:
    """Canonical columns, ``ORIGIN`` and ``SIZE``; times without zone, in UTC."""
    columns = [(name, _TYPES[spec.kind]) for name, spec in TABLES[table].columns.items()]
    return pa.schema([*columns, *ORIGIN.items(), (SIZE, pa.int64())])


def table_schema(table: str) -> pa.Schema:
    """The canonical table as it lies on disk, with what pandas needs to read back its own types."""
    fields = []
    for name, spec in TABLES[table].columns.items():
        kind = pa.timestamp("us", tz="UTC") if spec.kind == "time" else _TYPES[spec.kind]
        fields.append(pa.field(name, kind))
    metadata = pa.Schema.from_pandas(empty_table(table), preserve_index=False).metadata
    return pa.schema(fields, metadata=metadata)


class SortError(ValueError):
    """Rows could not be sorted outside memory. Names the folder and what the sorter said."""


class Spool:
    """One Parquet file that is being written; equal rows in equal order give equal bytes."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows, self.bytes = path, 0, 0
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._waiting_rows = self._waiting_bytes = 0
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, rows: pd.DataFrame | pa.Table) -> None:
        """Append rows; a frame's columns are taken by name. ``SIZE`` is filled in here."""
        table = rows if isinstance(rows, pa.Table) else arrow_rows(rows, self._schema)
        if not table.num_rows:
            return
        of_row = row_bytes(table)
        if SIZE in self._schema.names:
            table = table.set_column(self._schema.get_field_index(SIZE), SIZE, pa.array(of_row))
        self.rows += table.num_rows
        sizes = np.cumsum(of_row)
        self.bytes += int(sizes[-1])
        begun = before = 0
        while begun < table.num_rows:
            full = before + ROW_GROUP_BYTES - self._waiting_bytes
            end = min(
                int(np.searchsorted(sizes, full)) + 1,
                begun + ROW_GROUP_ROWS - self._waiting_rows,
                table.num_rows,
            )
            self._waiting.append(table.slice(begun, end - begun).cast(self._schema))
            self._waiting_rows += end - begun
            self._waiting_bytes += int(sizes[end - 1]) - before
            begun, before = end, int(sizes[end - 1])
            if self._waiting_bytes >= ROW_GROUP_BYTES or self._waiting_rows >= ROW_GROUP_ROWS:
                self._write()

    def _write(self) -> None:
        waiting = pa.concat_tables(self._waiting).combine_chunks()
        self._writer.write_table(waiting, row_group_size=waiting.num_rows)
        self._waiting = []
        self._waiting_rows = self._waiting_bytes = 0

    def close(self) -> None:
        """Write what waits and finish the file."""
        if self._waiting_rows:
            self._write()
        self._writer.close()


def row_bytes(rows: pa.Table) -> np.ndarray:
    """Bytes in memory of each row: its texts and lists, and 8 for every column."""
    sizes = np.full(rows.num_rows, 8 * rows.num_columns, dtype=np.int64)
    for column in rows.columns:
        if pa.types.is_list(column.type):
            texts = pc.fill_null(pc.binary_length(pc.list_flatten(column)), 0)
            of_row = pc.list_parent_indices(column).to_numpy()
            sizes += np.bincount(of_row, 8 + texts.to_numpy(), rows.num_rows).astype(np.int64)
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            sizes += pc.fill_null(pc.binary_length(column), 0).to_numpy()
    return sizes


def arrow_rows(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """``frame`` as Arrow rows of ``schema``; times with a zone become UTC without."""
    arrays = []
    for field in schema:
        if field.name == SIZE:
            arrays.append(pa.nulls(len(frame), field.type))
            continue
        values = frame[field.name]
        if isinstance(values.dtype, pd.DatetimeTZDtype) and field.type == pa.timestamp("us"):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        arrays.append(pa.array(values, type=field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=schema)


def canonical_rows(table: str, rows: pa.Table) -> pa.Table:
    """Spooled rows as rows of the canonical table."""
    schema = table_schema(table)
    columns = []
    for field in schema:
        column = rows.column(field.name)
        if pa.types.is_timestamp(field.type):
            column = pc.assume_timezone(column, "UTC")
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def frames(path: Path, table: str, rows: int = ROW_GROUP_ROWS) -> Iterator[pd.DataFrame]:
    """A canonical table on disk as frames in canonical types; lists are Python lists."""
    lists = [name for name, spec in TABLES[table].columns.items() if spec.kind == "list"]
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(batch_size=rows):
            frame = pa.Table.from_batches([batch], schema=parquet.schema_arrow).to_pandas()
            for name in lists:
                frame[name] = frame[name].map(list, na_action="ignore")
            yield typed(table, frame)


class Sorter:
    """DuckDB over spools, with bounded memory and its own folder on disk."""

    def __init__(self, folder: Path) -> None:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": str(folder / "sorting"),
            "preserve_insertion_order": False,
            "threads": 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._folder = folder
        self._connection = duckdb.connect(":memory:", config=settings)

    def run(self, statement: str) -> None:
        """Carry out a statement that returns nothing of interest."""
        self._answer(statement)

    def count(self, query: str) -> int:
        """The one number that ``query`` returns."""
        return int(self._answer(query)[0][0])

    def rows(self, query: str) -> Iterator[pa.Table]:
        """The rows of ``query`` in its order, some at a time. Exhaust it before the next question."""
        try:
            for batch in self._connection.sql(query).to_arrow_reader(ROW_GROUP_ROWS):
                yield pa.Table.from_batches([batch])
        except (duckdb.Error, pa.ArrowException) as error:
            raise self._failed(error) from error

    def _answer(self, statement: str) -> list[Any]:
        try:
            return self._connection.execute(statement).fetchall()
        except duckdb.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> "SortError":
        said = (str(error).splitlines() or [""])[0]
        return SortError(f"sorting rows in {self._folder} failed: {said}; is there room on that disk?")

    def close(self) -> None:
        """Give back memory and disk."""
        self._connection.close()


def quoted(path: Path) -> str:
    """A path inside a query."""
    return "'" + str(path).replace("'", "''") + "'"
