"""Stage intent: learn what tickets are about, and find where that is sure enough to act without a person."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import optuna
import pandas as pd

from features.hold_out import in_hold_out
from models.calibration import log_odds
from models.encoded import EncodedTickets, Sentences, encode_tickets
from models.encoders import NgramEncoder
from models.intent import IntentModel
from models.intent_blocks import folds, halves, time_blocks
from models.intent_training import (
    Foretold,
    IntentSettings,
    NothingToLearnError,
    RankerData,
    fit_intent,
    pairs,
    ranker_data,
    train_ranker,
)
from models.metrics import accuracy, share_interval
from models.release import write_absent
from models.risk import ThresholdEvidence, automation_thresholds, threshold_table
from models.sentences import EncoderMissingError, SentenceSource, installed_encoder
from models.verified import verified_cases
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_frame, write_metrics, write_plot
from pipelines.embeddings import RememberedSentences
from pipelines.params import IntentParams, Params, load_params
from pipelines.tracking import record_run, state_folder
from pipelines.tuning import boosting_settings, stop_if_hopeless, tune, tuning_metrics

FOLDER = MODELS / "intent"
OUT_OF_FOLD = MODELS / "intent_oof.parquet"
EVIDENCE = MODELS / "intent_evidence.parquet"
THRESHOLDS = MODELS / "intent_thresholds.json"
MOST_WEIGHT = 10.0
"""No ticket is learnt from more than so many times as much as the mean one: a few labels shall not be all."""
T = TypeVar("T")


@dataclass(frozen=True)
class TrainedIntent:
    """What the stage leaves behind; ``predictions`` and ``evidence`` as their Parquet files.

    ``foretold``: by position among the labelled tickets of train and calibration, in their order.
    """

    model: IntentModel
    predictions: pd.DataFrame
    evidence: pd.DataFrame
    thresholds: dict[str, ThresholdEvidence]
    metrics: dict[str, Any]
    study: optuna.Study
    foretold: Foretold


def best_labels(tickets: pd.DataFrame) -> pd.Series:
    """The intent two reviewers agree on, else the one agents finally set."""
    return tickets["intent_reviewed"].where(tickets["intent_reviewed"].notna(), tickets["intent_label"])


def tuned_settings(
    data: RankerData, settings: IntentSettings, trials: int
) -> tuple[IntentSettings, optuna.Study]:
    """Ranker parameters that, learnt from the older half of the newest tickets, fit the newer half best."""
    older, newer = halves(data.for_ranker)
    target = pairs(newer)[1]

    def loss(trial: optuna.Trial) -> float:
        tried = replace(settings, ranker=boosting_settings(trial))
        ranker = train_ranker(older, tried, newer, [stop_if_hopeless(trial)])
        return log_loss(target, np.concatenate([ranker(block.evidence).ravel() for block in newer]))

    study = tune(loss, trials, settings.seed)
    return replace(settings, ranker=study.best_params), study


def log_loss(target: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log likelihood of 0/1 targets."""
    return float(np.logaddexp(0, np.where(target > 0.5, -1, 1) * log_odds(probability)).mean())


def sentences_for(params: IntentParams) -> tuple[Sentences | None, str | None]:
    """Embeddings as the parameters ask for them, or why there are none although they do."""
    if params.encoder == "none":
        return None, None
    try:
        encoder = installed_encoder()
    except EncoderMissingError as error:
        return None, str(error)
    return Sentences(encoder, encoder.identity, params.encoder_languages), None


def order_is_known(tickets: pd.DataFrame) -> bool:
    """Whether ``created_at`` tells which ticket came first; without it folds take the place of blocks."""
    return "created_at" in tickets and tickets["created_at"].nunique() > 1


def train_intent(
    tickets: pd.DataFrame,
    params: Params,
    remembering: Callable[[Sentences], SentenceSource] = lambda sentences: sentences.source,
) -> TrainedIntent:
    """Fit, calibrate and prove the model on train and calibration; predict every ticket.

    ``tickets``: a row per ticket in order of creation, as stage features leaves them. ``remembering`` may
    put a store before the sentence encoder. Raises ``NothingToLearnError``.
    """
    sentences, lacking = sentences_for(params.intent)
    if lacking:
        print(f"intent: n-grams only: {lacking}", flush=True)
    asked = sentences and replace(sentences, source=remembering(sentences))
    encoded = _said("encoded", lambda: encode_tickets(tickets, NgramEncoder(), asked))
    return train_encoded(tickets, encoded, params, sentences, lacking)


