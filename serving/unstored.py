"""Decisions that are not stored: what people can go by while the store is out of reach.

A desk of its own on an empty store in memory decides them, by the same code as ever: nothing is known of the
customer, nothing is automatic, and nothing is promised. Whoever got one sends the ticket again later.
"""

import secrets
import sqlite3
import threading
from datetime import UTC, datetime
from typing import Any

from serving.decision import Decision, Gate
from serving.problems import RETRY_AFTER_SECONDS, Problem
from serving.requests import TriageRequest
from serving.store import Store
from serving.triage import TriageDesk

NOT_STORED = "not stored"
"""In the place of an id: no stored decision is called so."""
PART = "store"
"""What such a decision names in ``degraded``, and the gate that keeps it from acting."""


class NotStored(Problem):
    """503 for a ticket: nothing was acknowledged; ``decision`` is for people to go by until it can be."""

    def __init__(self, found: str, decision: Decision) -> None:
        fix = "nothing was stored: go by the decision given here, and send the ticket again later"
        super().__init__(503, PART, found, fix, {"Retry-After": RETRY_AFTER_SECONDS})
        self.decision = decision

    @property
    def body(self) -> dict[str, Any]:
        """The error, and beside it the decision."""
        return {**super().body, "decision": self.decision.model_dump(mode="json")}


class SpareDesk:
    """Decides like ``desk``, of people it knows nothing of. Made when it is first needed; for any thread."""

    def __init__(self, desk: TriageDesk) -> None:
        self._desk = desk
        self._spare: TriageDesk | None = None
        self._kept: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def decide(self, request: TriageRequest, now: datetime) -> Decision:
        """The decision about the ticket as if nobody were known; it is kept nowhere."""
        at = (request.as_of or now).astimezone(UTC)
        return unstored(self._opened().considered(request, at).decision)

    def _opened(self) -> TriageDesk:
        with self._lock:
            if self._spare is None:
                name = f"file:spare-{secrets.token_hex(8)}?mode=memory&cache=shared"
                # the tables last as long as one connection to them
                self._kept = sqlite3.connect(name, uri=True, check_same_thread=False)
                self._spare = self._desk.with_store(Store(f"sqlite:///{name}&uri=true"))
            return self._spare


def unstored(decision: Decision) -> Decision:
    """``decision`` as one that is not stored: without an id, marked, and never automatic."""
    gate = Gate(name=PART, passed=False, value="out of reach", required="a decision that is stored")
    return decision.model_copy(
        update={
            "decision_id": NOT_STORED,
            "degraded": [PART, *decision.degraded],
            "action": "assist" if decision.action == "auto_resolve" else decision.action,
            "gates": [*decision.gates, gate],
        }
    )
