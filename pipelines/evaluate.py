"""Stage evaluate: every model on tickets newer than all it learnt from, with baselines beside it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.tables import read_table
from models.churn import ChurnModel
from models.intent import IntentModel
from models.metrics import precision_coverage, reliability
from models.outcomes import OutcomeModels
from models.priority import PriorityModel
from models.release import absent_reason, sha256
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_metrics, write_plot
from pipelines.churn import LABEL
from pipelines.churn import compared as churn_compared
from pipelines.evaluation import (
    automation_report,
    churn_report,
    intent_by_language,
    intent_report,
    intent_slices,
    may_automate,
    out_of_scope_report,
    rule_levels,
    sentiment_by_language,
    sentiment_report,
)
from pipelines.intent import OUT_OF_FOLD, best_labels, read_thresholds
from pipelines.model_cards.make import Evidence, all_cards
from pipelines.model_cards.page import write_cards
from pipelines.outcomes import judged as judged_outcomes
from pipelines.outcomes import read_outcome_frame
from pipelines.params import Params, load_params
from pipelines.priority import agreement, read_priority_features
from pipelines.priority import compared as priority_compared
from pipelines.tracking import record_run
from policy.desk import load_desk

TABLES_FOLDER = Path("artifacts/tables")
TRUTH_FOLDER = Path("artifacts/truth")
NOTHING_SAID = pd.DataFrame({"intent": [], "probability": [], "out_of_scope": []}, dtype="object")


def read_truth(path: Path) -> pd.DataFrame:
    """What really was, by ticket id: known only for a simulated company; empty where the file is absent."""
    if not path.exists():
        return pd.DataFrame(columns=["intent", "sentiment", "priority"], dtype="str")
    truth = pd.read_json(path, lines=True, dtype={"ticket_id": "str"}, convert_dates=False)
    return truth.set_index("ticket_id")[["intent", "sentiment", "priority"]]


def judge_intent(
    tickets: pd.DataFrame, predictions: pd.DataFrame, truth: pd.DataFrame, params: Params
) -> tuple[dict[str, Any], pd.DataFrame, pd.Series]:
    """Metrics of evaluation tickets by source of labels; also their predictions and best labels."""
    told = tickets[["ticket_id", "language", "channel", "plan"]]
    said = predictions.merge(told, on="ticket_id", validate="one_to_one").set_axis(tickets.index)
    new = tickets["split"] == "evaluation"
    labels = {
        "agents": tickets["intent_label"],
        "reviewed": tickets["intent_reviewed"],
        "truth": tickets["ticket_id"].map(truth["intent"]),
    }
    train = best_labels(tickets)[tickets["split"] == "train"].dropna()
    known = set(IntentModel.load(MODELS / "intent").classes)
    thresholds = read_thresholds()
    report: dict[str, Any] = {
        name: intent_report(said[new], values[new], str(train.value_counts().idxmax()))
        for name, values in labels.items()
        if values[new].notna().any()
    }
    learnt = best_labels(tickets)[~new].notna().sum()
    report["learnt"] = {"tickets": int(learnt)}
    best = labels["truth"] if labels["truth"][new].notna().any() else best_labels(tickets)
    report["out_of_scope"] = out_of_scope_report(said[new], best[new], known)
    report["languages"] = intent_by_language(said[new], best[new], may_automate(said[new], thresholds))
    report["automation"] = {
        name: automation_report(said[new], values[new], thresholds, params.risk.confidence)
        for name, values in labels.items()
        if values[new].notna().any()
    }
    return report, said[new], best[new]


def judge_priority(features: pd.DataFrame, truth: pd.DataFrame, desk_file: Path) -> dict[str, Any]:
    """The priority model on evaluation tickets, beside the claim, the majority and the desk's rules."""
    model, desk = PriorityModel.load(MODELS / "priority"), load_desk(desk_file)
    train = features[(features["split"] == "train") & features["priority_label"].notna()]
    report: dict[str, Any] = {}
    sources = {"agents": features["priority_label"], "truth": features["ticket_id"].map(truth["priority"])}
    for name, labels in sources.items():
        new = (features["split"] == "evaluation") & labels.notna()
        if new.any():
            tickets = features[new]
            report[name] = priority_compared(labels[new], model.levels(tickets), tickets, train)
            report[name] |= agreement(labels[new], rule_levels(tickets, desk), "rules_")
    return report


def judge_sentiment(features: pd.DataFrame, truth: pd.DataFrame) -> dict[str, Any]:
    """Sentiment of evaluation tickets against reviewers and, where known, the truth."""
    new = features[features["split"] == "evaluation"]
    labels = {"reviewed": new["sentiment_reviewed"], "truth": new["ticket_id"].map(truth["sentiment"])}
    found = {name: sentiment_report(new, values) for name, values in labels.items() if values.notna().any()}
    best = "truth" if "truth" in found else "reviewed"
    return found | {"languages": sentiment_by_language(new, labels[best])}


