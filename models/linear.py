"""Linear scores that boosted trees start from: the less data there is, the more they carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

PENALTY = 1.0
FURTHEST = 5.0
"""Standardised inputs are cut here: nothing was learnt about what lies further out."""


@dataclass(frozen=True)
class LinearScore:
    """``intercept`` plus weighted standardised inputs; a missing input (``NaN``) counts as the mean."""

    means: np.ndarray
    scales: np.ndarray
    weights: np.ndarray
    intercept: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Scores of ``values``, shape (..., inputs) -> (...); a row's score depends on that row alone."""
        return self.parts(values).sum(axis=-1) + self.intercept

    def parts(self, values: np.ndarray) -> np.ndarray:
        """What each input adds to the score, shape (..., inputs); 0 at the mean and where it is missing."""
        return self._standardised(values) * self.weights

    def _standardised(self, values: np.ndarray) -> np.ndarray:
        return np.clip(np.nan_to_num((values - self.means) / self.scales), -FURTHEST, FURTHEST)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, none rounded."""
        arrays = {name: getattr(self, name).tolist() for name in ("means", "scales", "weights")}
        return {**arrays, "intercept": self.intercept}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LinearScore":
        """The inverse of ``to_json``."""
        means, scales, weights = (np.array(document[name]) for name in ("means", "scales", "weights"))
        return cls(means, scales, weights, document["intercept"])


def _unfitted(values: np.ndarray) -> LinearScore:
    known = np.isfinite(values)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, values, 0).sum(axis=0) / counts
    spread = np.sqrt((np.where(known, values - means, 0) ** 2).sum(axis=0) / counts)
    scales = np.where(spread > 1e-9, spread, 1.0)
    return LinearScore(means, scales, np.zeros(values.shape[1]), 0.0)


def choice_score(values: np.ndarray, right: np.ndarray, weight: np.ndarray | None = None) -> LinearScore:
    """Scores that tell the right one among a ticket's candidates (conditional logit, McFadden 1974).

    ``values``: (tickets, candidates, inputs). ``right``: (tickets, candidates); tickets without a right
    candidate say nothing about the choice and are left out. ``weight``: of each ticket.
    """
    from scipy.optimize import minimize

    start = _unfitted(values.reshape(-1, values.shape[-1]))
    told = right.any(axis=1)
    chosen = right[told].astype(float)
    counts = np.ones(len(chosen)) if weight is None else weight[told]
    inputs = start._standardised(values[told]).reshape(-1, values.shape[-1])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        shares = choice_shares((inputs @ weights).reshape(chosen.shape))
        surprise = -(np.log(np.maximum((shares * chosen).sum(axis=1), 1e-12)) * counts).sum()
        slope = ((shares - chosen) * counts[:, None]).ravel() @ inputs
        return float(surprise + PENALTY / 2 * (weights**2).sum()), slope + PENALTY * weights

    with threadpool_limits(limits=1):  # how many cores there are must not change the model
        found = minimize(loss, start.weights, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return LinearScore(start.means, start.scales, found.x, 0.0)


def choice_shares(scores: np.ndarray) -> np.ndarray:
    """Softmax over the candidates of each ticket."""
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def binary_score(matrix: np.ndarray, target: np.ndarray, weight: np.ndarray) -> LinearScore:
    """Log odds of ``target`` (0/1), by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    start = _unfitted(matrix)
    with threadpool_limits(limits=1):
        fitted = LogisticRegression(C=1 / PENALTY, max_iter=500).fit(
            start._standardised(matrix), target, weight
        )
    return LinearScore(start.means, start.scales, fitted.coef_[0], float(fitted.intercept_[0]))
