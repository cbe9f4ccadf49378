"""Does somebody ask, are they confused or frustrated? A score with its signals, not a bare number."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.rows import Rows
from models.boosting import (
    Columns,
    contributions,
    load_booster,
    numeric,
    save_booster,
    scores,
    train_booster,
)
from models.encoded import EncodedTickets, encode_tickets
from models.encoders import NgramEncoder, TextEncoder, encoder_named
from models.frustration import SIGNAL_COLUMNS, either, signal_values, signals_in_words, strengths
from models.metrics import macro_f1
from models.proposer import Proposer

TEXT_SCORES = ("text_asking", "text_confused", "text_frustrated")
OTHER_NUMBERS = (*SIGNAL_COLUMNS, "question_marks", "text_words", "hours_since_same_intent")
NUMBERS = (*TEXT_SCORES, *OTHER_NUMBERS)
INCREASING = (
    "text_frustrated",
    "caps_share",
    "exclamation_marks",
    "same_intent_contact_30d",
    "similar_text_repeats_30d",
    "failed_logins_24h",
    "contact_errors_24h",
)
ROUNDS = 80
FOLDS = 4
HIGHEST_CUT = 0.5
"""A frustration of one half is always called frustrated: explicit signals alone must be able to say so."""


class SentimentPrediction(NamedTuple):
    """``state``: asking, confused or frustrated. ``frustration``: 0 to 1. ``signals``: in words."""

    state: str
    frustration: float
    signals: tuple[str, ...]


@dataclass(frozen=True)
class LearntSentiment:
    """What reviewers' labels add to the signals: text scores, and two boosters over scores and signals."""

    encoder: TextEncoder
    text: Proposer
    frustrated: lgb.Booster
    confused: lgb.Booster | None


@dataclass(frozen=True)
class SentimentLessons:
    """What boosters of any settings learn from: computed once, used by every trial of the tuning.

    ``matrix``: one row per ticket, columns ``NUMBERS``; its text scores are out of fold. ``text`` knows all.
    """

    encoder: TextEncoder
    text: Proposer
    matrix: np.ndarray
    labels: np.ndarray
    seed: int

    @classmethod
    def of(cls, tickets: pd.DataFrame, states: pd.Series, seed: int) -> "SentimentLessons":
        """Encode ``tickets`` and learn what their words say of ``states``."""
        encoder = NgramEncoder()
        encoded, labels = encode_tickets(tickets, encoder), states.to_numpy(dtype=str)
        matrix = _matrix(tickets, out_of_fold_text_scores(encoded, labels, seed))
        return cls(encoder, Proposer.fit(encoded.counts, labels, seed), matrix, labels, seed)


