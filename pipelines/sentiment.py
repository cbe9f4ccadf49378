"""Stage sentiment: learn frustration from reviewers, and tell it for every ticket, with its repeats."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd

from features.repeats import same_intent_repeats
from features.schema import Tables
from features.tables import read_tables
from models.metrics import accuracy, auc, macro_f1
from models.sentiment import SentimentLessons, SentimentModel, too_few
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_frame, write_metrics
from pipelines.intent import OUT_OF_FOLD
from pipelines.params import Params, load_params
from pipelines.tracking import record_run
from pipelines.tuning import boosting_settings, tune, tuning_metrics

FOLDER = MODELS / "sentiment"
CONTEXT = MODELS / "ticket_context.parquet"
TABLES_FOLDER = Path("artifacts/tables")


@dataclass(frozen=True)
class TrainedSentiment:
    """The model, its metrics on calibration tickets, and its tuning where there was any."""

    model: SentimentModel
    metrics: dict[str, Any]
    study: optuna.Study | None


def known_intents(tables: Tables, predictions: pd.DataFrame) -> pd.DataFrame:
    """Intents as serving would have known them: predicted when a ticket came, then set by agents."""
    came = tables["tickets"].set_index("ticket_id")["known_at"]
    predicted = predictions[["ticket_id", "intent"]].assign(known_at=predictions["ticket_id"].map(came))
    events = tables["ticket_events"]
    said = events[(events["kind"] == "intent_set") & (events["actor_kind"] == "agent")]
    corrected = said[["ticket_id", "value", "known_at"]].rename(columns={"value": "intent"})
    return pd.concat([predicted, corrected]).dropna().reset_index(drop=True)


def with_repeats(tickets: pd.DataFrame, tables: Tables, predictions: pd.DataFrame) -> pd.DataFrame:
    """``tickets`` with how often the same person and account wrote about the same intent before."""
    intents = pd.Series(predictions["intent"].to_numpy(), index=tickets.index, dtype="str")
    repeats = same_intent_repeats(tickets, intents, tables, known_intents(tables, predictions))
    return pd.concat([tickets, repeats], axis=1)


def train_sentiment(tickets: pd.DataFrame, params: Params) -> TrainedSentiment:
    """Fit on reviewed training tickets, set the cut on reviewed calibration tickets.

    ``tickets``: ticket features with text and repeats. Without enough reviews, signals alone decide.
    """
    reviewed = tickets[tickets["sentiment_reviewed"].notna()]
    train, later = (reviewed[reviewed["split"] == name] for name in ("train", "calibration"))
    states = train["sentiment_reviewed"]
    problem = too_few(states)
    if problem is not None:
        return TrainedSentiment(SentimentModel(), {"signals_only": problem}, None)
    settings, study = _tuned(train, params)
    model = SentimentModel.fit(train, states, params.seed, settings).with_cut_from(
        later, later["sentiment_reviewed"]
    )
    metrics = {"reviewed": len(train), "cut": model.cut, **judged(model, later)}
    return TrainedSentiment(model, metrics | ({"tuning": tuning_metrics(study)} if study else {}), study)


def _tuned(train: pd.DataFrame, params: Params) -> tuple[dict[str, Any], optuna.Study | None]:
    older, newer = train.iloc[: int(0.8 * len(train))], train.iloc[int(0.8 * len(train)) :]
    frustrated = (newer["sentiment_reviewed"] == "frustrated").to_numpy()
    if too_few(older["sentiment_reviewed"]) is not None or len(np.unique(frustrated)) < 2:
        return {}, None

    lessons = SentimentLessons.of(older, older["sentiment_reviewed"], params.seed)

    def loss(trial: optuna.Trial) -> float:
        model = SentimentModel.learn(lessons, boosting_settings(trial))
        return 1 - (auc(frustrated, model.judge(newer)[0]) or 0.0)

    study = tune(loss, params.sentiment.trials, params.seed)
    return study.best_params, study


def judged(model: SentimentModel, tickets: pd.DataFrame) -> dict[str, Any]:
    """Agreement with reviewers on other tickets, and that of calling everything the commonest state."""
    if not len(tickets):
        return {"tickets": 0}
    states = tickets["sentiment_reviewed"]
    said, frustration = model.states(tickets)
    alone, _ = SentimentModel().states(tickets)
    commonest = states.value_counts().idxmax()
    frustrated = (states == "frustrated").to_numpy()
    return {
        "tickets": len(tickets),
        "accuracy": accuracy(states, said),
        "macro_f1": macro_f1(states, said),
        "frustrated_auc": auc(frustrated, frustration),
        "signals_only_macro_f1": macro_f1(states, alone),
        "majority_macro_f1": macro_f1(states, [commonest] * len(states)),
    }


def ticket_context(model: SentimentModel, tickets: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Repeats, state and frustration of every ticket; those learnt from are judged without them."""
    state, frustration = model.states(tickets)
    learnt = np.flatnonzero(
        (tickets["sentiment_reviewed"].notna() & (tickets["split"] == "train")).to_numpy()
    )
    if model.learnt is not None:
        fold = np.random.default_rng(seed).permutation(len(learnt)) % 2
        for half in (0, 1):
            mine, others = tickets.iloc[learnt[fold == half]], tickets.iloc[learnt[fold != half]]
            blind = SentimentModel.fit(others, others["sentiment_reviewed"], seed)
            state[learnt[fold == half]], frustration[learnt[fold == half]] = blind.states(mine)
    repeats = ["same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent"]
    return tickets[["ticket_id", *repeats]].assign(state=state, frustration=frustration)


def main() -> None:
    """Train on ``artifacts/features/tickets.parquet``; write the model and what it says of every ticket."""
    params, started = load_params(), time.perf_counter()
    tables = read_tables(TABLES_FOLDER)
    predictions = read_frame(OUT_OF_FOLD, "intent")
    tickets = with_repeats(read_frame(FEATURES / "tickets.parquet", "features"), tables, predictions)
    print(f"sentiment: repeats counted ({time.perf_counter() - started:.1f} s)", flush=True)
    trained = train_sentiment(tickets, params)
    print(f"sentiment: trained ({time.perf_counter() - started:.1f} s)", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    trained.model.save(FOLDER)
    write_frame(CONTEXT, ticket_context(trained.model, tickets, params.seed))
    metrics = write_metrics("sentiment", trained.metrics)
    used = {"seed": params.seed, "sentiment": params.sentiment.model_dump()}
    record_run("sentiment", used, metrics, [FOLDER / "model.json"], trained.study)
    said = metrics.get("signals_only") or f"macro F1 {metrics.get('macro_f1')} on later reviewed tickets"
    print(f"sentiment: {said}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
