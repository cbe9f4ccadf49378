"""What must be done because of a decision: stored in the decision's transaction, carried out afterwards.

An action is pending until its executor has returned; a crash in between means it is carried out again, so
executors must be idempotent by ``action_id``.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from serving.database import insert_new
from serving.ledger import canonical_json
from serving.moments import microseconds, moment
from serving.tables import outbox


class Action(NamedTuple):
    """One thing to do: ``kind`` names the executor, ``payload`` says what with."""

    action_id: str
    decision_id: str
    created_at: datetime
    kind: str
    payload: Mapping[str, Any]


Executor = Callable[[Action], None]


def put(connection: Connection, action: Action) -> None:
    """Store ``action`` as pending."""
    connection.execute(insert(outbox).values(**_row(action)))


def put_new(connection: Connection, action: Action) -> bool:
    """Store ``action`` as pending unless one of its id was ever stored; returns whether it was new."""
    row = _row(action)
    return insert_new(connection, outbox, [[row.get(column.name) for column in outbox.c]]) == 1


def _row(action: Action) -> dict[str, Any]:
    return {
        "action_id": action.action_id,
        "decision_id": action.decision_id,
        "created_at": microseconds(action.created_at),
        "kind": action.kind,
        "payload": canonical_json(action.payload),
        "status": "pending",
    }


def pending(connection: Connection, limit: int = 100) -> list[Action]:
    """The oldest ``limit`` actions that are still to be done."""
    rows = connection.execute(
        select(outbox).where(outbox.c.status == "pending").order_by(outbox.c.created_at).limit(limit)
    )
    return [
        Action(r.action_id, r.decision_id, moment(r.created_at), r.kind, json.loads(r.payload)) for r in rows
    ]


def done(connection: Connection, action_id: str, at: datetime) -> None:
    """Mark the action as carried out."""
    connection.execute(
        update(outbox)
        .where(outbox.c.action_id == action_id, outbox.c.status == "pending")
        .values(status="done", done_at=microseconds(at))
    )


def dry_run(_action: Action) -> None:
    """The executor of a desk that is connected to no vendor: nothing leaves the house."""
