"""Risk control: where is a decision without a person allowed?

An intent may be decided automatically above a threshold only if the *lower* confidence bound of its precision
there reaches the promise. Proving 95 % takes 59 cases without error, 93 with one.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr, bdtrik, betaincinv

STEPS = 30
"""At most this many thresholds are tried per intent."""
APART_FACTOR = 3
"""A language is judged apart with so many times the fewest cases that prove anything, and as many others."""
PLANNED_NOISE = 0.01
"""Share of verified cases expected to be labelled wrong, when planning where to begin; no proof uses it."""


class ThresholdEvidence(NamedTuple):
    """What is proven about one intent.

    ``threshold`` is the lowest probability from which on precision is proven, ``None`` if nowhere. ``n``,
    ``errors`` and ``lower_bound`` describe the cases at or above it, or those that failed if ``None``.
    ``by_language``: languages with enough cases to be proven apart; the rest of this evidence is then that of
    all other languages.
    """

    threshold: float | None
    n: int
    errors: int
    lower_bound: float
    by_language: Mapping[str, "ThresholdEvidence"] = MappingProxyType({})

    def of(self, language: str | None) -> "ThresholdEvidence":
        """What is proven for tickets in ``language`` (ISO 639-1)."""
        return self.by_language.get(language or "", self)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, not rounded: a threshold decides."""
        languages = {name: found.to_json() for name, found in sorted(self.by_language.items())}
        return {**self._asdict(), "by_language": languages}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ThresholdEvidence":
        """The inverse of ``to_json``."""
        languages = {name: cls.from_json(found) for name, found in document["by_language"].items()}
        return cls(**{**document, "by_language": languages})


def clopper_pearson_lower(successes: int, trials: int, confidence: float) -> float:
    """Exact one-sided lower bound of a binomial rate (Clopper & Pearson 1934); 0 without trials."""
    if not 0 <= successes <= trials:
        raise ValueError(
            f"{successes} successes in {trials} trials is impossible: give counts with 0 <= s <= n"
        )
    return float(betaincinv(successes, trials - successes + 1, 1 - confidence)) if successes else 0.0


def fewest_cases(precision: float, confidence: float) -> int:
    """How many cases without error prove ``precision``: the n with precision^n <= 1 - confidence."""
    return int(np.ceil(np.log(1 - confidence) / np.log(precision)))


def allowed_errors(cases: np.ndarray, precision: float, confidence: float) -> np.ndarray:
    """The most errors with which each number of ``cases`` proves ``precision``; -1 where none would do.

    The lower bound of Clopper and Pearson reaches ``precision`` exactly where so few errors are less likely
    than ``1 - confidence`` at that precision.
    """
    risk, wrong = 1 - confidence, 1 - precision
    most = np.floor(bdtrik(risk, cases, wrong))
    return (most - (bdtr(most, cases, wrong) > risk)).astype(int)


def _counts_to_try(ranked: np.ndarray, fewest: int) -> np.ndarray:
    """Numbers of the surest cases to test, growing; equal probabilities are never split."""
    if len(ranked) < fewest:
        return np.zeros(0, int)
    places = np.unique(np.geomspace(fewest, len(ranked), STEPS).round().astype(int))
    return np.unique(np.searchsorted(-ranked, -ranked[places - 1], side="right"))


