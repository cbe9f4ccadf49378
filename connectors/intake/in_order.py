"""Rows in an order, with memory for a few of them: keys are sorted, and the rows follow their keys.

DuckDB sorts narrow rows outside memory well, wide ones (texts) not: their sort needs many of them at a time.
So it is given keys alone, and the rows are dealt out to files of ``PART_BYTES`` that follow one another
(a distribution sort: Knuth, The Art of Computer Programming, volume 3, 5.4.9).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.intake.spool import SIZE, Spool

PLACE = "place"
"""Column of a key: the number of its row in the spools, counted from 0 through one after the other."""
PART_BYTES = 1 << 25
MOST_PARTS = 400
"""Files open at a time. Above ``PART_BYTES`` times this, parts become larger."""
_NOWHERE = -1


def in_order(keys: Iterator[pa.Table], spools: Sequence[Spool], folder: Path) -> Iterator[pa.Table]:
    """The rows of closed ``spools`` that ``keys`` name, in the order of ``keys``, some at a time.

    ``keys`` has ``PLACE``, ``SIZE`` (bytes of the row) and any further columns, which are set in the rows.
    Holds 2 bytes a row of ``spools`` and a part. ``folder`` is for files that are deleted again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    limit = max(PART_BYTES, -(-sum(spool.bytes for spool in spools) // MOST_PARTS))
    part_of = np.full(sum(spool.rows for spool in spools), _NOWHERE, dtype=np.int16)
    dealt = _deal_keys(keys, part_of, folder, limit)
    _deal_rows(spools, part_of, folder)
    del part_of
    for number in range(dealt):
        if (folder / f"{number}.keys").exists():  # not where one row fills several parts
            yield _gathered(folder, number)


def _deal_keys(keys: Iterator[pa.Table], part_of: np.ndarray, folder: Path, limit: int) -> int:
    """Write the keys of each part, note where each row belongs; returns the number of parts."""
    before, number = 0, _NOWHERE
    writer: pa.RecordBatchStreamWriter | None = None
    for some in keys:
        until = before + np.cumsum(some.column(SIZE).to_numpy().astype(np.int64))
        starts = np.concatenate(([before], until[:-1]))
        parts = starts // limit if len(starts) else starts
        if len(parts):
            part_of[some.column(PLACE).to_numpy()] = parts
            before = int(until[-1])
        for one, begin, end in _runs(parts):
            if one != number or writer is None:
                if writer is not None:
                    writer.close()
                number, writer = one, _stream(folder / f"{one}.keys", some.schema)
            writer.write_table(some.slice(begin, end - begin))
    if writer is not None:
        writer.close()
    return number + 1


def _deal_rows(spools: Sequence[Spool], part_of: np.ndarray, folder: Path) -> None:
    writers: dict[int, pa.RecordBatchStreamWriter] = {}
    begun = 0
    for spool in spools:
        with pq.ParquetFile(spool.path) as parquet:
            for group in range(parquet.num_row_groups):
                rows = parquet.read_row_group(group)
                parts = part_of[begun : begun + rows.num_rows]
                rows = rows.append_column(PLACE, pa.array(np.arange(begun, begun + rows.num_rows)))
                begun += rows.num_rows
                order = np.argsort(parts, kind="stable")
                for one, start, end in _runs(parts[order]):
                    if one == _NOWHERE:
                        continue
                    if one not in writers:
                        writers[one] = _stream(folder / f"{one}.rows", rows.schema)
                    writers[one].write_table(rows.take(order[start:end]))
    for writer in writers.values():
        writer.close()


def _gathered(folder: Path, number: int) -> pa.Table:
    """One part in its order, with what its keys set."""
    keys_path, rows_path = folder / f"{number}.keys", folder / f"{number}.rows"
    keys, rows = _read(keys_path), _read(rows_path).combine_chunks()
    places = rows.column(PLACE).to_numpy()
    by_place = np.argsort(places)
    found = by_place[np.searchsorted(places[by_place], keys.column(PLACE).to_numpy())]
    rows = rows.take(found)
    for name in keys.column_names:
        position = rows.schema.get_field_index(name)
        told = keys.column(name)
        rows = rows.append_column(name, told) if position < 0 else rows.set_column(position, name, told)
    keys_path.unlink()
    rows_path.unlink()
    return rows.drop_columns([PLACE])


def _runs(parts: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """(part, begin, end) of each stretch of equal numbers."""
    if not len(parts):
        return
    cuts = np.flatnonzero(np.diff(parts)) + 1
    for begin, end in zip([0, *cuts], [*cuts, len(parts)], strict=True):
        yield int(parts[begin]), int(begin), int(end)


def _stream(path: Path, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
    return pa.ipc.new_stream(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_stream(file).read_all()
