"""The order of the queue: the loss to expect if this ticket is served badly or late.

For a ticket with stake ``S`` and hazards ``h_i``::

    value at risk = S * (1 - product of (1 - h_i)) + fixed costs
    S = goodwill + contract * renewal share * (contract / valuable contract) ** concentration

- The stake is money a year. ``goodwill`` is what any customer's good opinion weighs whatever the contract
  (references, reviews), so that small customers count. The contract counts by the share of it that is decided
  soon: a logistic curve around the window before the renewal in which customers make up their minds (notice
  periods end 30 to 60 days before). ``concentration`` lets large contracts count more than their sum, because
  one lost large customer is harder to replace than many small ones.
- Hazards are combined as independent causes, a noisy-or (Pearl, Probabilistic Reasoning in Intelligent
  Systems, 1988, section 4.3): each can only add, and together they never exceed one.
- ``k`` earlier reports weigh ``1 - (1 - h) ** (k * (k + 1) / 2 * (0.5 + frustration))``: every further failed
  attempt more than the one before, and more for somebody whose patience is gone. That repeated contact is
  what drives customers away most is the finding of Dixon, Freeman and Toman (Stop Trying to Delight Your
  Customers, Harvard Business Review, July 2010).
- Waiting adds a cost per day without limit, so that nobody waits for ever.

All parameters are in ``desk.yaml`` under ``ranking``. Rising contract value, a nearer renewal, more repeats,
more frustration, higher churn risk, higher priority and a clock that has run further never lower the value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.desk_schema import Desk, Ranking
from policy.escalation import EscalationCall
from policy.situation import AccountFacts, Situation
from policy.sla import SlaTargets


@dataclass(frozen=True)
class Rank:
    """Place in the queue: the larger ``value_at_risk`` (currency units) is served first; reasons in words."""

    value_at_risk: float
    reasons: tuple[str, ...]


def value_at_risk(
    desk: Desk, situation: Situation, due: SlaTargets, escalations: Sequence[EscalationCall], now: datetime
) -> Rank:
    """Expected loss if this ticket is not served well now, and what it is made of, as of ``now`` (aware)."""
    weights = desk.ranking
    stake, stake_reasons = _stake(desk, situation.account)
    hazards = _hazards(weights, situation, due, escalations, now)
    survival = math.prod(1 - hazard for hazard, _ in hazards)
    regulatory = any(call.kind == "regulatory" for call in escalations)
    waited = max((now - situation.created_at) / timedelta(days=1), 0.0)
    value = (
        stake * (1 - survival) + weights.regulatory_cost * regulatory + weights.waiting_cost_per_day * waited
    )
    named = sorted(((h, reason) for h, reason in hazards if reason and h > 0), key=lambda hazard: -hazard[0])
    legal = ("a legal deadline may run",) if regulatory else ()
    return Rank(value, (*stake_reasons, *(reason for _, reason in named), *legal))


def renewal_share(weights: Ranking, renewal_in_days: float) -> float:
    """Share (0 to 1) of the contract that is being decided now; a renewal that has passed counts as today."""
    past_window = max(renewal_in_days, 0.0) - weights.renewal_window_days
    return 1 / (1 + math.exp(min(past_window / weights.renewal_window_softness_days, 700.0)))


def _stake(desk: Desk, account: AccountFacts | None) -> tuple[float, list[str]]:
    weights = desk.ranking
    known_value = account.contract_value_cents if account else None
    renewal = account.renewal_in_days if account else None
    contract = known_value / 100 if known_value is not None else weights.assumed_contract_value
    share = weights.assumed_renewal_share if renewal is None else renewal_share(weights, renewal)
    worth = f"contract of {contract:,.0f} a year" + (
        "" if known_value is not None else " (assumed: value unknown)"
    )
    when = "renewal date unknown" if renewal is None else _renewal_in_words(renewal)
    size = max(contract, 0.0) / desk.escalation.valuable_contract_value
    return weights.goodwill + max(contract, 0.0) * size**weights.concentration * share, [f"{worth}, {when}"]


def _renewal_in_words(days: float) -> str:
    return f"renews in {days:.0f} days" if days >= 0 else f"renewal overdue by {-days:.0f} days"


def _hazards(
    weights: Ranking,
    situation: Situation,
    due: SlaTargets,
    escalations: Sequence[EscalationCall],
    now: datetime,
) -> list[tuple[float, str]]:
    """Each cause by which the stake may be lost, 0 to 1, with its reason (empty: not worth a word)."""
    repeats = max(situation.repeats_30d, 0)
    churn = situation.account.churn_risk if situation.account else None
    pressure = _clock_pressure(due, situation.created_at, now)
    incident = any(call.kind == "crisis" for call in escalations)
    return [
        (weights.base_hazard, ""),
        (weights.priority_hazard * situation.priority_score, f"{situation.priority_level} priority"),
        (weights.frustration_hazard * situation.frustration, f"frustration {situation.frustration:.0%}"),
        (
            1 - (1 - weights.repeat_hazard) ** (repeats * (repeats + 1) / 2 * (0.5 + situation.frustration)),
            f"reported {repeats + 1} times in 30 days",
        ),
        (weights.churn_hazard * (churn or 0.0), f"churn risk {churn or 0.0:.0%}"),
        (weights.clock_hazard * pressure, f"{pressure:.0%} of the time to respond is used up"),
        (weights.incident_hazard * incident, "part of an incident"),
    ]


def _clock_pressure(due: SlaTargets, created_at: datetime, now: datetime) -> float:
    """Share (0 to 1) of the promised time to the first response that has passed; 0 without a promise."""
    if due.first_response_due_at is None:
        return 0.0
    allowed, passed = due.first_response_due_at - created_at, now - created_at
    if allowed <= timedelta():
        return 1.0
    return min(max(passed / allowed, 0.0), 1.0)
