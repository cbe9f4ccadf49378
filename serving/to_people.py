"""The last resort: a ticket that neither release nor rules could judge goes to people; nothing is claimed."""

from datetime import datetime

from features.rows import NO_ROWS
from policy.desk import Desk
from serving.customer import Customer
from serving.decision import (
    Account,
    Context,
    Decision,
    Gate,
    Intent,
    Language,
    Mood,
    Priority,
    QueueRank,
    Route,
    Sla,
)
from serving.moments import time_ordered_id
from serving.requests import TriageRequest

NO_RULES = "rules failed"


def nobody_known(request: TriageRequest) -> Customer:
    """Who the request says it is from, with nothing that the store knows of them."""
    writer = request.contact_id or request.contact_handle
    return Customer(request.account_id, request.contact_id, writer, None, {}, NO_ROWS)


def to_people(request: TriageRequest, desk: Desk, at: datetime) -> Decision:
    """A decision that only says who looks at the ticket: the desk's default queue, no clock known."""
    reason = "nothing could be worked out, so a person reads it first"
    gate = Gate(name="rules", passed=False, value="failed on this ticket", required="a judged ticket")
    return Decision(
        decision_id=time_ordered_id(at),
        ticket_id=request.ticket_id,
        at=at,
        release="none",
        degraded=[NO_RULES],
        intent=Intent(name=None, probability=0.0, confidence="low", out_of_scope=False, alternatives=[]),
        language=Language(code="und", confidence=0.0),
        sentiment=Mood(state="asking", frustration=0.0, signals=[]),
        priority=Priority(level="high", score=0.75, reasons=[reason]),
        account=Account(
            account_id=request.account_id,
            contract_value=None,
            renewal_in_days=None,
            churn_risk=None,
            health="unknown",
        ),
        sla=Sla(first_response_due_at=None, resolution_due_at=None, breach_risk=None),
        escalations=[],
        route=Route(queue=desk.default_queue, agent=None, reason=f"{desk.default_queue}: {reason}"),
        action="human",
        gates=[gate],
        suggestion=None,
        context=Context(
            summary="Nothing could be worked out about this ticket. Its text is as it came. Please read it.",
            related_tickets=[],
            usage={},
            account_health=[],
            similar_solved=[],
        ),
        follow_ups=[],
        queue=QueueRank(value_at_risk=0.0, reasons=[reason], since=min(request.created_at or at, at)),
    )
