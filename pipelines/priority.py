"""Stage priority: learn how soon tickets must be answered from the priority that agents finally set."""

import shutil
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd

from features.schema import LEVELS
from models.metrics import accuracy, macro_f1, quadratic_kappa
from models.priority import PriorityModel, level_codes
from models.release import write_absent
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_metrics
from pipelines.intent import OUT_OF_FOLD, log_loss
from pipelines.params import Params, load_params
from pipelines.sentiment import CONTEXT
from pipelines.tracking import record_run
from pipelines.tuning import boosting_settings, tune, tuning_metrics

FOLDER = MODELS / "priority"
FEWEST_LABELS = 100


@dataclass(frozen=True)
class TrainedPriority:
    """The model, its metrics on calibration tickets, and its tuning."""

    model: PriorityModel
    metrics: dict[str, Any]
    study: optuna.Study


def priority_features(
    tickets: pd.DataFrame, predictions: pd.DataFrame, context: pd.DataFrame
) -> pd.DataFrame:
    """``tickets`` with the intent predicted for each and its repeats and frustration, all out of fold."""
    intent = predictions.set_index("ticket_id")["intent"]
    merged = tickets.merge(context, on="ticket_id", how="left", validate="one_to_one")
    return merged.assign(intent=merged["ticket_id"].map(intent)).set_axis(tickets.index)


def too_few(levels: pd.Series) -> str | None:
    """Why no priority can be learnt from these labels; ``None`` if it can."""
    if len(levels) < FEWEST_LABELS or levels.nunique() < 2:
        return (
            f"{len(levels)} training tickets with a priority set by agents, {levels.nunique()} different "
            f"levels: {FEWEST_LABELS} tickets and two levels are needed, so the desk's rules decide"
        )
    return None


def train_priority(features: pd.DataFrame, params: Params) -> TrainedPriority:
    """Fit on train, set the cuts on calibration. Raises ``ValueError`` where ``too_few`` says so."""
    labelled = features[features["priority_label"].notna()]
    train, later = (labelled[labelled["split"] == name] for name in ("train", "calibration"))
    problem = too_few(train["priority_label"])
    if problem is not None:
        raise ValueError(problem)
    study = _tuned(train, params)
    model = PriorityModel.fit(train, train["priority_label"], params.seed, study.best_params)
    model = model.with_cuts_from(later, later["priority_label"])
    metrics = {"labels": len(train), "cuts": dict(zip(LEVELS[1:], model.cuts, strict=True))}
    if len(later):
        metrics["calibration"] = compared(later["priority_label"], model.levels(later), later, train)
    return TrainedPriority(model, metrics | {"tuning": tuning_metrics(study)}, study)


def _tuned(train: pd.DataFrame, params: Params) -> optuna.Study:
    older, newer = train.iloc[: int(0.8 * len(train))], train.iloc[int(0.8 * len(train)) :]
    codes = level_codes(newer["priority_label"])

    def loss(trial: optuna.Trial) -> float:
        model = PriorityModel.fit(older, older["priority_label"], params.seed, boosting_settings(trial))
        steps = model.cumulative(newer).T
        return float(np.mean([log_loss(codes >= i, p) for i, p in enumerate(steps, start=1)]))

    return tune(loss, params.priority.trials, params.seed)


def compared(
    truth: pd.Series, levels: np.ndarray, tickets: pd.DataFrame, train: pd.DataFrame
) -> dict[str, Any]:
    """Agreement with ``truth``, beside what the customer claimed and the commonest level of training."""
    claimed = tickets["requested_priority"].where(tickets["requested_priority"].notna(), "normal")
    commonest = train["priority_label"].value_counts().idxmax()
    return {
        "tickets": len(truth),
        **agreement(truth, levels),
        **agreement(truth, claimed.to_numpy(dtype=object), "claimed_"),
        **agreement(truth, np.full(len(truth), commonest, dtype=object), "majority_"),
    }


def agreement(truth: pd.Series, levels: np.ndarray, prefix: str = "") -> dict[str, Any]:
    """Accuracy, macro F1, quadratic kappa and mean absolute error in levels, each name after ``prefix``."""
    codes, said = level_codes(truth), level_codes(pd.Series(levels))
    return {
        f"{prefix}accuracy": accuracy(truth, levels),
        f"{prefix}macro_f1": macro_f1(truth, levels),
        f"{prefix}quadratic_kappa": quadratic_kappa(codes, said),
        f"{prefix}mean_steps_off": float(np.abs(codes - said).mean()),
    }


def read_priority_features() -> pd.DataFrame:
    """Ticket features with predicted intent, repeats and frustration, as the earlier stages left them."""
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    return priority_features(tickets, read_frame(OUT_OF_FOLD, "intent"), read_frame(CONTEXT, "sentiment"))


def main() -> None:
    """Train on the features of tickets; write the model, or why there is none."""
    params, started = load_params(), time.perf_counter()
    features = read_priority_features()
    used = {"seed": params.seed, "priority": params.priority.model_dump()}
    problem = too_few(features.loc[features["split"] == "train", "priority_label"].dropna())
    if problem is not None:
        write_absent(FOLDER, problem)
        record_run("priority", used, write_metrics("priority", {"absent": problem}))
        print(f"priority: left out: {problem}", flush=True)
        return
    trained = train_priority(features, params)
    shutil.rmtree(FOLDER, ignore_errors=True)
    trained.model.save(FOLDER)
    metrics = write_metrics("priority", trained.metrics)
    record_run("priority", used, metrics, [FOLDER / "model.json"], trained.study)
    print(f"priority: {metrics.get('calibration')}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
