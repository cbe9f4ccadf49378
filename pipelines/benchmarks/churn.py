"""``firstline benchmark churn``: the churn model as it ships, measured on anybody's table of cases."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedKFold

from features.split import snapshot_cuts
from models.metrics import (
    auc,
    auc_difference_interval,
    auc_interval,
    calibration_range,
    expected_calibration_error,
    reliability,
)
from pipelines.artifacts import rounded
from pipelines.benchmarks.columns import cases_of, inputs_of, positive_value, read_cases
from pipelines.benchmarks.command import Claim, Figures, log_run
from pipelines.benchmarks.purchases import LABEL as NO_PURCHASE
from pipelines.benchmarks.purchases import NUMBERS, purchase_snapshots, read_purchases
from pipelines.benchmarks.tables import BenchmarkDataError, preset_folder
from pipelines.churn import Inputs, learn_churn, logistic_scores
from pipelines.params import Params, load_params
from pipelines.results import Result, record_results

HORIZON_DAYS = 90
SUSPICIOUS_AUC = 0.99
"""A column that ranks the cases this well alone may have been filled in afterwards: a person must look."""
TOP_SHARE = 0.1


def measure_split(
    train: pd.DataFrame, test: pd.DataFrame, label: str, inputs: Inputs, params: Params, seed: int
) -> dict[str, Any]:
    """Learn from ``train``, calibrate out of fold, score ``test`` once."""
    started = time.perf_counter()
    model, _ = learn_churn(train, label, None, inputs, params.churn.trials, seed)
    seconds = time.perf_counter() - started
    said, line = model.predict(test), logistic_scores(train, test, label, inputs)
    found = {"train_cases": len(train), "training_seconds": seconds}
    return found | judged(test[label].to_numpy(dtype=float), said, line, _groups(test), seed)


def measure_folds(
    cases: pd.DataFrame, label: str, inputs: Inputs, folds: int, params: Params, seed: int
) -> dict[str, Any]:
    """Each case scored by a model that has not seen it; choices are made inside the other folds."""
    started = time.perf_counter()
    said, line, aucs, line_aucs = np.empty(len(cases)), np.empty(len(cases)), [], []
    truth = cases[label].to_numpy(dtype=float)
    for others, mine in StratifiedKFold(folds, shuffle=True, random_state=seed).split(cases, truth):
        train, test = cases.iloc[others], cases.iloc[mine]
        model, _ = learn_churn(train, label, None, inputs, params.churn.trials, seed)
        said[mine], line[mine] = model.predict(test), logistic_scores(train, test, label, inputs)
        aucs.append(auc(truth[mine], said[mine]) or math.nan)
        line_aucs.append(auc(truth[mine], line[mine]) or math.nan)
    found = {"folds": folds, "training_seconds": time.perf_counter() - started}
    found |= judged(truth, said, line, _groups(cases), seed)
    return found | {
        "auc": float(np.mean(aucs)),
        "auc_by_fold": aucs,
        "logistic_auc": float(np.mean(line_aucs)),
    }


def _groups(cases: pd.DataFrame) -> np.ndarray:
    """Whose rows belong together when cases are drawn again."""
    name = "account_id"
    return cases[name].to_numpy(dtype=str) if name in cases else np.arange(len(cases)).astype(str)


def judged(
    truth: np.ndarray, said: np.ndarray, line: np.ndarray, groups: np.ndarray, seed: int
) -> dict[str, Any]:
    """Ranking, probabilities and the riskiest tenth; intervals draw whole ``groups`` again (95 %)."""
    top = np.argsort(-said, kind="stable")[: max(1, round(TOP_SHARE * len(said)))]
    return {
        "test_cases": len(truth),
        "positive_share": float(truth.mean()),
        "auc": auc(truth, said),
        "auc_interval": auc_interval(truth, said, groups, seed),
        "logistic_auc": auc(truth, line),
        "gain_over_logistic_interval": auc_difference_interval(truth, said, line, groups, seed),
        "brier": float(brier_score_loss(truth, said)),
        "brier_of_logistic": float(brier_score_loss(truth, line)),
        "brier_of_base_rate": float(truth.mean() * (1 - truth.mean())),
        "calibration_error": expected_calibration_error(said, truth),
        "calibration_error_if_perfect_90": calibration_range(said, seed),
        "precision_in_riskiest_tenth": float(truth[top].mean()),
        "reliability": reliability(said, truth).to_dict("records"),
    }


def suspicious_columns(train: pd.DataFrame, label: str, inputs: Inputs) -> list[str]:
    """Columns that alone tell the label of nearly every training case: were they known in time?"""
    truth = train[label].to_numpy(dtype=float)
    found = []
    for name in (*inputs.numbers, *inputs.categories):
        codes = train[name] if name in inputs.numbers else train[name].map(train.groupby(name)[label].mean())
        alone = auc(truth, codes.astype("float64").fillna(-1).to_numpy())
        few = name in inputs.categories and train[name].nunique() > len(train) / 10
        if alone is not None and max(alone, 1 - alone) >= SUSPICIOUS_AUC and not few:
            found.append(name)
    return found


def run_files(
    train: Path,
    test: Path | None,
    label: str,
    folds: int | None,
    ignored: Sequence[str],
    positive: str | None,
    seed: int,
) -> dict[str, Any]:
    """Figures of anybody's files: ``test`` scored once, or ``folds`` of one file. Logged."""
    if (test is None) == (folds is None):
        raise BenchmarkDataError("give either --test, or --folds where there is one file and no time axis")
    known = read_cases(train, label)
    inputs, left_out = inputs_of(known, label, ignored)
    yes = positive_value(known[label].tolist(), positive)
    cases = cases_of(known, label, inputs, yes, "training")
    found: dict[str, Any] = {"set": train.name, "label": label, "positive": yes, "seed": seed}
    found |= {"columns": len(inputs.numbers) + len(inputs.categories), "left_out": list(left_out)}
    found["suspicious_columns"] = suspicious_columns(cases, label, inputs)
    if test is None:
        found |= measure_folds(cases, label, inputs, folds or 2, load_params(), seed)
    else:
        unseen = read_cases(test, label)
        strange = sorted(set(unseen[label]) - set(known[label]))
        if strange:
            raise BenchmarkDataError(f"{test} has labels that {train} lacks: {strange[:10]}")
        scored = cases_of(unseen, label, inputs, yes, "test")
        found |= measure_split(cases, scored, label, inputs, load_params(), seed)
    log_run({"benchmark": "churn", **found})
    return rounded(found)


