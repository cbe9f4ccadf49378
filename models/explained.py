"""What one model said of one ticket and why, ready to be told: the same words wherever it is asked."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from features.rows import Rows
from models.explanations import Part, by_group, explain_intent
from models.intent import IntentModel
from models.priority import PriorityModel, prepared
from models.sentiment import SentimentModel

NOTE = (
    "Numbers are log odds against the mean case (TreeSHAP; the linear part as it is): +0.7 doubles the odds, "
    "-0.7 halves them."
)


class Explained(NamedTuple):
    """What a model said, as one phrase, and its parts in order of strength."""

    said: str
    parts: tuple[Part, ...]


def explained_intent(
    model: IntentModel, ticket: pd.DataFrame | Rows, vectors: np.ndarray | None = None
) -> Explained:
    """Why the one ``ticket`` (subject, body, circumstances) is thought to be about this and not the next.

    ``vectors``: its sentence embedding as it was kept, shape (1, dimensions).
    """
    chosen, other, parts = explain_intent(model, ticket, vectors)
    (said,) = model.predict_encoded(model.encoded(ticket, vectors))
    return Explained(f"{chosen} ({said.probability:.0%}), before {other}", parts)


def explained_sentiment(model: SentimentModel, ticket: pd.DataFrame | Rows) -> Explained:
    """How the one ``ticket`` (features, repeats) is written; no parts where nothing was learnt."""
    (said,), (added,) = model.predict(ticket), model.contributions(ticket)
    signals = f"; signals: {', '.join(said.signals)}" if said.signals else ""
    words = f"{said.state}, frustration {said.frustration:.2f}{signals}"
    return Explained(words, by_group(added, _known(ticket, list(added))))


def explained_priority(model: PriorityModel, ticket: pd.DataFrame | Rows) -> Explained:
    """What raises and lowers the urgency of the one ``ticket`` (with its intent and frustration)."""
    (said,), (added,) = model.predict(ticket), model.contributions(ticket)
    told = model.columns.told(model.columns.matrix(prepared(ticket))[0])
    return Explained(f"{said.level}, score {said.score:.2f}", by_group(added, told))


def _known(ticket: pd.DataFrame | Rows, names: list[str]) -> dict[str, Any]:
    rows = Rows.of(ticket)
    told = {name: float(rows.numbers(name)[0]) for name in names if name in rows}
    return {name: value for name, value in told.items() if value == value}
