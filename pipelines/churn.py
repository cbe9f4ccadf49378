"""Stage churn: which accounts will leave, from one snapshot per account and month."""

import shutil
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.account import ACCOUNT_FEATURES
from models.churn import ChurnModel, too_few
from models.metrics import auc
from models.release import write_absent
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_metrics
from pipelines.params import Params, load_params
from pipelines.tracking import record_run
from pipelines.tuning import boosting_settings, tune, tuning_metrics

FOLDER = MODELS / "churn"
LABEL = "churned_90d"


@dataclass(frozen=True)
class TrainedChurn:
    """The model, its metrics on calibration snapshots, and its tuning."""

    model: ChurnModel
    metrics: dict[str, Any]
    study: optuna.Study


def missing_table(accounts: pd.DataFrame) -> str | None:
    """Which table churn lacks, by its empty features; ``None`` if it lacks none."""
    if accounts.empty:
        return "the table accounts is missing or empty"
    if accounts["usage_events_90d"].isna().all():
        return "the table usage is missing or empty"
    return None


def train_churn(accounts: pd.DataFrame, params: Params) -> TrainedChurn:
    """Fit on train snapshots, calibrate on later ones. Raises ``ValueError`` saying what is missing."""
    problem = missing_table(accounts)
    if problem is not None:
        raise ValueError(f"{problem}: churn needs accounts and usage")
    labelled = accounts[accounts[LABEL].notna()].sort_values(["as_of", "account_id"])
    train, later = (labelled[labelled["split"] == name] for name in ("train", "calibration"))
    problem = too_few(train[LABEL])
    if problem is not None:
        raise ValueError(problem)
    study = _tuned(train, params)
    model = ChurnModel.fit(train, train[LABEL], params.seed, study.best_params).calibrated_on(
        later, later[LABEL]
    )
    metrics = {
        "snapshots": len(train),
        "leavers": int(train[LABEL].sum()),
        "calibration": compared(later, model, train),
        "tuning": tuning_metrics(study),
    }
    return TrainedChurn(model, metrics, study)


def _tuned(train: pd.DataFrame, params: Params) -> optuna.Study:
    months = train["as_of"].drop_duplicates()
    recent = train["as_of"] >= months.iloc[int(0.75 * len(months))]
    older, newer = train[~recent], train[recent]
    if too_few(older[LABEL]) is not None or auc(newer[LABEL].to_numpy(), np.zeros(len(newer))) is None:
        older = newer = train

    def loss(trial: optuna.Trial) -> float:
        model = ChurnModel.fit(older, older[LABEL], params.seed, boosting_settings(trial))
        return 1 - (auc(newer[LABEL].to_numpy(dtype=float), model.predict(newer)) or 0.0)

    return tune(loss, params.churn.trials, params.seed)


def logistic_scores(train: pd.DataFrame, tickets: pd.DataFrame) -> np.ndarray:
    """The linear baseline: imputed medians, scaled, logistic regression."""
    columns = [c for c in ACCOUNT_FEATURES if train[c].notna().any()]
    model = make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1, max_iter=500)
    )
    model.fit(train[columns].astype("float64"), train[LABEL].to_numpy(dtype=int))
    return np.asarray(model.predict_proba(tickets[columns].astype("float64"))[:, 1])


def compared(snapshots: pd.DataFrame, model: ChurnModel, train: pd.DataFrame) -> dict[str, Any]:
    """AUC of the model, beside logistic regression and days since the product was last used."""
    if not len(snapshots):
        return {"snapshots": 0}
    left = snapshots[LABEL].to_numpy(dtype=float)
    recency = snapshots["days_since_usage"].fillna(snapshots["days_since_usage"].max()).fillna(0)
    return {
        "snapshots": len(snapshots),
        "leavers": int(left.sum()),
        "auc": auc(left, model.predict(snapshots)),
        "logistic_auc": auc(left, logistic_scores(train, snapshots)),
        "recency_auc": auc(left, recency.to_numpy(dtype=float)),
    }


def main() -> None:
    """Train on ``artifacts/features/accounts.parquet``; write the model, or why there is none."""
    params, started = load_params(), time.perf_counter()
    accounts = read_frame(FEATURES / "accounts.parquet", "features")
    used = {"seed": params.seed, "churn": params.churn.model_dump()}
    try:
        trained = train_churn(accounts, params)
    except ValueError as error:
        write_absent(FOLDER, str(error))
        record_run("churn", used, write_metrics("churn", {"absent": str(error)}))
        print(f"churn: left out: {error}", flush=True)
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    trained.model.save(FOLDER)
    metrics = write_metrics("churn", trained.metrics)
    record_run("churn", used, metrics, [FOLDER / "model.json"], trained.study)
    print(f"churn: {metrics['calibration']}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
