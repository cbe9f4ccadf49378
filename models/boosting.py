"""LightGBM as every model here uses it: native Booster, named columns, the same bytes from the same data."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.rows import Rows

FIXED: dict[str, Any] = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "max_bin": 127,
    "max_cat_to_onehot": 8,
}
DEFAULT_SETTINGS: dict[str, Any] = {
    "learning_rate": 0.08,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "lambda_l2": 5.0,
}


def numeric(frame: pd.DataFrame | Rows, names: Sequence[str]) -> np.ndarray:
    """The columns ``names`` as float64, shape (rows, names); what is missing becomes NaN."""
    rows = Rows.of(frame)
    return np.column_stack([rows.numbers(name) for name in names]) if names else np.empty((len(rows), 0))


@dataclass(frozen=True)
class Columns:
    """The inputs of a booster, in order: numbers, then categories with the values known in training."""

    numbers: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, frame: pd.DataFrame | Rows, numbers: Sequence[str], categories: Sequence[str]) -> "Columns":
        """Learn the values of ``categories`` from ``frame``; the rarest beyond 200 are left unknown."""
        rows = Rows.of(frame)

        def known(name: str) -> tuple[str, ...]:
            often = Counter(value for value in rows.values(name) if value is not None).most_common(200)
            return tuple(sorted(value for value, _ in often))

        return cls(tuple(numbers), {name: known(name) for name in categories})

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Columns":
        """The inverse of ``to_json``."""
        categories = {name: tuple(values) for name, values in document["categories"]}
        return cls(tuple(document["numbers"]), categories)

    def to_json(self) -> dict[str, Any]:
        """Plain lists: the order counts."""
        return {
            "numbers": list(self.numbers),
            "categories": [[k, list(v)] for k, v in self.categories.items()],
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order."""
        return (*self.numbers, *self.categories)

    def told(self, row: np.ndarray) -> dict[str, Any]:
        """The known values of one row of ``matrix`` by name; categories by their words."""
        known = {name: value for name, value in zip(self.names, row.tolist(), strict=True) if value == value}
        words = {
            name: self.categories[name][int(code)] for name, code in known.items() if name in self.categories
        }
        return known | words

    def matrix(self, frame: pd.DataFrame | Rows) -> np.ndarray:
        """``frame`` as float64, shape (rows, columns). NaN is unknown: missing, or a category never seen.

        Raises ``ValueError`` naming the columns that ``frame`` lacks.
        """
        rows = Rows.of(frame)
        lacking = [name for name in self.names if name not in rows]
        if lacking:
            raise ValueError(
                f"features lack the columns {lacking}; the model was trained with {list(self.names)}"
            )
        matrix = np.empty((len(rows), len(self.names)))
        matrix[:, : len(self.numbers)] = numeric(rows, self.numbers)
        for i, (name, values) in enumerate(self.categories.items(), start=len(self.numbers)):
            codes = {value: float(code) for code, value in enumerate(values)}
            matrix[:, i] = [codes.get(value, np.nan) for value in rows.values(name)]
        return matrix


def train_booster(
    matrix: np.ndarray,
    target: np.ndarray,
    columns: Columns,
    settings: Mapping[str, Any],
    rounds: int,
    seed: int,
    weight: np.ndarray | None = None,
    increasing: Sequence[str] = (),
    decreasing: Sequence[str] = (),
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    callbacks: Sequence[Callable[..., None]] = (),
    start: np.ndarray | None = None,
    validation_start: np.ndarray | None = None,
) -> lgb.Booster:
    """A booster on ``matrix`` (rows x ``columns.names``); monotone in ``increasing`` and ``decreasing``.

    ``start``: raw scores (log odds) that the trees correct; ``scores`` needs them again. ``settings`` are
    LightGBM's parameters, with an ``objective``. The same input gives the same model text.
    """
    direction = [int(name in increasing) - int(name in decreasing) for name in columns.names]
    parameters = {**DEFAULT_SETTINGS, **settings, **FIXED, "seed": seed}
    if any(direction):
        parameters |= {"monotone_constraints": direction, "monotone_constraints_method": "intermediate"}
    names = list(columns.names)
    categories = list(range(len(columns.numbers), len(names)))
    data = lgb.Dataset(
        matrix, target, weight=weight, init_score=start, feature_name=names, categorical_feature=categories
    )
    held_out = []
    if validation is not None:
        held_out = [lgb.Dataset(*validation, reference=data, init_score=validation_start)]
    return lgb.train(parameters, data, rounds, valid_sets=held_out, callbacks=list(callbacks))


def scores(booster: lgb.Booster, matrix: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """Predictions; one thread, because waking more costs a single ticket several milliseconds.

    ``start``: the log odds of each row that a booster of a binary objective was trained to correct.
    """
    if start is None:
        return np.asarray(booster.predict(matrix, num_threads=1))
    return 1 / (1 + np.exp(-(booster.predict(matrix, num_threads=1, raw_score=True) + start)))


def contributions(booster: lgb.Booster, matrix: np.ndarray) -> np.ndarray:
    """TreeSHAP contributions in log odds, shape (rows, columns), without the base value."""
    return np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1))[:, :-1]


def save_booster(booster: lgb.Booster, path: Path) -> None:
    """Write LightGBM's own text format."""
    path.write_text(booster.model_to_string(num_iteration=-1), encoding="utf-8")


def load_booster(path: Path, columns: Columns) -> lgb.Booster:
    """Read a booster whose file has been verified (see ``models.release``): a damaged one aborts the process.

    Raises ``ValueError`` where its columns are not the expected ones.
    """
    booster = lgb.Booster(model_file=str(path))
    found = tuple(booster.feature_name())
    if found != columns.names:
        raise ValueError(
            f"{path} was trained on the columns {found}, expected {columns.names}: train it again"
        )
    return booster
