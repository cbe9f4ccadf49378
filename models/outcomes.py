"""What will become of a ticket, from what is known when it is opened: queue, reassignment, a late answer."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.opening import OPENING_FEATURES
from features.rows import Rows
from features.ticket import TICKET_CATEGORIES, TICKET_FEATURES
from models.boosting import Columns, load_booster, save_booster, scores, train_booster
from models.calibration import Calibrator, fit_calibrator
from models.metrics import auc

REPEATS = ("same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent")
NUMBERS = (*TICKET_FEATURES, *REPEATS, "frustration")
CATEGORIES = (*TICKET_CATEGORIES, "intent", *OPENING_FEATURES, "account_id")
INPUTS = (*NUMBERS, *CATEGORIES)
BINARY = ("reassigned", "sla_missed")
QUEUE_SETTINGS = {"objective": "multiclass", "num_leaves": 7, "learning_rate": 0.1, "min_data_in_leaf": 20}
QUEUE_ROUNDS = 60
BINARY_SETTINGS = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.05}
BINARY_ROUNDS = 150
DATE_CORRELATION = 0.2
"""A number whose rank follows the date this closely in training (a count while the recording is young) only
tells the date, and dates to come were never learnt."""
FEWEST_IN_QUEUE = 20
FEWEST_OF_EACH = 50
USUALLY_TOLD = 0.9
"""A form field that so many training tickets tell is expected: hardly anything was learnt without it."""
LEAKING_AUC = 0.99
"""No column known at opening tells alone what becomes of nearly every ticket; one that does came later."""


class LeakError(ValueError):
    """A column tells the outcome too well to have been known when the ticket was opened."""


class End(NamedTuple):
    """Where a ticket will end: the likeliest queue, the probability that it is right, the likeliest three."""

    queue: str | None
    queue_probability: float | None
    queues: tuple[tuple[str, float], ...]


NOWHERE = End(None, None, ())


class OutcomePrediction(NamedTuple):
    """Probabilities for one ticket; ``None`` where the model is absent.

    ``queue``: where it will end, ``queue_probability``: of being right. ``queues``: up to three likeliest.
    """

    queue: str | None
    queue_probability: float | None
    queues: tuple[tuple[str, float], ...]
    reassigned: float | None
    sla_missed: float | None


@dataclass(frozen=True)
class BinaryOutcome:
    """Whether something will happen; calibrated."""

    columns: Columns
    booster: lgb.Booster
    calibrator: Calibrator = field(default_factory=Calibrator)

    @classmethod
    def fit(cls, features: pd.DataFrame, target: np.ndarray, columns: Columns, seed: int) -> "BinaryOutcome":
        """Learn ``target`` (0/1) from ``columns`` of ``features``."""
        matrix = columns.matrix(features)
        return cls(columns, train_booster(matrix, target, columns, BINARY_SETTINGS, BINARY_ROUNDS, seed))

    def calibrated_on(self, features: pd.DataFrame, happened: pd.Series) -> "BinaryOutcome":
        """The same ranking with probabilities that fit later tickets; unchanged without any."""
        fitted = fit_calibrator(self.predict(features), happened.to_numpy(dtype=bool))
        return BinaryOutcome(self.columns, self.booster, fitted)

    def predict(self, features: pd.DataFrame | Rows) -> np.ndarray:
        """Probability, one per ticket."""
        return self.calibrator(scores(self.booster, self.columns.matrix(features)))


@dataclass(frozen=True)
class QueueModel:
    """In which of the known queues a ticket will end, and how probably the likeliest one is right."""

    columns: Columns
    queues: tuple[str, ...]
    booster: lgb.Booster
    calibrator: Calibrator = field(default_factory=Calibrator)

    @classmethod
    def fit(cls, features: pd.DataFrame, queue: pd.Series, columns: Columns, seed: int) -> "QueueModel":
        """Learn the ``queue`` of each ticket; one with fewer than ``FEWEST_IN_QUEUE`` is left to people."""
        counts = queue.value_counts()
        queues = tuple(sorted(counts.index[counts >= FEWEST_IN_QUEUE]))
        told = queue.isin(queues).to_numpy()
        code = queue[told].map({name: i for i, name in enumerate(queues)}).to_numpy(dtype=float)
        settings = {**QUEUE_SETTINGS, "num_class": len(queues)}
        matrix = columns.matrix(features[told])
        return cls(columns, queues, train_booster(matrix, code, columns, settings, QUEUE_ROUNDS, seed))

    def shares(self, features: pd.DataFrame | Rows) -> np.ndarray:
        """Share of each queue, shape (tickets, queues)."""
        return scores(self.booster, self.columns.matrix(features)).reshape(len(features), len(self.queues))

    def predict(self, features: pd.DataFrame | Rows) -> list["End"]:
        """The likeliest queue of each ticket, the probability that it is right, and the likeliest three."""
        shares = self.shares(features)
        sure = self.calibrator(shares.max(axis=1))
        best = np.argsort(-shares, axis=1, kind="stable")[:, :3]
        return [
            End(self.queues[three[0]], float(p), tuple((self.queues[i], float(row[i])) for i in three))
            for row, three, p in zip(shares, best, sure, strict=True)
        ]

    def calibrated_on(self, features: pd.DataFrame, queue: pd.Series) -> "QueueModel":
        """The same choice, with the probability of being right observed on later tickets."""
        shares = self.shares(features)
        right = np.array(self.queues, dtype=object)[shares.argmax(axis=1)] == queue.to_numpy(dtype=object)
        fitted = fit_calibrator(shares.max(axis=1), right) if len(right) else Calibrator()
        return QueueModel(self.columns, self.queues, self.booster, fitted)


@dataclass(frozen=True)
class OutcomeModels:
    """The models that could be learnt; each of the others is in ``absent`` with its reason."""

    queue: QueueModel | None
    binary: Mapping[str, BinaryOutcome]
    absent: Mapping[str, str]
    expected: tuple[str, ...] = ()
    """Form fields (``OPENING_FEATURES``) that the models read and nearly every training ticket had."""

    @classmethod
    def fit(cls, train: pd.DataFrame, later: pd.DataFrame, seed: int) -> "OutcomeModels":
        """Learn from ``train`` (features and labels of ``features.opening``), calibrate on ``later``.

        ``train`` is in order of creation. ``later``: tickets so old that nearly all of them are over.
        Raises ``LeakError`` where a column tells an outcome that it cannot have known.
        """
        absent, binary = {}, {}
        for name in BINARY:
            known, new = train[train[name].notna()], later[later[name].notna()]
            target = known[name].to_numpy(dtype=float)
            reason = too_few(target)
            if reason is not None:
                absent[name] = reason
                continue
            columns = columns_of(known)
            refuse_leaks(known, target, columns, name)
            model = BinaryOutcome.fit(known, target, columns, seed)
            binary[name] = model.calibrated_on(new, new[name])
        known, new = train[train["final_queue"].notna()], later[later["final_queue"].notna()]
        if (known["final_queue"].value_counts() >= FEWEST_IN_QUEUE).sum() < 2:
            absent["queue"] = f"{len(known)} tickets with a final queue: two of {FEWEST_IN_QUEUE} are needed"
            return cls(None, binary, absent, expected_fields(train, binary.values()))
        queue = QueueModel.fit(known, known["final_queue"], columns_of(known), seed)
        expected = expected_fields(train, (queue, *binary.values()))
        return cls(queue.calibrated_on(new, new["final_queue"]), binary, absent, expected)

    def lacking(self, features: pd.DataFrame | Rows) -> tuple[str, ...]:
        """Expected form fields that the first of ``features`` does not tell."""
        rows = Rows.of(features)
        return tuple(name for name in self.expected if rows.strings(name)[0].as_py() is None)

    def predict(self, features: pd.DataFrame | Rows) -> list[OutcomePrediction]:
        """One prediction per row of ``features`` (``INPUTS``); raises ``ValueError`` naming what lacks."""
        risks = {name: model.predict(features).tolist() for name, model in self.binary.items()}
        ends = self.queue.predict(features) if self.queue is not None else [NOWHERE] * len(features)
        return [
            OutcomePrediction(
                *ends[row],
                reassigned=risks["reassigned"][row] if "reassigned" in risks else None,
                sla_missed=risks["sla_missed"][row] if "sla_missed" in risks else None,
            )
            for row in range(len(features))
        ]

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and a booster for each model."""
        folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {"absent": dict(self.absent), "binary": {}, "queue": None}
        document["expected"] = list(self.expected)
        told: dict[str, Any]
        for name, outcome in self.binary.items():
            told = {"columns": outcome.columns.to_json(), "calibrator": vars(outcome.calibrator)}
            document["binary"][name] = told
            save_booster(outcome.booster, folder / f"{name}.txt")
        if self.queue is not None:
            columns = self.queue.columns.to_json()
            told = {"columns": columns, "queues": list(self.queue.queues)}
            document["queue"] = {**told, "calibrator": vars(self.queue.calibrator)}
            save_booster(self.queue.booster, folder / "queue.txt")
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "OutcomeModels":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        binary = {}
        for name, told in document["binary"].items():
            columns = Columns.from_json(told["columns"])
            booster = load_booster(folder / f"{name}.txt", columns)
            binary[name] = BinaryOutcome(columns, booster, Calibrator(**told["calibrator"]))
        queue = None
        if document["queue"] is not None:
            told = document["queue"]
            columns = Columns.from_json(told["columns"])
            booster = load_booster(folder / "queue.txt", columns)
            queue = QueueModel(columns, tuple(told["queues"]), booster, Calibrator(**told["calibrator"]))
        return cls(queue, binary, document["absent"], tuple(document.get("expected", ())))


