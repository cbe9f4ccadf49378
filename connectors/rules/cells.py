"""Text of raw cells -> numbers and times. What cannot be read comes back empty, for the caller to name."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

LARGEST_WHOLE = 2**53
"""Beyond this, whole numbers lose digits as floats."""

_ISO_OFFSET = re.compile(r"\d[T ]\d\d(?::?\d\d){0,2}(?:[.,]\d+)? ?(?:Z|[+-]\d\d(?::?\d\d)?)$", re.IGNORECASE)
_LAST_MICROSECOND = 253_402_300_799_000_000
"""The end of the year 9999."""
_EXCEL_EPOCH = pd.Timestamp("1899-12-30")
_EXCEL_DAYS = (61, 2_958_466)
"""Serial days that are dates: from March 1900 (before it Excel counts a leap day that was none) to 9999."""
_SPACE = " \t\u00a0\u2009\u202f"
_CURRENCY = r"(?:[€$£¥₹₽₩]|[A-Z]{3})"
_WHOLE = re.compile(r"^(-?\d+)[.,]0+$")
_AROUND = re.compile(rf"^\s*(?:{_CURRENCY}\s*)?|\s*{_CURRENCY}?\s*$")


def numbers(values: pd.Series, decimal: Literal[".", ","] | None = None) -> pd.Series:
    """Numbers as float64; NaN for an empty cell and for text that is no finite number.

    With ``decimal`` sign: thousands separators (the other sign, spaces, apostrophes) between groups of three
    digits and a currency around the number are taken away first; digits grouped in another way are no number.
    """
    if decimal is not None:
        values = _plain(values.astype("str"), decimal)
    read = pd.to_numeric(values, errors="coerce").astype("float64")
    return read.where(np.isfinite(read.fillna(np.nan)))


def whole(values: pd.Series) -> pd.Series:
    """Text without the zeros behind the decimal sign of a whole number (``123.0``); other text as it is."""
    return values.str.replace(_WHOLE, r"\1", regex=True)


def _plain(values: pd.Series, decimal: str) -> pd.Series:
    group = f"[{'.' if decimal == ',' else ','}{_SPACE}'’]"
    number = rf"[+-]?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)(?:{re.escape(decimal)}\d+)?"
    bare = values.str.replace(_AROUND, "", regex=True)
    bare = bare.where(bare.str.fullmatch(number).fillna(False).astype(bool))
    return bare.str.replace(group, "", regex=True).str.replace(decimal, ".", regex=False)


def times(values: pd.Series, formats: Sequence[str], time_zone: str) -> pd.Series:
    """UTC times with microseconds; NaT for an empty cell and for text that none of ``formats`` fits.

    ``formats``: ``iso``, ``unix``, ``unix_ms``, ``excel`` or strptime patterns; the first that fits counts.
    Without any: ``iso``. ``excel`` is a local time in days since 1899-12-30, to the millisecond.
    ``time_zone`` (IANA name): of times that carry no offset. A local time that happens twice (clocks set
    back) is read as the later one, so that nothing is believed known before it was; one that never happens
    (clocks set forward) as the moment the clocks were set.
    """
    first, *others = formats or ("iso",)
    read = _read_times(values, first, time_zone)
    for pattern in others:
        open_ = values.notna() & read.isna()
        if not open_.any():
            break
        read = read.fillna(_read_times(values.where(open_), pattern, time_zone))
    return read


def _read_times(values: pd.Series, pattern: str, time_zone: str) -> pd.Series:
    if pattern in ("unix", "unix_ms"):
        microseconds = numbers(values) * (1_000_000 if pattern == "unix" else 1_000)
        in_calendar = microseconds.abs() <= _LAST_MICROSECOND
        counted = microseconds.where(in_calendar).round().astype("Int64")
        return pd.to_datetime(counted, unit="us", utc=True).dt.as_unit("us")
    if pattern == "excel":
        return _localized(_excel_times(values), time_zone)
    if pattern == "iso":
        has_offset = values.str.contains(_ISO_OFFSET, na=False)
        pattern = "ISO8601"
    else:
        has_offset = pd.Series("%z" in pattern or "%Z" in pattern, index=values.index)
    aware = pd.to_datetime(values.where(has_offset), format=pattern, utc=True, errors="coerce")
    aware = aware.dt.as_unit("us")
    if has_offset.all():
        return aware
    return aware.fillna(_local_times(values.where(~has_offset), pattern, time_zone))


def _local_times(values: pd.Series, pattern: str, time_zone: str) -> pd.Series:
    return _localized(pd.to_datetime(values, format=pattern, errors="coerce").dt.as_unit("us"), time_zone)


def _excel_times(values: pd.Series) -> pd.Series:
    days = numbers(values.astype("str").str.replace(",", ".", regex=False))
    milliseconds = (days.where(days.between(*_EXCEL_DAYS, inclusive="left")) * 86_400_000).round()
    return _EXCEL_EPOCH + pd.to_timedelta(milliseconds.astype("Int64"), unit="ms")


def _localized(naive: pd.Series, time_zone: str) -> pd.Series:
    naive = naive.dt.as_unit("us")
    never_summer = np.zeros(len(naive), dtype=bool)
    local = naive.dt.tz_localize(time_zone, ambiguous=never_summer, nonexistent="shift_forward")
    return local.dt.tz_convert("UTC")
