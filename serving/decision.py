"""The decision record: what the service answers, what the ledger stores, what an agent overrides."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Action = Literal["human", "assist", "auto_resolve"]
Confidence = Literal["high", "medium", "low"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Alternative(_Part):
    """Another intent the ticket could have, and how probable it is."""

    name: str
    probability: float


class Intent(_Part):
    """``probability`` is the calibrated probability that ``name`` is right; without a model it is null."""

    name: str | None
    probability: float
    confidence: Confidence
    out_of_scope: bool
    alternatives: list[Alternative]


class Language(_Part):
    """ISO 639-1 code (``und`` where it could not be told) and how sure the detector is."""

    code: str
    confidence: float


class Mood(_Part):
    """How the customer writes; ``frustration`` from 0 (calm) to 1, with what it was read from."""

    state: Literal["asking", "confused", "frustrated"]
    frustration: float
    signals: list[str]


class Priority(_Part):
    """Level and ``score`` from 0 (low) to 1 (urgent), with reasons in words."""

    level: Literal["urgent", "high", "normal", "low"]
    score: float
    reasons: list[str]


class Account(_Part):
    """``contract_value`` in currency units a year; null means unknown."""

    account_id: str | None
    plan: str | None = None
    contract_value: float | None
    renewal_in_days: float | None
    churn_risk: float | None
    health: Literal["good", "watch", "poor", "unknown"]


class Sla(_Part):
    """When an answer and a solution are due (UTC), and the probability that the answer comes late.

    ``breach_risk_from``: a trained ``model``, or an ``estimate`` from the plan's usual response time.
    """

    first_response_due_at: datetime | None
    resolution_due_at: datetime | None
    breach_risk: float | None
    breach_risk_from: Literal["model", "estimate"] | None = None


class Escalation(_Part):
    """One escalation: its kind, why, the queue and where known the agent it goes to.

    What is ``internal`` is for that queue alone: nothing that a customer may see, and nothing written back to
    a helpdesk, shows it.
    """

    kind: Literal["technical", "account", "crisis", "regulatory"]
    reason: str
    queue: str
    agent: str | None = None
    internal: bool = False


class Route(_Part):
    """The queue and, where one fits, the agent, with the reason.

    ``reassignment_risk``: probability that the ticket ends in another queue than it was filed into, by a
    trained model; null without one.
    """

    queue: str
    agent: str | None
    reason: str
    reassignment_risk: float | None = None


class Gate(_Part):
    """One condition of automatic resolution: what was found and what is required."""

    name: str
    passed: bool
    value: str
    required: str


class Suggestion(_Part):
    """A reply an agent may send, how sure it is, and where it comes from."""

    reply: str
    confidence: float
    sources: list[str]


class Related(_Part):
    """An earlier ticket and how it was resolved; ``similarity`` from 0 to 1 where compared by text."""

    ticket_id: str
    created_at: datetime
    subject: str
    intent: str | None
    resolution: str | None
    similarity: float | None = None


class Context(_Part):
    """``summary`` is exactly three sentences."""

    summary: str
    related_tickets: list[Related]
    usage: dict[str, float | int | str | None]
    account_health: list[str]
    similar_solved: list[Related]


class FollowUp(_Part):
    """Something to be done after the answer."""

    kind: Literal["confirmation", "check_in", "usage_check"]
    due_at: datetime
    reason: str


class RankTerm(_Part):
    """A part of the value at risk, in currency units; ``reason`` is empty for what every ticket has."""

    name: str
    amount: float
    reason: str


class QueueRank(_Part):
    """Place in the queue: a larger ``value_at_risk`` is served first; ``terms`` add up to it.

    ``stake`` to ``since`` are what the place is worked out from again while the clocks run
    (``policy.ranking.as_clocks_run``). Records of older versions have none of them and keep their place.
    """

    value_at_risk: float
    reasons: list[str]
    terms: list[RankTerm] = []
    stake: float = 0.0
    lasting_survival: float = 1.0
    clock_hazard: float = 0.0
    fixed_cost: float = 0.0
    waiting_cost_per_day: float = 0.0
    since: datetime | None = None
    """When the customer wrote."""


class Decision(_Part):
    """One decision about one ticket, as of ``at``, by ``release``."""

    decision_id: str
    ticket_id: str
    at: datetime
    release: str
    degraded: list[str]
    intent: Intent
    language: Language
    sentiment: Mood
    priority: Priority
    account: Account
    sla: Sla
    escalations: list[Escalation]
    route: Route
    action: Action
    gates: list[Gate]
    suggestion: Suggestion | None
    context: Context
    follow_ups: list[FollowUp]
    queue: QueueRank
