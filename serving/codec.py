"""Canonical frames <-> rows of the context tables, without a value changing on the way."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from features.rows import Rows
from features.schema import Kind, empty_table, spec_of, typed

_NAT = np.iinfo(np.int64).min


def to_rows(name: str, frame: pd.DataFrame | Rows) -> list[tuple[Any, ...]]:
    """``frame`` as tuples in the column order of the context table; a missing key part becomes ``''``."""
    spec = spec_of(name)
    if isinstance(frame, Rows):
        plain = [_stored(frame.values(c), of.kind, c in spec.key) for c, of in spec.columns.items()]
        return list(zip(*plain, strict=True))
    canonical = frame if frame.dtypes.equals(_empty(name).dtypes) else typed(name, frame)
    columns = [
        _encoded(canonical[column], of.kind, column in spec.key) for column, of in spec.columns.items()
    ]
    return list(zip(*columns, strict=True))


def to_frame(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The canonical frame of rows read from context table ``name``; ``''`` in a key is missing again."""
    return framed(name, plain_rows(name, rows))


def plain_rows(name: str, rows: Sequence[Sequence[Any]]) -> Rows:
    """Rows read from context table ``name`` as plain columns; ``''`` in a key is missing again."""
    spec = spec_of(name)
    values = zip(*rows, strict=True) if rows else ((),) * len(spec.columns)
    return Rows(
        {
            c: _plain(v, of.kind, c in spec.key)
            for (c, of), v in zip(spec.columns.items(), values, strict=True)
        },
        len(rows),
    )


def framed(name: str, rows: Rows) -> pd.DataFrame:
    """The canonical frame of plain ``rows`` of table ``name``."""
    if not len(rows):
        return _empty(name).copy(deep=False)
    kinds = spec_of(name).columns
    return pd.DataFrame({c: _decoded(rows.values(c), of.kind) for c, of in kinds.items()}, copy=False)


def moments_array(values: Sequence[int | None]) -> pd.DatetimeIndex:
    """Stored microseconds as canonical times."""
    whole = np.array([_NAT if v is None else v for v in values], dtype=np.int64)
    return pd.DatetimeIndex(whole.view("datetime64[us]"), tz="UTC")


@cache
def _empty(name: str) -> pd.DataFrame:
    return empty_table(name)


def _stored(values: Sequence[Any], kind: Kind, in_key: bool) -> Sequence[Any]:
    """The inverse of ``_plain``."""
    if kind == "list":
        return [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
    return ["" if v is None else v for v in values] if kind == "string" and in_key else values


def _encoded(column: pd.Series, kind: Kind, in_key: bool) -> list[Any]:
    missing: Any = "" if in_key and kind == "string" else None
    if kind == "list":
        return [missing if not _is_list(v) else json.dumps(list(v), ensure_ascii=False) for v in column]
    if kind == "time":
        whole = column.to_numpy(dtype="datetime64[us]").astype(np.int64)
        return [missing if v == _NAT else v for v in whole.tolist()]
    present = column.notna().to_numpy()
    return [v if known else missing for v, known in zip(column.tolist(), present.tolist(), strict=True)]


def _plain(values: Sequence[Any], kind: Kind, in_key: bool) -> Sequence[Any]:
    if kind == "list":
        return [None if v is None else json.loads(v) for v in values]
    return [v or None for v in values] if kind == "string" and in_key else values


def _decoded(values: Sequence[Any], kind: Kind) -> Any:
    if kind == "string":
        return pd.array(list(values), dtype="str")
    if kind == "time":
        return moments_array(values)
    if kind == "int":
        missing = np.array([v is None for v in values], dtype=bool)
        return pd.arrays.IntegerArray(np.array([v or 0 for v in values], dtype=np.int64), missing)
    if kind == "float":
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    lists = np.empty(len(values), dtype=object)
    lists[:] = values
    return lists


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))
