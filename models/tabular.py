"""Probability of yes or no from any columns: boosted trees and a logistic regression, equally heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.boosting import Columns, contributions, scores, train_booster
from models.calibration import log_odds
from models.linear import LinearScore, binary_score

SETTINGS: dict[str, Any] = {"num_leaves": 7, "learning_rate": 0.04}
ROUNDS = 120
SHARE_OF_TREES = 0.5
"""The mean of both log odds (logarithmic opinion pool, Genest & Zidek 1986): trees find what bends and what
acts together, the line does not overfit where there is little; their errors differ."""


@dataclass(frozen=True)
class TabularModel:
    """Reads ``columns`` of a frame; a missing value and a category never seen are unknown, not an error."""

    columns: Columns
    booster: lgb.Booster
    line: LinearScore

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        target: np.ndarray,
        columns: Columns,
        seed: int,
        settings: Mapping[str, Any] | None = None,
        rounds: int = ROUNDS,
    ) -> "TabularModel":
        """Learn ``target`` (0/1, both must occur) from the ``columns`` of ``frame``; one row a case."""
        matrix, target = columns.matrix(frame), np.asarray(target, dtype=float)
        parameters = {"objective": "binary", **SETTINGS, **(settings or {})}
        booster = train_booster(matrix, target, columns, parameters, rounds, seed)
        line = binary_score(line_inputs(matrix, columns), target, np.ones(len(target)))
        return cls(columns, booster, line)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Probability of yes, one per row; not calibrated."""
        return self.of_matrix(self.columns.matrix(frame))

    def of_matrix(self, matrix: np.ndarray) -> np.ndarray:
        """``predict`` of rows that ``columns.matrix`` made."""
        trees = log_odds(scores(self.booster, matrix))
        line = self.line(line_inputs(matrix, self.columns))
        return 1 / (1 + np.exp(-(SHARE_OF_TREES * trees + (1 - SHARE_OF_TREES) * line)))

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """What each column adds to the log odds, against the mean case: shape (rows, columns)."""
        trees = contributions(self.booster, matrix)
        parts = self.line.parts(line_inputs(matrix, self.columns))
        line = np.zeros(matrix.shape)
        for part, column in enumerate(_column_of_inputs(self.columns)):
            line[:, column] += parts[:, part]
        return SHARE_OF_TREES * trees + (1 - SHARE_OF_TREES) * line

    def to_json(self) -> dict[str, Any]:
        """Everything but the booster, which ``models.boosting.save_booster`` writes."""
        return {"columns": self.columns.to_json(), "line": self.line.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], booster: lgb.Booster) -> "TabularModel":
        """The inverse of ``to_json``."""
        return cls(Columns.from_json(document["columns"]), booster, LinearScore.from_json(document["line"]))


def line_inputs(matrix: np.ndarray, columns: Columns) -> np.ndarray:
    """What the logistic regression reads of ``columns.matrix``: shape (rows, inputs).

    Each number as it is and as a signed logarithm (amounts are skewed), and 0/1 for each category.
    """
    numbers = matrix[:, : len(columns.numbers)]
    parts = [numbers, np.sign(numbers) * np.log1p(np.abs(numbers))]
    for place, values in enumerate(columns.categories.values(), start=len(columns.numbers)):
        parts.append((matrix[:, place, None] == np.arange(len(values))).astype(float))
    return np.hstack(parts)


def _column_of_inputs(columns: Columns) -> list[int]:
    """The column of ``columns.matrix`` that each of ``line_inputs`` comes from."""
    numbers = list(range(len(columns.numbers)))
    sizes = enumerate(columns.categories.values(), start=len(numbers))
    return numbers * 2 + [place for place, values in sizes for _ in values]
