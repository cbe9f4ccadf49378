"""Everything policy may know about one ticket at one moment: plain data, no model, no store."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from policy.resolution import PathRecord

Sentiment = Literal["asking", "confused", "frustrated"]
Level = Literal["low", "normal", "high", "urgent"]


@dataclass(frozen=True)
class AccountFacts:
    """The account as known at ``Situation.as_of``. Amounts in cents; ``None`` means unknown, never zero."""

    account_id: str
    plan: str | None = None
    status: str | None = None
    segment: str | None = None
    language: str | None = None
    owner: str | None = None
    contract_value_cents: int | None = None
    lifetime_value_cents: int | None = None
    seats: int | None = None
    renewal_in_days: float | None = None
    churn_risk: float | None = None
    """Probability of leaving within 90 days; ``None`` without a churn model."""
    usage_change: float | None = None
    """Uses in the last 7 days relative to the weekly mean of the 28 days before: -0.5 is half."""
    uses_28d: int | None = None
    """Uses of the product in 28 days; ``None`` without usage."""
    usage_growth: float | None = None
    """``uses_28d`` relative to the 4-week mean of the 56 days before: 0.5 is half as many again."""
    active_people_28d: int | None = None
    """People who used the product in 28 days; ``None`` where usage names nobody."""
    errors_7d: int = 0
    busiest_feature: str | None = None
    tickets_90d: int = 0
    open_tickets: int = 0
    last_csat: float | None = None


@dataclass(frozen=True)
class PastTicket:
    """An earlier ticket of the same contact or account, as known at ``Situation.as_of``."""

    ticket_id: str
    created_at: datetime
    subject: str
    intent: str | None
    solved: bool
    resolution: str | None
    """The last public reply by an agent before it was solved."""
    same_contact: bool = True
    similarity: float = 0.0


@dataclass(frozen=True)
class Surge:
    """How often one issue was reported across customers in the last 24 hours, against its own baseline."""

    accounts_24h: int = 0
    tickets_24h: int = 0
    baseline_per_day: float = 0.0
    incident_id: str | None = None
    """The incident that is open on this issue."""


@dataclass(frozen=True)
class LegalWeight:
    """What examples of requests with legal weight say of the text (``models/legal_weight.py``)."""

    probability: float
    """Among texts like the examples, about half of which have legal weight."""
    part: str
    """The words of the ticket that say it most."""
    like: str
    """The example with legal weight that is nearest in meaning, and what it asks for."""
    concern: str


@dataclass(frozen=True)
class Situation:
    """One ticket, what the models say of it, and what is known about who wrote it, as of ``as_of``."""

    ticket_id: str
    created_at: datetime
    as_of: datetime
    channel: str
    subject: str
    body: str
    language: str
    """ISO 639-1, ``und`` where it could not be told."""
    language_confidence: float
    intent: str | None
    """``None`` where no model could say."""
    intent_probability: float
    """Calibrated probability that ``intent`` is right."""
    out_of_scope: bool
    sentiment: Sentiment
    frustration: float
    """0 (calm) to 1."""
    frustration_signals: tuple[str, ...]
    priority_level: Level
    priority_score: float
    """0 (low) to 1 (urgent)."""
    legal_weight: LegalWeight | None = None
    """``None`` where no model could say: then words alone decide."""
    contact_id: str | None = None
    contact_name: str | None = None
    account: AccountFacts | None = None
    repeats_30d: int = 0
    """Earlier tickets of the same person about the same issue in the last 30 days, over all channels."""
    failed_logins_24h: int = 0
    surge: Surge = Surge()
    breach_risk: float | None = None
    """Probability that the first response comes late, by an outcome model; ``None`` without one."""
    reassignment_risk: float | None = None
    """Probability that the ticket will change queues, by an outcome model; ``None`` without one."""
    automation_threshold: float | None = None
    """Risk-controlled probability threshold of this intent; ``None`` where too little evidence exists."""
    automation_evidence: str = ""
    path: PathRecord | None = None
    """Outcomes of earlier tickets about this intent; ``None`` where nobody looked."""
    path_success: float | None = None
    """Lower bound (one-sided 95 %) of how often the path resolves the issue, by known outcomes alone."""
    demoted_because: str | None = None
    """Why automation of this intent was taken back by itself; ``None`` while its promises hold."""
    past_tickets: tuple[PastTicket, ...] = ()
    similar_solved: tuple[PastTicket, ...] = ()
    articles: tuple[tuple[str, str, str], ...] = ()
    """(article id, title, body) answering the intent, in the ticket's language first."""
    degraded: tuple[str, ...] = field(default=())
    """Parts that were missing when this was assembled, for example ``no churn model``."""