def train_encoded(
    tickets: pd.DataFrame,
    encoded: EncodedTickets,
    params: Params,
    sentences: Sentences | None = None,
    lacking: str | None = None,
) -> TrainedIntent:
    """``train_intent`` of ``tickets`` whose words are ``encoded`` already, row by row.

    ``sentences``: what encoded them beside n-grams; ``lacking``: why nothing did, although it should have.
    """
    settings = IntentSettings(params.intent.min_examples, params.intent.candidates, params.seed)
    labels, split = best_labels(tickets), tickets["split"].to_numpy(dtype=str)
    held_out = tickets["ticket_id"].map(lambda one: in_hold_out(one, params.intent.hold_out_share))
    held_out = (held_out.astype(bool) & (split != "evaluation") & labels.notna()).to_numpy()
    labelled = labels.notna().to_numpy() & ~held_out
    train = np.flatnonzero((split == "train") & labelled)[-params.intent.max_training_tickets :]
    later = np.flatnonzero((split == "calibration") & labelled)
    learnt = np.concatenate([train, later])
    names = labels.to_numpy(dtype=object)[learnt]
    in_time = order_is_known(tickets)
    blocks = (
        time_blocks(len(train), len(later), params.intent.blocks) if in_time else folds(names, params.seed)
    )
    weight = weights(tickets.iloc[learnt], params.intent)
    data = _said(
        "evidence by time" if in_time else "evidence by folds",
        lambda: ranker_data(encoded.take(learnt), names, blocks, settings, in_time, weight),
    )
    settings, study = _said("tuned", lambda: tuned_settings(data, settings, params.intent.trials))
    reviewed = tickets["intent_reviewed"].notna().to_numpy()[learnt]
    model, foretold = _said("fitted", lambda: fit_intent(data, reviewed, settings, None, sentences, lacking))
    predictions = _said("predicted", lambda: _predictions(model, encoded, learnt, foretold, tickets))
    judged = tickets.join(predictions[["intent", "probability"]]).iloc[learnt[foretold.proven]]
    evidence = verified_cases(judged, params.risk.precision, params.risk.confidence)
    thresholds = automation_thresholds(evidence, params.risk.precision, params.risk.confidence)
    metrics = _metrics(model, names, foretold, evidence, thresholds) | {
        "hold_out": _held_out_report(predictions["intent"][held_out], labels[held_out]),
        "tuning": tuning_metrics(study),
    }
    return TrainedIntent(model, predictions, evidence, thresholds, metrics, study, foretold)


def weights(tickets: pd.DataFrame, params: IntentParams) -> np.ndarray | None:
    """How much each of ``tickets`` is learnt from, 1 in the mean; ``None`` where all count alike.

    Inverse propensity weights of labels from feedback (``label_weight``), as far as ``params`` ask for them.
    """
    if not params.label_weights or "label_weight" not in tickets:
        return None
    told = tickets["label_weight"].to_numpy(dtype=float)
    if np.ptp(told) == 0:
        return None
    capped = np.minimum(told / told.mean(), MOST_WEIGHT)
    return np.asarray(capped / capped.mean())


def _held_out_report(said: pd.Series, labels: pd.Series) -> dict[str, Any]:
    """How right the model is about the random hold-out that it never learnt from, with its 95 % interval."""
    right = (said == labels).to_numpy(dtype=bool)
    if not len(right):
        return {"tickets": 0}
    low, high = share_interval(right, 0)
    return {"tickets": len(right), "accuracy": float(right.mean()), "low": low, "high": high}


def _predictions(
    model: IntentModel, encoded: EncodedTickets, learnt: np.ndarray, foretold: Foretold, tickets: pd.DataFrame
) -> pd.DataFrame:
    """Per ticket: foretold where it was learnt from, else by the model itself; index as ``tickets``."""
    rest = np.setdiff1d(np.arange(len(tickets)), learnt)
    others = encoded.take(rest)
    said = model.predict_encoded(others)
    first = model.retriever.evidence(others, 1).candidates[:, 0] if len(rest) else np.zeros(0, int)
    linear = np.array(model.classes, dtype=object)[first]
    seen = (foretold.intent, foretold.probability, np.zeros(len(learnt), bool), foretold.linear)
    unseen = ([p.intent for p in said], [p.probability for p in said], [p.out_of_scope for p in said], linear)
    names = ("intent", "probability", "out_of_scope", "baseline_intent")
    parts = [
        pd.DataFrame(dict(zip(names, part, strict=True)), index=rows)
        for part, rows in ((seen, learnt), (unseen, rest))
    ]
    frame = pd.concat([part for part in parts if len(part)]).sort_index().set_axis(tickets.index)
    frame.insert(0, "ticket_id", tickets["ticket_id"])
    return frame.astype({"intent": "str", "baseline_intent": "str"})


