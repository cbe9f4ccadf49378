"""How a feature is declared: name, meaning, and how it is asked of the as-of engine, in one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Moments = TypeVar("Moments")
"""What a feature may look at: for example everything known at the moments a batch of tickets was created."""


@dataclass(frozen=True)
class Feature(Generic[Moments]):
    """One feature: a float column (``NaN`` is unknown, 0 is known to be none) or a category."""

    name: str
    about: str
    of: Callable[[Moments], NDArray[np.float64] | pd.Series]
    kind: Literal["number", "category"] = "number"


Whole = TypeVar("Whole")


def through(
    part: Callable[[Whole], Moments], features: Sequence[Feature[Moments]]
) -> tuple[Feature[Whole], ...]:
    """``features`` of a part, declared once, as features of the whole that the part belongs to."""

    def of_whole(feature: Feature[Moments]) -> Feature[Whole]:
        return Feature(feature.name, feature.about, lambda whole: feature.of(part(whole)), feature.kind)

    return tuple(of_whole(feature) for feature in features)


def names(features: Sequence[Feature[Moments]], kind: Literal["number", "category"]) -> tuple[str, ...]:
    """Names of the features of one kind, in order."""
    return tuple(feature.name for feature in features if feature.kind == kind)


def frame_of(features: Sequence[Feature[Moments]], moments: Moments, index: pd.Index) -> pd.DataFrame:
    """One column per feature, in order, one row per moment, under ``index``."""
    columns: dict[str, NDArray[np.float64] | pd.Series] = {}
    for feature in features:
        column = feature.of(moments)
        columns[feature.name] = column.set_axis(index) if isinstance(column, pd.Series) else column
    return pd.DataFrame(columns, index=index, copy=False)