def cdnow(folder: Path, params: Params, seed: int) -> dict[str, Any]:
    """Customers of a shop: who bought in the last 90 days and buys nothing in the next 90.

    Snapshots at the first of each month; the newest fifth of the months is scored, and a label of training
    was known before the first of them.
    """
    snapshots = purchase_snapshots(read_purchases(folder / "CDNOW_master.txt"), HORIZON_DAYS)
    snapshots = snapshots[snapshots["active"]].reset_index(drop=True)
    cuts = snapshot_cuts(snapshots["as_of"], HORIZON_DAYS, 0.15, 0.2)
    if cuts is None:
        raise BenchmarkDataError(f"{folder}: no month has a horizon of {HORIZON_DAYS} days after it")
    known_in_time = snapshots["as_of"] + pd.Timedelta(days=HORIZON_DAYS) <= cuts.evaluation_from
    train, test = snapshots[known_in_time], snapshots[snapshots["as_of"] >= cuts.evaluation_from]
    found = {"set": "CDNOW, customers active in the last 90 days", "seed": seed, "suspicious_columns": []}
    found |= {"months_scored": [str(m.date()) for m in sorted(test["as_of"].unique())]}
    inputs = Inputs(tuple(NUMBERS), ())
    found |= measure_split(train, test, NO_PURCHASE, inputs, params, seed)
    recency = test["days_since_purchase"].to_numpy()
    frequency = -test["purchase_days"].to_numpy()
    truth = test[NO_PURCHASE].to_numpy(dtype=float)
    return found | {"recency_auc": auc(truth, recency), "frequency_auc": auc(truth, frequency)}


