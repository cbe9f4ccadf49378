"""Callers who remember what they were told, and a count of what the store holds of it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, Self

import pandas as pd
from sqlalchemy import select

from serving.client import FirstlineClient
from serving.store import Store
from serving.tables import CONTEXT, outbox


@dataclass
class Told:
    """What the callers were told. ``note_*`` may be called from several threads."""

    decisions: dict[str, str] = field(default_factory=dict)
    """Ticket -> decision, as answered."""
    feedback: dict[str, str] = field(default_factory=dict)
    """Decision -> feedback, as answered."""
    events: list[str] = field(default_factory=list)
    """Ids of the ticket events that were accepted."""
    contradictions: int = 0
    """Answers that named another decision or feedback than an earlier answer to the same request."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def note_decision(self, ticket_id: str, decision_id: str) -> None:
        """The ticket was answered with this decision."""
        self._note(self.decisions, ticket_id, decision_id)

    def note_feedback(self, decision_id: str, feedback_id: str) -> None:
        """The feedback on a decision was answered with this id."""
        self._note(self.feedback, decision_id, feedback_id)

    def _note(self, answers: dict[str, str], question: str, answer: str) -> None:
        with self._lock:
            self.contradictions += answers.setdefault(question, answer) != answer


@dataclass(frozen=True)
class Kept:
    """What the store holds of what was told: answers that are not there, and those there more than once."""

    lost: int
    duplicated: int
    is_chain_intact: bool

    @classmethod
    def of(cls, store: Store, told: Told) -> Self:
        """Count in ``store``: every decision with its action, every feedback and event, exactly once."""
        decisions, feedback = store.decisions(), store.feedback()
        events = CONTEXT["ticket_events"].c.event_id
        with store.reading() as connection:
            actions = pd.Series([row.decision_id for row in connection.execute(select(outbox.c.decision_id))])
            stored_events = set(connection.scalars(select(events)))
        known = dict(zip(decisions["ticket_id"], decisions["decision_id"], strict=True))
        lost = (
            sum(known.get(ticket) != decision for ticket, decision in told.decisions.items())
            + len(set(told.feedback.values()) - set(feedback["feedback_id"]))
            + len(set(told.decisions.values()) - set(actions))
            + len(set(told.events) - stored_events)
        )
        twice = (decisions["ticket_id"], feedback["decision_id"], actions)
        duplicated = int(sum(names.duplicated().sum() for names in twice)) + told.contradictions
        return cls(lost, duplicated, store.verify_ledger().intact)


UNCOUNTED = Kept(0, 0, is_chain_intact=False)
"""Before anything was counted: a chain that nobody has checked is not intact."""


def numbered(
    requests: Sequence[Mapping[str, Any]], seconds_apart: float = 0.0
) -> Iterator[Mapping[str, Any]]:
    """The same tickets over and over, each time under a new ticket id.

    Where they have an ``as_of``, that of each lies ``seconds_apart`` after the one before.
    """
    for number, request in enumerate(cycle(requests)):
        moved = {"ticket_id": f"{request['ticket_id']}-{number}"}
        if seconds_apart and "as_of" in request:
            at = datetime.fromisoformat(request["as_of"]) + timedelta(seconds=number * seconds_apart)
            moved["as_of"] = at.isoformat()
        yield {**request, **moved}


def triage_and_approve(client: FirstlineClient, request: Mapping[str, Any], told: Told) -> None:
    """Have a ticket decided, approve the decision, and remember both answers. Raises ``FirstlineError``."""
    decision_id = client.triage(request).decision_id
    told.note_decision(request["ticket_id"], decision_id)
    feedback_id = client.feedback(decision_id, "approve", "a caller", key=f"feedback on {decision_id}")
    told.note_feedback(decision_id, feedback_id)
