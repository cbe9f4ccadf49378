"""When a ticket leaves the usual path: legal weight, an incident, special knowledge, an account at risk."""

from dataclasses import dataclass

from policy.desk_schema import Desk, EscalationKind
from policy.expansion import expansion_evidence
from policy.regulatory import legal_call
from policy.situation import Situation, Surge
from policy.wording import sure


@dataclass(frozen=True)
class EscalationCall:
    """One escalation: its kind, why in words, and the queue it goes to.

    An ``internal`` one is told to nobody outside: no reply, note or tag may show it, and it changes nothing
    that happens to the ticket. ``agent``: the person it is for, where one is known.
    """

    kind: EscalationKind
    reason: str
    queue: str
    agent: str | None = None
    internal: bool = False


def escalations(desk: Desk, situation: Situation) -> list[EscalationCall]:
    """Every escalation this ticket needs, the one that decides the route first.

    The order is regulatory (a legal duty, no discretion), crisis (one incident must not be worked on in ten
    places), technical (who can solve it), account (who should also know).
    """
    usual_queue = desk.intent_policy(situation.intent).queue
    specialists = desk.queues[usual_queue].specialist
    calls: list[EscalationCall] = []

    def call(kind: EscalationKind, reason: str | None, queue: str | None = None) -> None:
        if reason is not None:
            calls.append(EscalationCall(kind, reason, queue or desk.escalation.queues[kind]))

    call("regulatory", regulatory_reason(desk, situation))
    call("crisis", _crisis_reason(desk, situation))
    call("technical", _technical_reason(desk, situation), usual_queue if specialists else None)
    return [*calls, *_account_calls(desk, situation)]


def is_surge(desk: Desk, surge: Surge) -> bool:
    """Whether an incident is open on the issue, or so many accounts report it so far above its usual rate."""
    if surge.incident_id is not None:
        return True
    rules = desk.escalation
    usual = max(surge.baseline_per_day, rules.surge_least_baseline)
    return (
        surge.accounts_24h >= rules.surge_accounts_24h and surge.tickets_24h >= rules.surge_multiple * usual
    )


def regulatory_reason(desk: Desk, situation: Situation) -> str | None:
    """Why the ticket goes to compliance; ``None`` if it does not, even if it may have legal weight."""
    call = legal_call(desk, situation)
    return call.reason if call is not None and call.certain else None


def _crisis_reason(desk: Desk, situation: Situation) -> str | None:
    surge = situation.surge
    if not is_surge(desk, surge):
        return None
    belongs = f"belongs to {surge.incident_id}: " if surge.incident_id is not None else ""
    return (
        f"{belongs}{surge.accounts_24h} accounts wrote {surge.tickets_24h} tickets about one issue "
        f"within 24 hours, where {surge.baseline_per_day:.1f} a day are usual"
    )


def _technical_reason(desk: Desk, situation: Situation) -> str | None:
    probable = situation.intent_probability >= desk.escalation.technical_probability
    if not (desk.intent_policy(situation.intent).technical and probable and not situation.out_of_scope):
        return None
    return f"'{situation.intent}' ({sure(situation.intent_probability)}) needs specialised knowledge"


def _account_calls(desk: Desk, situation: Situation) -> list[EscalationCall]:
    """The account at risk, else the account that may want more: both are the relationship manager's."""
    queue, owner = desk.escalation.queues["account"], situation.account.owner if situation.account else None
    risk = _account_reason(desk, situation)
    if risk is not None:
        return [EscalationCall("account", risk, queue, owner)]
    evidence = expansion_evidence(desk, situation)
    if not evidence:
        return []
    return [EscalationCall("account", f"may want more: {'; '.join(evidence)}", queue, owner, internal=True)]


def _account_reason(desk: Desk, situation: Situation) -> str | None:
    """Churn risk times value, or frustration or a repeated issue on a valuable account."""
    account, rules = situation.account, desk.escalation
    if account is None:
        return None
    known_value = account.contract_value_cents
    value = known_value / 100 if known_value is not None else desk.ranking.assumed_contract_value
    worth = f"{value:,.0f} a year" + ("" if known_value is not None else " (assumed, value unknown)")
    risk = account.churn_risk
    if risk is not None and risk >= rules.churn_risk and risk * value >= rules.churn_value_at_risk:
        return f"churn risk {risk:.0%} on a contract of {worth}"
    if value < rules.valuable_contract_value:
        return None
    if situation.frustration >= rules.frustration:
        return f"frustration {situation.frustration:.0%} on a contract of {worth}"
    if situation.repeats_30d >= rules.repeats_30d:
        return f"the same issue {situation.repeats_30d + 1} times in 30 days on a contract of {worth}"
    return None
