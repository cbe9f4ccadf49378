"""What the values of one raw column look like."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from connectors.rules import cells

_LOOKED_AT = 300
_MOST = 0.95
_MAX_FORMATS = 3
_EXCEL_2000_TO_2100 = (36_526, 73_050)
_DATES = (
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y-%m-%d",
)  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S")
_ZONES = ("", " %z", "%z", " %Z")
_ISO = re.compile(r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d|$)")
_OFFSET = re.compile(r":\d\d(?:[.,]\d+)? ?(?:Z|[+-]\d\d(?::?\d\d)?)$", re.IGNORECASE)
_TIME_NAME = re.compile(
    r"(?:^|_)(?:at|on|time|date|day|timestamp|ts|created|updated|modified|closed|opened|"  # en
    r"am|um|zeit|zeitpunkt|zeitstempel|\w*datum|le|heure|fecha|hora|data)(?:_|$)"  # de, fr, es, pt
)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_PHONE = re.compile(r"^\+?[\d\s()./-]{7,20}$")
_HTML = re.compile(r"</?(?:p|div|br|span|a|b|strong|li|ul|table|html|body)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class TimeGuess:
    """How the times of a column are written."""

    formats: tuple[str, ...]
    example: str
    has_zone: bool
    day_or_month_first: bool
    """No value says whether the day or the month comes first."""


@dataclass(frozen=True)
class Profile:
    """One raw column. Shares are of the sampled rows."""

    name: str
    values: pd.Series
    filled: float
    distinct: int
    time: TimeGuess | None
    decimal: Literal[".", ",", ""] | None
    """How numbers are written; "" plainly; ``None``: these are no numbers."""
    is_email: bool
    is_phone: bool
    is_html: bool
    mean_length: float

    @property
    def is_unique(self) -> bool:
        """Whether no value is there twice."""
        return self.filled > 0 and self.distinct == self.values.notna().sum()

    @property
    def is_whole_with_zeros(self) -> bool:
        """Whether every value is a whole number written as ``123.0``, as data frames do with gaps in them."""
        filled = self.values.dropna()
        return len(filled) > 0 and bool(filled.str.fullmatch(r"\d+[.,]0").all())

    @property
    def is_label(self) -> bool:
        """Few values, each many times, short."""
        return 1 < self.distinct <= max(2, min(100, len(self.values) // 4)) and self.mean_length <= 60

    def labels(self, count: int = 40) -> list[str]:
        """The most frequent values."""
        return [str(value) for value in self.values.value_counts().index[:count]]


def profiles(rows: pd.DataFrame) -> list[Profile]:
    """One profile a column. Where one column shows that the day comes first, the others are read alike."""
    found = [_profile(str(name), rows[name]) for name in rows if rows[name].dtype != object]
    sure = {
        p.time.formats[0][:2]
        for p in found
        if p.time and not p.time.day_or_month_first and "/" in p.time.formats[0]
    }
    if sure == {"%m"}:
        return [_month_first(profile) for profile in found]
    return [
        replace(p, time=replace(p.time, day_or_month_first=False)) if p.time and sure else p for p in found
    ]


def _month_first(profile: Profile) -> Profile:
    if profile.time is None or not profile.time.day_or_month_first:
        return profile
    formats = tuple(re.sub(r"^%d(.)%m", r"%m\1%d", pattern) for pattern in profile.time.formats)
    return replace(profile, time=replace(profile.time, formats=formats, day_or_month_first=False))


def _profile(name: str, values: pd.Series) -> Profile:
    filled = values.dropna()
    few = filled.drop_duplicates().head(_LOOKED_AT)

    def most(matched: pd.Series) -> bool:
        return len(few) > 0 and float(matched.mean()) >= _MOST

    return Profile(
        name=name,
        values=values,
        filled=len(filled) / max(1, len(values)),
        distinct=int(filled.nunique()),
        time=_times(name, few),
        decimal=_decimal(few),
        is_email=most(few.str.contains(_EMAIL)),
        is_phone=most(few.str.contains(_PHONE)) and bool(few.str.contains("[+ ()-]").mean() > 0.5),
        is_html=bool(len(few)) and float(few.str.contains(_HTML).mean()) > 0.2,
        mean_length=float(filled.str.len().mean()) if len(filled) else 0.0,
    )


def _decimal(few: pd.Series) -> Literal[".", ",", ""] | None:
    if few.empty:
        return None
    if cells.numbers(few).notna().mean() >= _MOST:
        return ""
    signs: tuple[Literal[".", ","], ...] = (".", ",")
    return next((sign for sign in signs if cells.numbers(few, sign).notna().mean() >= _MOST), None)


def _times(name: str, few: pd.Series) -> TimeGuess | None:
    if few.empty:
        return None
    formats: list[str] = []
    open_ = few
    while len(open_) > (1 - _MOST) * len(few) and len(formats) < _MAX_FORMATS:
        best = _best_format(name, open_)
        if best is None:
            return None
        formats.append(best)
        open_ = open_[cells.times(open_, [best], "UTC").isna()]
    has_zone = any("%z" in f or "%Z" in f or f.startswith("unix") for f in formats) or bool(
        few.str.contains(_OFFSET).mean() > _MOST
    )
    return TimeGuess(tuple(formats), str(few.iloc[0]), has_zone, _is_undecided(formats, few))


def _best_format(name: str, values: pd.Series) -> str | None:
    numbers = cells.numbers(values)
    if numbers.notna().mean() > _MOST:
        is_named = bool(_TIME_NAME.search(normal_name(name)))
        for unit, factor in (("unix", 1), ("unix_ms", 1000)):
            if is_named and numbers.between(946_684_800 * factor, 4_102_444_800 * factor).mean() > _MOST:
                return unit
        if is_named and numbers.between(*_EXCEL_2000_TO_2100).mean() > _MOST:
            return "excel"
        return None
    few = values.head(60)
    if not few.str.contains(r"\d\D+\d").all():
        return None
    fits = {"iso": int(few.str.contains(_ISO).sum()) if cells.times(few, ["iso"], "UTC").notna().any() else 0}
    fits |= {
        pattern: int(cells.times(few, [pattern], "UTC").notna().sum())
        for pattern in _patterns(str(few.iloc[0]))
    }
    best = max(fits, key=lambda pattern: fits[pattern])
    return best if fits[best] else None


def _patterns(example: str) -> Iterator[str]:
    """Patterns that may fit ``example``, by its signs, so that not all are tried."""
    names_month = bool(re.search("[A-Za-z]{3}", example.split(":")[0]))
    for date in _DATES:
        sign = next((sign for sign in "/.-" if sign in date), " ")
        if sign in example and names_month == ("%b" in date or "%B" in date):
            for clock in _CLOCKS:
                if (":" in clock) == (":" in example):
                    yield from (f"{date}{clock}{zone}" for zone in (_ZONES if clock else ("",)))


def _is_undecided(formats: Sequence[str], few: pd.Series) -> bool:
    """Whether every value reads as well with day and month exchanged."""
    swapped = [re.sub(r"^%d(.)%m", r"%m\1%d", pattern) for pattern in formats]
    if swapped == list(formats):
        return False
    return bool(
        cells.times(few, swapped, "UTC").notna().sum() >= cells.times(few, formats, "UTC").notna().sum()
    )


def normal_name(name: str) -> str:
    """``CreatedDate``, ``created-date`` and ``Created Date__c`` as ``created_date``; no accents."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("__c"))
    parts = unicodedata.normalize("NFKD", spaced.casefold())
    letters = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", letters).strip("_")
