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

The value is the sum of named terms. Hazards are taken one after the other, the clock last; so every term but
the clock's and the waiting's stays as decided, and ``as_clocks_run`` places a ticket again from its record.

All parameters are in ``desk.yaml`` under ``ranking``. Rising contract value, a nearer renewal, more repeats,
more frustration, higher churn risk, higher priority and a clock that has run further never lower the value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policy.desk_schema import Desk, Ranking
from policy.escalation import EscalationCall
from policy.situation import AccountFacts, Situation
from policy.sla import SlaTargets


@dataclass(frozen=True)
class Term:
    """A part of the value at risk: ``amount`` (currency units) and why in words (empty: always there)."""

    name: str
    amount: float
    reason: str


@dataclass(frozen=True)
class Rank:
    """Place in the queue: the larger ``value_at_risk`` (currency units) is served first.

    ``terms`` add up to it. The other fields are what ``as_clocks_run`` needs to place the ticket again later;
    ``lasting_survival`` is the chance that no hazard but the clock strikes.
    """

    value_at_risk: float
    reasons: tuple[str, ...]
    terms: tuple[Term, ...] = ()
    stake: float = 0.0
    lasting_survival: float = 1.0
    clock_hazard: float = 0.0
    fixed_cost: float = 0.0
    waiting_cost_per_day: float = 0.0


@dataclass(frozen=True)
class Waited:
    """What a ticket's clocks say: days that the customer has waited, and the share of the promise used up."""

    days: float
    pressure: float


def value_at_risk(
    desk: Desk, situation: Situation, due: SlaTargets, escalations: Sequence[EscalationCall], now: datetime
) -> Rank:
    """Expected loss if this ticket is not served well now, and what it is made of, as of ``now`` (aware)."""
    weights = desk.ranking
    stake, stake_reasons = _stake(desk, situation.account)
    waited = waited_by(situation.created_at, due.first_response_due_at, now)
    clock = ("clock", weights.clock_hazard * waited.pressure, _clock_in_words(waited.pressure))
    lasting = _hazards(weights, situation, escalations)
    hazards = [*lasting, clock]
    regulatory = any(call.kind == "regulatory" for call in escalations)
    legal = "a legal deadline may run" if regulatory else ""
    terms = (
        *_shares(stake, hazards),
        Term("legal_deadline", weights.regulatory_cost * regulatory, legal),
        Term("waiting", weights.waiting_cost_per_day * waited.days, _waiting_in_words(waited.days)),
    )
    named = sorted(((h, reason) for _, h, reason in hazards if reason and h > 0), key=lambda h: -h[0])
    return Rank(
        value_at_risk=sum(term.amount for term in terms),
        reasons=(*stake_reasons, *(reason for _, reason in named), *((legal,) if legal else ())),
        terms=tuple(term for term in terms if term.amount > 0),
        stake=stake,
        lasting_survival=math.prod(1 - hazard for _, hazard, _ in lasting),
        clock_hazard=weights.clock_hazard,
        fixed_cost=weights.regulatory_cost * regulatory,
        waiting_cost_per_day=weights.waiting_cost_per_day,
    )


def as_clocks_run(rank: Rank, waited: Waited) -> Rank:
    """``rank`` with the clocks at ``waited``: the same value that ranking anew at that moment would give.

    Only the clock and the waiting change; everything else is as it was decided.
    """
    survival = rank.lasting_survival * (1 - rank.clock_hazard * waited.pressure)
    waiting = rank.waiting_cost_per_day * waited.days
    value = rank.stake * (1 - survival) + rank.fixed_cost + waiting
    before = {term.name: term for term in rank.terms}
    lasting = [term for name, term in before.items() if name not in ("clock", "waiting")]
    clock = value - waiting - sum(term.amount for term in lasting)
    terms = (
        *lasting,
        Term("clock", clock, _clock_in_words(waited.pressure)),
        Term("waiting", waiting, _waiting_in_words(waited.days)),
    )
    old = before["clock"].reason if "clock" in before else None
    reasons = [reason for reason in rank.reasons if reason != old]
    if waited.pressure > 0:
        reasons.append(_clock_in_words(waited.pressure))
    return replace(
        rank, value_at_risk=value, reasons=tuple(reasons), terms=tuple(t for t in terms if t.amount > 0)
    )


def waited_by(
    since: datetime, due_at: datetime | None, now: datetime, paused: timedelta = timedelta()
) -> Waited:
    """The clocks at ``now`` of a ticket open ``since`` and promised for ``due_at`` (``None``: no promise).

    ``paused``: time in which the desk waited for the customer; it counts neither as waiting nor as used up.
    """
    passed = max(now - since - paused, timedelta())
    if due_at is None:
        return Waited(passed / timedelta(days=1), 0.0)
    allowed = due_at - since - paused
    pressure = 1.0 if allowed <= timedelta() else min(passed / allowed, 1.0)
    return Waited(passed / timedelta(days=1), pressure)


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
    weights: Ranking, situation: Situation, escalations: Sequence[EscalationCall]
) -> list[tuple[str, float, str]]:
    """Each lasting cause by which the stake may be lost: name, 0 to 1, reason (empty: not worth a word)."""
    repeats = max(situation.repeats_30d, 0)
    churn = situation.account.churn_risk if situation.account else None
    incident = any(call.kind == "crisis" for call in escalations)
    repeated = 1 - (1 - weights.repeat_hazard) ** (
        repeats * (repeats + 1) / 2 * (0.5 + situation.frustration)
    )
    frustration = f"frustration {situation.frustration:.0%}"
    return [
        ("any_ticket", weights.base_hazard, ""),
        (
            "priority",
            weights.priority_hazard * situation.priority_score,
            f"{situation.priority_level} priority",
        ),
        ("frustration", weights.frustration_hazard * situation.frustration, frustration),
        ("repeats", repeated, f"reported {repeats + 1} times in 30 days"),
        ("churn", weights.churn_hazard * (churn or 0.0), f"churn risk {churn or 0.0:.0%}"),
        ("incident", weights.incident_hazard * incident, "part of an incident"),
    ]


def _shares(stake: float, hazards: Sequence[tuple[str, float, str]]) -> list[Term]:
    """What each hazard contributes to ``stake * (1 - product of (1 - h))``, in the given order.

    Taken one after the other: a hazard contributes what it takes of what the ones before it left. The clock
    comes last, so that the other amounts stay the same while it runs.
    """
    terms, left = list[Term](), stake
    for name, hazard, reason in hazards:
        terms.append(Term(name, left * hazard, reason))
        left *= 1 - hazard
    return terms


def _clock_in_words(pressure: float) -> str:
    return f"{pressure:.0%} of the time to respond is used up"


def _waiting_in_words(days: float) -> str:
    return f"waits for {days * 24:.0f} hours" if days < 2 else f"waits for {days:.0f} days"