def columns_of(train: pd.DataFrame) -> Columns:
    """The inputs that say anything at this desk: neither all the same, nor only the date, nor mostly names.

    ``train`` is in order of creation.
    """
    order = pd.Series(np.arange(len(train)), index=train.index)
    varied = [name for name in NUMBERS if train[name].nunique() > 1]
    follows_date = {name: abs(train[name].rank().corr(order)) for name in varied}
    numbers = [name for name in varied if not follows_date[name] >= DATE_CORRELATION]
    categories = [name for name in CATEGORIES if _is_repeated(train[name])]
    return Columns.of(train, numbers, categories)


def expected_fields(train: pd.DataFrame, models: Iterable[QueueModel | BinaryOutcome]) -> tuple[str, ...]:
    """Form fields that any of ``models`` reads and ``USUALLY_TOLD`` of the training tickets have."""
    read = {name for model in models for name in model.columns.names}
    return tuple(n for n in OPENING_FEATURES if n in read and train[n].notna().mean() >= USUALLY_TOLD)


def _is_repeated(column: pd.Series) -> bool:
    counts = column.value_counts()
    return len(counts) > 1 and counts.iloc[:200].sum() >= counts.sum() / 2


def too_few(target: np.ndarray) -> str | None:
    """Why an outcome cannot be learnt from these labels; ``None`` if it can."""
    happened = int(target.sum())
    if min(happened, len(target) - happened) < FEWEST_OF_EACH:
        return (
            f"{len(target)} tickets whose outcome is known, {happened} of them with it: "
            f"{FEWEST_OF_EACH} of each are needed"
        )
    return None


def refuse_leaks(train: pd.DataFrame, target: np.ndarray, columns: Columns, outcome: str) -> None:
    """Raise ``LeakError`` naming the columns that alone tell ``outcome`` of nearly every training ticket."""
    leaking = [name for name in columns.names if _alone(train[name], target, name in columns.categories)]
    if leaking:
        raise LeakError(
            f"{', '.join(leaking)} alone tell {outcome!r} (AUC {LEAKING_AUC} or more): they were not "
            "known when the ticket was opened. Map what its first event said, or nothing"
        )


def _alone(column: pd.Series, target: np.ndarray, is_category: bool) -> bool:
    """Whether one column ranks the tickets that well; a category by the share in the other half of them."""
    if not is_category:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        alone = auc(target, np.where(np.isnan(values), np.nanmin(values) - 1, values))
        return alone is not None and max(alone, 1 - alone) >= LEAKING_AUC
    half = np.arange(len(column)) % 2 == 0
    share = pd.Series(target[half]).groupby(column.to_numpy(dtype=object)[half], dropna=False).mean()
    said = column[~half].map(share).fillna(target.mean()).to_numpy(dtype=float)
    alone = auc(target[~half], said)
    return alone is not None and alone >= LEAKING_AUC
