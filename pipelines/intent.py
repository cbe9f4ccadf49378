"""Stage intent: learn what tickets are about, and find where that is sure enough to act without a person."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import optuna
import pandas as pd

from models.boosting import scores
from models.calibration import log_odds
from models.encoded import EncodedTickets, encode_tickets
from models.encoders import NgramEncoder
from models.intent import IntentModel
from models.intent_training import (
    IntentSettings,
    NothingToLearnError,
    OutOfFold,
    RankerData,
    fit_intent,
    ranker_data,
)
from models.metrics import accuracy
from models.release import write_absent
from models.risk import ThresholdEvidence, automation_thresholds
from models.rolling_origin import cross_calibrated, rolling_origin, verified_cases
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_frame, write_metrics
from pipelines.params import Params, load_params
from pipelines.tracking import record_run
from pipelines.tuning import boosting_settings, stop_if_hopeless, tune, tuning_metrics

FOLDER = MODELS / "intent"
OUT_OF_FOLD = MODELS / "intent_oof.parquet"
EVIDENCE = MODELS / "intent_evidence.parquet"
THRESHOLDS = MODELS / "intent_thresholds.json"
T = TypeVar("T")


@dataclass(frozen=True)
class TrainedIntent:
    """What the stage leaves behind; ``predictions`` and ``evidence`` as their Parquet files."""

    model: IntentModel
    predictions: pd.DataFrame
    evidence: pd.DataFrame
    thresholds: dict[str, ThresholdEvidence]
    metrics: dict[str, Any]
    study: optuna.Study


def best_labels(tickets: pd.DataFrame) -> pd.Series:
    """The intent two reviewers agree on, else the one agents finally set."""
    return tickets["intent_reviewed"].where(tickets["intent_reviewed"].notna(), tickets["intent_label"])


def customers(tickets: pd.DataFrame) -> np.ndarray:
    """Who wrote: account, else contact, else nobody but the ticket itself."""
    known = tickets["account_id"].where(tickets["account_id"].notna(), tickets["contact_id"])
    return known.where(known.notna(), tickets["ticket_id"]).to_numpy(dtype=str)


def tuned_settings(
    data: RankerData, settings: IntentSettings, trials: int
) -> tuple[IntentSettings, optuna.Study]:
    """Ranker parameters with the least log loss on the pairs of one fold, trained on the others."""
    held = int(data.folds.fold.max())
    here = data.folds.fold == held
    validation = (
        data.folds.evidence.values[here].reshape(-1, len(data.columns.names)),
        data.folds.right[here].ravel().astype(float),
    )

    def loss(trial: optuna.Trial) -> float:
        tried = replace(settings, ranker=boosting_settings(trial))
        ranker = data.train(held, tried, validation=validation, callbacks=[stop_if_hopeless(trial)])
        return log_loss(validation[1], scores(ranker, validation[0]))

    study = tune(loss, trials, settings.seed)
    return replace(settings, ranker=study.best_params), study


def log_loss(target: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log likelihood of 0/1 targets."""
    return float(np.logaddexp(0, np.where(target > 0.5, -1, 1) * log_odds(probability)).mean())


def train_intent(tickets: pd.DataFrame, params: Params) -> TrainedIntent:
    """Fit, calibrate and judge the model on train and calibration; predict every ticket.

    ``tickets``: a row per ticket in order of creation, as stage features leaves them. Raises ``ValueError``
    where there is too little to learn from.
    """
    settings = IntentSettings(
        params.intent.min_examples, params.intent.candidates, params.intent.folds, params.seed
    )
    encoded = _said("encoded", lambda: encode_tickets(tickets, NgramEncoder()))
    labels = best_labels(tickets)
    split = tickets["split"].to_numpy(dtype=str)
    labelled = labels.notna().to_numpy()
    train = np.flatnonzero((split == "train") & labelled)[-params.intent.max_training_tickets :]
    later = np.flatnonzero((split == "calibration") & labelled)
    names, groups = labels.to_numpy(dtype=object), customers(tickets)
    data = _said(
        "out-of-fold evidence",
        lambda: ranker_data(encoded.take(train), names[train].astype(str), groups[train], settings),
    )
    settings, study = _said("tuned", lambda: tuned_settings(data, settings, params.intent.trials))
    reviewed = tickets["intent_reviewed"].notna().to_numpy()
    model, out_of_fold = _said(
        "fitted", lambda: fit_intent(data, encoded.take(later), names[later], reviewed[later], settings)
    )
    predictions = _said("predicted", lambda: _predictions(model, encoded, train, out_of_fold, tickets))
    rows, said = _said(
        "evidence from rolling origins",
        lambda: rolling_origin(
            encoded.take(train), names[train].astype(str), groups[train], replace(settings, ranker={})
        ),
    )
    said = [*said, *cross_calibrated(model, encoded.take(later), names[later])]
    judged = tickets.iloc[np.concatenate([train[rows], later])]
    risk = params.risk
    evidence = verified_cases(
        said,
        judged["intent_label"],
        judged["intent_reviewed"],
        judged["intent_confirmed"],
        risk.precision,
        risk.confidence,
    )
    thresholds = automation_thresholds(evidence, risk.precision, risk.confidence)
    metrics = _metrics(model, data, out_of_fold, evidence, thresholds) | {"tuning": tuning_metrics(study)}
    return TrainedIntent(model, predictions, evidence, thresholds, metrics, study)


