"""Rows of Parquet files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from connectors.readers.files import BLOCK_BYTES
from connectors.readers.rows import CHUNK_ROWS, Chunk, flat, frame_of


def parquet_columns(path: Path) -> list[str]:
    """The names of the top-level columns."""
    return list(pq.read_schema(path).names)


def parquet_chunks(path: Path, on_bytes: Callable[[int], object]) -> Iterator[Chunk]:
    """The rows of a Parquet file. Raises Arrow's errors and ``OSError`` where it is damaged."""
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as parquet:
        size_bytes = path.stat().st_size
        seen = 0
        for batch in parquet.iter_batches(batch_size=_batch_rows(parquet.metadata)):
            rows = frame_of([flat(record) for record in batch.to_pylist()])
            yield Chunk(rows, np.arange(seen + 1, seen + 1 + len(rows)))
            seen += len(rows)
            on_bytes(size_bytes * len(rows) // max(parquet.metadata.num_rows, 1))


def _batch_rows(metadata: object) -> int:
    groups = [metadata.row_group(position) for position in range(metadata.num_row_groups)]  # type: ignore[attr-defined]
    row_bytes = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=1)
    return int(np.clip(2 * BLOCK_BYTES // max(row_bytes, 1), 1, CHUNK_ROWS))
