"""``firstline explain``: what each model of the last ``dvc repro`` made of one ticket, and why."""

import json
from typing import Any

import pandas as pd

from models.churn import ChurnModel
from models.explained import (
    NOTE,
    Explained,
    explained_intent,
    explained_priority,
    explained_sentiment,
)
from models.explanations import Part, explain_churn, in_words
from models.intent import IntentModel
from models.priority import PriorityModel
from models.release import absent_reason
from models.sentiment import SentimentModel
from pipelines.artifacts import FEATURES, MODELS, read_frame
from pipelines.priority import read_priority_features


def explanations(ticket_id: str) -> dict[str, Any]:
    """By model: what it said of the ticket and its ``parts`` in order of strength, or why it is ``absent``.

    Raises ``ValueError`` where no ticket has this id.
    """
    tickets = read_priority_features()
    ticket = tickets[tickets["ticket_id"] == ticket_id]
    if ticket.empty:
        raise ValueError(
            f"no ticket {ticket_id!r} among the {len(tickets):,} of the last `dvc repro`; the first is "
            f"{tickets['ticket_id'].iloc[0]!r}"
        )
    found: dict[str, Any] = {}
    absent = {name: absent_reason(MODELS / name) for name in ("intent", "sentiment", "priority", "churn")}
    for name, reason in absent.items():
        found[name] = {"absent": reason} if reason else _EXPLAIN[name](ticket)
    return {"ticket_id": ticket_id, **found}


def _intent(ticket: pd.DataFrame) -> dict[str, Any]:
    return _told(explained_intent(IntentModel.load(MODELS / "intent"), ticket))


def _sentiment(ticket: pd.DataFrame) -> dict[str, Any]:
    return _told(explained_sentiment(SentimentModel.load(MODELS / "sentiment"), ticket))


def _priority(ticket: pd.DataFrame) -> dict[str, Any]:
    return _told(explained_priority(PriorityModel.load(MODELS / "priority"), ticket))


def _churn(ticket: pd.DataFrame) -> dict[str, Any]:
    accounts = read_frame(FEATURES / "accounts.parquet", "features")
    account, created = ticket["account_id"].iloc[0], ticket["created_at"].iloc[0]
    months = accounts[(accounts["account_id"] == account) & (accounts["as_of"] <= created)]
    if months.empty:
        return {"absent": f"account {account} has no month before the ticket"}
    snapshot = months.sort_values("as_of").iloc[[-1]]
    model = ChurnModel.load(MODELS / "churn")
    risk = float(model.predict(snapshot)[0])
    return {
        "said": f"{risk:.1%} as of {snapshot['as_of'].iloc[0]:%Y-%m-%d}",
        "parts": _plain(explain_churn(model, snapshot)),
    }


_EXPLAIN = {"intent": _intent, "sentiment": _sentiment, "priority": _priority, "churn": _churn}


def _told(explained: Explained) -> dict[str, Any]:
    return {"said": explained.said, "parts": _plain(explained.parts)}


def _plain(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    return [
        {"group": p.group, "log_odds": p.log_odds, "values": [[n, _json(v)] for n, v in p.values]}
        for p in parts
    ]


def _json(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def report(found: dict[str, Any]) -> str:
    """A paragraph a model."""
    lines = [f"ticket {found['ticket_id']}", NOTE]
    for name, told in found.items():
        if name == "ticket_id":
            continue
        if "absent" in told:
            lines += ["", f"{name}: none: {told['absent']}"]
            continue
        parts = [Part(p["group"], p["log_odds"], tuple(map(tuple, p["values"]))) for p in told["parts"]]
        lines += ["", f"{name}: {told['said']}", *in_words(parts)]
    return "\n".join(lines)


def as_json(found: dict[str, Any]) -> str:
    """``found`` as JSON text."""
    return json.dumps(found, indent=1, ensure_ascii=False)
