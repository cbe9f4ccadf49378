"""What the models of a release say about one ticket. What is absent or fails is named, never guessed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd

from features.account import account_features
from features.repeats import same_intent_repeats
from features.schema import Tables
from features.ticket import ticket_features
from models.intent import IntentPrediction
from models.priority import PriorityPrediction
from models.release import Release
from models.sentiment import SentimentModel, SentimentPrediction
from serving.logs import logger, where_raised

T = TypeVar("T")
UNREAD = IntentPrediction(None, 0.0, False, 0.0, ())
UNFELT = SentimentPrediction("asking", 0.0, ())


@dataclass
class TicketScores:
    """Scores of one ticket, filled in the order in which they depend on each other."""

    features: pd.DataFrame
    """One row of ticket features, the ticket's own subject and body beside them."""
    intent: IntentPrediction = UNREAD
    repeats: pd.DataFrame = field(default_factory=pd.DataFrame)
    sentiment: SentimentPrediction = UNFELT
    priority: PriorityPrediction | None = None
    degraded: list[str] = field(default_factory=list)

    def number(self, name: str) -> float | None:
        """The feature ``name`` as a number, ``None`` where it is unknown."""
        value = (self.features if name in self.features else self.repeats)[name].iloc[0]
        return None if pd.isna(value) else float(value)

    def count(self, name: str) -> int:
        """The feature ``name`` as a count, 0 where it is unknown."""
        return int(self.number(name) or 0)

    def text(self, name: str) -> str | None:
        """The feature ``name`` as a category, ``None`` where it is unknown."""
        value = self.features[name].iloc[0]
        return None if pd.isna(value) else str(value)


def read_ticket(
    release: Release | None, ticket: pd.DataFrame, history: Tables, as_of: pd.Series
) -> TicketScores:
    """Features and intent of the one ``ticket`` (canonical row) as of ``as_of``."""
    features = ticket_features(ticket, history, as_of)
    own = ticket[["subject", "body"]].fillna("")
    scores = TicketScores(pd.concat([own, features], axis=1))
    if release is not None:
        said = _asked(scores, "intent", release.intent, lambda model: model.predict(scores.features))
        scores.intent = said[0] if said else UNREAD
        if release.intent is not None and release.intent.lacking:
            scores.degraded.append("no sentence encoder")
    return scores


def weigh_ticket(
    release: Release | None,
    scores: TicketScores,
    ticket: pd.DataFrame,
    history: Tables,
    known_intents: pd.DataFrame,
) -> None:
    """Add repeats, sentiment and priority to ``scores``, whose intent is known.

    Without a sentiment model, frustration comes from its signals alone.
    """
    intents = pd.Series([scores.intent.intent], index=ticket.index, dtype="str")
    scores.repeats = same_intent_repeats(ticket, intents, history, known_intents)
    frame = pd.concat([scores.features, scores.repeats], axis=1).assign(intent=intents)
    felt = None
    if release is not None:
        felt = _asked(scores, "sentiment", release.sentiment, lambda model: model.predict(frame))
    scores.sentiment = (felt or SentimentModel().predict(frame))[0]
    if release is not None:
        frame = frame.assign(frustration=scores.sentiment.frustration)
        ranked = _asked(scores, "priority", release.priority, lambda model: model.predict(frame))
        scores.priority = ranked[0] if ranked else None


def churn_risk(release: Release, account_id: str, history: Tables, as_of: pd.Timestamp) -> float | None:
    """Probability that the account leaves within 90 days of ``as_of``; ``None`` without a churn model."""
    if release.churn is None:
        return None
    snapshot = pd.DataFrame(
        {"account_id": pd.Series([account_id], dtype="str"), "as_of": pd.Series([as_of]).dt.as_unit("us")}
    )
    return float(release.churn.predict(account_features(snapshot, history))[0])


def _asked(scores: TicketScores, name: str, model: T | None, question: Callable[[T], list]) -> list:
    if model is None:
        scores.degraded.append(f"no {name} model")
        return []
    try:
        return question(model)
    except Exception as error:  # one broken model must not keep a ticket from people
        logger().error("model failed", model=name, error=type(error).__name__, at=where_raised(error))
        scores.degraded.append(f"{name} model failed")
        return []
