"""Columns of canonical tables as plain NumPy arrays: the edge between pandas and the as-of engine."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNKNOWN = np.int64(-1)
"""Code of a missing key or of a key nobody asked about."""
NO_TIME = np.iinfo(np.int64).min
"""A missing time (pandas' NaT) in microseconds."""

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
"""Microseconds; all times inside the engine are microseconds since 1970 UTC."""


def microseconds(times: pd.Series) -> Integers:
    """Times as microseconds since 1970 UTC; ``NO_TIME`` where missing. Zones are converted to UTC."""
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        times = pd.to_datetime(times, utc=True)
    return times.to_numpy("datetime64[us]").view(np.int64)


def integers(column: pd.Series) -> Integers:
    """A count or an amount in whole units; missing counts as 0."""
    return column.to_numpy(np.int64, na_value=0)


def floats(column: pd.Series) -> Floats:
    """A number for a feature frame; ``NaN`` where missing."""
    return column.to_numpy(np.float64, na_value=np.nan)


def texts(column: pa.Array) -> list[str]:
    """A text column as strings; empty where missing."""
    return ["" if value is None else value for value in column.to_pylist()]


def arrow_strings(column: pd.Series | pa.Array) -> pa.Array:
    """A string column in Arrow form (no copy for pandas' own string dtype)."""
    if isinstance(column, pa.Array):
        return column
    if column.dtype != "str":
        column = column.astype("str")
    array = pa.array(column, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


class Codes:
    """Numbers for the distinct non-missing keys somebody asks about: 0, 1, ... in order of appearance."""

    def __init__(self, keys: pd.Series | pa.Array) -> None:
        self._values = pc.unique(pc.drop_null(arrow_strings(keys)))

    def __len__(self) -> int:
        return len(self._values)

    def of(self, keys: pd.Series | pa.Array) -> Integers:
        """The code of each key; ``UNKNOWN`` where the key is missing or not among those asked about."""
        found = pc.index_in(arrow_strings(keys), value_set=self._values, skip_nulls=True)
        return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def equal(strings: pa.Array, value: str) -> Flags:
    """Which of ``strings`` are ``value``; a missing one is not."""
    return pc.fill_null(pc.equal(strings, value), False).to_numpy(zero_copy_only=False)


def enumerated(columns: Sequence[Integers]) -> Integers:
    """One number per row, equal where all of ``columns`` are equal; order carries no meaning."""
    combined = columns[0]
    for column in columns[1:]:
        _, low = np.unique(column, return_inverse=True)
        _, high = np.unique(combined, return_inverse=True)
        combined = high.astype(np.int64) * (np.int64(low.max(initial=0)) + 1) + low
    return combined
