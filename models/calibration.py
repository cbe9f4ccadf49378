"""From a score to the probability of being right."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

FEWEST_OF_EACH = 10
"""Fewer right or fewer wrong cases than this say nothing about a slope: only the level is then corrected."""


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), finite also for 0 and 1."""
    p = np.clip(np.asarray(probabilities, dtype=float), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)


@dataclass(frozen=True)
class Calibrator:
    """A sigmoid over log odds (Platt 1999): never reverses the order of two scores."""

    slope: float = 1.0
    intercept: float = 0.0
    cases: int = 0

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated probabilities for raw ones, elementwise."""
        stretched = self.slope * log_odds(probabilities) + self.intercept
        return 1.0 / (1.0 + np.exp(-np.clip(stretched, -700, 700)))


def fit_calibrator(
    probabilities: np.ndarray, right: np.ndarray, weight: np.ndarray | None = None
) -> Calibrator:
    """The calibrator that makes ``probabilities`` the observed rate of ``right``, by the ``weight`` of cases.

    With fewer than ``FEWEST_OF_EACH`` right or wrong cases the scores are moved, not stretched, towards the
    observed rate (with one case of each added); without any case they are left as they are.
    """
    right = np.asarray(right, dtype=bool)
    if not len(right):
        return Calibrator()
    x = log_odds(probabilities)
    slope = 1.0
    if min(right.sum(), (~right).sum()) >= FEWEST_OF_EACH:
        sigmoid = LogisticRegression(C=1e4, tol=1e-8).fit(x[:, None], right, weight)
        if sigmoid.coef_[0, 0] > 0:
            return Calibrator(float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0]), len(right))
        slope = 1e-6
    if weight is None:
        observed, middle = (right.sum() + 1) / (len(right) + 2), x.mean()
    else:
        observed, middle = ((right * weight).sum() + 1) / (weight.sum() + 2), np.average(x, weights=weight)
    return Calibrator(slope, float(log_odds(observed) - slope * middle), len(right))
