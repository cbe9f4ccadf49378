"""A ticket's history as Zendesk's ticket-event export tells it: one audit per action, with child events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.demo_company.agents import GROUP_IDS
from pipelines.demo_company.lifecycle import Outcome
from pipelines.demo_company.tickets import Ticket
from pipelines.demo_company.wording import Writer

INTENT, SENTIMENT, CONFIRMED, ESCALATION = "1003", "1004", "1005", "1006"
WEB_VIA, SYSTEM = "web", -1
Json = dict[str, Any]


@dataclass
class _Log:
    """The ticket's state while its audits are written; remembers each field's previous value."""

    ticket_id: int
    fields: dict[str, Any] = field(default_factory=dict)
    audits: int = 0

    def audit(self, moment: int, updater: int, children: list[Json]) -> Json:
        self.audits += 1
        first = self.ticket_id * 1000 + self.audits * 10
        numbered = [{"id": first + place + 1, **child} for place, child in enumerate(children)]
        return {
            "id": first,
            "ticket_id": self.ticket_id,
            "timestamp": moment,
            "updater_id": updater,
            "event_type": "Audit",
            "child_events": numbered,
        }

    def change(self, name: str, value: Any) -> list[Json]:
        """The child event of a field's change; none where nothing changes."""
        before = self.fields.get(name)
        if before == value:
            return []
        self.fields[name] = value
        return [{"event_type": "Change", name: value, "previous_value": before}]

    def custom(self, number: str, value: str) -> list[Json]:
        """The child event of a custom field's change; repeated values count, each is a statement."""
        return [{"event_type": "Change", "custom_ticket_fields": {number: value}}]


def _comment(author: int, body: str, public: bool = True) -> Json:
    return {"event_type": "Comment", "comment_public": public, "author_id": author, "body": body}


def audits(
    ticket_id: int, requester: int, ticket: Ticket, outcome: Outcome, writer: Writer
) -> Iterator[Json]:
    """Every audit of the ticket in order of time, without ``created_at`` (the export adds it)."""
    log = _Log(ticket_id)
    agent, owner = outcome.agent, outcome.last_agent
    created = {
        "status": "new",
        "priority": outcome.first_priority,
        "group_id": GROUP_IDS[outcome.first_queue],
    }
    log.fields.update(created)
    yield log.audit(
        ticket.created_at,
        requester,
        [{"event_type": "Create", name: value} for name, value in created.items()],
    )
    triage = log.change("assignee_id", agent.id) + log.change("status", "open")
    if not outcome.moves:
        triage += log.change("priority", outcome.priority)
    if outcome.early_label:
        triage += log.custom(INTENT, outcome.early_label)
    yield log.audit(outcome.assigned_at, agent.id, triage)
    holder = agent
    for number, (moment, queue, taker) in enumerate(outcome.moves):
        moved = [_comment(holder.id, writer.note(ticket, number), public=False)]
        moved += log.change("group_id", GROUP_IDS[queue]) + log.change("assignee_id", taker.id)
        yield log.audit(moment, taker.id, moved)
        holder = taker
    yield from _conversation(log, requester, ticket, outcome, writer)
    yield from _judgements(log, requester, outcome, owner.id)


def _conversation(
    log: _Log, requester: int, ticket: Ticket, outcome: Outcome, writer: Writer
) -> Iterator[Json]:
    """First reply, the customer's answer, solution, reopening, second solution."""
    owner = outcome.last_agent
    name = owner.name.split()[0]
    reply = writer.question(ticket, name) if outcome.asked_back else writer.received(ticket, name)
    first = [_comment(owner.id, reply), *log.change("priority", outcome.priority)]
    if outcome.asked_back:
        first += log.change("status", "pending")
    if outcome.escalation:
        first += log.custom(ESCALATION, outcome.escalation)
    yield log.audit(outcome.replied_at, owner.id, first)
    if outcome.customer_answered_at is not None:
        answer = [_comment(requester, writer.answer(ticket)), *log.change("status", "open")]
        yield log.audit(outcome.customer_answered_at, requester, answer)
    if outcome.solved_at is None:
        return
    solution = _comment(owner.id, writer.resolution(ticket, outcome.label, name))
    yield log.audit(
        outcome.solved_at,
        owner.id,
        [solution, *log.custom(INTENT, outcome.label), *log.change("status", "solved")],
    )
    if outcome.reopened_at is not None:
        complaint = [_comment(requester, writer.complaint(ticket)), *log.change("status", "open")]
        yield log.audit(outcome.reopened_at, requester, complaint)
    if outcome.solved_again_at is not None:
        second = _comment(owner.id, writer.resolution(ticket, outcome.label, name, attempt=1))
        yield log.audit(outcome.solved_again_at, owner.id, [second, *log.change("status", "solved")])


def _judgements(log: _Log, requester: int, outcome: Outcome, owner: int) -> Iterator[Json]:
    """Rating and confirmation by the customer, and the quality team's reviews."""
    if outcome.csat_at is not None:
        yield log.audit(outcome.csat_at, requester, log.change("satisfaction_score", outcome.csat))
    if outcome.confirmed_at is not None:
        yield log.audit(outcome.confirmed_at, requester, log.custom(CONFIRMED, "confirmed"))
    for review in outcome.reviews:
        found = log.custom(INTENT, review.intent) + log.custom(SENTIMENT, review.sentiment)
        yield log.audit(review.moment, review.reviewer, found)
