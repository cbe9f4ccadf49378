"""Raw files -> rows of text, in chunks of bounded size. A record that cannot be read is kept aside with the
reason; one bad record never costs another.

Memory does not grow with the file: blocks of whole lines are read, and a record longer than
``files.MAX_RECORD_BYTES`` is passed over but for its beginning.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from connectors.formats import unfold_of
from connectors.mapping.file import RawFile
from connectors.readers.csv_rows import csv_chunks, csv_header
from connectors.readers.files import ReadError, opened
from connectors.readers.json_rows import document_records, is_lines, line_records, unfolded
from connectors.readers.parquet_rows import parquet_chunks, parquet_columns
from connectors.readers.rows import Chunk, Malformed

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "Malformed",
    "OnBytes",
    "ReadError",
    "columns_of",
    "read_chunks",
    "read_labels",
]

OnBytes = Callable[[int], object]
"""Told how many more bytes of the file on disk have been read."""


def read_chunks(path: Path, spec: RawFile, on_bytes: OnBytes = lambda count: None) -> Iterator[Chunk]:
    """The records of ``path`` in order, opened as its name says (``.gz``, ``.zip``). An empty file has none.

    A byte-order mark wins over the encoding that ``spec`` states. Raises ``ReadError`` for a file that is
    damaged as a whole: cut-off or absurd compression, no header, half a JSON document, not Parquet.
    """
    if spec.format == "parquet":
        with _complete(path):
            yield from parquet_chunks(path, on_bytes)
        return
    with opened(path, on_bytes) as stream:
        if spec.format == "csv":
            yield from csv_chunks(stream, path, spec)
        elif spec.format == "jsonl" or (spec.format != "json" and is_lines(path)):
            yield from unfolded(line_records(stream, path, spec.encoding), unfold_of(spec))
        else:
            yield from unfolded(document_records(stream, path, spec.encoding), unfold_of(spec))


def columns_of(path: Path, spec: RawFile) -> list[str]:
    """The columns in the header of a CSV or Parquet file; empty for JSON, which has no header."""
    if spec.format == "csv":
        with opened(path) as stream:
            return csv_header(stream, path, spec)
    if spec.format == "parquet":
        with _complete(path):
            return parquet_columns(path)
    return []


def read_labels(path: Path) -> dict[str, str]:
    """A JSON object of label -> label. Raises ``ReadError`` for anything else."""
    try:
        labels = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path} is not JSON: {error}") from error
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ReadError(f"{path} must be one JSON object of label -> label")
    return labels


@contextmanager
def _complete(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{path} is not a complete Parquet file: {error}; deliver it again") from error
