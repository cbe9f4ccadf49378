"""A challenger against the champion, on the newest tickets, which neither learnt from: pairs, not averages.

Both releases answer the same tickets here and now, so a metric written into a bundle counts for nothing. A
difference has a 95 % interval for pairs (normal approximation of the mean of the differences).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.intent import IntentModel
from models.metrics import expected_calibration_error
from models.release import ReleaseError, load_release
from models.risk import ThresholdEvidence, clopper_pearson_lower
from pipelines.artifacts import FEATURES, read_frame
from pipelines.gates import Gate

FEWEST_TICKETS = 100
FEWEST_IN_SLICE = 30
TOLERATED_LOSS = 0.01
"""How much worse than the champion the interval may still allow."""
TOLERATED_SLICE_LOSS = 0.05
SLICES = ("plan", "language", "channel")
MOST_CALIBRATION_ERROR, CALIBRATION_SLACK = 0.05, 0.02
PROMISED_PRECISION = 0.95
SLOWER, SLOWER_MILLISECONDS = 1.5, 2.0
LARGER, LARGER_MEGABYTES = 2.0, 50.0
TIMED_TICKETS = 40


@dataclass(frozen=True)
class Paired:
    """Mean of the differences of pairs, with its 95 % interval."""

    pairs: int
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ({self.low:+.3f} to {self.high:+.3f}) on {self.pairs}"


class Answering(NamedTuple):
    """What of a release answers what a ticket is about, and how large the release is."""

    intent: IntentModel
    thresholds: Mapping[str, ThresholdEvidence]
    megabytes: float


@dataclass(frozen=True)
class Said:
    """What one release said about each ticket: the intent, its probability, and whether it may automate."""

    intent: np.ndarray
    probability: np.ndarray
    automated: np.ndarray
    milliseconds: float
    """Median time for one ticket."""
    megabytes: float


def paired(challenger: np.ndarray, champion: np.ndarray) -> Paired:
    """The difference of two scores per ticket. Without tickets it is unknown: 0 from -1 to 1."""
    if not len(challenger):
        return Paired(0, 0.0, -1.0, 1.0)
    difference = challenger.astype(float) - champion.astype(float)
    mean, margin = float(difference.mean()), 1.96 * float(difference.std()) / sqrt(len(difference))
    return Paired(len(difference), mean, mean - margin, mean + margin)


def read_challenge() -> pd.DataFrame:
    """The newest tickets that stage features left (split ``evaluation``), with their labels and features."""
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    return tickets[tickets["split"] == "evaluation"].reset_index(drop=True)


def judging_labels(tickets: pd.DataFrame) -> pd.Series:
    """What two reviewers agree on, where that is enough to judge by; else what agents finally set."""
    reviewed = tickets["intent_reviewed"]
    return reviewed if reviewed.notna().sum() >= FEWEST_TICKETS else tickets["intent_label"]


def challenge_gates(bundle: Path, champion: Path) -> list[Gate]:
    """Gates of the release in ``bundle`` against the one in ``champion``, on ``read_challenge``'s tickets.

    A champion that this version of the program cannot read serves nobody and cannot be compared with: a
    gate says so and passes. Raises ``ReleaseError`` where ``bundle`` cannot be read.
    """
    ours = load_release(bundle)
    try:
        theirs = load_release(champion)
    except ReleaseError as error:
        return [Gate("champion", True, f"serves nobody: {error}", "compared with, if it can be read")]
    lost = sorted(set(ours.absent) - set(theirs.absent))
    gates = [
        Gate("members", not lost, f"lost: {', '.join(lost) or 'none'}", "every model that the champion has")
    ]
    if ours.intent is None or theirs.intent is None:
        return gates
    challenger = Answering(ours.intent, ours.thresholds, megabytes_of(bundle))
    serving = Answering(theirs.intent, theirs.thresholds, megabytes_of(champion))
    return [*gates, *answering_gates(read_challenge(), challenger, serving)]


def answering_gates(tickets: pd.DataFrame, ours: Answering, theirs: Answering) -> list[Gate]:
    """Gates of both answering ``tickets``, which neither learnt from, judged by ``judging_labels``."""
    labels = judging_labels(tickets)
    told = labels.notna()
    judged, truth = tickets[told].reset_index(drop=True), labels[told].to_numpy(dtype=object)
    if len(judged) < FEWEST_TICKETS:
        found, needed = f"{len(judged)} labelled tickets among the newest", f"at least {FEWEST_TICKETS}"
        return [Gate("intent against champion", False, found, needed)]
    return compared(judged, truth, *_both_said(ours, theirs, judged))


def compared(tickets: pd.DataFrame, truth: np.ndarray, ours: Said, theirs: Said) -> list[Gate]:
    """Gates over what both releases said about ``tickets``, whose intents were ``truth``."""
    right, before = ours.intent == truth, theirs.intent == truth
    gain = paired(right, before)
    error = expected_calibration_error(ours.probability, right)
    allowed = max(
        MOST_CALIBRATION_ERROR, expected_calibration_error(theirs.probability, before) + CALIBRATION_SLACK
    )
    worse = worse_slices(tickets, right, before)
    limit_ms = theirs.milliseconds * SLOWER + SLOWER_MILLISECONDS
    limit_mb = max(theirs.megabytes * LARGER, LARGER_MEGABYTES)
    return [
        Gate(
            "intent against champion",
            gain.mean >= 0 and gain.low >= -TOLERATED_LOSS,
            f"accuracy {right.mean():.3f} against {before.mean():.3f}: {gain}",
            f"not below the champion's, surely not by {TOLERATED_LOSS:.0%}",
        ),
        Gate(
            "no slice worse",
            not worse,
            "; ".join(worse) or "none",
            f"none surely worse, and by {TOLERATED_SLICE_LOSS:.0%}",
        ),
        Gate("calibration", error <= allowed, f"error {error:.3f}", f"<= {allowed:.3f}"),
        automation_gate(right, before, ours, theirs),
        Gate(
            "latency",
            ours.milliseconds <= limit_ms,
            f"{ours.milliseconds:.1f} ms a ticket",
            f"<= {limit_ms:.1f} ms (champion {theirs.milliseconds:.1f})",
        ),
        Gate("size", ours.megabytes <= limit_mb, f"{ours.megabytes:.1f} MB", f"<= {limit_mb:.1f} MB"),
    ]


def automation_gate(right: np.ndarray, before: np.ndarray, ours: Said, theirs: Said) -> Gate:
    """Is what may be automated as right as promised, or (labels have errors, too) as the champion's?"""
    chosen, theirs_chosen = right[ours.automated], before[theirs.automated]
    if not len(chosen):
        return Gate("automation promise", True, "nothing is automated", "kept, or as good as the champion's")
    wrong = int((~chosen).sum())
    best = 1 - clopper_pearson_lower(wrong, len(chosen), 0.95)
    champion = float(theirs_chosen.mean()) if len(theirs_chosen) else PROMISED_PRECISION
    required = min(PROMISED_PRECISION, champion)
    found = f"{len(chosen) - wrong} of {len(chosen)} right (at best {best:.3f})"
    return Gate("automation promise", best >= required, found, f"{required:.3f} not ruled out")


