"""The store: context, decisions, feedback, ledger, outbox and pointers behind one SQLAlchemy URL.

The questions and writes live in ``serving.context``, ``serving.records``, ``serving.pointers``,
``serving.ledger`` and ``serving.outbox`` as functions of a connection; ``Store`` opens the transactions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, insert, text

from features.rows import Rows
from serving import context, ledger, marks, open_tickets, outbox, pointers, records
from serving.codec import framed
from serving.database import Database
from serving.decision import Decision
from serving.settings import Settings
from serving.tables import decision_inputs


class AlreadyAnswered(Exception):
    """The idempotency key was used before; ``taken`` says for which body, and where the answer is."""

    def __init__(self, taken: records.Taken) -> None:
        super().__init__(f"answered before as {taken.answer_id}")
        self.taken = taken


class Store:
    """One store. Methods that write are durable when they return. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view for several questions."""
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction for several writes."""
        with self._database.writing() as connection:
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self._database.close()

    def check(self) -> None:
        """Raise SQLAlchemy's error where the store cannot be reached."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    # context

    def append(self, table: str, frame: pd.DataFrame) -> int:
        """Add canonical rows whose key is new to the context; returns how many were."""
        with self.writing() as connection:
            return context.append(connection, table, frame)

    def history_for(
        self, account_id: str | None, contact_id: str | None, as_of: datetime
    ) -> dict[str, pd.DataFrame]:
        """Canonical tables about the account or the contact, as known strictly before ``as_of``."""
        with self.reading() as connection:
            history = context.history_for(connection, account_id, contact_id, as_of)
        return {name: framed(name, rows) for name, rows in history.items()}

    # decisions and feedback

    def accept_decision(
        self,
        decision: Decision,
        request: str,
        body_hash: str,
        ticket: pd.DataFrame | Rows,
        inputs: bytes | None = None,
    ) -> Decision:
        """Store a decision with its ticket, ledger entry and action in one transaction, once per ticket.

        Raises ``AlreadyAnswered`` where the ticket was decided before; then nothing is written.
        """
        with self.writing() as connection:
            now = records.Taken(body_hash, decision.decision_id)
            before = records.take(connection, "triage", decision.ticket_id, now)
            if before is not None:
                raise AlreadyAnswered(before)
            context.append(connection, "tickets", ticket)
            records.add_decision(connection, decision, request)
            if inputs is not None:
                told = {"decision_id": decision.decision_id, "inputs": inputs}
                connection.execute(insert(decision_inputs).values(**told))
        return decision

    def answered(self, scope: str, key: str) -> records.Taken | None:
        """What the idempotency key was used for before."""
        with self.reading() as connection:
            return records.taken(connection, scope, key)

    def decision(self, decision_id: str) -> Decision | None:
        """The stored decision, ``None`` where there is none of that id."""
        with self.reading() as connection:
            return records.decision_record(connection, decision_id)

    def decisions(self) -> pd.DataFrame:
        """Every decision, oldest first: the columns of ``serving.tables.decisions``."""
        with self.reading() as connection:
            return records.decision_frame(connection)

    def add_feedback(self, given: records.Feedback) -> None:
        """Store feedback without what it causes: see ``serving.feedback``."""
        with self.writing() as connection:
            records.add_feedback(connection, given)

    def feedback(self) -> pd.DataFrame:
        """Every piece of feedback, oldest first: the columns of ``serving.tables.feedback``."""
        with self.reading() as connection:
            return records.feedback_frame(connection)

    def open_queue(self, as_of: datetime, limit: int) -> list[open_tickets.OpenTicket]:
        """Decisions about tickets not solved yet, placed as of ``as_of``, largest value at risk first."""
        with self.reading() as connection:
            tickets = open_tickets.open_tickets(connection, as_of)
        return open_tickets.ranked(tickets, as_of)[:limit]

    # pointers, ledger, outbox, marks

    def set_pointer(self, name: str, release_id: str, by: str, reason: str, at: datetime) -> None:
        """Point ``name`` (champion, challenger, last_good) at a release, recorded in the ledger."""
        with self.writing() as connection:
            pointers.move_pointer(connection, pointers.PointerMove(name, release_id, by, reason, at))

    def pointer(self, name: str) -> str | None:
        """Id of the release ``name`` points at."""
        with self.reading() as connection:
            return pointers.pointer(connection, name)

    def pointer_history(self, name: str) -> list[pointers.PointerMove]:
        """Every move of the pointer, oldest first."""
        with self.reading() as connection:
            return pointers.pointer_history(connection, name)

    def verify_ledger(self) -> ledger.LedgerCheck:
        """Check the whole chain and everything it vouches for."""
        with self.reading() as connection:
            return ledger.verify(connection)

    def carry_out(self, execute: outbox.Executor, at: datetime, limit: int = 100) -> int:
        """Hand the oldest due actions to ``execute``, each to one replica; returns how many were carried out.

        One that fails is tried again later, or left to a person where that is of no use.
        """
        with self.reading() as connection:
            actions = outbox.pending(connection, at, limit)
        return sum(self._carried_out(action, execute, at) for action in actions)

    def _carried_out(self, action: outbox.Action, execute: outbox.Executor, at: datetime) -> bool:
        with self.writing() as connection:
            attempt = outbox.claim(connection, action.action_id, at)
        if attempt is None:
            return False
        try:
            execute(action._replace(calls_done=attempt.calls_done))
        except Exception as error:  # one action must not keep the others back
            told = isinstance(error, outbox.TryLater | outbox.GiveUp)
            problem = str(error) if told else type(error).__name__
            hopeless = isinstance(error, outbox.GiveUp) or attempt.number >= outbox.MAX_ATTEMPTS
            with self.writing() as connection:
                if hopeless:
                    outbox.give_up(connection, action.action_id, at, problem)
                else:
                    later = at + outbox.pause_after(error, attempt.number)
                    outbox.postpone(connection, action.action_id, later, problem)
            return False
        with self.writing() as connection:
            outbox.done(connection, action.action_id, at)
        return True

    def acknowledge_calls(self, action_id: str, calls_done: int) -> None:
        """Remember how many calls of an action were answered, so that they are not made again."""
        with self.writing() as connection:
            outbox.acknowledged(connection, action_id, calls_done)

    def mark(self, name: str) -> str | None:
        """The value last stored under ``name`` by ``set_mark``."""
        with self.reading() as connection:
            return marks.mark(connection, name)

    def set_mark(self, name: str, value: str) -> None:
        """Remember ``value`` under ``name``, replacing what was there."""
        with self.writing() as connection:
            marks.keep_mark(connection, name, value)


def open_store(settings: Settings) -> Store:
    """The store that ``settings`` name, created where it is not there yet."""
    return Store(settings.database_url)
