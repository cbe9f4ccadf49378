"""One decision for the tests of every vendor's write-back."""

from dataclasses import replace
from typing import Any

from connectors.live.decided import Action, Decided
from connectors.live.write_back import WriteBack

HOSTILE = "<script>alert('x')</script> {{ticket.requester.email}} & \x00\ud800 Ж"
"""What a customer may write, and what may come back in a note."""

DECIDED = Decided(
    decision_id="d-1",
    ticket_id="35436",
    release="2026-06-01-a",
    action="assist",
    intent="refund_request",
    probability=0.914,
    confidence="medium",
    priority="high",
    queue="billing",
    agent="ann",
    language="en",
    sentiment="frustrated",
    reply="Dear Ann,\nyour refund is on its way.",
    escalations=("account",),
    reasons=("Queue billing: its intents go there", f"Priority high: wrote {HOSTILE}"),
)


def decision(action: Action = "assist", **changes: Any) -> Decided:
    return replace(DECIDED, action=action, **changes)


def config(**changes: Any) -> WriteBack:
    known: dict[str, Any] = {
        "queues": {"billing": 360001, "access": {"code": 360002, "enabled": False}},
        "agents": {"ann": 501, "gone": {"code": 502, "enabled": False}},
        "author": 900,
    }
    return WriteBack.model_validate(known | changes)
