"""An agent approves what the desk suggested: the reply goes out and the ticket is solved, once.

Approved is a whole decision (no field named) that suggests a reply to an agent (``assist``). The action goes
through the outbox to the helpdesk that the ticket came from, as a resolution of the desk's own does, and its
outcome is watched as that of one (``serving.paths``): it is how the path of an intent proves itself before
anything is automated.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from serving.decision import Decision
from serving.ledger import append_entry
from serving.moments import microseconds
from serving.outbox import Action, put_new
from serving.records import Feedback
from serving.tables import CONTEXT, feedback

KIND = "approved"


def action_id_of(decision_id: str) -> str:
    """The id of the action that an approval of the decision causes: one for ever."""
    return f"{decision_id}:{KIND}"


def carry_out_approved(connection: Connection, decision: Decision, given: Feedback) -> str | None:
    """Put what ``given`` approves into outbox and ledger; returns the action's id.

    ``None`` where it approves nothing that the desk could do: another verdict or a single field, no
    suggestion for an agent, a ticket that is solved by now, or a suggestion that somebody rejected or changed
    before. An approval that comes again, from whomever, finds the action made.
    """
    whole = given.verdict == "approve" and given.field is None
    if not whole or decision.action != "assist" or decision.suggestion is None:
        return None
    if _is_solved(connection, decision, given.at) or _was_refused(connection, given):
        return None
    payload = {
        "ticket_id": decision.ticket_id,
        "queue": decision.route.queue,
        "agent": decision.route.agent,
        "priority": decision.priority.level,
        "reply": decision.suggestion.reply,
        "approved_by": given.agent_id,
        "feedback_id": given.feedback_id,
    }
    action = Action(action_id_of(decision.decision_id), decision.decision_id, given.at, KIND, payload)
    if put_new(connection, action):
        append_entry(connection, KIND, action.action_id, payload, given.at)
    return action.action_id


def _is_solved(connection: Connection, decision: Decision, at: datetime) -> bool:
    events = CONTEXT["ticket_events"]
    newest = (
        select(events.c.kind)
        .where(
            events.c.ticket_id == decision.ticket_id,
            events.c.kind.in_(("solved", "reopened")),
            events.c.known_at < microseconds(at),
        )
        .order_by(events.c.known_at.desc(), events.c.event_id.desc())
        .limit(1)
    )
    return connection.scalar(newest) == "solved"


def _was_refused(connection: Connection, given: Feedback) -> bool:
    refused = (
        select(feedback.c.feedback_id)
        .where(
            feedback.c.decision_id == given.decision_id,
            feedback.c.verdict != "approve",
            feedback.c.field.is_(None) | feedback.c.field.in_(("intent", "action", "reply")),
            feedback.c.feedback_id != given.feedback_id,
        )
        .limit(1)
    )
    return connection.scalar(refused) is not None
