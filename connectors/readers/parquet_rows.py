"""Rows of Parquet files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from connectors.readers.files import BLOCK_BYTES
from connectors.readers.rows import Chunk, ChunkOfRecords, flat

_BATCH_ROWS = 1024


def parquet_columns(path: Path) -> list[str]:
    """The names of the top-level columns."""
    return list(pq.read_schema(path).names)


def parquet_chunks(path: Path, on_bytes: Callable[[int], object]) -> Iterator[Chunk]:
    """The rows of a Parquet file. Raises Arrow's errors and ``OSError`` where it is damaged.

    Chunks go by what rows weigh once unpacked, which the file does not say: a text that is stored once may
    stand in every row.
    """
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as parquet:
        bytes_a_row = path.stat().st_size / max(parquet.metadata.num_rows, 1)
        chunk, number = ChunkOfRecords(2 * BLOCK_BYTES), 0
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
            size_bytes = batch.nbytes // max(batch.num_rows, 1)
            for record in batch.to_pylist():
                number += 1
                chunk.add(number, [flat(record)], size_bytes)
                if chunk.is_full:
                    yield from chunk.take()
            on_bytes(int(bytes_a_row * batch.num_rows))
        yield from chunk.take()
