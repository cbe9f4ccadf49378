"""Raw columns -> canonical values, a whole chunk at a time, as the recipes of a mapping say."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

import numpy as np
import pandas as pd

from connectors.mapping.errors import MappingError
from connectors.mapping.recipes import RECEIVED_AT, Column, Condition, Recipe
from connectors.rules import cells
from connectors.rules.plain_text import html_to_text
from connectors.rules.verdicts import Verdicts
from features.schema import Kind

Lookups = Dictionary[str, Dictionary[str, str]]


@dataclass(frozen=True)
class Reading:
    """What a recipe needs besides the rows: look-up tables, the default zone, and whether absent columns
    are an error (files with a header) or simply empty (JSON)."""

    lookups: Lookups
    time_zone: str
    has_header: bool
    where: str


def matches(rows: pd.DataFrame, condition: Condition, reading: Reading) -> pd.Series:
    """Rows in which every named raw column has one of its values, in any letter case."""
    agreed = pd.Series(True, index=rows.index)
    for name, values in condition.items():
        wanted = {value.casefold() for value in values}
        cells = _raw(rows, name, reading)
        agreed &= cells.fillna("").astype("str").str.casefold().isin(wanted)
    return agreed


def recipe_values(
    recipe: Recipe, kind: Kind, rows: pd.DataFrame, reading: Reading, verdicts: Verdicts, name: str
) -> pd.Series:
    """One canonical column of ``rows``; what cannot be made of it is noted in ``verdicts``."""
    if recipe.all_of:
        parts = [_values(column, "list", rows, reading, verdicts, name) for column in recipe.all_of]
        lists = [list(dict.fromkeys(chain.from_iterable(cells))) for cells in zip(*parts, strict=True)]
        return pd.Series(lists, index=rows.index, dtype="object")
    if recipe.concat:
        texts = [_values(column, "string", rows, reading, verdicts, name) for column in recipe.concat]
        return _concatenated(texts, recipe.separator, is_id=name.endswith("_id"))
    first, *others = recipe.first_of
    values = _values(first, kind, rows, reading, verdicts, name)
    for column in others:
        is_open = values.isna().to_numpy() & ~verdicts.is_rejected & ~verdicts.is_filtered
        partial = Verdicts(int(is_open.sum()))
        more = _values(column, kind, rows[is_open], reading, partial, name)
        verdicts.add(partial, np.flatnonzero(is_open))
        values = values.fillna(more)
    return values


def _concatenated(texts: list[pd.Series], separator: str, is_id: bool) -> pd.Series:
    """One text a row, without empty parts; an id with an empty part would be another's, so it is empty."""
    whole = pd.concat(texts, axis=1)
    joined = [
        separator.join(part for part in parts if isinstance(part, str)) for parts in zip(*texts, strict=True)
    ]
    values = pd.Series(joined, index=whole.index, dtype="str")
    return values.mask(whole.isna().any(axis=1) if is_id else whole.isna().all(axis=1))


def _values(
    column: Column, kind: Kind, rows: pd.DataFrame, reading: Reading, verdicts: Verdicts, name: str
) -> pd.Series:
    if column.received:
        values = _raw(rows, RECEIVED_AT, reading, optional=True)
    elif column.source is not None:
        values = _raw(rows, column.source, reading, optional=column.default is not None)
    else:
        values = pd.Series(column.value, index=rows.index, dtype="str")
    values = _applicable(column, values, rows, reading)
    if column.html:
        values = _as_text(values).map(html_to_text, na_action="ignore")
    if kind == "list":
        return _list_values(column, values, rows, reading)
    values = _as_text(values)
    if column.whole:
        values = cells.whole(values)
    values = _translated(column, values, reading, verdicts, name)
    if kind == "time":
        return _times(column, values, reading, verdicts, name)
    if kind in ("int", "float"):
        return _numbers(column, kind, values, verdicts, name)
    if column.prefix:
        values = column.prefix + values
    return values if column.default is None else values.fillna(column.default)


def _raw(rows: pd.DataFrame, name: str, reading: Reading, optional: bool = False) -> pd.Series:
    if name in rows:
        return rows[name]
    if reading.has_header and not optional:
        found = [str(column) for column in rows.columns if column != RECEIVED_AT]
        close = get_close_matches(name, found, 1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise MappingError(
            f"{reading.where}: no column {name!r} in the file; {meant}"
            f"found {', '.join(found)}. Correct `from`, or give a `default`"
        )
    return pd.Series(None, index=rows.index, dtype="str")


def _as_text(values: pd.Series) -> pd.Series:
    if values.dtype != object:
        return values
    return values.map(lambda cell: ";".join(cell) if isinstance(cell, list) else cell).astype("str")


def _applicable(column: Column, values: pd.Series, rows: pd.DataFrame, reading: Reading) -> pd.Series:
    """Empty outside the rows that ``where`` and ``same`` select."""
    if column.where:
        values = values.where(matches(rows, column.where, reading))
    if column.same is not None:
        left, right = (_raw(rows, name, reading) for name in column.same)
        values = values.where((left == right).fillna(False))
    return values


def _list_values(column: Column, values: pd.Series, rows: pd.DataFrame, reading: Reading) -> pd.Series:
    known = _labels(column, reading)

    def as_list(cell: object) -> list[str]:
        if isinstance(cell, list):
            parts = [str(part) for part in cell]
        elif isinstance(cell, str):
            parts = cell.split(column.split) if column.split else [cell]
        else:
            parts = [] if column.default is None else [column.default]
        stripped = (part.strip() for part in parts)
        named = (part if known is None else known.get(part, part) for part in stripped if part)
        return [f"{column.prefix}{part}" for part in named]

    return pd.Series([as_list(cell) for cell in values], index=rows.index, dtype="object")


def _labels(column: Column, reading: Reading) -> Dictionary[str, str] | None:
    return reading.lookups[column.lookup] if column.lookup is not None else column.map


def _translated(
    column: Column, values: pd.Series, reading: Reading, verdicts: Verdicts, name: str
) -> pd.Series:
    labels = _labels(column, reading)
    if labels is None:
        return values
    known = values.map(labels).astype("str")
    unmapped = values.notna() & known.isna()
    if column.unmapped == "keep":
        return known.fillna(values)
    if column.unmapped == "filter":
        verdicts.filter(unmapped, f"{name}: not in {column.lookup or 'its map'}")
    if column.unmapped == "reject":
        verdicts.reject(unmapped, f"{name}: value not in {column.lookup or 'its map'}")
    return known


def _numbers(column: Column, kind: Kind, values: pd.Series, verdicts: Verdicts, name: str) -> pd.Series:
    if column.default is not None:
        values = values.fillna(column.default)
    numbers = cells.numbers(values, column.decimal)
    verdicts.reject(values.notna() & numbers.isna(), f"{name}: not a number")
    numbers = numbers * (1 if column.scale is None else column.scale)
    if kind == "float":
        return numbers
    too_large = numbers.abs() > cells.LARGEST_WHOLE
    verdicts.reject(too_large, f"{name}: too large a number")
    return numbers.mask(too_large).round().astype("Int64")


def _times(column: Column, values: pd.Series, reading: Reading, verdicts: Verdicts, name: str) -> pd.Series:
    if column.default is not None:
        values = values.fillna(column.default)
    times = cells.times(values, column.time_format, column.time_zone or reading.time_zone)
    verdicts.reject(values.notna() & times.isna(), f"{name}: not a time")
    return times if column.delay is None else (times + pd.Timedelta(column.delay)).dt.as_unit("us")
