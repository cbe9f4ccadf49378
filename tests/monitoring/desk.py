"""A real store with decisions and feedback in it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from features.schema import typed
from serving.decision import Decision
from serving.records import Feedback
from serving.store import Store
from tests.pipelines.decisions import NOW


def open_desk(folder: Path) -> Store:
    return Store(f"sqlite:///{folder / 'firstline.db'}")


def decide(store: Store, decisions: Iterable[Decision], body: str = "I cannot log in") -> None:
    for d in decisions:
        ticket = {
            "ticket_id": d.ticket_id,
            "known_at": d.at - timedelta(minutes=1),
            "created_at": d.at - timedelta(minutes=1),
            "account_id": d.account.account_id,
            "channel": "email",
            "subject": "Help",
            "body": body,
        }
        store.accept_decision(d, "{}", d.decision_id, typed("tickets", pd.DataFrame([ticket])))


def say(
    store: Store,
    number: int,
    decision_id: str,
    verdict: str,
    field: str | None = None,
    value: str | None = None,
    at: datetime | None = None,
    agent: str = "a1",
) -> None:
    """Feedback ``f<number>`` by ``agent``, ``number`` minutes after the decisions unless ``at`` says else."""
    moment = at or NOW + timedelta(minutes=number)
    reason = "read the whole ticket" if verdict == "override" else None
    store.add_feedback(Feedback(f"f{number}", decision_id, moment, verdict, field, value, reason, agent))
