"""Chunks of raw rows, and flat rows of text out of nested records."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from connectors.shapes import Record

CHUNK_ROWS = 50_000
MAX_CHUNK_CELLS = 4_000_000
"""Rows x columns of one chunk: records that all name other fields must not become a huge empty table."""
RAW_CHARACTERS = 10_000
"""How much of a record (or of one cell of it) quarantine keeps."""


@dataclass(frozen=True)
class Malformed:
    """One record that could not be read, with its number in the file, the reason and how it begins."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Chunk:
    """Some records of one file: cells are text, lists or ``None``; ``row_numbers`` counts records from 1."""

    rows: pd.DataFrame
    row_numbers: np.ndarray
    malformed: list[Malformed] = field(default_factory=list)


def beginning(raw: bytes | str) -> str:
    """How a record begins, as text that any file and page can hold."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    return text[:RAW_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8").rstrip("\r\n")


def flat(record: Record, path: str = "") -> Record:
    """Nested objects as dotted columns; scalars as text, lists of scalars as lists of text."""
    columns: Record = {}
    for name, value in record.items():
        if isinstance(value, str):  # nearly every cell
            columns[f"{path}{name}"] = value or None
        elif isinstance(value, dict):
            columns |= flat(value, f"{path}{name}.")
        else:
            columns[f"{path}{name}"] = _cell(value)
    return columns


def _cell(value: Any) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace") or None
    if isinstance(value, list):
        scalars = (_cell(item) for item in value if not isinstance(item, dict | list))
        return [text for text in scalars if isinstance(text, str)]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def frame_of(rows: list[Record]) -> pd.DataFrame:
    """Flat rows as a table of text columns (of lists where a row has a list)."""
    names = dict.fromkeys(chain.from_iterable(rows))
    columns = {}
    for name in names:
        cells = [row.get(name) for row in rows]
        is_text = list not in set(map(type, cells))
        columns[name] = pd.Series(cells, dtype="str" if is_text else "object")
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


class ChunkOfRecords:
    """Gathers flat rows until they are a chunk: by rows, by size of the raw records, by cells."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Record] = []
        self._numbers: list[int] = []
        self._malformed: list[Malformed] = []
        self._names: set[str] = set()
        self._bytes = 0

    def add(self, number: int, rows: list[Record], size_bytes: int) -> None:
        """Take the rows of one record."""
        for row in rows:
            self._names.update(row)
        self._rows += rows
        self._numbers += [number] * len(rows)
        self._bytes += size_bytes

    def set_aside(self, malformed: Malformed) -> None:
        """Take a record that could not be read."""
        self._malformed.append(malformed)
        self._bytes += len(malformed.raw)

    @property
    def is_full(self) -> bool:
        """Whether the chunk should be passed on."""
        return (
            len(self._rows) + len(self._malformed) >= CHUNK_ROWS
            or self._bytes >= self._max_bytes
            or len(self._rows) * len(self._names) >= MAX_CHUNK_CELLS
        )

    def take(self) -> Iterator[Chunk]:
        """What was gathered, if anything, as one chunk; begins anew."""
        if self._rows or self._malformed:
            yield Chunk(frame_of(self._rows), np.array(self._numbers, dtype=np.int64), self._malformed)
        self._clear()


def as_json(record: Record) -> str:
    """A record as one line of JSON for quarantine."""
    return beginning(json.dumps(record, ensure_ascii=False, default=str))
