"""How a feature is declared: name, meaning, and how it is asked of the as-of engine, in one place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import pandas as pd
import pyarrow as pa

Column: TypeAlias = Any
"""Floats (``NaN`` is unknown), or an Arrow array of strings (null is unknown)."""
Moments = TypeVar("Moments")
"""What a feature may look at: for example everything known at the moments a batch of tickets was created."""


@dataclass(frozen=True)
class Feature(Generic[Moments]):
    """One feature: a float column (``NaN`` is unknown, 0 is known to be none) or a category."""

    name: str
    about: str
    of: Callable[[Moments], Column]
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


def columns_of(features: Sequence[Feature[Moments]], moments: Moments) -> dict[str, Column]:
    """One column per feature, in order, one value per moment."""
    return {feature.name: feature.of(moments) for feature in features}


def frame_of(columns: Mapping[str, Column], index: pd.Index) -> pd.DataFrame:
    """``columns`` as a frame under ``index``: floats, and categories in pandas' own string dtype."""
    told = {
        name: pd.array(column, dtype="str") if isinstance(column, pa.Array) else column
        for name, column in columns.items()
    }
    return pd.DataFrame(told, index=index, copy=False)