def _metrics(
    model: IntentModel,
    labels: np.ndarray,
    foretold: Foretold,
    evidence: pd.DataFrame,
    thresholds: Mapping[str, ThresholdEvidence],
) -> dict[str, Any]:
    proven, truth = foretold.proven, labels[foretold.proven]
    return {
        "learnt_tickets": len(labels),
        "encoder": {
            "name": model.sentences.identity.name if model.sentences else model.encoder.name,
            "sha256": model.sentences.identity.model_sha256 if model.sentences else None,
            "lacking": model.lacking,
        },
        "intents": len(model.classes),
        "left_out": {"intents": len(model.left_out), "tickets": sum(model.left_out.values())},
        "foretold": {
            "tickets": len(proven),
            "accuracy": accuracy(truth, foretold.intent[proven]) if len(proven) else None,
            "linear_accuracy": accuracy(truth, foretold.linear[proven]) if len(proven) else None,
            "majority_accuracy": float(pd.Series(labels).value_counts(normalize=True).iloc[0]),
        },
        "fall": model.fall._asdict() if model.fall else None,
        "evidence": {
            "cases": len(evidence),
            "reviewed": int((evidence["source"] == "reviewed").sum()),
            "confirmed": int((evidence["source"] == "confirmed").sum()),
            "precision": float(evidence["correct"].mean()) if len(evidence) else None,
        },
        "automated_intents": sum(found.threshold is not None for found in thresholds.values()),
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
    write_plot("intent_thresholds", threshold_table(trained.thresholds))


def write_nothing(tickets: pd.DataFrame, reason: str) -> None:
    """The absent model's note, and tables of the same shape without a prediction."""
    write_absent(FOLDER, reason)
    nothing = pd.Series(None, index=tickets.index, dtype="str")
    frame = pd.DataFrame({"ticket_id": tickets["ticket_id"], "intent": nothing, "probability": 0.0})
    write_frame(OUT_OF_FOLD, frame.assign(out_of_scope=True, baseline_intent=nothing))
    write_frame(EVIDENCE, verified_cases(tickets.assign(intent=nothing, probability=0.0), 0.95, 0.95))
    write_thresholds({})
    write_plot("intent_thresholds", threshold_table({}))


def write_thresholds(thresholds: Mapping[str, ThresholdEvidence]) -> None:
    """One entry per intent, with its evidence; not rounded, because a threshold decides."""
    document = {intent: found.to_json() for intent, found in sorted(thresholds.items())}
    THRESHOLDS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_thresholds(project: Path = Path()) -> dict[str, ThresholdEvidence]:
    """What ``write_thresholds`` wrote in a checkout of the project."""
    document = json.loads((project / THRESHOLDS).read_text(encoding="utf-8"))
    return {intent: ThresholdEvidence.from_json(found) for intent, found in document.items()}


def main() -> None:
    """Train on ``artifacts/features/tickets.parquet``; write the model, its predictions and its evidence."""
    params, started = load_params(), time.perf_counter()
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    used = {
        "seed": params.seed,
        "intent": params.intent.model_dump(mode="json"),
        "risk": params.risk.model_dump(),
    }

    def remembered(sentences: Sentences) -> SentenceSource:
        path = state_folder() / "embeddings" / "tickets.npz"
        return RememberedSentences(sentences.source, path, sentences.identity.model_sha256)

    try:
        trained = train_intent(tickets, params, remembered)
    except NothingToLearnError as error:
        write_nothing(tickets, str(error))
        record_run("intent", used, write_metrics("intent", {"absent": str(error)}))
        print(f"intent: left out: {error}", flush=True)
        return
    write(trained)
    record_run(
        "intent", used, write_metrics("intent", trained.metrics), [FOLDER / "model.json"], trained.study
    )
    for label, count in trained.model.left_out.items():
        print(f"intent: {label!r} left to people: {count} examples, {params.intent.min_examples} are needed")
    print(f"intent: {headline(trained.metrics)}; {time.perf_counter() - started:.0f} s", flush=True)


def headline(metrics: Mapping[str, Any]) -> str:
    """The figures people ask for first, in one line."""
    told, automated = metrics["foretold"], f"{metrics['automated_intents']} may be automated"
    if told["accuracy"] is None:
        return f"{metrics['intents']} intents, {automated}"
    return (
        f"{metrics['intents']} intents, foretold with accuracy {told['accuracy']:.3f} "
        f"(linear {told['linear_accuracy']:.3f}, majority {told['majority_accuracy']:.3f}), {automated}"
    )


if __name__ == "__main__":
    main()
