"""What the rows of an event log say about each other, of whole cases in memory.

Two tables: the *keys* of rows (case, order, digest, the columns to compare) and what is *told* of each row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from connectors.mapping.checks import CASE_COLUMNS, EVENT_PREFIXES
from connectors.mapping.file import Source
from connectors.mapping.recipes import RECEIVED_AT, Order
from connectors.rules import cells

_JOIN = "\x1f"
_BEFORE, _CHANGED, _FIRST = EVENT_PREFIXES
_ORDER_TYPES = {"number": pa.float64(), "time": pa.timestamp("us", tz="UTC"), "text": pa.string()}


@dataclass(frozen=True)
class EventPlan:
    """What the mapping wants to know about events."""

    id: Sequence[str]
    order: Sequence[Order]
    time_zone: str
    before: Sequence[str]
    changed: Sequence[str]
    first: Sequence[str]
    has_header: bool
    """Whether a column that is not there is missing (files with a header) or simply empty (JSON)."""

    @classmethod
    def of(cls, source: Source, time_zone: str) -> "EventPlan":
        """Raises ``ValueError`` for a source without ``case``."""
        if source.case is None:
            raise ValueError(f"{source.file} has no `case`")
        named = sorted(source.raw_names())
        wanted = [
            [name.removeprefix(prefix) for name in named if name.startswith(prefix)]
            for prefix in EVENT_PREFIXES
        ]
        before, changed, first = wanted
        has_header = source.format in ("csv", "parquet")
        return cls(source.case.id, source.case.order, time_zone, before, changed, first, has_header)

    @property
    def compared(self) -> list[str]:
        """Raw columns whose values are needed from other events."""
        return sorted({*self.before, *self.changed, *self.first})

    @property
    def named(self) -> list[str]:
        """Raw columns that every row must have."""
        return [*self.id, *(order.source for order in self.order), *self.compared]

    def key_schema(self) -> pa.Schema:
        """What is spooled of a row."""
        kinds = [_ORDER_TYPES[_kind(order)] for order in self.order]
        return pa.schema(
            [("row", pa.int32()), ("case", pa.string()), ("digest", pa.uint64())]
            + [(f"order{place}", kind) for place, kind in enumerate(kinds)]
            + [(f"raw.{name}", pa.string()) for name in self.compared]
        )

    def told_schema(self) -> pa.Schema:
        """What is told of a row."""
        return pa.schema(
            [("row", pa.int32()), *((name, pa.string()) for name in CASE_COLUMNS)]
            + [(f"{_BEFORE}{name}", pa.string()) for name in self.before]
            + [(f"{_CHANGED}{name}", pa.string()) for name in self.changed]
            + [(f"{_FIRST}{name}", pa.string()) for name in self.first]
        )


def event_keys(rows: pd.DataFrame, plan: EventPlan) -> tuple[pd.DataFrame, pd.Series]:
    """What is spooled of the good rows, and why each of the others is none ("" for good rows)."""
    wrong = pd.Series("", index=rows.index, dtype=object)
    keys = pd.DataFrame({"row": np.arange(len(rows), dtype=np.int32)}, index=rows.index)
    keys["case"] = _text(rows, plan.id[0])
    for name in plan.id[1:]:
        keys["case"] += _JOIN + _text(rows, name)
    keys["digest"] = _digest(rows)
    for name in plan.named if plan.has_header else ():
        if name not in rows:
            wrong[:] = f"no column {name!r} in the file to know the events of a case by"
    _blame(wrong, keys["case"].isna(), f"no case: {' or '.join(plan.id)} is empty")
    for place, order in enumerate(plan.order):
        values = _ordered(_text(rows, order.source), order, plan.time_zone)
        keys[f"order{place}"] = values
        _blame(wrong, values.isna(), f"{order.source}: no {_kind(order)} to order the events of a case by")
    for name in plan.compared:
        keys[f"raw.{name}"] = _text(rows, name)
    return keys[(wrong == "").to_numpy()], wrong


def _blame(wrong: pd.Series, mask: pd.Series, reason: str) -> None:
    wrong[(wrong == "") & mask] = reason


def _text(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        return pd.Series(None, index=rows.index, dtype="str")
    values = rows[name]
    if values.dtype != object:
        return values
    return values.map(lambda cell: ";".join(cell) if isinstance(cell, list) else cell).astype("str")


def _ordered(values: pd.Series, order: Order, time_zone: str) -> pd.Series:
    if order.number is not None:
        return cells.numbers(values)
    if order.time is not None:
        return cells.times(values, order.time_format, order.time_zone or time_zone)
    return values


def _kind(order: Order) -> str:
    return "number" if order.number else "time" if order.time else "text"


def _digest(rows: pd.DataFrame) -> pd.Series:
    """A number that equal rows share, whatever the order of their columns; empty cells count for nothing."""
    total = np.zeros(len(rows), dtype=np.uint64)
    for name in rows.columns:
        if name != RECEIVED_AT:
            texts = _text(rows, name)
            hashed = pd.util.hash_array(texts.fillna("").to_numpy(dtype=object), categorize=False)
            named = pd.util.hash_array(np.array([name], dtype=object))[0] | np.uint64(1)
            total += np.where(texts.isna().to_numpy(), np.uint64(0), hashed * named)
    return pd.Series(total, index=rows.index)


def told_of(keys: pd.DataFrame, plan: EventPlan) -> pd.DataFrame:
    """What is told of each row of whole cases, in the order of ``keys``."""
    order = [f"order{place}" for place in range(len(plan.order))]
    by_event = keys.sort_values(["case", *order], kind="stable")
    repeats = by_event.duplicated(["case", "digest"])
    events = by_event[~repeats]
    case = events["case"]
    starts = (case != case.shift()).to_numpy()
    ends = (case != case.shift(-1)).to_numpy()
    told = pd.DataFrame(index=events.index)
    told["case.first"], told["case.last"] = _said(starts), _said(ends)
    first_of_case = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    number = pd.Series(np.arange(len(events)) - first_of_case + 1, index=events.index)
    told["case.event"] = number.astype("str").str.zfill(6)
    for name in plan.compared:
        values = events[f"raw.{name}"]
        before = values.shift().mask(starts)
        told[f"{_BEFORE}{name}"] = before
        told[f"{_CHANGED}{name}"] = _said((values.fillna("") != before.fillna("")).to_numpy())
        told[f"{_FIRST}{name}"] = values.iloc[first_of_case].set_axis(values.index)
    if repeats.any():
        same = pd.MultiIndex.from_frame(events[["case", "digest"]])
        wanted = pd.MultiIndex.from_frame(by_event.loc[repeats, ["case", "digest"]])
        copies = told.iloc[same.get_indexer(wanted)].set_axis(by_event.index[repeats])
        told = pd.concat([told, copies])
    return told.sort_index().assign(row=keys["row"])


def _said(flags: np.ndarray) -> np.ndarray:
    return np.where(flags, "true", "false")