def worse_slices(tickets: pd.DataFrame, right: np.ndarray, before: np.ndarray) -> list[str]:
    """Slices that lost ``TOLERATED_SLICE_LOSS`` or more, and where that is no accident."""
    worse = []
    for dimension in [name for name in SLICES if name in tickets]:
        for value in sorted(tickets[dimension].dropna().unique()):
            here = (tickets[dimension] == value).to_numpy(dtype=bool)
            change = paired(right[here], before[here])
            if change.pairs >= FEWEST_IN_SLICE and change.mean <= -TOLERATED_SLICE_LOSS and change.high < 0:
                worse.append(f"{dimension} {value} {change}")
    return worse


def _both_said(ours: Answering, theirs: Answering, tickets: pd.DataFrame) -> tuple[Said, Said]:
    """Answers of both; single tickets are timed in turns, so that a busy machine slows both alike."""
    spent: tuple[list[float], list[float]] = ([], [])
    for row in range(min(TIMED_TICKETS, len(tickets))):
        for answering, times in zip((ours, theirs), spent, strict=True):
            times.append(_milliseconds(answering.intent, tickets.iloc[[row]]))
    return _said(ours, tickets, spent[0]), _said(theirs, tickets, spent[1])


def megabytes_of(folder: Path) -> float:
    """Size of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _milliseconds(model: IntentModel, ticket: pd.DataFrame) -> float:
    started = time.perf_counter()
    model.predict(ticket)
    return 1000 * (time.perf_counter() - started)


def _said(answering: Answering, tickets: pd.DataFrame, times: Sequence[float]) -> Said:
    answers = answering.intent.predict(tickets)
    needed = {name: e.threshold for name, e in answering.thresholds.items() if e.threshold is not None}
    automated = [
        not a.out_of_scope and a.intent in needed and a.probability >= needed[a.intent] for a in answers
    ]
    return Said(
        np.array([a.intent for a in answers], dtype=object),
        np.array([a.probability for a in answers]),
        np.array(automated, dtype=bool),
        median(times),
        answering.megabytes,
    )