def judge_churn(
    snapshots: pd.DataFrame, accounts: pd.DataFrame, seed: int, team_capacity: int
) -> dict[str, Any]:
    """The churn model on evaluation snapshots, beside logistic regression and recency."""
    model = ChurnModel.load(MODELS / "churn")
    labelled = snapshots[snapshots[LABEL].notna()]
    new, train = labelled[labelled["split"] == "evaluation"], labelled[labelled["split"] == "train"]
    if not len(new):
        return {"snapshots": 0}
    churned_at = accounts.dropna(subset=["churned_at"]).groupby("account_id")["churned_at"].last()
    left = new[LABEL].to_numpy(dtype=float)
    return {
        **churn_compared(new, model, train),
        **churn_report(new, model.predict(new), left, churned_at, seed, team_capacity),
    }


def judge_outcomes(tickets: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Where evaluation tickets ended, which were reassigned and which were answered late."""
    models = OutcomeModels.load(MODELS / "outcomes")
    new, train = (tickets[tickets["split"] == name] for name in ("evaluation", "train"))
    return judged_outcomes(models, new, train, seed) | {"absent": dict(models.absent)}


def main() -> None:
    """Judge the models of ``artifacts/models``; write metrics and the points of the plots."""
    params, started = load_params(), time.perf_counter()
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    truth_file = TRUTH_FOLDER / f"{params.ingest.source}.jsonl"
    truth = read_truth(truth_file)
    features = read_priority_features()
    metrics: dict[str, Any] = {"truth_sha256": sha256(truth_file) if truth_file.exists() else None}
    members = ("intent", "priority", "churn", "outcomes", "legal_weight")
    absent = {name: absent_reason(MODELS / name) for name in members}
    metrics["absent"] = {name: reason for name, reason in absent.items() if reason}
    said, labels = NOTHING_SAID, pd.Series([], dtype="str")
    if not absent["intent"]:
        metrics["intent"], said, labels = judge_intent(
            tickets, read_frame(OUT_OF_FOLD, "intent"), truth, params
        )
    metrics["sentiment"] = judge_sentiment(features, truth)
    snapshots = accounts = outcomes = None
    if not absent["priority"]:
        metrics["priority"] = judge_priority(features, truth, params.release.desk)
    if not absent["churn"]:
        snapshots = read_frame(FEATURES / "accounts.parquet", "features")
        accounts = read_table(TABLES_FOLDER, "accounts")
        metrics["churn"] = judge_churn(snapshots, accounts, params.seed, params.churn.team_capacity)
    if not absent["outcomes"]:
        outcomes = read_outcome_frame()
        metrics["outcomes"] = judge_outcomes(outcomes, params.seed)
    points, curve = reliability_points(said, labels)
    write_plot("intent_slices", intent_slices(said, labels, may_automate(said, read_thresholds())))
    write_plot("reliability", points)
    write_plot("precision_coverage", curve)
    written = write_metrics("evaluate", metrics)
    evidence = Evidence(
        features,
        read_frame(OUT_OF_FOLD, "intent"),
        truth,
        outcomes,
        snapshots,
        accounts,
        read_thresholds(),
        written,
    )
    write_cards(all_cards(evidence), params.ingest.source)
    record_run("evaluate", {"seed": params.seed, "risk": params.risk.model_dump()}, written)
    print(f"evaluate: {headline(written)}; {time.perf_counter() - started:.0f} s", flush=True)


def reliability_points(said: pd.DataFrame, labels: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Points of the reliability and the precision-coverage plot; empty without labelled predictions."""
    told = labels.notna()
    probability = said.loc[told, "probability"].to_numpy(dtype=float)
    right = (said["intent"][told] == labels[told]).to_numpy()
    return reliability(probability, right), precision_coverage(probability, right)


def headline(metrics: Mapping[str, Any]) -> str:
    """The figures people ask for first, in one line."""
    parts = []
    for source in ("truth", "reviewed", "agents"):
        if source in metrics.get("intent", {}):
            intent = metrics["intent"][source]
            parts.append(f"intent accuracy {intent['accuracy']:.3f} (linear {intent['linear_accuracy']:.3f})")
            break
    for source in ("truth", "agents"):
        if source in metrics.get("priority", {}):
            parts.append(f"priority macro F1 {metrics['priority'][source]['macro_f1']:.3f}")
            break
    if metrics.get("churn", {}).get("auc") is not None:
        parts.append(f"churn AUC {metrics['churn']['auc']:.3f}")
    parts += [f"no {name} model: {reason}" for name, reason in metrics["absent"].items()]
    return ", ".join(parts) or "nothing to judge"


if __name__ == "__main__":
    main()
