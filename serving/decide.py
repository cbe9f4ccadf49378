"""From one ``Situation`` to one ``Decision``: every policy asked in order, nothing read or written."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from policy.context import account_health, summary, usage_facts
from policy.desk import Desk
from policy.escalation import escalations
from policy.follow_up import follow_ups
from policy.gates import action, gates
from policy.phases import rights_of
from policy.priority import rule_priority
from policy.ranking import value_at_risk
from policy.replies import suggest_reply
from policy.routing import AgentState, route
from policy.situation import PastTicket, Situation
from policy.sla import breach_risk, due_times
from serving.decision import (
    Account,
    Alternative,
    Confidence,
    Context,
    Decision,
    Escalation,
    FollowUp,
    Gate,
    Intent,
    Language,
    Mood,
    Priority,
    QueueRank,
    Related,
    Route,
    Sla,
    Suggestion,
)


@dataclass(frozen=True)
class Judged:
    """What a decision needs beside the situation: who could take it, and what the models said of it."""

    agents: Sequence[AgentState]
    alternatives: Sequence[tuple[str, float]]
    priority_reasons: Sequence[str] | None
    """``None`` where no model set the priority: then the rules do."""
    release: str


def decide(desk: Desk, situation: Situation, judged: Judged, decision_id: str) -> Decision:
    """The decision about ``situation``, as of its ``as_of``."""
    reasons = judged.priority_reasons
    if reasons is None:
        level, score, reasons = rule_priority(desk, situation)
        situation = replace(situation, priority_level=level, priority_score=score)
    calls = escalations(desk, situation)
    due = due_times(desk, situation.account.plan if situation.account else None, situation.created_at)
    checks = gates(desk, situation, calls)
    chosen = action(desk, situation, checks)
    routed = route(desk, situation, calls, judged.agents)
    reply = suggest_reply(desk, situation) if rights_of(desk, situation).drafts_replies else None
    rank = value_at_risk(desk, situation, due, calls, situation.as_of)
    health, health_reasons = account_health(desk, situation)
    breach, breach_from = breach_risk(desk, situation, due) or (None, None)
    return Decision(
        decision_id=decision_id,
        ticket_id=situation.ticket_id,
        at=situation.as_of,
        release=judged.release,
        degraded=list(situation.degraded),
        intent=Intent(
            name=situation.intent,
            probability=situation.intent_probability,
            confidence=_confidence(desk, situation),
            out_of_scope=situation.out_of_scope,
            alternatives=[Alternative(name=name, probability=p) for name, p in judged.alternatives],
        ),
        language=Language(code=situation.language, confidence=situation.language_confidence),
        sentiment=Mood(
            state=situation.sentiment,
            frustration=situation.frustration,
            signals=list(situation.frustration_signals),
        ),
        priority=Priority(
            level=situation.priority_level, score=situation.priority_score, reasons=list(reasons)
        ),
        account=_account(situation, health),
        sla=Sla(
            first_response_due_at=due.first_response_due_at,
            resolution_due_at=due.resolution_due_at,
            breach_risk=breach,
            breach_risk_from=breach_from,
        ),
        escalations=[Escalation.model_validate(asdict(call)) for call in calls],
        route=Route(
            queue=routed.queue,
            agent=routed.agent,
            reason=routed.reason,
            reassignment_risk=situation.reassignment_risk,
        ),
        action=chosen,
        gates=[Gate(name=g.name, passed=g.passed, value=g.value, required=g.required) for g in checks],
        suggestion=Suggestion(reply=reply.reply, confidence=reply.confidence, sources=list(reply.sources))
        if reply
        else None,
        context=Context(
            summary=summary(situation),
            related_tickets=[_related(ticket) for ticket in situation.past_tickets],
            usage=usage_facts(situation),
            account_health=health_reasons,
            similar_solved=[_related(ticket) for ticket in situation.similar_solved],
        ),
        follow_ups=[
            FollowUp(kind=f.kind, due_at=f.due_at, reason=f.reason)
            for f in follow_ups(desk, situation, chosen)
        ],
        queue=QueueRank.model_validate({**asdict(rank), "since": situation.created_at}),
    )


def _confidence(desk: Desk, situation: Situation) -> Confidence:
    if situation.out_of_scope or situation.intent_probability < desk.automation.assist_probability:
        return "low"
    return "high" if situation.intent_probability >= desk.automation.min_probability else "medium"


def _account(situation: Situation, health: str) -> Account:
    account = situation.account
    cents = account.contract_value_cents if account else None
    return Account.model_validate(
        {
            "account_id": account.account_id if account else None,
            "plan": account.plan if account else None,
            "contract_value": None if cents is None else cents / 100,
            "renewal_in_days": account.renewal_in_days if account else None,
            "churn_risk": account.churn_risk if account else None,
            "health": health,
        }
    )


def _related(ticket: PastTicket) -> Related:
    return Related(
        ticket_id=ticket.ticket_id,
        created_at=ticket.created_at,
        subject=ticket.subject,
        intent=ticket.intent,
        resolution=ticket.resolution,
        similarity=ticket.similarity,
    )
