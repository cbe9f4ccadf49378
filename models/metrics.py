"""Figures of merit, each a pure function of arrays."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score, f1_score, roc_auc_score

CALIBRATION_BINS = 15


def accuracy(truth: Iterable[Any], predicted: Iterable[Any]) -> float:
    """Share of equal pairs."""
    pairs = [one == other for one, other in zip(truth, predicted, strict=True)]
    return sum(pairs) / len(pairs)


def macro_f1(truth: Iterable[Any], predicted: Iterable[Any]) -> float:
    """F1 averaged over the classes of ``truth``: each class counts the same."""
    truth, predicted = list(truth), list(predicted)
    classes = sorted(set(truth))
    return float(f1_score(truth, predicted, labels=classes, average="macro", zero_division=0))


def quadratic_kappa(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    """Agreement of ordinal codes beyond chance, errors weighted by their squared distance (Cohen 1968).

    ``None`` where truth and prediction are one and the same level throughout: chance explains that as well.
    """
    if len(np.union1d(truth, predicted)) < 2:
        return None
    return float(cohen_kappa_score(truth, predicted, weights="quadratic"))


def reliability(probabilities: np.ndarray, right: np.ndarray, bins: int = CALIBRATION_BINS) -> pd.DataFrame:
    """One row per non-empty bin of equal width: tickets, mean probability, share right."""
    bin_of = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
    frame = pd.DataFrame(
        {"bin": bin_of, "probability": probabilities, "right": np.asarray(right, dtype=float)}
    )
    table = frame.groupby("bin").agg(
        tickets=("right", "size"), mean_probability=("probability", "mean"), share_right=("right", "mean")
    )
    return table.reset_index()


def expected_calibration_error(
    probabilities: np.ndarray, right: np.ndarray, bins: int = CALIBRATION_BINS
) -> float:
    """Mean gap between claimed and observed share right, weighted by tickets (Naeini et al. 2015)."""
    table = reliability(probabilities, right, bins)
    gap = (table["mean_probability"] - table["share_right"]).abs()
    return float((gap * table["tickets"]).sum() / table["tickets"].sum())


def precision_coverage(probabilities: np.ndarray, right: np.ndarray, points: int = 100) -> pd.DataFrame:
    """Precision among the surest tickets, for ``points`` shares of all tickets decided (coverage)."""
    if not len(probabilities):
        return pd.DataFrame(columns=["coverage", "precision", "threshold"])
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    hits = np.cumsum(np.asarray(right, dtype=float)[order])
    counts = np.unique(np.ceil(np.linspace(1 / points, 1, points) * len(order)).astype(int))
    return pd.DataFrame(
        {
            "coverage": counts / len(order),
            "precision": hits[counts - 1] / counts,
            "threshold": np.asarray(probabilities)[order][counts - 1],
        }
    )


def coverage_at_precision(probabilities: np.ndarray, right: np.ndarray, precision: float) -> float:
    """Largest share of tickets that can be decided, surest first, with at least ``precision`` right."""
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    running = np.cumsum(np.asarray(right, dtype=float)[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(running >= precision)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def auc(truth: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under the ROC curve; ``None`` where only one class occurs."""
    return float(roc_auc_score(truth, scores)) if len(np.unique(truth)) == 2 else None


def auc_interval(
    truth: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray,
    seed: int,
    draws: int = 200,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """Bootstrap interval of the AUC, drawing whole ``groups`` (accounts): their rows are not independent."""
    if auc(truth, scores) is None:
        return None
    drawn = (auc(truth[rows], scores[rows]) for rows in drawn_groups(groups, seed, draws))
    values = [value for value in drawn if value is not None]
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def influence_interval(truth: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """95 % interval of the AUC without drawing: by the influence of each case, added up within ``groups``.

    With a group a case this is the interval of DeLong et al. (1988), with larger ones that of Obuchowski
    (1997). Both classes must occur.
    """
    happened = np.asarray(truth) > 0
    ranks, positives, negatives = rankdata(scores), happened.sum(), (~happened).sum()
    influence = np.empty(len(ranks))
    influence[happened] = (ranks[happened] - rankdata(scores[happened])) / negatives
    influence[~happened] = 1 - (ranks[~happened] - rankdata(scores[~happened])) / positives
    area = influence[happened].mean()
    share = np.where(happened, (influence - area) / positives, (influence - area) / negatives)
    by_group = np.bincount(pd.factorize(groups)[0], weights=share)
    margin = 1.96 * float(np.sqrt((by_group**2).sum()))
    return max(0.0, float(area) - margin), min(1.0, float(area) + margin)


def auc_difference_interval(
    truth: np.ndarray,
    ours: np.ndarray,
    theirs: np.ndarray,
    groups: np.ndarray,
    seed: int,
    draws: int = 200,
) -> tuple[float, float] | None:
    """95 % bootstrap interval of our AUC less theirs on the same cases, drawing whole ``groups``."""
    if auc(truth, ours) is None:
        return None
    differences = [
        float(roc_auc_score(truth[rows], ours[rows]) - roc_auc_score(truth[rows], theirs[rows]))
        for rows in drawn_groups(groups, seed, draws)
        if len(np.unique(truth[rows])) == 2
    ]
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def drawn_groups(groups: np.ndarray, seed: int, draws: int) -> Iterator[np.ndarray]:
    """Rows of ``draws`` samples of as many groups as there are, with replacement (bootstrap, Efron 1979)."""
    rng = np.random.default_rng(seed)
    codes, names = pd.factorize(groups, sort=True)
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    for _ in range(draws):
        yield np.concatenate([rows_of[g] for g in rng.integers(0, len(names), len(names))])


def exact_share_interval(hits: int, cases: int) -> tuple[float, float]:
    """Exact 95 % interval of a share (Clopper & Pearson 1934): honest for few cases; 0 to 1 without any."""
    low = float(betaincinv(hits, cases - hits + 1, 0.025)) if hits else 0.0
    high = float(betaincinv(hits + 1, cases - hits, 0.975)) if hits < cases else 1.0
    return low, high


def share_interval(hits: np.ndarray, seed: int, draws: int = 2_000) -> tuple[float, float]:
    """95 % bootstrap interval of the share of ``hits`` (0/1)."""
    return paired_difference_interval(hits, np.zeros(len(hits)), seed, draws)


def paired_difference_interval(
    ours: np.ndarray, theirs: np.ndarray, seed: int, draws: int = 2_000
) -> tuple[float, float]:
    """95 % interval of the mean of ``ours - theirs``, drawing whole cases (bootstrap, Efron 1979)."""
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    rng = np.random.default_rng(seed)
    values, counts = np.unique(difference, return_counts=True)
    means = rng.multinomial(len(difference), counts / len(difference), draws) @ values / len(difference)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def calibration_range(probabilities: np.ndarray, seed: int, draws: int = 1_000) -> tuple[float, float]:
    """Middle 90 % of the calibration error of a model whose ``probabilities`` are exactly true.

    Even that model shows an error on so many cases: each is right by chance with its probability.
    """
    rng = np.random.default_rng(seed)
    p = np.asarray(probabilities, dtype=float)
    bin_of = np.minimum((p * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    claimed = np.bincount(bin_of, p, CALIBRATION_BINS)
    errors = [
        np.abs(claimed - np.bincount(bin_of, rng.random(len(p)) < p, CALIBRATION_BINS)).sum() / len(p)
        for _ in range(draws)
    ]
    low, high = np.quantile(errors, [0.05, 0.95])
    return float(low), float(high)
