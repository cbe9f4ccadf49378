"""Look-up tables of a mapping: label -> label from raw files, held in memory."""

from collections.abc import Iterator
from pathlib import Path

from connectors.deliveries import matching_files
from connectors.mapping.file import Lookup, MappingError
from connectors.readers import Chunk, OnBytes, read_chunks, read_labels
from connectors.rules.raw_rows import without_missing


def read_lookup(folder: Path, lookup: Lookup, name: str, on_bytes: OnBytes) -> dict[str, str]:
    """The labels of look-up ``name``; of two that differ the later in the files counts.

    Raises ``MappingError`` for a column that is not there, ``ReadError`` for a damaged file.
    """
    labels: dict[str, str] = {}
    for path in matching_files(folder, lookup.file):
        if lookup.format == "labels":
            labels |= read_labels(path)
            continue
        for chunk in read_chunks(path, lookup, on_bytes):
            labels |= dict(_pairs(without_missing(chunk, lookup.missing), lookup, name))
    return labels


def _pairs(chunk: Chunk, lookup: Lookup, name: str) -> Iterator[tuple[str, str]]:
    for column in (lookup.key, lookup.value):
        if len(chunk.rows) and column not in chunk.rows:
            found = ", ".join(map(str, chunk.rows.columns))
            raise MappingError(f"lookup {name}: no column {column!r} in {lookup.file}; found {found}")
    if not len(chunk.rows):
        return
    pairs = chunk.rows[[lookup.key, lookup.value]].dropna()
    for keys, value in pairs.itertuples(index=False):
        if not (isinstance(keys, str) and isinstance(value, str)):
            continue  # a list names no one thing
        for key in keys.split(lookup.split) if lookup.split else (keys,):
            yield key.strip(), value
