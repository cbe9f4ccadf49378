"""``firstline benchmark frustration``: the sentiment model as it ships, on anybody's texts and labels."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from features.schema import SENTIMENTS, completed, typed
from features.ticket import ticket_features
from models.metrics import accuracy, auc, auc_interval, macro_f1
from models.sentiment import SentimentModel, too_few
from pipelines.artifacts import rounded
from pipelines.benchmarks.columns import positive_value, read_cases
from pipelines.benchmarks.command import log_run
from pipelines.benchmarks.tables import BenchmarkDataError

FOLDS = 5
LATER_SHARE = 0.2
"""Of the texts learnt from, this share sets the cut from which on a text is called frustrated."""
UNKNOWN = ("same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent")
WHEN = pd.Timestamp("2025-01-01", tz="UTC")


def states_of(labels: pd.Series, positive: str | None = None) -> pd.Series:
    """``labels`` as asking, confused or frustrated: by these words, or two values of which one is frustrated.

    Raises ``BenchmarkDataError`` where neither fits.
    """
    words = labels.str.lower()
    if positive is None and set(words) <= set(SENTIMENTS):
        return words
    if positive is None and "frustrated" in set(words) and words.nunique() == 2:
        positive = labels[words == "frustrated"].iloc[0]
    yes = positive_value(labels.tolist(), positive)
    return pd.Series(np.where(labels == yes, "frustrated", "asking"), labels.index, dtype="str")


def tickets_of(texts: pd.Series) -> pd.DataFrame:
    """Each text as a ticket of nobody known: its form is read, everything about a history is unknown."""
    frame = pd.DataFrame({"ticket_id": [f"text {i}" for i in range(len(texts))], "body": texts.to_numpy()})
    tickets = typed("tickets", frame.assign(known_at=WHEN, created_at=WHEN, subject=""))
    features = ticket_features(tickets, completed({}))
    return pd.concat([tickets[["subject", "body"]], features], axis=1).assign(
        **dict.fromkeys(UNKNOWN, np.nan)
    )


def measure(texts: pd.Series, states: pd.Series, seed: int) -> dict[str, Any]:
    """Each text judged by a model that has not seen it; a text that occurs twice is in one fold only.

    Raises ``BenchmarkDataError`` where too few are frustrated, or all are.
    """
    problem = too_few(states, fewest=20 * FOLDS // (FOLDS - 1))
    if problem is not None:
        raise BenchmarkDataError(
            problem.replace("reviewed tickets", "texts").removesuffix(", so signals alone decide")
        )
    started, tickets = time.perf_counter(), tickets_of(texts)
    groups = pd.factorize(texts)[0]
    first = ~pd.Series(groups).duplicated().to_numpy()
    fold = np.empty(groups.max() + 1, dtype=int)
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(groups[first], states[first])
    for number, (_, mine) in enumerate(split):
        fold[groups[first][mine]] = number
    state = np.empty(len(texts), dtype=object)
    frustration, loudness = np.empty(len(texts)), np.empty(len(texts))
    for number in range(FOLDS):
        mine = fold[groups] == number
        model = _trained(tickets[~mine], states[~mine], seed)
        said = model.predict(tickets[mine])
        state[mine], frustration[mine] = [p.state for p in said], [p.frustration for p in said]
        loudness[mine] = SentimentModel().judge(tickets[mine])[0]
    return _judged(states, state, frustration, loudness, seed) | {
        "training_seconds": time.perf_counter() - started
    }


def _trained(tickets: pd.DataFrame, states: pd.Series, seed: int) -> SentimentModel:
    learn, later = train_test_split(
        np.arange(len(tickets)), test_size=LATER_SHARE, random_state=seed, stratify=states
    )
    model = SentimentModel.fit(tickets.iloc[learn], states.iloc[learn], seed)
    return model.with_cut_from(tickets.iloc[later], states.iloc[later])


def _judged(
    states: pd.Series, state: np.ndarray, frustration: np.ndarray, loudness: np.ndarray, seed: int
) -> dict[str, Any]:
    frustrated = (states == "frustrated").to_numpy()
    names = sorted(set(states))
    each = f1_score(states, state.astype(str), labels=names, average=None, zero_division=0)
    return {
        "texts": len(states),
        "folds": FOLDS,
        "accuracy": accuracy(states, state),
        "macro_f1": macro_f1(states, state),
        "majority_macro_f1": macro_f1(states, [states.value_counts().idxmax()] * len(states)),
        "auc": auc(frustrated, frustration),
        "auc_interval": auc_interval(frustrated, frustration, np.arange(len(states)).astype(str), seed),
        "signals_only_auc": auc(frustrated, loudness),
        "per_label": {
            name: {"texts": int((states == name).sum()), "f1": float(score)}
            for name, score in zip(names, each, strict=True)
        },
    }


def run_file(path: Path, label: str, text: str, positive: str | None, seed: int) -> dict[str, Any]:
    """Figures of anybody's texts, in five folds. Logged. Raises ``BenchmarkDataError``."""
    cases = read_cases(path, label)
    if text not in cases:
        raise BenchmarkDataError(
            f"{path} lacks the column {text!r}; found {list(cases.columns)}: give it as --text"
        )
    said = cases[text].fillna("").astype("str")
    states = states_of(cases[label].astype("str"), positive)
    found = {"benchmark": "frustration", "set": path.name, "seed": seed, **measure(said, states, seed)}
    log_run(found)
    return rounded(found)


def report(found: Mapping[str, Any]) -> str:
    """The figures in words, one a line."""
    low, high = found["auc_interval"] or (float("nan"), float("nan"))
    lines = [
        f"{found['set']}: {found['texts']} texts in {found['folds']} folds",
        f"macro-F1            {found['macro_f1']:.4f} (commonest state: {found['majority_macro_f1']:.4f}), "
        f"accuracy {found['accuracy']:.4f}",
        f"frustrated, AUC     {found['auc']:.4f} ({low:.4f} to {high:.4f}), signals alone "
        f"{found['signals_only_auc']:.4f}",
        *(
            f"{name:20}F1 {part['f1']:.4f} on {part['texts']} texts"
            for name, part in found["per_label"].items()
        ),
        f"training {found['training_seconds']:.0f} s",
    ]
    return "\n".join(lines)