@dataclass(frozen=True)
class SentimentModel:
    """Signals alone, or signals and what was learnt; the louder of both is heard (noisy or)."""

    learnt: LearntSentiment | None = None
    cut: float = HIGHEST_CUT

    @classmethod
    def fit(
        cls, tickets: pd.DataFrame, states: pd.Series, seed: int, settings: Mapping[str, Any] | None = None
    ) -> "SentimentModel":
        """Learn reviewers' ``states`` of ``tickets`` (subject, body, ticket features, repeats).

        Signals only, where ``too_few`` says so.
        """
        return (
            cls()
            if too_few(states) is not None
            else cls.learn(SentimentLessons.of(tickets, states, seed), settings)
        )

    @classmethod
    def learn(
        cls, lessons: "SentimentLessons", settings: Mapping[str, Any] | None = None
    ) -> "SentimentModel":
        """Fit the boosters; ``settings`` are LightGBM's, beside the defaults."""
        settings = {"num_leaves": 7, **(settings or {})}
        matrix, labels, seed = lessons.matrix, lessons.labels, lessons.seed
        frustrated = labels == "frustrated"
        confused = None
        if (labels == "confused").any() and (labels == "asking").any():
            calm = ~frustrated
            confused = _booster(matrix[calm], labels[calm] == "confused", settings, seed)
        booster = _booster(matrix, frustrated, settings, seed, INCREASING)
        return cls(LearntSentiment(lessons.encoder, lessons.text, booster, confused))

    def with_cut_from(self, tickets: pd.DataFrame, states: pd.Series) -> "SentimentModel":
        """The frustration from which on a ticket is called frustrated: best macro F1 on later tickets."""
        if self.learnt is None or not len(states):
            return self
        frustration, confusion = self.judge(tickets)
        cuts = np.linspace(0.1, HIGHEST_CUT, 17)
        value = [macro_f1(states, _states(frustration, confusion, cut)) for cut in cuts]
        return replace(self, cut=float(cuts[len(cuts) - 1 - int(np.argmax(value[::-1]))]))

    def judge(self, tickets: pd.DataFrame | Rows) -> tuple[np.ndarray, np.ndarray]:
        """Frustration, and probability of confusion where calm; one value each per ticket."""
        return self._judge(tickets, either(*strengths(signal_values(tickets)).values()))

    def states(self, tickets: pd.DataFrame | Rows) -> tuple[np.ndarray, np.ndarray]:
        """State (object array of strings) and frustration of each ticket: ``predict`` without its words."""
        frustration, confusion = self.judge(tickets)
        return _states(frustration, confusion, self.cut).astype(object), frustration

    def _judge(self, tickets: pd.DataFrame | Rows, loud: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.learnt is None or not len(tickets):
            return loud, np.zeros(len(tickets))
        encoded = encode_tickets(tickets, self.learnt.encoder)
        matrix = _matrix(tickets, _text_scores(self.learnt.text, encoded))
        confusion = (
            np.zeros(len(tickets)) if self.learnt.confused is None else scores(self.learnt.confused, matrix)
        )
        return either(loud, scores(self.learnt.frustrated, matrix)), confusion

    def predict(self, tickets: pd.DataFrame | Rows) -> list[SentimentPrediction]:
        """One prediction per row: columns subject, body, ticket features and repeats."""
        values = signal_values(tickets)
        loud = either(*strengths(values).values())
        frustration, confusion = self._judge(tickets, loud)
        signals = [signals_in_words(values, row) for row in range(len(tickets))]
        return [
            SentimentPrediction(str(state), float(f), (*said, "angry wording") if f - heard >= 0.3 else said)
            for state, f, heard, said in zip(
                _states(frustration, confusion, self.cut), frustration, loud, signals, strict=True
            )
        ]

    def contributions(self, tickets: pd.DataFrame | Rows) -> list[dict[str, float]]:
        """What each column adds to the log odds of frustration (TreeSHAP), one dict a row; empty unlearnt."""
        if self.learnt is None:
            return [{}] * len(tickets)
        encoded = encode_tickets(tickets, self.learnt.encoder)
        added = contributions(
            self.learnt.frustrated, _matrix(tickets, _text_scores(self.learnt.text, encoded))
        )
        return [dict(zip(NUMBERS, row.tolist(), strict=True)) for row in added]

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and, where something was learnt, ``text.npz`` and the boosters."""
        folder.mkdir(parents=True, exist_ok=True)
        learnt = self.learnt
        document: dict[str, Any] = {"cut": self.cut, "encoder": None, "has_confused": False}
        if learnt is not None:
            document |= {"encoder": learnt.encoder.name, "has_confused": learnt.confused is not None}
            learnt.text.save(folder / "text.npz")
            save_booster(learnt.frustrated, folder / "frustrated.txt")
            if learnt.confused is not None:
                save_booster(learnt.confused, folder / "confused.txt")
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "SentimentModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if document["encoder"] is None:
            return cls(None, document["cut"])
        learnt = LearntSentiment(
            encoder_named(document["encoder"]),
            Proposer.load(folder / "text.npz"),
            load_booster(folder / "frustrated.txt", COLUMNS),
            load_booster(folder / "confused.txt", COLUMNS) if document["has_confused"] else None,
        )
        return cls(learnt, document["cut"])


COLUMNS = Columns(NUMBERS, {})


def too_few(states: pd.Series, fewest: int = 20) -> str | None:
    """Why nothing can be learnt from these labels; ``None`` if something can."""
    frustrated = int((states == "frustrated").sum())
    if min(frustrated, len(states) - frustrated) < fewest:
        return (
            f"{len(states)} reviewed tickets, {frustrated} of them frustrated: "
            f"{fewest} frustrated and {fewest} other ones are needed, so signals alone decide"
        )
    return None


def out_of_fold_text_scores(tickets: EncodedTickets, labels: np.ndarray, seed: int) -> np.ndarray:
    """Text scores of each ticket by a text model that has not seen it."""
    fold = pd.Series(labels).groupby(labels).cumcount().to_numpy() % FOLDS
    found = np.zeros((len(labels), len(TEXT_SCORES)))
    for f in range(FOLDS):
        text = Proposer.fit(tickets.counts[fold != f], labels[fold != f], seed)
        found[fold == f] = _text_scores(text, tickets.take(fold == f))
    return found


def _text_scores(text: Proposer, tickets: EncodedTickets) -> np.ndarray:
    """Log odds by state in the order of ``TEXT_SCORES``; a state without an example is very unlikely."""
    logits = text.logits(text.weights(tickets.counts))
    found = np.full((len(tickets), len(TEXT_SCORES)), -10.0)
    for column, name in enumerate(TEXT_SCORES):
        state = name.removeprefix("text_")
        if state in text.classes:
            found[:, column] = logits[:, text.classes.index(state)]
    return found


def _matrix(tickets: pd.DataFrame | Rows, text_scores: np.ndarray) -> np.ndarray:
    return np.column_stack([text_scores, numeric(tickets, OTHER_NUMBERS)])


def _booster(
    matrix: np.ndarray,
    target: np.ndarray,
    settings: Mapping[str, Any],
    seed: int,
    rising: tuple[str, ...] = (),
) -> lgb.Booster:
    parameters = {"objective": "binary", **settings}
    return train_booster(matrix, target.astype(float), COLUMNS, parameters, ROUNDS, seed, increasing=rising)


def _states(frustration: np.ndarray, confusion: np.ndarray, cut: float) -> np.ndarray:
    return np.where(frustration >= cut, "frustrated", np.where(confusion >= 0.5, "confused", "asking"))
