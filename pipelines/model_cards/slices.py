"""How well a model does on parts of its cases: each figure with its interval, small parts hidden by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from models.metrics import auc, exact_share_interval, influence_interval

Kind = Literal["share right", "AUC"]
FEWEST_CASES = 30
"""A part smaller than this is not shown: its figure would be noise, and might be about one customer."""
FEW_CASES = 100
"""A part smaller than this is shown and marked."""
FEWEST_OF_EACH = 10
"""An AUC needs so many of both outcomes."""
LENGTHS = ((80, "up to 80 characters"), (240, "81 to 240"), (800, "241 to 800"))
LONGEST = "more than 800"


@dataclass(frozen=True)
class Part:
    """One row of a card's table: a figure with its 95 % interval.

    ``is_worse``: the interval lies below the figure of all cases. Of twenty parts that are no worse, one is
    expected to be marked all the same.
    """

    value: str
    cases: int
    figure: float
    low: float
    high: float
    is_small: bool = False
    is_worse: bool = False


@dataclass(frozen=True)
class Slices:
    """The parts of one dimension, largest first, and what was too small to show."""

    dimension: str
    parts: tuple[Part, ...]
    hidden: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Measure:
    """What is judged (``title``), on which labels, over all cases and by dimension."""

    title: str
    kind: Kind
    labels: str
    whole: Part | None
    slices: tuple[Slices, ...]


def measured(cases: pd.DataFrame, title: str, kind: Kind, labels: str, dimensions: Sequence[str]) -> Measure:
    """``cases``: a row a judged case, with its ``dimensions`` as columns.

    A ``share right`` needs the column ``right`` (0/1). An ``AUC`` needs ``happened`` (0/1), ``risk`` and
    ``group``: rows of one group, an account for example, are not independent. ``whole`` is ``None`` where
    there is too little to judge.
    """
    whole = _part("all", cases, kind)
    slices = () if whole is None else tuple(_sliced(cases, name, kind, whole) for name in dimensions)
    return Measure(title, kind, labels, whole, slices)


def _sliced(cases: pd.DataFrame, dimension: str, kind: Kind, whole: Part) -> Slices:
    told = cases[dimension].astype("object").where(cases[dimension].notna(), "unknown")
    parts, hidden = [], []
    for value, rows in cases.groupby(told, sort=True):
        part = _part(str(value), rows, kind, whole.figure)
        if part is None:
            hidden.append((str(value), len(rows)))
        else:
            parts.append(part)
    order = [text for _, text in LENGTHS] + [LONGEST]
    by_length = dimension == "text length"
    parts.sort(key=lambda p: order.index(p.value) if by_length else -p.cases)
    return Slices(dimension, tuple(parts), tuple(hidden))


def _part(value: str, cases: pd.DataFrame, kind: Kind, figure_of_all: float = 0.0) -> Part | None:
    if len(cases) < FEWEST_CASES:
        return None
    if kind == "share right":
        hits = int(cases["right"].sum())
        figure = hits / len(cases)
        low, high = exact_share_interval(hits, len(cases))
    else:
        happened, risk = cases["happened"].to_numpy(dtype=float), cases["risk"].to_numpy(dtype=float)
        found = auc(happened, risk)
        if found is None or min(happened.sum(), (1 - happened).sum()) < FEWEST_OF_EACH:
            return None
        figure = found
        low, high = influence_interval(happened, risk, cases["group"].to_numpy(dtype=str))
    return Part(value, len(cases), figure, low, high, len(cases) < FEW_CASES, high < figure_of_all)


def length_band(characters: pd.Series) -> pd.Series:
    """The length of each text in words that a card shows."""
    band = pd.Series(LONGEST, index=characters.index, dtype="object")
    for most, name in reversed(LENGTHS):
        band = band.mask(characters <= most, name)
    return band
