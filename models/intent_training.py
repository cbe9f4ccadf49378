"""Fitting the intent model: out-of-fold evidence once, then a ranker, a novelty booster and a calibrator."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.boosting import Columns, scores, train_booster
from models.calibration import Calibrator, fit_calibrator
from models.candidates import Evidence, Retriever
from models.encoded import EncodedTickets, common_scripts
from models.encoders import NgramEncoder, TextEncoder
from models.intent import NOVELTY_EVIDENCE, IntentModel, novelty_evidence, pair_scores
from models.intent_folds import FoldEvidence, assign_folds, held_out_intents, out_of_fold_evidence

RISING = (
    "logit",
    "share",
    "lead",
    "centroid_cosine",
    "centroid_lead",
    "nearest_cosine",
    "nearest_lead",
    "votes",
)
"""More of this evidence never makes a candidate less likely."""
ROUNDS = 120
NOVELTY_ROUNDS = 60
OUT_OF_SCOPE_PRIOR = 0.1
"""Share of unknown requests assumed where held-out intents stand in for them."""
FALSE_ALARMS = 0.02
"""At most this share of tickets with a known intent is called out of scope."""
FEWEST_REVIEWED = 300
"""With this many double-reviewed calibration tickets, probabilities are calibrated on them alone."""


class NothingToLearnError(ValueError):
    """There is too little to learn from; says what was found and how much is needed."""


@dataclass(frozen=True)
class IntentSettings:
    """How the model is fitted; ``ranker`` holds LightGBM parameters that differ from the defaults."""

    min_examples: int = 20
    candidates: int = 5
    folds: int = 4
    seed: int = 0
    learn_novelty: bool = True
    ranker: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OutOfFold:
    """What the fitted model says of its own training tickets, each judged without it: one row per ticket."""

    intent: np.ndarray
    probability: np.ndarray


def known_labels(labels: np.ndarray, min_examples: int) -> tuple[np.ndarray, dict[str, int]]:
    """Which labelled tickets can be learnt from, and the labels that are too rare with their counts."""
    counts = pd.Series(labels, dtype="str").value_counts()
    rare = counts[counts < min_examples].sort_index()
    known = ~np.isin(labels, rare.index.to_numpy(dtype=str))
    return known, {str(label): int(count) for label, count in rare.items()}


@dataclass(frozen=True)
class RankerData:
    """Everything the ranker learns from; computed once and used by every trial of its tuning."""

    tickets: EncodedTickets
    labels: np.ndarray
    known: np.ndarray
    left_out: Mapping[str, int]
    folds: FoldEvidence

    @property
    def columns(self) -> Columns:
        """The columns of a pair."""
        return Columns(self.folds.evidence.names, {})

    def train(self, fold: int | None, settings: IntentSettings, **kwargs: Any) -> lgb.Booster:
        """A ranker on the pairs of all folds but ``fold``; on all of them where it is ``None``."""
        chosen = np.ones(len(self.folds.row), bool) if fold is None else self.folds.fold != fold
        target = self.folds.right[chosen].ravel().astype(float)
        rows = self.folds.evidence.values[chosen].reshape(len(target), -1)
        parameters = {"objective": "binary", **settings.ranker}
        rising = [name for name in RISING if name in self.columns.names]
        return train_booster(
            rows, target, self.columns, parameters, ROUNDS, settings.seed, increasing=rising, **kwargs
        )


def ranker_data(
    tickets: EncodedTickets, labels: np.ndarray, groups: np.ndarray, settings: IntentSettings
) -> RankerData:
    """Out-of-fold evidence of labelled tickets, given in order of time; tickets of one group stay together.

    Raises ``NothingToLearnError`` with fewer than two intents to learn.
    """
    known, left_out = known_labels(labels, settings.min_examples)
    if len(np.unique(labels[known])) < 2:
        raise NothingToLearnError(
            f"the intent model needs two intents with {settings.min_examples} examples each, "
            f"found {sorted(set(labels[known].tolist()))}: label more tickets or lower intent.min_examples"
        )
    fold = assign_folds(groups, np.where(known, labels, ""), settings.folds, settings.seed)
    held_out = held_out_intents(labels[known], settings.seed) if settings.learn_novelty else []
    folds = out_of_fold_evidence(tickets, labels, known, fold, held_out, settings.candidates, settings.seed)
    return RankerData(tickets, labels, known, left_out, folds)


def fit_intent(
    data: RankerData,
    calibration: EncodedTickets,
    calibration_labels: np.ndarray,
    reviewed: np.ndarray,
    settings: IntentSettings,
    encoder: TextEncoder | None = None,
) -> tuple[IntentModel, OutOfFold]:
    """Fit on ``data``; calibrate on later tickets with labels, of which some are ``reviewed`` twice.

    Without calibration tickets the out-of-fold scores calibrate. The second value judges each training
    ticket without having learnt from it.
    """
    learnt = np.flatnonzero(data.known)
    circumstances = data.tickets.circumstances_of(learnt)
    raw = _out_of_fold_scores(data, settings)
    novelty, novelty_cut = _novelty_booster(data.folds, raw, settings.seed)
    model = IntentModel(
        encoder=encoder or NgramEncoder(),
        retriever=Retriever.fit(
            data.tickets.counts[learnt], circumstances, data.labels[learnt], settings.seed
        ),
        k=data.folds.right.shape[1],
        pair_columns=data.columns,
        ranker=data.train(None, settings),
        novelty=novelty,
        novelty_cut=novelty_cut,
        calibrator=Calibrator(),
        scripts=common_scripts(data.tickets.texts),
        left_out=data.left_out,
    )
    if len(calibration_labels):
        model = replace(model, calibrator=_calibrator(model, calibration, calibration_labels, reviewed))
        return model, _judged(data, raw, model)
    shown = ~data.folds.stand_in
    right = np.take_along_axis(data.folds.right, raw.argmax(axis=1)[:, None], axis=1)[:, 0]
    model = replace(model, calibrator=fit_calibrator(raw.max(axis=1)[shown], right[shown]))
    return model, _judged(data, raw, model)


def _out_of_fold_scores(data: RankerData, settings: IntentSettings) -> np.ndarray:
    folds = data.folds
    raw = np.zeros(folds.right.shape)
    for fold in np.unique(folds.fold):
        here = folds.fold == fold
        held = Evidence(folds.evidence.candidates[here], folds.evidence.values[here], folds.evidence.names)
        raw[here] = pair_scores(data.train(int(fold), settings), data.columns, held)
    return raw


def _judged(data: RankerData, raw: np.ndarray, model: IntentModel) -> OutOfFold:
    shown = np.flatnonzero(~data.folds.stand_in)
    shown = shown[np.argsort(data.folds.row[shown], kind="stable")]
    best = raw[shown].argmax(axis=1)
    codes = data.folds.evidence.candidates[shown, best]
    return OutOfFold(np.array(model.classes, dtype=object)[codes], model.calibrator(raw[shown, best]))


def _calibrator(
    model: IntentModel, tickets: EncodedTickets, labels: np.ndarray, reviewed: np.ndarray
) -> Calibrator:
    predictions = model.predict_encoded(tickets)  # still uncalibrated: the identity
    right = np.array([p.intent == label for p, label in zip(predictions, labels, strict=True)])
    raw = np.array([p.probability for p in predictions])
    chosen = np.asarray(reviewed, bool)
    if chosen.sum() < FEWEST_REVIEWED:
        chosen = np.ones(len(right), bool)
    return fit_calibrator(raw[chosen], right[chosen])


def _novelty_booster(folds: FoldEvidence, raw: np.ndarray, seed: int) -> tuple[lgb.Booster | None, float]:
    unknown = folds.unknown.astype(float)
    if not 0 < unknown.sum() < len(unknown):
        return None, 1.0
    odds = OUT_OF_SCOPE_PRIOR / (1 - OUT_OF_SCOPE_PRIOR)
    weight = np.where(folds.unknown, odds * (len(unknown) - unknown.sum()) / unknown.sum(), 1.0)
    columns = Columns(NOVELTY_EVIDENCE, {})
    matrix = novelty_evidence(folds.evidence, raw)
    settings = {"objective": "binary", "num_leaves": 7}
    falling = ("best", "logit", "centroid_cosine", "nearest_cosine")
    booster = train_booster(
        matrix, unknown, columns, settings, NOVELTY_ROUNDS, seed, weight=weight, decreasing=falling
    )
    known = scores(booster, matrix[~folds.unknown])
    return booster, float(np.quantile(known, 1 - FALSE_ALARMS))
