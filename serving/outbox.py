"""What must be done because of a decision: stored in the decision's transaction, carried out afterwards.

An action is pending until its executor has returned. Whoever carries it out claims it for a while, so that
several replicas share the work; one that dies in between leaves it to the next. An executor must bear being
asked again: it is told how many of its calls were acknowledged before.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

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
    calls_done: int = 0
    """Calls of it that were acknowledged in an earlier attempt."""


class Attempt(NamedTuple):
    """The how-manieth attempt at an action this is, and how many of its calls were acknowledged before."""

    number: int
    calls_done: int


class TryLater(Exception):
    """The action could not be carried out now; the message says why, without anything a customer wrote.

    ``after``: how long whoever refused it asked us to wait.
    """

    def __init__(self, message: str, after: timedelta = timedelta(0)) -> None:
        super().__init__(message)
        self.after = after


class GiveUp(Exception):
    """The action can never be carried out; the message says why, without anything a customer wrote."""


Executor = Callable[[Action], None]
CLAIM = timedelta(minutes=2)
"""For how long an action belongs to whoever took it."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
MAX_ATTEMPTS = 30
"""After about a day of failures an action is left to a person."""


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


def pending(connection: Connection, at: datetime, limit: int = 100) -> list[Action]:
    """The oldest ``limit`` actions that are due at ``at``."""
    due = (outbox.c.status == "pending") & (func.coalesce(outbox.c.not_before, 0) <= microseconds(at))
    rows = connection.execute(select(outbox).where(due).order_by(outbox.c.created_at).limit(limit))
    return [
        Action(r.action_id, r.decision_id, moment(r.created_at), r.kind, json.loads(r.payload)) for r in rows
    ]


def claim(connection: Connection, action_id: str, at: datetime) -> Attempt | None:
    """Take the action for ``CLAIM``; ``None`` where another replica has it or did it."""
    due = (outbox.c.action_id == action_id) & (outbox.c.status == "pending")
    taken = connection.execute(
        update(outbox)
        .where(due, func.coalesce(outbox.c.not_before, 0) <= microseconds(at))
        .values(not_before=microseconds(at + CLAIM), attempts=func.coalesce(outbox.c.attempts, 0) + 1)
    )
    if not taken.rowcount:
        return None
    row = connection.execute(select(outbox.c.attempts, outbox.c.calls_done).where(due)).one()
    return Attempt(row.attempts, row.calls_done or 0)


def acknowledged(connection: Connection, action_id: str, calls_done: int) -> None:
    """Remember that so many of the action's calls were answered: they are not made again."""
    connection.execute(update(outbox).where(outbox.c.action_id == action_id).values(calls_done=calls_done))


def done(connection: Connection, action_id: str, at: datetime) -> None:
    """Mark the action as carried out."""
    _ended(connection, action_id, status="done", done_at=microseconds(at), problem=None)


def postpone(connection: Connection, action_id: str, until: datetime, problem: str) -> None:
    """Leave the action for later, with what went wrong."""
    _ended(connection, action_id, not_before=microseconds(until), problem=problem)


def give_up(connection: Connection, action_id: str, at: datetime, problem: str) -> None:
    """Leave the action to a person, with what went wrong."""
    _ended(connection, action_id, status="failed", done_at=microseconds(at), problem=problem)


def _ended(connection: Connection, action_id: str, **values: Any) -> None:
    where = (outbox.c.action_id == action_id) & (outbox.c.status == "pending")
    connection.execute(update(outbox).where(where).values(**values))


def pause_before(attempt: int) -> timedelta:
    """How long to wait after the ``attempt``-th failure: twice as long each time, an hour at most."""
    return min(FIRST_PAUSE * 2 ** min(attempt - 1, 20), LONGEST_PAUSE)


def pause_after(error: Exception, attempt: int) -> timedelta:
    """How long to wait after the ``attempt``-th failure, which was ``error``: what it asked for at least."""
    asked = error.after if isinstance(error, TryLater) else timedelta(0)
    return min(max(pause_before(attempt), asked), LONGEST_PAUSE)


def dry_run(_action: Action) -> None:
    """The executor of a desk that is connected to no vendor: nothing leaves the house."""
