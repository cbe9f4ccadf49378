"""Which candidate is right, and is any of them? Linear scores of the evidence, corrected by boosted trees."""

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.boosting import Columns, scores
from models.calibration import log_odds
from models.candidates import Evidence
from models.linear import LinearScore, choice_shares

RISING = (
    "logit",
    "share",
    "lead",
    "centroid_cosine",
    "centroid_lead",
    "nearest_cosine",
    "nearest_lead",
    "votes",
    "pooled",
    "pooled_lead",
    "sentence_logit",
    "sentence_share",
    "sentence_lead",
    "sentence_nearest_cosine",
    "sentence_nearest_lead",
    "sentence_votes",
)
"""More of this evidence never makes the trees think a candidate less likely."""
OF_THE_BEST = ("best", "second", "best_log_odds", "lead_over_second", "best_choice_score")
NOVELTY_EVIDENCE = (
    "logit",
    "centroid_cosine",
    "nearest_cosine",
    "entropy",
    "log_terms",
    "unknown_terms",
    "pooled",
    "sentence_logit",
    "sentence_share",
    "sentence_entropy",
    "sentence_nearest_cosine",
    "sentence_votes",
)
"""Taken of the best-ranked candidate, and the most that any has, as far as the retriever gives it."""


@dataclass(frozen=True)
class Ranker:
    """LightGBM over (ticket, candidate) pairs, starting from a conditional logit of the same evidence."""

    columns: Columns
    start: LinearScore
    booster: lgb.Booster

    def __call__(self, evidence: Evidence) -> np.ndarray:
        """Score of each candidate, shape (tickets, k). Raises ``ValueError`` if the columns differ."""
        if evidence.names != self.columns.names:
            raise ValueError(
                f"the ranker was trained on {self.columns.names}, the evidence is {evidence.names}"
            )
        start = pair_starts(self.start, evidence)
        return scores(self.booster, evidence.rows, start).reshape(evidence.candidates.shape)


def pair_starts(start: LinearScore, evidence: Evidence) -> np.ndarray:
    """Log odds of each pair that the trees correct, shape (tickets * k,)."""
    return log_odds(choice_shares(start(evidence.values))).ravel()


@dataclass(frozen=True)
class Novelty:
    """LightGBM over a ticket's best evidence, starting from a logistic regression of the same."""

    start: LinearScore
    booster: lgb.Booster

    def __call__(self, evidence: Evidence, ranked: np.ndarray, choice: LinearScore) -> np.ndarray:
        """Score from 0 to 1 of each ticket being an unknown request.

        ``ranked``: what the ranker said of the candidates. ``choice``: where it started from.
        """
        matrix = novelty_evidence(evidence, ranked, choice)
        return scores(self.booster, matrix, self.start(matrix))


def novelty_columns(pair_names: Sequence[str]) -> Columns:
    """Columns of ``novelty_evidence`` for a retriever that gives ``pair_names``."""
    taken = [name for name in NOVELTY_EVIDENCE if name in pair_names]
    return Columns((*OF_THE_BEST, *taken, *(f"most_{name}" for name in taken)), {})


def novelty_evidence(evidence: Evidence, ranked: np.ndarray, choice: LinearScore) -> np.ndarray:
    """What tells an unknown request, shape (tickets, ``novelty_columns``).

    The best ``choice`` score, unlike a probability, need not be high because the others are low.
    """
    order = np.argsort(-ranked, axis=1, kind="stable")
    first = order[:, :1]
    best, second = (np.take_along_axis(ranked, order[:, place : place + 1], axis=1)[:, 0] for place in (0, 1))
    places = [evidence.names.index(name) for name in NOVELTY_EVIDENCE if name in evidence.names]
    values = [evidence.values[:, :, place] for place in places]
    own = [np.take_along_axis(each, first, axis=1)[:, 0] for each in values]
    most = [np.fmax.reduce(each, axis=1) for each in values]
    lead = log_odds(best) - log_odds(second)
    return np.column_stack(
        [best, second, log_odds(best), lead, choice(evidence.values).max(axis=1), *own, *most]
    )
