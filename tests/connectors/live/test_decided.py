"""A decision record becomes what a helpdesk is told, and nothing else does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.live.decided import DecidedError, decided
from serving.decision import Decision

RECORD = Decision.model_validate(
    {
        "decision_id": "d-1",
        "ticket_id": "35436",
        "at": datetime(2026, 6, 1, tzinfo=UTC),
        "release": "2026-06-01-a",
        "degraded": ["usage: unknown"],
        "intent": {
            "name": "refund_request",
            "probability": 0.914,
            "confidence": "medium",
            "out_of_scope": False,
            "alternatives": [],
        },
        "language": {"code": "en", "confidence": 0.9},
        "sentiment": {"state": "frustrated", "frustration": 0.8, "signals": ["capitals"]},
        "priority": {"level": "high", "score": 0.7, "reasons": ["renewal in 20 days"]},
        "account": {
            "account_id": "a1",
            "contract_value": 1.0,
            "renewal_in_days": 20.0,
            "churn_risk": None,
            "health": "watch",
        },
        "sla": {"first_response_due_at": None, "resolution_due_at": None, "breach_risk": None},
        "escalations": [{"kind": "account", "reason": "renewal at risk", "queue": "success"}],
        "route": {"queue": "billing", "agent": None, "reason": "its intents go there"},
        "action": "assist",
        "gates": [
            {"name": "probability", "passed": False, "value": "0.91", "required": "0.95"},
            {"name": "phase", "passed": True, "value": "selective", "required": "selective"},
        ],
        "suggestion": {"reply": "Your refund is on its way.", "confidence": 0.9, "sources": []},
        "context": {
            "summary": "One. Two. Three.",
            "related_tickets": [],
            "usage": {},
            "account_health": [],
            "similar_solved": [],
        },
        "follow_ups": [],
        "queue": {"value_at_risk": 1.0, "reasons": []},
    }
).model_dump(mode="json")


def record(**changes: Any) -> dict[str, Any]:
    return RECORD | changes


def test_record_of_the_service_becomes_what_the_helpdesk_is_told() -> None:
    told = decided(RECORD)
    assert (told.intent, told.priority, told.queue, told.agent) == ("refund_request", "high", "billing", None)
    assert told.reasons == (
        "Escalation (account): renewal at risk",
        "Queue billing: its intents go there",
        "Priority high: renewal in 20 days",
        "Not automatic: probability is 0.91, required is 0.95",
        "Decided without: usage: unknown",
        "One. Two. Three.",
    )
    assert told.labels == ("action:assist", "intent:refund_request", "escalated:account")
    assert told.fields["probability"] == "0.91"


def test_note_says_what_was_decided_why_and_by_which_release() -> None:
    note = decided(RECORD).note
    assert note[0] == "Firstline: prepared for a person; intent refund_request (medium); priority high."
    assert "- Not automatic: probability is 0.91, required is 0.95" in note
    assert note[-3:] == (
        "Suggested reply:",
        "Your refund is on its way.",
        "Decision d-1, release 2026-06-01-a.",
    )


@pytest.mark.parametrize(
    "intent",
    [
        RECORD["intent"] | {"out_of_scope": True},
        RECORD["intent"] | {"name": None, "probability": 0.0},
    ],
)
def test_an_intent_nobody_claims_is_shown_nowhere(intent: dict[str, Any]) -> None:
    told = decided(record(intent=intent))
    assert told.intent is None
    assert told.fields["intent"] is told.fields["probability"] is told.fields["confidence"] is None
    assert not any(label.startswith("intent:") for label in told.labels)
    assert "no intent is claimed" in told.note[0]


def test_a_reply_is_proposed_only_where_a_person_is_to_check_it() -> None:
    for action in ("human", "auto_resolve"):
        assert "Suggested reply:" not in decided(record(action=action)).note


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"route": None}, "route"),
        ({"action": "delete_everything"}, "action"),
        ({"intent": {"name": "x"}}, "intent.probability"),
        ({"priority": {"level": "high"}}, "priority.reasons"),
    ],
)
def test_anything_else_is_refused_with_the_field(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(DecidedError, match=names):
        decided(record(**changes))
