"""Stage churn: which accounts will leave, from one snapshot per account and month."""

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import optuna
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from features.account import ACCOUNT_CATEGORIES, ACCOUNT_FEATURES
from models.boosting import DEFAULT_SETTINGS
from models.churn import ChurnModel, too_few
from models.metrics import auc
from models.release import write_absent
from models.tabular import SETTINGS
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_metrics
from pipelines.params import Params, load_params
from pipelines.tracking import record_run
from pipelines.tuning import boosting_settings, tune, tuning_metrics

FOLDER = MODELS / "churn"
LABEL = "churned_90d"
FOLDS = 4


class Inputs(NamedTuple):
    """Columns that a model reads."""

    numbers: Sequence[str]
    categories: Sequence[str]


SHIPPED = Inputs(ACCOUNT_FEATURES, ACCOUNT_CATEGORIES)


@dataclass(frozen=True)
class TrainedChurn:
    """The model, its metrics on calibration snapshots, and its tuning."""

    model: ChurnModel
    metrics: dict[str, Any]
    study: optuna.Study


def missing_table(accounts: pd.DataFrame) -> str | None:
    """What churn lacks, by its ``accounts``' monthly features; ``None`` if it lacks nothing."""
    if accounts.empty:
        return "no account was known at the beginning of a month: the table accounts is missing or too short"
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
    model, study = learn_churn(train, LABEL, later, SHIPPED, params.churn.trials, params.seed)
    metrics = {
        "snapshots": len(train),
        "leavers": int(train[LABEL].sum()),
        "calibration": compared(later, model, train),
        "tuning": tuning_metrics(study),
    }
    return TrainedChurn(model, metrics, study)


def learn_churn(
    train: pd.DataFrame,
    label: str,
    later: pd.DataFrame | None,
    inputs: Inputs,
    trials: int,
    seed: int,
) -> tuple[ChurnModel, optuna.Study]:
    """The churn model as it ships, on anybody's columns: tuned, fitted and calibrated; with its tuning.

    ``train``: a row a case, with ``label`` (0/1) and, where there is a time axis, ``as_of``: the newest
    quarter of its moments then judges the settings, four random folds otherwise. ``later``: labelled cases
    that calibrate; ``None``: out of fold. Raises ``ValueError`` where there are too few of either class.
    """
    problem = too_few(train[label])
    if problem is not None:
        raise ValueError(problem)
    judges = _judging_rows(train, label, seed)

    def fitted(rows: np.ndarray, settings: Mapping[str, Any]) -> ChurnModel:
        part = train.iloc[rows]
        return ChurnModel.fit(part, part[label], seed, settings, inputs.numbers, inputs.categories)

    def loss(trial: optuna.Trial) -> float:
        settings = boosting_settings(trial)
        found = []
        for learn, judge in judges:
            said = fitted(learn, settings).predict(train.iloc[judge])
            found.append(auc(train[label].iloc[judge].to_numpy(dtype=float), said) or 0.0)
        return 1 - float(np.mean(found))

    study = tune(loss, trials, seed, {**DEFAULT_SETTINGS, **SETTINGS})
    model = fitted(np.arange(len(train)), study.best_params)
    if later is not None:
        return model.calibrated_on(later, later[label]), study
    unseen = np.empty(len(train))
    for learn, judge in _folds(train[label], seed):
        unseen[judge] = fitted(learn, study.best_params).predict(train.iloc[judge])
    return model.calibrated_by(unseen, train[label]), study


def _judging_rows(train: pd.DataFrame, label: str, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows that learn, rows that judge): by time where there is ``as_of``, else in folds."""
    if "as_of" not in train:
        return _folds(train[label], seed)
    months = train["as_of"].drop_duplicates().sort_values(ignore_index=True)
    recent = (train["as_of"] >= months.iloc[int(0.75 * len(months))]).to_numpy()
    older, newer = np.flatnonzero(~recent), np.flatnonzero(recent)
    if too_few(train[label].iloc[older]) is None and train[label].iloc[newer].nunique() == 2:
        return [(older, newer)]
    everything = np.arange(len(train))
    return [(everything, everything)]


def _folds(label: pd.Series, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(label)), label.to_numpy(dtype=int)))


def logistic_scores(
    train: pd.DataFrame, new: pd.DataFrame, label: str = LABEL, inputs: Inputs = SHIPPED
) -> np.ndarray:
    """The linear baseline: imputed medians, scaled, categories one by one, logistic regression."""
    numbers = [c for c in inputs.numbers if train[c].notna().any()]
    categories = [c for c in inputs.categories if train[c].notna().any()]

    def plain(frame: pd.DataFrame) -> pd.DataFrame:
        words = {c: frame[c].astype("object").where(frame[c].notna(), "unknown") for c in categories}
        return frame[numbers].astype("float64").assign(**words)

    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", min_frequency=5), categories),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(C=0.1, max_iter=1000))
    model.fit(plain(train), train[label].to_numpy(dtype=int))
    return np.asarray(model.predict_proba(plain(new))[:, 1])


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
