"""All cards of the last run of stage evaluate, from the models, predictions and metrics the stages left."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from models.churn import ChurnModel
from models.intent import IntentModel
from models.legal_weight import LegalWeightModel
from models.outcomes import BINARY, OutcomeModels
from models.priority import PriorityModel
from models.risk import ThresholdEvidence
from models.sentiment import SentimentModel
from pipelines.artifacts import MODELS, read_metrics
from pipelines.churn import LABEL
from pipelines.model_cards.card import (
    Card,
    absent_card,
    intent_limits,
    of_model,
    outcome_limits,
    rows_by_split,
)
from pipelines.model_cards.cases import (
    best_told,
    churn_measures,
    evaluation_tickets,
    intent_measures,
    outcome_measures,
    priority_measures,
    sentiment_measures,
)

ACCOUNTS_HAVE_NO = "An account has no channel and no text, so there are no parts by these."
JUDGED_ON_LEFT_OUT_AUTHORS = (
    "Judged on no tickets but on examples, each author's by a model that knew none of theirs: see the "
    "figures of its card."
)


class Evidence(NamedTuple):
    """What stage evaluate has read: a row a ticket (``tickets``, ``outcomes``), a row an account month.

    ``tickets``: features with text lengths, repeats, the state said, labels known in time. ``said``: the
    pipeline's intents. ``truth``: by ticket id, empty for a real company. ``metrics``: as written.
    """

    tickets: pd.DataFrame
    said: pd.DataFrame
    truth: pd.DataFrame
    outcomes: pd.DataFrame | None
    snapshots: pd.DataFrame | None
    accounts: pd.DataFrame | None
    thresholds: Mapping[str, ThresholdEvidence]
    metrics: Mapping[str, Any]


def all_cards(evidence: Evidence) -> list[Card]:
    """One card a member that learns from the desk; one that was left out is named with its reason."""
    absent = evidence.metrics["absent"]
    return [
        absent_card(name, absent[name]) if name in absent else card(evidence) for name, card in _CARDS.items()
    ]


def _truth(evidence: Evidence, tickets: pd.DataFrame, column: str) -> pd.Series:
    return tickets["ticket_id"].map(evidence.truth[column])


def _intent(evidence: Evidence) -> Card:
    tickets = evidence.tickets
    new, model = evaluation_tickets(tickets), IntentModel.load(MODELS / "intent")
    labels = best_told(
        {
            "the truth of the simulated company": _truth(evidence, new, "intent"),
            "two reviewers who agree, else the agent's final label": new["intent_reviewed"].where(
                new["intent_reviewed"].notna(), new["intent_label"]
            ),
        }
    )
    limits = intent_limits(model.languages, model.left_out, evidence.thresholds, model.lacking, model.fall)
    data = rows_by_split(tickets, "created_at", tickets["intent_label"], "tickets")
    measures = intent_measures(new, evidence.said, labels)
    return of_model("intent", MODELS / "intent", data, measures, evidence.metrics["intent"], limits)


def _sentiment(evidence: Evidence) -> Card:
    tickets = evidence.tickets
    new, model = evaluation_tickets(tickets), SentimentModel.load(MODELS / "sentiment")
    labels = best_told(
        {
            "the truth of the simulated company": _truth(evidence, new, "sentiment"),
            "two reviewers who agree": new["sentiment_reviewed"],
        }
    )
    limits = [] if model.learnt else ["Too few reviewed tickets: signals alone decide, nothing was learnt."]
    data = rows_by_split(tickets, "created_at", tickets["sentiment_reviewed"], "tickets")
    measures = sentiment_measures(new, labels)
    return of_model("sentiment", MODELS / "sentiment", data, measures, evidence.metrics["sentiment"], limits)


def _priority(evidence: Evidence) -> Card:
    tickets = evidence.tickets
    new, model = evaluation_tickets(tickets), PriorityModel.load(MODELS / "priority")
    labels = best_told(
        {
            "the truth of the simulated company": _truth(evidence, new, "priority"),
            "the level agents finally set": new["priority_label"],
        }
    )
    data = rows_by_split(tickets, "created_at", tickets["priority_label"], "tickets")
    measures = priority_measures(new, model, labels)
    return of_model("priority", MODELS / "priority", data, measures, evidence.metrics["priority"], [])


def _churn(evidence: Evidence) -> Card:
    snapshots, accounts = evidence.snapshots, evidence.accounts
    if snapshots is None or accounts is None:
        raise ValueError("a card of churn needs snapshots and accounts: run `dvc repro features`")
    model, metrics = ChurnModel.load(MODELS / "churn"), evidence.metrics["churn"]
    limits = []
    if metrics.get("precision_at_capacity") is not None:
        stay = 1 - metrics["precision_at_capacity"]
        limits.append(f"Of the accounts it would have called each month, {stay:.0%} did not leave.")
    data = rows_by_split(snapshots, "as_of", snapshots[LABEL], "account months")
    measures = churn_measures(snapshots, accounts, model)
    return of_model("churn", MODELS / "churn", data, measures, metrics, limits, ACCOUNTS_HAVE_NO)


def _outcomes(evidence: Evidence) -> Card:
    frame = evidence.outcomes
    if frame is None:
        raise ValueError("a card of outcomes needs their labels: run `dvc repro outcomes`")
    models = OutcomeModels.load(MODELS / "outcomes")
    data = [
        row
        for label in ("final_queue", *BINARY)
        for row in rows_by_split(frame, "created_at", frame[label], f"tickets for {label}")
    ]
    measures = outcome_measures(evaluation_tickets(frame), models)
    metrics, limits = evidence.metrics["outcomes"], outcome_limits(models.absent)
    return of_model("outcomes", MODELS / "outcomes", data, measures, metrics, limits)


def _legal_weight(_evidence: Evidence) -> Card:
    model, metrics = LegalWeightModel.load(MODELS / "legal_weight"), read_metrics("legal_weight")
    requests, examples = len(model.likes), metrics["examples"]
    data = [
        ("examples with legal weight", f"{requests:,}"),
        ("examples without", f"{examples - requests:,}"),
        ("texts and sentences of this desk's own, ordinary", f"{metrics['votes'] - examples:,}"),
    ]
    limits = ["It learnt from examples that nobody but their authors has reviewed (docs/escalation.md)."]
    name, how = "legal_weight", JUDGED_ON_LEFT_OUT_AUTHORS
    return of_model(name, MODELS / name, data, (), metrics, limits, how, figures_of=name)


_CARDS: Mapping[str, Callable[[Evidence], Card]] = {
    "intent": _intent,
    "sentiment": _sentiment,
    "priority": _priority,
    "churn": _churn,
    "outcomes": _outcomes,
    "legal_weight": _legal_weight,
}
