"""Look-up tables of a mapping: label -> label from raw files, held in memory."""

from collections.abc import Iterator
from pathlib import Path

from connectors.deliveries import matching_files
from connectors.mapping.file import Lookup, MappingError
from connectors.readers import Chunk, OnBytes, read_chunks, read_labels
from connectors.rules.raw_rows import without_missing


class Labels(dict[str, str]):
    """The labels of one look-up, and which keys had another one before."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[str, str] = {}

    def learn(self, key: str, label: str) -> None:
        """``key`` has ``label`` from now on."""
        if (old := self.get(key, label)) != label:
            self.before[key] = old
        self[key] = label

    def notes(self, name: str) -> list[str]:
        """What is odd about these labels, a sentence each."""
        if not self.before:
            return []
        key, old = next(iter(self.before.items()))
        return [
            f"lookup {name}: {len(self.before):,} keys have several labels ({key!r} had {old!r}, now "
            f"{self[key]!r}); the last one counts for every row, also for rows known before it"
        ]


def read_lookup(folder: Path, lookup: Lookup, name: str, on_bytes: OnBytes) -> Labels:
    """The labels of look-up ``name``; of two that differ the later in the files counts, see ``notes``.

    Raises ``MappingError`` for a column that is not there, ``ReadError`` for a damaged file.
    """
    labels = Labels()
    for path in matching_files(folder, lookup.file):
        if lookup.format == "labels":
            _learn(labels, iter(read_labels(path).items()))
            continue
        for chunk in read_chunks(path, lookup, on_bytes):
            _learn(labels, _pairs(without_missing(chunk, lookup.missing), lookup, name))
    return labels


def _learn(labels: Labels, pairs: Iterator[tuple[str, str]]) -> None:
    for key, label in pairs:
        labels.learn(key, label)


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