def _predictions(
    model: IntentModel,
    encoded: EncodedTickets,
    train: np.ndarray,
    out_of_fold: OutOfFold,
    tickets: pd.DataFrame,
) -> pd.DataFrame:
    rest = np.setdiff1d(np.arange(len(tickets)), train)
    others = encoded.take(rest)
    said = model.predict_encoded(others)
    first = model.retriever.evidence(others.counts, others.circumstances, 1).candidates[:, 0]
    learnt = {"intent": out_of_fold.intent, "probability": out_of_fold.probability, "out_of_scope": False}
    unseen = {
        "intent": [p.intent for p in said],
        "probability": [p.probability for p in said],
        "out_of_scope": [p.out_of_scope for p in said],
        "baseline_intent": np.array(model.classes, dtype=object)[first],
    }
    parts = [pd.DataFrame(learnt, index=train), pd.DataFrame(unseen, index=rest)]
    frame = pd.concat([part for part in parts if len(part)]).sort_index()
    frame = frame.reindex(columns=["intent", "probability", "out_of_scope", "baseline_intent"])
    frame.insert(0, "ticket_id", tickets["ticket_id"].to_numpy())
    return frame.astype({"intent": "str", "baseline_intent": "str"})


def _metrics(
    model: IntentModel,
    data: RankerData,
    out_of_fold: OutOfFold,
    evidence: pd.DataFrame,
    thresholds: Mapping[str, ThresholdEvidence],
) -> dict[str, Any]:
    first = data.folds.evidence.values[:, :, data.folds.evidence.names.index("rank")] == 0
    shown = ~data.folds.stand_in
    proven = [intent for intent, found in thresholds.items() if found.threshold is not None]
    return {
        "training_tickets": len(data.labels),
        "intents": len(model.classes),
        "left_out": {"intents": len(model.left_out), "tickets": sum(model.left_out.values())},
        "out_of_fold": {
            "accuracy": accuracy(data.labels, out_of_fold.intent),
            "linear_accuracy": float(data.folds.right[shown][first[shown]].mean()),
            "majority_accuracy": float(pd.Series(data.labels).value_counts(normalize=True).iloc[0]),
        },
        "evidence": {
            "cases": len(evidence),
            "reviewed": int((evidence["source"] == "reviewed").sum()),
            "confirmed": int((evidence["source"] == "confirmed").sum()),
            "precision": float(evidence["correct"].mean()) if len(evidence) else None,
        },
        "automated_intents": len(proven),
    }


def _said(what: str, work: Callable[[], T]) -> T:
    started = time.perf_counter()
    result = work()
    print(f"intent: {what} ({time.perf_counter() - started:.1f} s)", flush=True)
    return result


def write(trained: TrainedIntent) -> None:
    """Model, predictions, evidence and thresholds."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    trained.model.save(FOLDER)
    write_frame(OUT_OF_FOLD, trained.predictions)
    write_frame(EVIDENCE, trained.evidence)
    write_thresholds(trained.thresholds)


def write_nothing(tickets: pd.DataFrame, reason: str) -> None:
    """The absent model's note, and tables of the same shape without a prediction."""
    write_absent(FOLDER, reason)
    names = pd.Series(None, index=tickets.index, dtype="str")
    frame = pd.DataFrame({"ticket_id": tickets["ticket_id"], "intent": names, "probability": 0.0})
    write_frame(OUT_OF_FOLD, frame.assign(out_of_scope=True, baseline_intent=names))
    nobody = names.iloc[:0]
    write_frame(EVIDENCE, verified_cases([], nobody, nobody, nobody.notna(), 0.95, 0.95))
    write_thresholds({})


def write_thresholds(thresholds: Mapping[str, ThresholdEvidence]) -> None:
    """One entry per intent, with its evidence; not rounded, because a threshold decides."""
    document = {intent: found._asdict() for intent, found in sorted(thresholds.items())}
    THRESHOLDS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_thresholds() -> dict[str, ThresholdEvidence]:
    """What ``write_thresholds`` wrote."""
    document = json.loads(THRESHOLDS.read_text(encoding="utf-8"))
    return {intent: ThresholdEvidence(**found) for intent, found in document.items()}


def main() -> None:
    """Train on ``artifacts/features/tickets.parquet``; write the model, its predictions and its evidence."""
    params, started = load_params(), time.perf_counter()
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    used = {"seed": params.seed, "intent": params.intent.model_dump(), "risk": params.risk.model_dump()}
    try:
        trained = train_intent(tickets, params)
    except NothingToLearnError as error:
        write_nothing(tickets, str(error))
        record_run("intent", used, write_metrics("intent", {"absent": str(error)}))
        print(f"intent: left out: {error}", flush=True)
        return
    write(trained)
    record_run(
        "intent", used, write_metrics("intent", trained.metrics), [FOLDER / "model.json"], trained.study
    )
    shown = trained.metrics["out_of_fold"]
    for label, count in trained.model.left_out.items():
        print(f"intent: {label!r} left to people: {count} examples, {params.intent.min_examples} are needed")
    print(
        f"intent: {trained.metrics['intents']} intents, out-of-fold accuracy {shown['accuracy']:.3f} "
        f"(linear {shown['linear_accuracy']:.3f}, majority {shown['majority_accuracy']:.3f}), "
        f"{trained.metrics['automated_intents']} automated; {time.perf_counter() - started:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
