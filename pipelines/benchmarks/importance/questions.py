"""Each model's question, asked again without a group: learnt anew on train, judged on calibration cases.

Without a group means that its columns are unknown in every case, of training and judging alike: what a desk
has that lacks their table. The settings are the defaults for all, so that only the group makes a difference.
Evaluation cases are not looked at: they must stay fit to judge what is decided by this.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from features.account import SNAPSHOT_GROUPS
from features.opening import OPENING_FEATURES
from features.ticket import TICKET_GROUPS
from models.churn import ChurnModel
from models.metrics import auc, auc_difference_interval, paired_difference_interval
from models.outcomes import BINARY, REPEATS, OutcomeModels
from models.priority import PriorityModel, level_codes
from models.sentiment import SentimentModel
from pipelines.churn import LABEL
from pipelines.intent import log_loss

Groups = Mapping[str, Sequence[str]]
TICKET: Groups = {name: [feature.name for feature in group] for name, group in TICKET_GROUPS.items()}
MODEL_GROUPS: Groups = {"same issue": REPEATS, "predicted intent": ["intent"], "frustration": ["frustration"]}
SNAPSHOT: Groups = {name: [feature.name for feature in group] for name, group in SNAPSHOT_GROUPS.items()}
WORDS = ("subject", "body")
SAME_WORDS = "the same words in every ticket"
"""Text models cannot learn from no words at all; from the same ones they learn nothing."""


class Saved(Protocol):
    """A model that can be written to a folder."""

    def save(self, folder: Path) -> None:
        """Write all files."""


class Said(NamedTuple):
    """One value a case: a risk to rank by, or what the answer is worth (share right, minus log loss)."""

    values: np.ndarray
    model: Saved


@dataclass(frozen=True)
class Question:
    """``ask``: learn from the first frame and say of the second. ``truth``: 0/1, where an AUC judges."""

    model: str
    measure: str
    train: pd.DataFrame
    later: pd.DataFrame
    groups: Groups
    ask: Callable[[pd.DataFrame, pd.DataFrame], Said]
    truth: np.ndarray | None = None
    cluster: str = "ticket_id"


def unknown(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """``frame`` with nothing told in ``columns``."""
    nothing: dict[str, Any] = {
        name: np.nan
        if pd.api.types.is_numeric_dtype(frame[name])
        else pd.Series(None, frame.index, dtype="str")
        for name in columns
        if name in frame
    }
    return frame.assign(**{name: SAME_WORDS if name in WORDS else value for name, value in nothing.items()})


def answered(question: Question, seed: int) -> list[dict[str, Any]]:
    """One entry per group: what it adds (95 %, paired) and the bytes that the model has because of it."""
    whole = question.ask(question.train, question.later)
    size = saved_bytes(whole.model)
    entries = []
    for group, columns in question.groups.items():
        less = question.ask(unknown(question.train, columns), unknown(question.later, columns))
        added, interval = _added(question, whole.values, less.values, seed)
        entries.append(
            {
                "model": question.model,
                "measure": question.measure,
                "cases": len(question.later),
                "with_all": _figure(question, whole.values),
                "group": group,
                "adds": added,
                "interval": interval,
                "bytes": size - saved_bytes(less.model),
            }
        )
    return entries


def _figure(question: Question, values: np.ndarray) -> float | None:
    return float(values.mean()) if question.truth is None else auc(question.truth, values)


def _added(
    question: Question, whole: np.ndarray, less: np.ndarray, seed: int
) -> tuple[float | None, tuple[float, float] | None]:
    if question.truth is None:
        return float((whole - less).mean()), paired_difference_interval(whole, less, seed)
    ours, theirs = auc(question.truth, whole), auc(question.truth, less)
    groups = question.later[question.cluster].to_numpy(dtype=str)
    interval = auc_difference_interval(question.truth, whole, less, groups, seed)
    return (None if ours is None or theirs is None else ours - theirs), interval


def saved_bytes(model: Saved) -> int:
    """Size of the model's files."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def priority_questions(features: pd.DataFrame, seed: int) -> list[Question]:
    """How well the three steps up the levels are foretold: minus the log loss, which needs no cuts."""

    def ask(train: pd.DataFrame, later: pd.DataFrame) -> Said:
        model = PriorityModel.fit(train, train["priority_label"], seed)
        codes, steps = level_codes(later["priority_label"]), model.cumulative(later).T
        worth = [-_surprise(codes >= step, said) for step, said in enumerate(steps, start=1)]
        return Said(np.mean(worth, axis=0), model)

    train, later = _splits(features[features["priority_label"].notna()])
    return [Question("priority", "log loss saved", train, later, {**TICKET, **MODEL_GROUPS}, ask)]


