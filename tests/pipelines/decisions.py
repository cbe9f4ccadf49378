"""A complete decision record, for tests that vary one part of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from serving.decision import Decision

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)


def decision(ticket_id: str = "t1", value_at_risk: float = 1.0, **parts: Any) -> Decision:
    record = {
        "decision_id": f"d-{ticket_id}",
        "ticket_id": ticket_id,
        "at": NOW,
        "release": "0123456789ab",
        "degraded": [],
        "intent": {
            "name": "payment_failed",
            "probability": 0.974,
            "confidence": "high",
            "out_of_scope": False,
            "alternatives": [
                {"name": "payment_failed", "probability": 0.974},
                {"name": "invoice_copy", "probability": 0.02},
            ],
        },
        "language": {"code": "en", "confidence": 0.99},
        "sentiment": {"state": "frustrated", "frustration": 0.8, "signals": ["words in capitals"]},
        "priority": {"level": "urgent", "score": 0.93, "reasons": ["renewal in 20 days"]},
        "account": {
            "account_id": "001A",
            "contract_value": 412000.0,
            "renewal_in_days": 20.4,
            "churn_risk": 0.31,
            "health": "watch",
        },
        "sla": {
            "first_response_due_at": NOW + timedelta(minutes=45),
            "resolution_due_at": NOW + timedelta(hours=8),
            "breach_risk": 0.2,
        },
        "escalations": [{"kind": "account", "reason": "$412,000 renews in 20 days", "queue": "relationship"}],
        "route": {"queue": "billing", "agent": "agent-7", "reason": "speaks English, fewest open tickets"},
        "action": "assist",
        "gates": [{"name": "intent probability", "passed": False, "value": "0.97", "required": ">= 0.99"}],
        "suggestion": {"reply": "Hello Ana,\nplease try again.", "confidence": 0.7, "sources": ["article 4"]},
        "context": {
            "summary": "Ana of Acme reports a failed payment. It is her second this month. They renew soon.",
            "related_tickets": [
                {
                    "ticket_id": "t0",
                    "created_at": NOW - timedelta(days=4),
                    "subject": "Card declined",
                    "intent": "payment_failed",
                    "resolution": "Sent a new link.",
                }
            ],
            "usage": {"change in 28 days": -0.41, "busiest feature": "reports", "seats": None},
            "account_health": ["usage fell by 41%"],
            "similar_solved": [],
        },
        "follow_ups": [{"kind": "check_in", "due_at": NOW + timedelta(days=2), "reason": "frustrated"}],
        "queue": {"value_at_risk": value_at_risk, "reasons": ["$412,000 contract, renewal in 20 days"]},
    }
    return Decision.model_validate(record | parts)
