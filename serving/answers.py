"""What the service answers beside the decision record: one model for each answer, shown in its OpenAPI."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from serving.decision import Context, Decision, Route


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fault(_Answer):
    """What is wrong: the thing, what was found, and what to do."""

    thing: str
    found: str
    fix: str


class Refused(_Answer):
    """Every answer that is not a success."""

    error: Fault


class NotStoredAnswer(Refused):
    """503 for a ticket: nothing was stored or promised.

    ``decision`` is there while the store is out of reach: for people to go by, degraded by ``store``, with
    ``not stored`` in the place of its id. An overloaded service gives none.
    """

    decision: Decision | None = None


class BatchResult(_Answer):
    """What became of one ticket of a batch: a decision, or an error with the status it would have alone.

    With status 503 there may be both: see ``NotStoredAnswer``.
    """

    ticket_id: str
    status: int
    decision: Decision | None = None
    error: Fault | None = None


class BatchAnswer(_Answer):
    """One result a ticket, in the order asked."""

    results: list[BatchResult]


class FeedbackAnswer(_Answer):
    """Feedback that is stored."""

    feedback_id: str
    decision_id: str


class EventsAnswer(_Answer):
    """Events that are stored: ``rows`` of them, under one receipt."""

    receipt_id: str
    rows: int


class OutcomeAnswer(_Answer):
    """An outcome that is stored, as an event of its ticket."""

    event_id: str
    ticket_id: str


class QueuePage(_Answer):
    """Open decisions, largest value at risk first, as of the first page. ``next`` is null at the end.

    ``warnings`` are for leads: weekly reviews that are overdue.
    """

    decisions: list[dict[str, Any]]
    warnings: list[str]
    next: str | None


class ReviewCase(_Answer):
    """A decision that was drawn for review: one of ``sampled`` out of the ``population`` of its stratum.

    A stratum is a week's decisions of one intent (null: none) and action; each had the ``probability`` of
    being drawn. ``wrong`` names the fields that the review found wrong.
    """

    decision_id: str
    ticket_id: str
    week: str
    intent: str | None
    action: str
    sampled: int
    population: int
    probability: float
    due_at: datetime
    overdue: bool
    reviewed_at: datetime | None
    reviewer: str | None
    wrong: list[str]


class AutomatedPrecision(_Answer):
    """Share of right automatic resolutions, with its 95 % interval.

    ``cases`` were looked at and stand for ``decisions`` (Horvitz-Thompson).
    """

    share: float
    low: float
    high: float
    cases: int
    decisions: float


class ReviewStanding(_Answer):
    """How the reviews of one intent stand; ``automated`` is null until a stratum was looked at as a whole."""

    intent: str | None
    open: int
    overdue: int
    done: int
    automated: AutomatedPrecision | None


class ReviewsPage(_Answer):
    """Cases, the first due first, and how the reviews of every intent stand. ``next`` is null at the end."""

    cases: list[ReviewCase]
    intents: list[ReviewStanding]
    next: str | None


class ReviewAnswer(_Answer):
    """A review that is stored."""

    review_id: str
    decision_id: str


class Incident(_Answer):
    """The same issue across customers: what it is about, since when, and what speaks for it."""

    incident_id: str
    topic: str
    opened_at: datetime
    closed_at: datetime | None
    evidence: str
    accounts: int
    tickets: int


class IncidentsPage(_Answer):
    """Incidents, the newest first. ``next`` is null at the end."""

    incidents: list[Incident]
    next: str | None


class TicketEvent(_Answer):
    """One thing that happened to a ticket after it was created."""

    event_id: str
    kind: str
    occurred_at: datetime
    value: str | None
    actor_kind: str | None
    actor_id: str | None
    text: str | None


class TicketContext(_Answer):
    """A ticket for whoever takes it: what was written, what was decided about it, what happened since."""

    ticket_id: str
    created_at: datetime
    channel: str | None
    subject: str | None
    body: str | None
    account_id: str | None
    contact_id: str | None
    decision_id: str | None
    action: str | None
    route: Route | None
    context: Context | None
    events: list[TicketEvent]


class ReplayAnswer(_Answer):
    """A decision computed again, as ``outcome`` says.

    ``identical``, or ``within tolerance`` on another kind of processor than decided; ``different`` in these
    fields; ``reduced``: these fields differ since somebody whom the ticket named was forgotten; ``erased``
    with the person it was about; inputs ``not kept``.
    """

    decision_id: str
    outcome: str
    release: str
    differs: list[str]


class ExplainedValue(_Answer):
    """A value that a model read."""

    name: str
    value: float | str


class ExplainedPart(_Answer):
    """What one group of inputs added, in log odds, with the values that added most; ``words`` says both."""

    about: str
    log_odds: float
    values: list[ExplainedValue]
    words: str


class ExplainedModel(_Answer):
    """What a model said and why, the strongest part first; or why nothing can be said (``absent``)."""

    model: str
    said: str | None
    absent: str | None
    parts: list[ExplainedPart]


class ExplainAnswer(_Answer):
    """Why the models said what they said in a stored decision; ``note`` says how to read the numbers."""

    decision_id: str
    release: str
    note: str
    models: list[ExplainedModel]


class WebhookAnswer(_Answer):
    """A webhook that is stored; ``new`` is false where it was before. It is worked on afterwards."""

    delivery_id: str
    new: bool


class Alive(_Answer):
    """The process lives."""

    status: str


class Ready(_Answer):
    """Whether tickets can be decided and stored, by which release, and what is missing."""

    ready: bool
    release: str
    degraded: list[str]
