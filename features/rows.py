"""A table column by column, as features read it: made of a frame or of plain values, decoded when asked.

A frame carries ten million historical rows, plain values carry the rows of one customer as the store gives
them; features see the same arrays either way, so there is one implementation of each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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


Source: TypeAlias = pd.Series | pa.Array | NDArray[Any] | Sequence[Any]


class Rows:
    """Columns of equal length. Plain columns hold ``None`` where a value is missing, and microseconds."""

    def __init__(self, columns: Mapping[str, Source], length: int) -> None:
        self._columns = columns
        self._length = length
        self._decoded: dict[tuple[Any, str], Any] = {}

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
        return self._as(_strings, name)

    def times(self, name: str) -> Integers:
        """Moments in microseconds since 1970 UTC; ``NO_TIME`` where missing."""
        return self._as(_times, name)

    def whole(self, name: str) -> Integers:
        """Counts or amounts in whole units; missing counts as 0."""
        return self._as(_whole, name)

    def numbers(self, name: str) -> Floats:
        """Numbers; ``NaN`` where missing."""
        return self._as(_numbers, name)

    def values(self, name: str) -> Sequence[Any]:
        """Plain values; of a text column, ``None`` where missing."""
        return self._as(_values, name)

    def take(self, positions: Sequence[int] | Integers) -> "Rows":
        """The rows at ``positions``, in that order, as plain values."""
        places = [int(place) for place in positions]
        taken = {name: [self.values(name)[place] for place in places] for name in self}
        return Rows(taken, len(places))

    def with_columns(self, columns: Mapping[str, Source]) -> "Rows":
        """The same rows with some columns added or replaced."""
        return Rows({**self._columns, **columns}, self._length)

    def _as(self, decode: Callable[[Source], Decoded], name: str) -> Decoded:
        if (decode, name) not in self._decoded:
            column = self._columns[name] if self._length or name in self._columns else ()
            self._decoded[decode, name] = decode(column)
        found: Decoded = self._decoded[decode, name]
        return found


def _strings(column: Source) -> pa.Array:
    if isinstance(column, (pd.Series, pa.Array)):
        return arrow_strings(column)
    return pa.array(column, type=pa.large_string())


def _times(column: Source) -> Integers:
    return microseconds(column) if isinstance(column, pd.Series) else _integers(column, NO_TIME)


def _whole(column: Source) -> Integers:
    return integers(column) if isinstance(column, pd.Series) else _integers(column, 0)


def _integers(column: Source, missing: int) -> Integers:
    return np.array([missing if value is None else value for value in column], dtype=np.int64)


def _numbers(column: Source) -> Floats:
    return floats(column) if isinstance(column, pd.Series) else np.asarray(column, dtype=np.float64)


def _values(column: Source) -> Sequence[Any]:
    if isinstance(column, pd.Series):
        column = arrow_strings(column)
    if isinstance(column, pa.Array):
        column = column.to_pylist()
    return cast(Sequence[Any], column)


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
