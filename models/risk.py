"""Risk control: where is a decision without a person allowed?

An intent may be decided automatically above a threshold only if the *lower* confidence bound of its precision
there reaches the promise. Proving 95 % takes 59 cases without error, 93 with one.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import beta

STEPS = 12
"""At most this many thresholds are tried per intent."""


class ThresholdEvidence(NamedTuple):
    """What is proven about one intent.

    ``threshold`` is the lowest probability from which on precision is proven, ``None`` if nowhere. ``n``,
    ``errors`` and ``lower_bound`` describe the cases at or above it, or the strictest set tried if ``None``.
    """

    threshold: float | None
    n: int
    errors: int
    lower_bound: float


def clopper_pearson_lower(successes: int, trials: int, confidence: float) -> float:
    """Exact one-sided lower bound of a binomial rate (Clopper & Pearson 1934); 0 without trials."""
    if not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} successes in {trials} trials is impossible: give counts with 0 <= s <= n"
        )
    return float(beta.ppf(1 - confidence, successes, trials - successes + 1)) if successes else 0.0


def fewest_cases(precision: float, confidence: float) -> int:
    """How many cases without error prove ``precision``: the n with precision^n <= 1 - confidence."""
    return int(np.ceil(np.log(1 - confidence) / np.log(precision)))


def _candidate_counts(cases: int, fewest: int) -> list[int]:
    return sorted({round(count) for count in np.geomspace(fewest, cases, STEPS)}) if cases >= fewest else []


def _stricter_to_looser(
    probability: np.ndarray, correct: np.ndarray, fewest: int
) -> Iterator[tuple[float, int, int]]:
    order = np.argsort(-probability, kind="stable")
    ranked, right = probability[order], np.cumsum(correct[order])
    for count in _candidate_counts(len(ranked), fewest):
        threshold = ranked[count - 1]
        n = int(np.searchsorted(-ranked, -threshold, side="right"))
        yield float(threshold), n, n - int(right[n - 1])


def intent_threshold(
    probability: np.ndarray, correct: np.ndarray, precision: float, confidence: float
) -> ThresholdEvidence:
    """The lowest proven threshold of one intent, by fixed-sequence testing.

    Thresholds are tried from the strictest that can pass at all to the loosest, stopping at the first that
    fails, so that no correction for trying several is needed (Angelopoulos et al. 2021, "Learn then test").
    The sequence depends on the probabilities only, never on which cases were correct.
    """
    correct = np.asarray(correct, dtype=int)
    proven: ThresholdEvidence | None = None
    for threshold, n, errors in _stricter_to_looser(
        np.asarray(probability, dtype=float), correct, fewest_cases(precision, confidence)
    ):
        bound = clopper_pearson_lower(n - errors, n, confidence)
        if bound < precision:
            return proven or ThresholdEvidence(None, n, errors, bound)
        proven = ThresholdEvidence(threshold, n, errors, bound)
    if proven is not None:
        return proven
    n, right = len(correct), int(correct.sum())
    return ThresholdEvidence(None, n, n - right, clopper_pearson_lower(right, n, confidence))


def automation_thresholds(
    evidence: pd.DataFrame, precision: float, confidence: float
) -> dict[str, ThresholdEvidence]:
    """The proven threshold of each predicted intent.

    ``evidence`` has a row per verified case: ``intent`` and ``probability`` as predicted before the case was
    learnt from, and ``correct``. The promise holds for each intent separately.
    """
    return {
        str(intent): intent_threshold(
            cases["probability"].to_numpy(dtype=float),
            cases["correct"].to_numpy(dtype=bool),
            precision,
            confidence,
        )
        for intent, cases in evidence.groupby("intent", sort=True)
    }
