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


class BatchResult(_Answer):
    """What became of one ticket of a batch: a decision, or an error with the status it would have alone."""

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
    """Open decisions, largest value at risk first, as of the first page. ``next`` is null at the end."""

    decisions: list[dict[str, Any]]
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
    """A decision computed again: ``identical``, ``different`` (in these fields), or inputs ``not kept``."""

    decision_id: str
    outcome: str
    release: str
    differs: list[str]


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
