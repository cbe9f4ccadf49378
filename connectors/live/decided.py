"""A decision as a helpdesk is told of it: what to set, what to say, and why, in no vendor's words yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

Action = Literal["human", "assist", "auto_resolve", "approved"]
"""What happens to the ticket; ``approved``: an agent approved what ``assist`` suggested."""
SENDS_REPLY: tuple[Action, ...] = ("auto_resolve", "approved")


class DecidedError(ValueError):
    """A decision record lacks what a helpdesk must be told. Names the field."""


@dataclass(frozen=True)
class Decided:
    """The part of one decision record that goes back to the helpdesk."""

    decision_id: str
    ticket_id: str
    release: str
    action: Action
    intent: str | None
    """``None`` where no intent is claimed: no model, or out of scope."""
    probability: float
    confidence: str
    priority: str
    queue: str
    agent: str | None
    language: str
    sentiment: str
    reply: str | None
    """The reply that is sent (``SENDS_REPLY``) or proposed (``assist``)."""
    escalations: tuple[str, ...] = ()
    """Kinds of escalation; without those that are for one queue's eyes only."""
    reasons: tuple[str, ...] = ()
    """Why, one sentence or phrase each, most important first."""

    @property
    def fields(self) -> dict[str, str | None]:
        """What may be shown in a field of the helpdesk, by the names that a configuration uses."""
        return {
            "intent": self.intent,
            "probability": f"{self.probability:.2f}" if self.intent is not None else None,
            "confidence": self.confidence if self.intent is not None else None,
            "priority": self.priority,
            "queue": self.queue,
            "language": self.language,
            "sentiment": self.sentiment,
            "action": self.action,
            "decision_id": self.decision_id,
            "release": self.release,
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """What may be shown as a tag: ``action:<action>``, ``intent:<intent>``, ``escalated:<kind>``."""
        named = () if self.intent is None else (f"intent:{self.intent}",)
        return (f"action:{self.action}", *named, *(f"escalated:{kind}" for kind in self.escalations))

    @property
    def note(self) -> tuple[str, ...]:
        """The private note for the desk, line by line: what was decided, why, and by which release."""
        claim = "no intent is claimed" if self.intent is None else f"intent {self.intent} ({self.confidence})"
        lines = [f"Firstline: {_ACTION_WORDS[self.action]}; {claim}; priority {self.priority}."]
        lines += [f"- {reason}" for reason in self.reasons]
        if self.action == "assist" and self.reply:
            lines += ["Suggested reply:", *self.reply.splitlines()]
        return (*lines, f"Decision {self.decision_id}, release {self.release}.")


_ACTION_WORDS: dict[Action, str] = {
    "human": "left to a person",
    "assist": "prepared for a person",
    "auto_resolve": "answered and solved automatically",
    "approved": "answered and solved as an agent approved",
}


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Intent(_Read):
    name: str | None
    probability: float
    confidence: str
    out_of_scope: bool


class _Priority(_Read):
    level: str
    reasons: list[str]


class _Route(_Read):
    queue: str
    agent: str | None
    reason: str


class _Escalation(_Read):
    kind: str
    reason: str
    internal: bool = False


class _Gate(_Read):
    name: str
    passed: bool
    value: str
    required: str


class _Language(_Read):
    code: str


class _Mood(_Read):
    state: str
    signals: list[str]


class _Suggestion(_Read):
    reply: str


class _Context(_Read):
    summary: str


class _Record(_Read):
    decision_id: str
    ticket_id: str
    release: str
    action: Action
    degraded: list[str]
    intent: _Intent
    language: _Language
    sentiment: _Mood
    priority: _Priority
    route: _Route
    escalations: list[_Escalation]
    gates: list[_Gate]
    suggestion: _Suggestion | None
    context: _Context


def decided(record: Mapping[str, Any]) -> Decided:
    """What a helpdesk is told of the decision ``record`` (the JSON form of the decision record).

    Raises ``DecidedError`` naming the fields that are missing or of another kind.
    """
    try:
        read = _Record.model_validate(dict(record))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        raise DecidedError(f"not a decision record: {wrong}") from error
    shown = [one for one in read.escalations if not one.internal]
    is_claimed = read.intent.name is not None and not read.intent.out_of_scope
    return Decided(
        decision_id=read.decision_id,
        ticket_id=read.ticket_id,
        release=read.release,
        action=read.action,
        intent=read.intent.name if is_claimed else None,
        probability=read.intent.probability,
        confidence=read.intent.confidence,
        priority=read.priority.level,
        queue=read.route.queue,
        agent=read.route.agent,
        language=read.language.code,
        sentiment=read.sentiment.state,
        reply=read.suggestion.reply if read.suggestion else None,
        escalations=tuple(dict.fromkeys(escalation.kind for escalation in shown)),
        reasons=tuple(_reasons(read, shown)),
    )


def _reasons(read: _Record, shown: list[_Escalation]) -> list[str]:
    escalated = [f"Escalation ({one.kind}): {one.reason}" for one in shown]
    priority = [f"Priority {read.priority.level}: {reason}" for reason in read.priority.reasons]
    closed = [
        f"Not automatic: {gate.name} is {gate.value}, required is {gate.required}"
        for gate in read.gates
        if not gate.passed
    ]
    degraded = [f"Decided without: {what}" for what in read.degraded]
    return [*escalated, f"Queue {read.route.queue}: {read.route.reason}", *priority, *closed, *degraded] + [
        line for line in [read.context.summary] if line
    ]
