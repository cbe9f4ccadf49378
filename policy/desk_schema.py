"""The shape of ``desk.yaml``: what a support lead may write, and what each entry means.

Money is in whole currency units a year, durations carry their unit in the name. Unknown keys are refused.
"""

from datetime import date, time
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from policy.phrases import Phrasebook
from policy.situation import Level

Phase = Literal["intelligence", "assisted", "selective", "proactive"]
EscalationKind = Literal["regulatory", "crisis", "technical", "account"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
AUTOMATED_PHASES: tuple[Phase, ...] = ("selective", "proactive")
LEAST_AUTOMATION_PROBABILITY = 0.95
"""The promise of the product: nothing is resolved automatically below this, whatever a desk writes."""

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Words = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _span(written: object) -> object:
    """``"09:00-17:30"`` as minutes after midnight, ``(540, 1050)``; ``24:00`` ends the day."""
    if not isinstance(written, str):
        return written
    start, dash, end = written.partition("-")
    if not dash:
        raise ValueError("write working hours as '09:00-17:30'")
    return _minute_of_day(start), _minute_of_day(end)


def _minute_of_day(written: str) -> int:
    if written.strip() == "24:00":
        return 24 * 60
    moment = time.fromisoformat(written.strip())
    return moment.hour * 60 + moment.minute


Span = Annotated[tuple[int, int], BeforeValidator(_span)]


class Brand(_Entry):
    """How the desk speaks. Greeting and signature by language."""

    name: Words
    tone: Words
    default_language: Language
    greeting: dict[Language, Words]
    signature: dict[Language, Words]


class Calendar(_Entry):
    """When people work: hours by weekday in local time, and days off."""

    time_zone: str
    hours: dict[Weekday, tuple[Span, ...]]
    holidays: tuple[date, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def time_zone_exists(cls, name: str) -> str:
        """The name, if the time zone database knows it."""
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError("not a time zone; write it like 'Europe/Berlin' or 'UTC'") from unknown
        return name

    @field_validator("hours")
    @classmethod
    def hours_do_not_overlap(
        cls, hours: dict[Weekday, tuple[tuple[int, int], ...]]
    ) -> dict[Weekday, tuple[tuple[int, int], ...]]:
        """The hours in order of the clock, if every span ends after it starts and none overlap."""
        ordered = {day: tuple(sorted(spans)) for day, spans in hours.items()}
        for day, spans in ordered.items():
            if any(start >= end for start, end in spans):
                raise ValueError(f"{day}: a span must end after it starts (split nights at 24:00)")
            if any(first[1] > second[0] for first, second in pairwise(spans)):
                raise ValueError(f"{day}: working hours overlap")
        if not any(ordered.values()):
            raise ValueError("a calendar needs working hours on at least one weekday")
        return ordered


class Plan(_Entry):
    """What a subscribed plan was promised, in working hours of its calendar."""

    calendar: str
    first_response_hours: Positive
    resolution_hours: Positive
    usual_first_response_hours: Positive
    """What the desk usually needs: the mean from which the risk of a breach is estimated."""


class Queue(_Entry):
    """A team. A specialist queue has the knowledge that technical escalations ask for."""

    about: Words
    specialist: bool = False
    calendar: str | None = None
    """When its agents are there, in local time of the calendar; always where absent."""


class Intent(_Entry):
    """What customers want, and what the desk may do about it by itself."""

    queue: str
    product_area: Words
    phase: Phase = "intelligence"
    action: str | None = None
    technical: bool = False
    regulatory: bool = False
    urgency: Level = "normal"

    @model_validator(mode="after")
    def people_decide_delicate_matters(self) -> "Intent":
        """The intent, unless it would automate what needs a specialist or has legal weight."""
        if (self.regulatory or self.technical) and self.phase in AUTOMATED_PHASES:
            raise ValueError(
                f"phase '{self.phase}' is not allowed where technical or regulatory is true; "
                "allowed: intelligence, assisted"
            )
        return self


class Away(_Entry):
    """Days on which somebody is not there, both included."""

    first: date
    last: date

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> "Away":
        """The days, if there is at least one."""
        if self.last < self.first:
            raise ValueError(f"away from {self.first} to {self.last}: the last day is before the first")
        return self


class AgentHours(_Entry):
    """When one agent works, where that differs from the queue's ``calendar``."""

    calendar: str | None = None
    away: tuple[Away, ...] = ()


class Action(_Entry):
    """Something the desk can do for a customer, and how to take it back."""

    about: Words
    reversible: bool
    undo: Words
    proven_by: str | None = None
    """Product feature whose use shows that it worked."""


class LegalWeightRules(_Entry):
    """From which probability on, by examples, a text has legal weight (``policy/regulatory.py``)."""

    sure: Probability = 0.7
    """It goes to compliance, whatever its words."""
    doubt: Annotated[float, Field(gt=0, le=1)] = 0.2
    """It may have legal weight: with words that say so it goes to compliance, without them to a person."""

    @model_validator(mode="after")
    def doubts_before_it_is_sure(self) -> "LegalWeightRules":
        """The rules, if doubt begins no later than certainty."""
        if self.doubt > self.sure:
            raise ValueError(f"doubt {self.doubt:g} is above sure {self.sure:g}: it must begin before")
        return self


class EscalationRules(_Entry):
    """When a ticket leaves the usual path, and where it goes."""

    queues: dict[EscalationKind, str]
    valuable_contract_value: Positive
    churn_risk: Probability
    churn_value_at_risk: Positive
    """Churn risk times contract value."""
    frustration: Probability
    repeats_30d: Annotated[int, Field(ge=1)]
    surge_accounts_24h: Annotated[int, Field(ge=2)]
    surge_multiple: Annotated[float, Field(ge=1)]
    surge_least_baseline: Positive
    """Tickets a day assumed at least, so that one ticket a month does not make three a surge."""
    technical_probability: Probability
    regulatory_probability: Probability
    legal_weight: LegalWeightRules = LegalWeightRules()

    @field_validator("queues")
    @classmethod
    def every_kind_has_a_queue(cls, queues: dict[EscalationKind, str]) -> dict[EscalationKind, str]:
        """The queues, if no kind of escalation is left without one."""
        missing = {"regulatory", "crisis", "technical", "account"} - set(queues)
        if missing:
            raise ValueError(f"no queue for {', '.join(sorted(missing))}")
        return queues


class Surges(_Entry):
    """When the same issue across customers is an incident (``policy/surges.py``)."""

    false_alarms_per_month: Annotated[float, Field(gt=0, le=30)] = 0.2
    """What the desk puts up with; the less, the later an alarm."""
    least_accounts: Annotated[int, Field(ge=2)] = 4
    windows_hours: Annotated[tuple[Annotated[float, Field(gt=0, le=24)], ...], Field(min_length=1)] = (
        1,
        3,
        8,
        24,
    )
    """Over which times reports are counted."""
    baseline_days: Annotated[float, Field(ge=7, le=365)] = 56
    """How far back what is usual reaches."""
    least_history_days: Annotated[float, Field(ge=1)] = 14
    """Nothing is an incident before so much history of the desk is known."""
    closes_after_hours: Positive = 12
    """An incident ends when nobody new reported it for so long."""
    alike: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Texts without a known intent count as one issue from this similarity on (shared letter triples)."""


class Expansion(_Entry):
    """What tells the relationship manager that an account may want more (``policy/expansion.py``)."""

    seats_in_use_share: Annotated[float, Field(gt=0, le=2)] = 0.9
    """People who used the product in 28 days, of the seats paid for."""
    usage_growth: Positive = 0.5
    """Uses in 28 days against the 4-week mean of the 56 days before: 0.5 is half as many again."""
    least_uses_28d: Annotated[int, Field(ge=1)] = 200
    """Growth from less is no signal."""


class Deadlines(_Entry):
    """When a promise that is about to be broken is escalated, once and by itself (``firstline tick``)."""

    escalate_at_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the promised working time that is used up."""
    queue: str | None = None
    """Who is told; the ticket's own queue where absent."""


class Automation(_Entry):
    """What must hold before anything happens without a person."""

    min_probability: Annotated[float, Field(ge=LEAST_AUTOMATION_PROBABILITY, le=1)]
    min_path_success: Annotated[float, Field(ge=0.5, lt=1)] = 0.5
    """Lower bound of the share of known outcomes in which the path resolved the issue; at least one half."""
    assist_probability: Probability
    languages: tuple[Language, ...]
    min_language_confidence: Probability
    max_frustration: Probability
    max_failed_logins_24h: Annotated[int, Field(ge=0)]
    max_repeats_30d: Annotated[int, Field(ge=0)]
    max_words: Annotated[int, Field(ge=1)]
    hands_on_renewal_days: NotNegative
    """A valuable account this close to its renewal is always answered by a person."""


class Routing(_Entry):
    """Points by which agents of a queue are compared; the most points take the ticket."""

    language_points: NotNegative
    skill_points: NotNegative
    history_points: NotNegative
    points_per_open_ticket: NotNegative
    """Subtracted for each open ticket."""
    max_open_tickets: Annotated[int, Field(ge=1)]


class Ranking(_Entry):
    """What the order of the queue weighs (``policy/ranking.py`` gives the formula). Hazards: 0 to 1."""

    goodwill: Positive
    concentration: NotNegative
    assumed_contract_value: NotNegative
    assumed_renewal_share: Probability
    renewal_window_days: Positive
    renewal_window_softness_days: Positive
    base_hazard: Probability
    priority_hazard: Probability
    frustration_hazard: Probability
    repeat_hazard: Probability
    churn_hazard: Probability
    clock_hazard: Probability
    incident_hazard: Probability
    regulatory_cost: NotNegative
    waiting_cost_per_day: NotNegative


class FollowUp(_Entry):
    """When the desk looks back at a ticket."""

    check_in_hours: Positive
    usage_check_days: Positive | None = None


class FollowUps(_Entry):
    """Follow-ups by what was decided, and closer ones for particular actions."""

    human: FollowUp
    assist: FollowUp
    auto_resolve: FollowUp
    by_action: dict[str, FollowUp] = {}


class ReviewCases(_Entry):
    """How many decisions of each intent and week leadership looks at, by what was decided."""

    auto_resolve: Annotated[int, Field(ge=1, le=1000)] = 10
    assist: Annotated[int, Field(ge=0, le=1000)] = 1
    human: Annotated[int, Field(ge=0, le=1000)] = 1


class Reviews(_Entry):
    """The weekly look of leadership at decisions drawn at random (``policy/reviews.py``)."""

    cases: ReviewCases = ReviewCases()
    due_days: Positive = 7
    """After the draw; from then on a review that is not done is a warning."""
    demote_days: Positive = 14
    """After the draw; from then on the intent is not automated until its reviews are done."""

    @model_validator(mode="after")
    def warns_before_it_demotes(self) -> "Reviews":
        """The rules, if there is a warning before the consequence."""
        if self.demote_days <= self.due_days:
            raise ValueError(
                f"demote_days {self.demote_days:g} must be later than due_days {self.due_days:g}"
            )
        return self


class Desk(_Entry):
    """A whole desk: everything between a model's score and what happens to a customer."""

    brand: Brand
    calendars: dict[str, Calendar]
    plans: dict[str, Plan]
    default_plan: str | None = None
    """Promise made to customers whose plan is unknown or not listed; none where absent."""
    queues: dict[str, Queue]
    default_queue: str
    agents: dict[str, AgentHours] = {}
    """Shifts and absences by agent id; an agent who is not listed works when the queue does."""
    actions: dict[str, Action]
    intents: dict[str, Intent]
    escalation: EscalationRules
    surges: Surges = Surges()
    expansion: Expansion | None = Expansion()
    """Told to ``escalation.queues.account`` and never to a customer; ``null`` where nobody wants to know."""
    deadlines: Deadlines = Deadlines()
    automation: Automation
    reviews: Reviews = Reviews()
    routing: Routing
    ranking: Ranking
    follow_ups: FollowUps
    replies: dict[str, dict[Language, Words]]
    phrases: Phrasebook
    """The wording lists of ``phrases.yaml`` with the desk's own additions."""

    def intent_policy(self, name: str | None) -> Intent:
        """What holds for an intent; a label this desk does not list goes to people in the default queue."""
        if name is not None and name in self.intents:
            return self.intents[name]
        return Intent(queue=self.default_queue, product_area="unknown")

    def action_for(self, intent: str | None) -> Action | None:
        """The action that resolves an intent, where one is defined."""
        name = self.intent_policy(intent).action
        return self.actions[name] if name is not None else None