def intent_threshold(
    probability: np.ndarray, correct: np.ndarray, precision: float, confidence: float
) -> ThresholdEvidence:
    """The lowest proven threshold of one intent, by fixed-sequence testing.

    Thresholds are tried in an order that is fixed before any outcome is seen, stopping at the first that
    fails, so that trying several needs no correction (Angelopoulos et al. 2021, "Learn then test", section on
    fixed-sequence testing). The first is the one most likely to pass if the probabilities are right, the
    next ones are looser and looser. Which come first depends on the probabilities only: if those are wrong,
    less is automated, but nothing is promised that is not proven.
    """
    claimed = np.asarray(probability, dtype=float)
    order = np.argsort(-claimed, kind="stable")
    ranked, wrong = claimed[order], np.cumsum(~np.asarray(correct, dtype=bool)[order])
    counts = _counts_to_try(ranked, fewest_cases(precision, confidence))
    if not len(counts):
        n, errors = len(ranked), int(wrong[-1]) if len(wrong) else 0
        return ThresholdEvidence(None, n, errors, clopper_pearson_lower(n - errors, n, confidence))
    allowed = allowed_errors(counts, precision, confidence)
    expected = np.clip(np.cumsum(1 - ranked)[counts - 1] / counts + PLANNED_NOISE, 0, 1)
    first = int(np.argmax(np.where(allowed < 0, 0, bdtr(np.maximum(allowed, 0), counts, expected))))
    passed = wrong[counts - 1][first:] <= allowed[first:]
    steps = int(np.argmin(passed)) if not passed.all() else len(passed)
    n = int(counts[first + max(steps - 1, 0)])
    errors = int(wrong[n - 1])
    bound = clopper_pearson_lower(n - errors, n, confidence)
    return ThresholdEvidence(float(ranked[n - 1]) if steps else None, n, errors, bound)


def automation_thresholds(
    evidence: pd.DataFrame, precision: float, confidence: float
) -> dict[str, ThresholdEvidence]:
    """The proven threshold of each predicted intent, and of its languages where there is evidence.

    ``evidence`` has a row per verified case: ``intent`` and ``probability`` as predicted before the case was
    learnt from, ``correct`` and, where known, ``language``. The promise holds for each intent separately. A
    language with enough cases to prove anything is judged by itself, if the others have enough as well: a
    common language must not vouch for one that the model reads worse. Which are apart depends on the number
    of cases only, never on their outcome.
    """
    enough = APART_FACTOR * fewest_cases(precision, confidence)
    probability, correct = evidence["probability"].to_numpy(dtype=float), evidence["correct"].to_numpy(bool)
    language = pd.Series("", index=evidence.index) if "language" not in evidence else evidence["language"]
    spoken, languages = pd.factorize(language, sort=True, use_na_sentinel=True)

    def proven(rows: np.ndarray) -> ThresholdEvidence:
        return intent_threshold(probability[rows], correct[rows], precision, confidence)

    found = {}
    predicted, intents = pd.factorize(evidence["intent"], sort=True)
    for code, intent in enumerate(intents):
        rows = np.flatnonzero(predicted == code)
        apart = _apart(spoken[rows], enough)
        own = {str(languages[i]): proven(rows[spoken[rows] == i]) for i in apart}
        found[str(intent)] = proven(rows[~np.isin(spoken[rows], apart)])._replace(by_language=own)
    return found


def _apart(languages: np.ndarray, enough: int) -> list[int]:
    """Codes with at least ``enough`` cases, commonest first, as long as the others keep as many."""
    counts = np.bincount(languages[languages >= 0])
    apart, left = [], len(languages)
    for code in np.argsort(-counts, kind="stable").tolist():
        if counts[code] >= enough and left - counts[code] >= enough:
            apart.append(code)
            left -= counts[code]
    return sorted(apart)


def required_probability(
    thresholds: Mapping[str, ThresholdEvidence], intents: Iterable[Any], languages: Iterable[Any]
) -> np.ndarray:
    """From which probability on each prediction may be automated; infinite where nothing is proven."""
    needed = []
    for intent, language in zip(intents, languages, strict=True):
        proof = thresholds.get(intent) if isinstance(intent, str) else None
        level = None if proof is None else proof.of(language if isinstance(language, str) else None).threshold
        needed.append(np.inf if level is None else level)
    return np.array(needed, dtype=float)


def threshold_table(thresholds: Mapping[str, ThresholdEvidence]) -> pd.DataFrame:
    """One row per intent and language proven apart: ``threshold`` and the evidence for it."""
    rows = [
        (intent, language, *part[:4])
        for intent, whole in sorted(thresholds.items())
        for language, part in [
            ("all others" if whole.by_language else "all", whole),
            *sorted(whole.by_language.items()),
        ]
    ]
    return pd.DataFrame(rows, columns=["intent", "language", "threshold", "n", "errors", "lower_bound"])
