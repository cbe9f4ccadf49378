"""Decisions and feedback in the store: written once, never changed, each vouched for by the ledger."""

from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Connection, bindparam, insert, select

from serving import outbox
from serving.database import insert_new
from serving.decision import Decision
from serving.ledger import append_entry, canonical_json
from serving.moments import microseconds, moment
from serving.relationship import tell_relationship_manager
from serving.tables import decisions, feedback, idempotency

_TAKEN = select(idempotency.c.body_hash, idempotency.c.answer_id).where(
    idempotency.c.scope == bindparam("scope"), idempotency.c.key == bindparam("key")
)


class Taken(NamedTuple):
    """What an idempotency key was used for before: the hash of that body, and the id of its answer."""

    body_hash: str
    answer_id: str


class Feedback(NamedTuple):
    """What an agent said about one decision."""

    feedback_id: str
    decision_id: str
    at: datetime
    verdict: str
    field: str | None
    value: str | None
    reason: str | None
    agent_id: str


def taken(connection: Connection, scope: str, key: str) -> Taken | None:
    """What ``key`` was used for in ``scope``, ``None`` where it is free."""
    row = connection.execute(_TAKEN, {"scope": scope, "key": key}).one_or_none()
    return Taken(*row) if row else None


def take(connection: Connection, scope: str, key: str, now: Taken) -> Taken | None:
    """Use ``key`` in ``scope``; returns what it was used for before, ``None`` where it was free.

    A writer that uses the same key at the same moment is waited for.
    """
    new = insert_new(connection, idempotency, [(scope, key, *now)])
    return None if new else taken(connection, scope, key)


def add_decision(connection: Connection, decision: Decision, request: str) -> None:
    """Store ``decision`` with the request it answers, its ledger entry, and the action it causes."""
    row = {
        "decision_id": decision.decision_id,
        "ticket_id": decision.ticket_id,
        "at": microseconds(decision.at),
        "release": decision.release,
        "account_id": decision.account.account_id,
        "intent": decision.intent.name,
        "queue": decision.route.queue,
        "action": decision.action,
        "value_at_risk": decision.queue.value_at_risk,
        "request": request,
        "record": decision.model_dump_json(),
    }
    connection.execute(insert(decisions), row)
    append_entry(connection, "decision", decision.decision_id, row, decision.at)
    outbox.put(connection, _action_of(decision))
    tell_relationship_manager(connection, decision)


def _action_of(decision: Decision) -> outbox.Action:
    resolves = decision.action == "auto_resolve"
    payload = {
        "ticket_id": decision.ticket_id,
        "queue": decision.route.queue,
        "agent": decision.route.agent,
        "priority": decision.priority.level,
        "reply": decision.suggestion.reply if resolves and decision.suggestion else None,
    }
    kind = "resolve" if resolves else "route"
    return outbox.Action(f"{decision.decision_id}:{kind}", decision.decision_id, decision.at, kind, payload)


def decision_record(connection: Connection, decision_id: str) -> Decision | None:
    """The stored decision, ``None`` where there is none of that id."""
    record = connection.scalar(select(decisions.c.record).where(decisions.c.decision_id == decision_id))
    return Decision.model_validate_json(record) if record is not None else None


def decision_frame(connection: Connection) -> pd.DataFrame:
    """Every decision, oldest first: its columns, ``at`` as time, ``record`` and ``request`` as JSON text."""
    return _frame(connection, decisions, ("at", "decision_id"))


def add_feedback(connection: Connection, given: Feedback) -> None:
    """Store what an agent said, with its ledger entry."""
    row = {**given._asdict(), "at": microseconds(given.at)}
    connection.execute(insert(feedback), row)
    append_entry(connection, "feedback", given.feedback_id, row, given.at)


def feedback_frame(connection: Connection) -> pd.DataFrame:
    """Every piece of feedback, oldest first: the fields of ``Feedback`` as columns."""
    return _frame(connection, feedback, ("at", "feedback_id"))


def feedback_by_id(connection: Connection, feedback_id: str) -> Feedback | None:
    """The stored feedback, ``None`` where there is none of that id."""
    row = connection.execute(select(feedback).where(feedback.c.feedback_id == feedback_id)).one_or_none()
    return Feedback(**{**row._asdict(), "at": moment(row.at)}) if row else None


def request_text(request: dict[str, Any]) -> str:
    """The request as the store keeps it: canonical JSON without empty fields."""
    return canonical_json({k: v for k, v in request.items() if v is not None})


def _frame(connection: Connection, table: Any, order: tuple[str, ...]) -> pd.DataFrame:
    rows = connection.execute(select(table).order_by(*(table.c[c] for c in order))).all()
    frame = pd.DataFrame(rows, columns=list(table.c.keys()))
    return frame.assign(at=pd.to_datetime(frame["at"].astype("int64"), unit="us", utc=True))
