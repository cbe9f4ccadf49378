"""Canonical frames <-> rows of the context tables, without a value changing on the way."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from features.schema import Kind, empty_table, spec_of, typed

_NAT = np.iinfo(np.int64).min


def to_rows(name: str, frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """``frame`` as tuples in the column order of the context table; a missing key part becomes ``''``."""
    spec = spec_of(name)
    canonical = frame if frame.dtypes.equals(_empty(name).dtypes) else typed(name, frame)
    columns = [
        _encoded(canonical[column], of.kind, column in spec.key) for column, of in spec.columns.items()
    ]
    return list(zip(*columns, strict=True))


def to_frame(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The canonical frame of rows read from context table ``name``; ``''`` in a key is missing again."""
    if not rows:
        return _empty(name).copy(deep=False)
    spec = spec_of(name)
    values = dict(zip(spec.columns, zip(*rows, strict=True), strict=True))
    return pd.DataFrame(
        {c: _decoded(values[c], of.kind, c in spec.key) for c, of in spec.columns.items()}, copy=False
    )


def moments_array(values: Sequence[int | None]) -> pd.DatetimeIndex:
    """Stored microseconds as canonical times."""
    whole = np.array([_NAT if v is None else v for v in values], dtype=np.int64)
    return pd.DatetimeIndex(whole.view("datetime64[us]"), tz="UTC")


@cache
def _empty(name: str) -> pd.DataFrame:
    return empty_table(name)


def _encoded(column: pd.Series, kind: Kind, in_key: bool) -> list[Any]:
    missing: Any = "" if in_key and kind == "string" else None
    if kind == "list":
        return [missing if not _is_list(v) else json.dumps(list(v), ensure_ascii=False) for v in column]
    if kind == "time":
        whole = column.to_numpy(dtype="datetime64[us]").astype(np.int64)
        return [missing if v == _NAT else v for v in whole.tolist()]
    present = column.notna().to_numpy()
    return [v if known else missing for v, known in zip(column.tolist(), present.tolist(), strict=True)]


def _decoded(values: Sequence[Any], kind: Kind, in_key: bool) -> Any:
    if kind == "string":
        return pd.array([v or None for v in values] if in_key else list(values), dtype="str")
    if kind == "time":
        return moments_array(values)
    if kind == "int":
        missing = np.array([v is None for v in values], dtype=bool)
        return pd.arrays.IntegerArray(np.array([v or 0 for v in values], dtype=np.int64), missing)
    if kind == "float":
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    lists = np.empty(len(values), dtype=object)
    lists[:] = [None if v is None else json.loads(v) for v in values]
    return lists


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))
