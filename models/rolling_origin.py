"""Evidence for risk control: each verified ticket judged by a model that had seen only earlier ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from models.calibration import Calibrator, fit_calibrator
from models.encoded import EncodedTickets
from models.intent import IntentModel, IntentPrediction
from models.intent_training import IntentSettings, NothingToLearnError, fit_intent, ranker_data
from models.risk import fewest_cases

BLOCKS = 3
NEWEST_SHARE_CALIBRATES = 0.2
REPLICA_FOLDS = 2


def time_blocks(tickets: int, blocks: int = BLOCKS) -> list[np.ndarray]:
    """Positions of tickets, in order of time, cut into consecutive blocks of about the same size."""
    return [np.asarray(block) for block in np.array_split(np.arange(tickets), blocks)]


def rolling_origin(
    tickets: EncodedTickets, labels: np.ndarray, groups: np.ndarray, settings: IntentSettings
) -> tuple[np.ndarray, list[IntentPrediction]]:
    """Rows and predictions of all time blocks but the first, each by a replica fitted on those before.

    Tickets in order of time. A block before which there is too little to learn is left out.
    """
    rows: list[np.ndarray] = []
    said: list[IntentPrediction] = []
    small = replace(settings, folds=REPLICA_FOLDS, learn_novelty=False)
    for block in time_blocks(len(labels))[1:]:
        learn_until = int(block[0] * (1 - NEWEST_SHARE_CALIBRATES))
        learnt, calibrating = np.arange(learn_until), np.arange(learn_until, block[0])
        try:
            data = ranker_data(tickets.take(learnt), labels[learnt], groups[learnt], small)
        except NothingToLearnError:
            continue
        unreviewed = np.zeros(len(calibrating), dtype=bool)
        model, _ = fit_intent(data, tickets.take(calibrating), labels[calibrating], unreviewed, small)
        rows.append(block)
        said += model.predict_encoded(tickets.take(block))
    return np.concatenate(rows) if rows else np.zeros(0, int), said


def cross_calibrated(
    model: IntentModel, tickets: EncodedTickets, labels: np.ndarray
) -> list[IntentPrediction]:
    """Predictions for the tickets that calibrated ``model``, by a calibrator from the other half of them."""
    raw = replace(model, calibrator=Calibrator()).predict_encoded(tickets)
    scores = np.array([p.probability for p in raw])
    right = np.array([p.intent == label for p, label in zip(raw, labels, strict=True)])
    late = np.arange(len(raw)) >= len(raw) // 2
    probability = np.where(
        late,
        fit_calibrator(scores[~late], right[~late])(scores),
        fit_calibrator(scores[late], right[late])(scores),
    )
    return [
        p._replace(probability=float(q) if p.intent else 0.0) for p, q in zip(raw, probability, strict=True)
    ]


def verified_cases(
    said: Sequence[IntentPrediction],
    agents: pd.Series,
    reviewed: pd.Series,
    confirmed: pd.Series,
    precision: float,
    confidence: float,
) -> pd.DataFrame:
    """``intent``, ``probability``, ``correct``, ``source`` of the predictions whose truth somebody verified.

    A case is verified where two reviewers agree (``reviewed``). Where an intent has too few of these to prove
    anything, tickets whose resolution the customer confirmed count too, by the agents' label: also those on
    which model and agent differ, because leaving errors out would make the proof worthless. Which cases count
    depends on their number only, never on their outcome.
    """
    frame = pd.DataFrame(
        {
            "intent": [p.intent for p in said],
            "probability": [p.probability for p in said],
            "refused": np.array([p.out_of_scope for p in said], dtype=bool),
            "reviewed": reviewed.to_numpy(dtype=object),
            "agents": agents.to_numpy(dtype=object),
            "confirmed": confirmed.to_numpy(dtype=bool),
        }
    )
    frame = frame[~frame["refused"]]
    by_review = frame["reviewed"].notna()
    reviews = by_review.groupby(frame["intent"]).transform("sum")
    by_customer = (
        ~by_review
        & frame["confirmed"]
        & frame["agents"].notna()
        & (reviews < fewest_cases(precision, confidence))
    )
    truth = frame["reviewed"].where(by_review, frame["agents"])
    source = np.where(by_review, "reviewed", "confirmed")
    cases = frame[["intent", "probability"]].assign(correct=frame["intent"] == truth, source=source)
    return cases[by_review | by_customer].reset_index(drop=True)
