"""The raw rows of one source as its rules see them: cells that mean nothing emptied, cases told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from connectors.mapping.file import Source
from connectors.readers import Chunk
from connectors.rules.cases import case_rows

Owner = TypeVar("Owner")


def source_rows(
    read: Callable[[], Iterator[tuple[Owner, Chunk]]], source: Source, time_zone: str, spool: Path
) -> Iterator[tuple[Owner, Chunk]]:
    """The chunks of ``read``, each with whatever owns it (its file), ready for the rules of ``source``.

    ``read`` is called twice for an event log, which spools to the folder ``spool``; ``time_zone``
    is of times without an offset.
    """

    def emptied() -> Iterator[tuple[Owner, Chunk]]:
        return ((owner, without_missing(chunk, source.missing)) for owner, chunk in read())

    return emptied() if source.case is None else case_rows(emptied, source, time_zone, spool)


def without_missing(chunk: Chunk, missing: Sequence[str]) -> Chunk:
    """``chunk`` with the cells empty that say one of ``missing``, in any letter case."""
    if not missing:
        return chunk
    labels = {label.strip().casefold() for label in missing}

    def emptied(cells: pd.Series) -> pd.Series:
        if cells.dtype == object:
            return cells
        return cells.mask(cells.str.strip().str.casefold().isin(labels))

    columns = {name: emptied(chunk.rows[name]) for name in chunk.rows}
    return replace(chunk, rows=pd.DataFrame(columns, index=chunk.rows.index))