def telco(folder: Path, params: Params, seed: int) -> dict[str, Any]:
    """IBM's sample of telephone customers, five folds: it has no time axis."""
    known = read_cases(folder / "Telco-Customer-Churn.csv", "Churn")
    inputs, left_out = inputs_of(known, "Churn")
    cases = cases_of(known, "Churn", inputs, "Yes", "training")
    found = {"set": "Telco", "seed": seed, "left_out": list(left_out)}
    found["suspicious_columns"] = suspicious_columns(cases, "Churn", inputs)
    return found | measure_folds(cases, "Churn", inputs, 5, params, seed)


def _value(name: str) -> Callable[[Figures], tuple[float, float | None, float | None]]:
    def of(found: Figures) -> tuple[float, float | None, float | None]:
        low, high = found.get(f"{name}_interval") or (None, None)
        return float(found[name]), low, high

    return of


PRESETS: dict[str, Callable[[Path, Params, int], dict[str, Any]]] = {"cdnow": cdnow, "telco_churn": telco}
CLAIMS: dict[str, tuple[Claim, ...]] = {
    "cdnow": (Claim("churn.cdnow.auc", "a first baseline 0.695", 0.72, _value("auc")),),
    "telco_churn": (
        Claim("churn.telco.auc", "logistic regression on the same folds", 0.845, _value("auc")),
        Claim("churn.telco.brier", "logistic regression on the same folds", None, _value("brier")),
        Claim("churn.telco.calibration_error", "15 bins of equal width", None, _value("calibration_error")),
    ),
}


def run_preset(name: str, seed: int) -> dict[str, Any]:
    """Figures of a public set, logged, and recorded in ``docs/results.json``."""
    folder = preset_folder(name)
    found = {"benchmark": "churn", "preset": name, **PRESETS[name](folder, load_params(), seed)}
    log_run({key: value for key, value in found.items() if key != "reliability"})
    record_results(results_of(name, found, seed))
    return rounded(found)


def results_of(name: str, found: Figures, seed: int) -> list[Result]:
    """The figures of a preset that the project claims."""
    command = f"firstline benchmark churn --preset {name} --seed {seed}"
    return [claim.result(found, command, str(found["set"]), note(found)) for claim in CLAIMS[name]]


def note(found: Figures) -> str:
    """What a reader of one figure must know beside it."""
    low, high = found["gain_over_logistic_interval"] or (float("nan"), float("nan"))
    perfect = found["calibration_error_if_perfect_90"]
    parts = [
        f"logistic regression {found['logistic_auc']:.4f}, paired gain {low:+.4f} to {high:+.4f}",
        f"Brier {found['brier']:.4f} (logistic {found['brier_of_logistic']:.4f}, base rate "
        f"{found['brier_of_base_rate']:.4f})",
        f"calibration error {found['calibration_error']:.4f} (a perfect model of this size: "
        f"{perfect[0]:.4f} to {perfect[1]:.4f})",
    ]
    if "recency_auc" in found:
        parts.append(
            f"days since the last purchase alone {found['recency_auc']:.4f}, number of purchases alone "
            f"{found['frequency_auc']:.4f}; snapshots of {', '.join(found['months_scored'])}"
        )
    return "; ".join(parts) + "."


def report(found: Mapping[str, Any]) -> str:
    """The figures in words, one a line."""
    low, high = found["auc_interval"] or (float("nan"), float("nan"))
    lines = [
        f"{found['set']}: {found['test_cases']} cases scored, {found['positive_share']:.1%} of them yes, "
        f"{'in ' + str(found['folds']) + ' folds' if 'folds' in found else 'once'}",
        f"AUC                 {found['auc']:.4f} ({low:.4f} to {high:.4f}), logistic regression "
        f"{found['logistic_auc']:.4f}",
        f"riskiest tenth      {found['precision_in_riskiest_tenth']:.1%} of them yes",
        *note(found).removesuffix(".").split("; "),
        f"training {found['training_seconds']:.0f} s",
    ]
    if found.get("left_out"):
        lines.append(f"left out: {', '.join(found['left_out'])}")
    if found["suspicious_columns"]:
        lines.append(
            f"WARNING: {', '.join(found['suspicious_columns'])} alone tell nearly every case: if they were "
            "filled in afterwards, leave them out with --ignore"
        )
    return "\n".join(lines)
