"""What the models of a release say about one ticket. What is absent or fails is named, never guessed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from features.account import account_columns
from features.arrays import texts
from features.declare import Column, frame_of
from features.opening import opening_columns
from features.repeats import same_intent_columns
from features.rows import History, Rows
from features.text import ticket_text
from features.ticket import ticket_columns
from models.encoded import encode_tickets
from models.intent import IntentModel, IntentPrediction
from models.legal_weight import LegalReading
from models.outcomes import OutcomePrediction
from models.priority import PriorityPrediction
from models.release import Release
from models.sentiment import SentimentModel, SentimentPrediction
from serving.logs import logger, where_raised
from serving.moments import microseconds

T = TypeVar("T")
UNREAD = IntentPrediction(None, 0.0, False, 0.0, ())
UNFELT = SentimentPrediction("asking", 0.0, ())


@dataclass
class TicketScores:
    """Scores of one ticket, filled in the order in which they depend on each other."""

    features: dict[str, Column]
    """Ticket features by name, one value each, the ticket's own subject and body beside them."""
    intent: IntentPrediction = UNREAD
    sentiment: SentimentPrediction = UNFELT
    priority: PriorityPrediction | None = None
    outlook: OutcomePrediction | None = None
    legal_weight: LegalReading | None = None
    degraded: list[str] = field(default_factory=list)
    vector: np.ndarray | None = None
    """The text's sentence embedding, as the intent model read it; ``None`` without an encoder."""

    def number(self, name: str) -> float | None:
        """The feature ``name`` as a number, ``None`` where it is unknown."""
        value = float(self.features[name][0])
        return None if value != value else value

    def count(self, name: str) -> int:
        """The feature ``name`` as a count, 0 where it is unknown."""
        return int(self.number(name) or 0)

    def text(self, name: str) -> str | None:
        """The feature ``name`` as a category, ``None`` where it is unknown."""
        told: str | None = self.features[name][0].as_py()
        return told

    @property
    def row(self) -> Rows:
        """What is known so far, for models."""
        return Rows(self.features, 1)


def read_ticket(release: Release | None, ticket: Rows, history: History) -> TicketScores:
    """Features, intent and legal weight of the one ``ticket`` (canonical row) as of when it was known."""
    own = {name: pa.array(texts(ticket.strings(name)), pa.large_string()) for name in ("subject", "body")}
    scores = TicketScores({**own, **ticket_columns(ticket, history, ticket.times("known_at"))})
    if release is not None:
        said = _asked(scores, "intent", release.intent, lambda model: _read(scores, model))
        scores.intent = said[0] if said else UNREAD
        scores.degraded += [scores.intent.unread] if scores.intent.unread else []
        if release.intent is not None and release.intent.lacking:
            scores.degraded.append("no sentence encoder")
        text = ticket_text(scores.text("subject"), scores.text("body"))
        (scores.legal_weight,) = _asked(
            scores, "legal weight", release.legal_weight, lambda model: [model.read(text)]
        ) or [None]
    return scores


def weigh_ticket(
    release: Release | None,
    scores: TicketScores,
    ticket: Rows,
    history: History,
    known_intents: Rows,
) -> None:
    """Add repeats, sentiment and priority to ``scores``, whose intent is known.

    Without a sentiment model, frustration comes from its signals alone.
    """
    intent = pa.array([scores.intent.intent], pa.large_string())
    scores.features |= same_intent_columns(ticket, intent, history, known_intents) | {"intent": intent}
    row = scores.row
    felt = None
    if release is not None:
        felt = _asked(scores, "sentiment", release.sentiment, lambda model: model.predict(row))
    scores.sentiment = (felt or SentimentModel().predict(row))[0]
    if release is not None:
        row = row.with_columns({"frustration": (scores.sentiment.frustration,)})
        ranked = _asked(scores, "priority", release.priority, lambda model: model.predict(row))
        scores.priority = ranked[0] if ranked else None


def foresee(release: Release | None, scores: TicketScores, ticket: Rows, filed: Rows) -> None:
    """Add to ``scores``, whose priority is known, what will become of the ticket.

    ``filed``: events that came together with it (``serving.opening``). Where form fields are missing that
    nearly every training ticket had, the models are not asked: they never learnt what that means.
    """
    if release is None or release.outcomes is None:
        return
    scores.features |= opening_columns(ticket, filed) | {"account_id": ticket.strings("account_id")}
    row = scores.row.with_columns({"frustration": (scores.sentiment.frustration,)})
    lacking = release.outcomes.lacking(row)
    if lacking:
        scores.degraded.append(f"no {', '.join(lacking)}: outcome models not asked")
        return
    said = _asked(scores, "outcomes", release.outcomes, lambda model: model.predict(row))
    scores.outlook = said[0] if said else None


def churn_risk(release: Release, account_id: str, history: History, as_of: datetime) -> float | None:
    """Probability that the account leaves within 90 days of ``as_of``; ``None`` without a churn model."""
    if release.churn is None:
        return None
    snapshot = Rows({"account_id": (account_id,), "as_of": (microseconds(as_of),)}, 1)
    return float(release.churn.predict(frame_of(account_columns(snapshot, history), pd.RangeIndex(1)))[0])


def _read(scores: TicketScores, model: IntentModel) -> list[IntentPrediction]:
    encoded = encode_tickets(scores.row, model.encoder, model.sentences)
    scores.vector = encoded.vectors[0] if encoded.vectors.shape[1] else None
    return model.predict_encoded(encoded)


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
