"""Why a model said so, in words: contributions to the log odds, added up by what they are about."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from features.account import CONTRACT as CONTRACT_FEATURES
from features.account import SNAPSHOT, TICKET_HISTORY, USAGE
from features.declare import Feature
from features.rows import Rows
from features.ticket import ARRIVAL, CONTACT_HISTORY, FRICTION, LANGUAGE, TEXT
from models.churn import ChurnModel
from models.intent import IntentModel

SMALLEST = 0.01
"""Log odds below which a group is not worth a line."""
REST = "other circumstances"


class Part(NamedTuple):
    """One group of columns: what it adds to the log odds, and the values that add most."""

    group: str
    log_odds: float
    values: tuple[tuple[str, Any], ...]


def _group(name: str, features: Sequence[Feature[Any]]) -> dict[str, str]:
    return {feature.name: name for feature in features}


GROUPS: dict[str, str] = {
    **_group("how the account uses the product", [f for f in SNAPSHOT if not f.name.startswith("account_")]),
    **_group(
        "earlier tickets and ratings of the account", [f for f in SNAPSHOT if f.name.startswith("account_")]
    ),
    **_group("how the account uses the product", USAGE),
    **_group("what the customer is worth: contract, plan, renewal", CONTRACT_FEATURES),
    **_group("earlier tickets and ratings of the account", TICKET_HISTORY),
    **_group("how often this person wrote before", CONTACT_HISTORY),
    **_group("errors and failed log-ins of the last day", FRICTION),
    **_group("how the text is written", TEXT),
    **_group("when and how it came in", ARRIVAL),
    **_group("the language", LANGUAGE),
    **dict.fromkeys(
        ("same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent"),
        "the same request before",
    ),
    **dict.fromkeys(("text_asking", "text_confused", "text_frustrated"), "the words of the text"),
    "intent": "what it is about",
    "frustration": "the customer's mood",
    "requested_level": "the urgency the customer claims",
}
"""Feature -> what it is about. Columns that nothing is known of here are ``REST``."""
EVIDENCE = {
    "sentence_": "the meaning of the sentences",
    "nearest_": "earlier tickets like it",
    "votes": "earlier tickets like it",
    "centroid_": "the typical ticket of the intent",
    "log_": "how common the intent is, and how much of the text is known",
    "unknown_": "how common the intent is, and how much of the text is known",
    "entropy": "how common the intent is, and how much of the text is known",
}
"""Beginning of an evidence's name -> what it is about; a ``_lift`` is a circumstance, the rest are words."""


def by_group(contribution: Mapping[str, float], known: Mapping[str, Any]) -> tuple[Part, ...]:
    """``contribution`` (log odds by column) by what the columns are about, the strongest first.

    ``known``: values by column, for the two that add most to their group; unknown ones are not told.
    """
    members: dict[str, list[str]] = {}
    for name in contribution:
        members.setdefault(GROUPS.get(name) or evidence_group(name), []).append(name)
    parts = []
    for group, names in members.items():
        strongest = sorted(names, key=lambda name: -abs(contribution[name]))
        told = [(n, known[n]) for n in strongest if n in known and abs(contribution[n]) >= SMALLEST][:2]
        parts.append(Part(group, float(sum(contribution[n] for n in names)), tuple(told)))
    strong = [part for part in parts if abs(part.log_odds) >= SMALLEST]
    return tuple(sorted(strong, key=lambda part: -abs(part.log_odds)))


def evidence_group(name: str) -> str:
    """What an evidence of the intent model is about."""
    if name.endswith("_lift"):
        return REST
    found = [group for start, group in EVIDENCE.items() if name.startswith(start)]
    return found[0] if found else "the words of the text"


def explain_churn(model: ChurnModel, snapshot: pd.DataFrame) -> tuple[Part, ...]:
    """What raises or lowers the risk of one ``snapshot`` against the mean account month."""
    matrix = model.columns.matrix(snapshot)
    added = model.model.contributions(matrix)[0]
    return by_group(
        dict(zip(model.columns.names, added.tolist(), strict=True)), model.columns.told(matrix[0])
    )


def explain_intent(
    model: IntentModel, ticket: pd.DataFrame | Rows, vectors: np.ndarray | None = None
) -> tuple[str, str, tuple[Part, ...]]:
    """The intent chosen for one ``ticket``, the runner-up, and what speaks for the one against the other.

    ``vectors``: its sentence embedding as it was kept, shape (1, dimensions).
    """
    evidence = model.retriever.evidence(model.encoded(ticket, vectors), model.k)
    order = np.argsort(-model.ranker(evidence)[0], kind="stable")[:2]
    names = [model.classes[i] for i in evidence.candidates[0, order]]
    line = model.ranker.start.parts(evidence.values)[0, order]
    trees = np.asarray(model.ranker.booster.predict(evidence.rows, pred_contrib=True, num_threads=1))[
        order, :-1
    ]
    added = (line + trees)[0] - (line + trees)[-1]
    return names[0], names[-1], by_group(dict(zip(evidence.names, added.tolist(), strict=True)), {})


def in_words(parts: Sequence[Part]) -> list[str]:
    """A line a group: what it adds, and by which values."""
    lines = []
    for part in parts:
        told = ", ".join(f"{name} {_shown(value)}" for name, value in part.values)
        lines.append(f"{part.log_odds:+6.2f}  {part.group}{f' ({told})' if told else ''}")
    return lines


def _shown(value: Any) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