def sentiment_questions(features: pd.DataFrame, seed: int) -> list[Question]:
    """Which of the later reviewed tickets are called frustrated by their reviewers."""

    def ask(train: pd.DataFrame, later: pd.DataFrame) -> Said:
        model = SentimentModel.fit(train, train["sentiment_reviewed"], seed)
        return Said(model.judge(later)[0], model)

    train, later = _splits(features[features["sentiment_reviewed"].notna()])
    truth = (later["sentiment_reviewed"] == "frustrated").to_numpy(dtype=float)
    groups = {"words": WORDS, **{n: TICKET[n] for n in ("contact history", "friction", "text form")}}
    groups |= {"same issue": REPEATS}
    return [Question("sentiment", "AUC", train, later, groups, ask, truth)]


def churn_questions(snapshots: pd.DataFrame, seed: int) -> list[Question]:
    """Which accounts leave; the months of one account are drawn together."""

    def ask(train: pd.DataFrame, later: pd.DataFrame) -> Said:
        model = ChurnModel.fit(train, train[LABEL], seed)
        return Said(model.predict(later), model)

    train, later = _splits(snapshots[snapshots[LABEL].notna()])
    return [
        Question(
            "churn", "AUC", train, later, SNAPSHOT, ask, later[LABEL].to_numpy(dtype=float), "account_id"
        )
    ]


def outcome_questions(frame: pd.DataFrame, seed: int) -> list[Question]:
    """Whether a ticket is reassigned, whether its promise is missed, and where it ends."""
    old = frame[frame["split"] != "evaluation"]
    holds_back = (old["split"] == "calibration") & old["is_mature"]
    train, later = old[~holds_back], old[holds_back]
    groups = {**TICKET, **MODEL_GROUPS, "form": OPENING_FEATURES, "account": ["account_id"]}
    wanted = [name for name in ("final_queue", *BINARY) if later[name].notna().any()]
    return [_outcome_question(name, train, later[later[name].notna()], groups, seed) for name in wanted]


def _outcome_question(
    name: str, train: pd.DataFrame, later: pd.DataFrame, groups: Groups, seed: int
) -> Question:
    others = [label for label in ("final_queue", *BINARY) if label != name]

    def ask(learnt: pd.DataFrame, judged: pd.DataFrame) -> Said:
        models = OutcomeModels.fit(unknown(learnt, others), judged.iloc[:0], seed)
        if name in models.binary:
            return Said(models.binary[name].predict(judged), models)
        if models.queue is None:
            return Said(np.zeros(len(judged)), models)
        said = np.array([end.queue for end in models.queue.predict(judged)], dtype=object)
        return Said((said == judged["final_queue"].to_numpy(dtype=object)).astype(float), models)

    if name == "final_queue":
        return Question("outcomes: final_queue", "share right", train, later, groups, ask)
    truth = later[name].to_numpy(dtype=float)
    return Question(f"outcomes: {name}", "AUC", train, later, groups, ask, truth)


def _splits(labelled: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return labelled[labelled["split"] == "train"], labelled[labelled["split"] == "calibration"]


def _surprise(happened: np.ndarray, said: np.ndarray) -> np.ndarray:
    return np.array([log_loss(np.array([one]), np.array([p])) for one, p in zip(happened, said, strict=True)])
