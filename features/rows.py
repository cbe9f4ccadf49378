"""A table column by column, as features read it: made of a frame or of plain values, decoded when asked.

A frame carries ten million historical rows, plain values carry the rows of one customer as the store gives
them; features see the same arrays either way, so there is one implementation of each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import (
    NO_TIME,
    Floats,
    Integers,
    arrow_strings,
    floats,
    integers,
    microseconds,
)

Decoded = TypeVar("Decoded")


class Rows:
    """Columns of equal length. Plain columns hold ``None`` where a value is missing, and microseconds."""

    def __init__(self, columns: Mapping[str, pd.Series | Sequence[Any]], length: int) -> None:
        self._columns = columns
        self._length = length
        self._decoded: dict[tuple[str, str], Any] = {}

    @classmethod
    def of(cls, table: "pd.DataFrame | Rows") -> "Rows":
        """The rows of ``table``; nothing is copied before it is asked for."""
        return table if isinstance(table, Rows) else cls({n: table[n] for n in table.columns}, len(table))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def strings(self, name: str) -> pa.Array:
        """A text column; null where missing."""
        return self._as(name, "strings", arrow_strings, lambda v: pa.array(v, type=pa.large_string()))

    def times(self, name: str) -> Integers:
        """Moments in microseconds since 1970 UTC; ``NO_TIME`` where missing."""
        return self._as(name, "times", microseconds, lambda values: _whole(values, NO_TIME))

    def whole(self, name: str) -> Integers:
        """Counts or amounts in whole units; missing counts as 0."""
        return self._as(name, "whole", integers, lambda values: _whole(values, 0))

    def numbers(self, name: str) -> Floats:
        """Numbers; ``NaN`` where missing."""
        return self._as(name, "numbers", floats, lambda values: np.array(values, dtype=np.float64))

    def values(self, name: str) -> Sequence[Any]:
        """Plain values; of a text column, ``None`` where missing."""
        column = self._column(name)
        return self.strings(name).to_pylist() if isinstance(column, pd.Series) else column

    def take(self, positions: Sequence[int] | Integers) -> "Rows":
        """The rows at ``positions``, in that order."""
        places = [int(place) for place in positions]

        def taken(column: pd.Series | Sequence[Any]) -> pd.Series | Sequence[Any]:
            return column.iloc[places] if isinstance(column, pd.Series) else [column[p] for p in places]

        return Rows({name: taken(column) for name, column in self._columns.items()}, len(places))

    def with_columns(self, columns: Mapping[str, Sequence[Any]]) -> "Rows":
        """The same rows with some columns added or replaced."""
        return Rows({**self._columns, **columns}, self._length)

    def _column(self, name: str) -> pd.Series | Sequence[Any]:
        return self._columns[name] if self._length or name in self._columns else ()

    def _as(
        self,
        name: str,
        kind: str,
        of_frame: Callable[[pd.Series], Decoded],
        of_values: Callable[[Sequence[Any]], Decoded],
    ) -> Decoded:
        if (name, kind) not in self._decoded:
            column = self._column(name)
            decoded = of_frame(column) if isinstance(column, pd.Series) else of_values(column)
            self._decoded[name, kind] = decoded
        return self._decoded[name, kind]


History = Mapping[str, pd.DataFrame | Rows]
"""Canonical tables by name, as frames or as rows."""
NO_ROWS = Rows({}, 0)
"""A table that is missing: every column is there, and empty."""


def table(history: History, name: str) -> Rows:
    """The table ``name`` of a history, empty where the history lacks it."""
    return Rows.of(history[name]) if name in history else NO_ROWS


def taken(strings: pa.Array, positions: Integers) -> pa.Array:
    """The strings at ``positions``; null where a position is negative."""
    return strings.take(pa.array(positions, mask=positions < 0))


def chosen(condition: np.ndarray, one: pa.Array, other: pa.Array) -> pa.Array:
    """``one`` where ``condition`` holds, else ``other``; nulls are kept."""
    return pc.if_else(pa.array(condition), one, other)


def _whole(values: Sequence[Any], missing: int) -> Integers:
    return np.array([missing if value is None else value for value in values], dtype=np.int64)
