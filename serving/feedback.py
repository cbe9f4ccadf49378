"""What agents say about decisions: which fields can be corrected, and what to."""

from datetime import datetime
from typing import get_args

from features.schema import LEVELS, SENTIMENTS
from serving.approvals import carry_out_approved
from serving.decision import Action
from serving.moments import time_ordered_id
from serving.problems import Problem, one_of, shown
from serving.records import Feedback, Taken, add_feedback, take
from serving.requests import FeedbackRequest
from serving.store import Store

ANY: tuple[str, ...] = ()
CORRECTABLE: dict[str, tuple[str, ...]] = {
    "intent": ANY,
    "queue": ANY,
    "agent": ANY,
    "language": ANY,
    "reply": ANY,
    "escalation": ("technical", "account", "crisis", "regulatory", "none"),
    "priority": LEVELS,
    "sentiment": SENTIMENTS,
    "action": get_args(Action),
}
"""Fields of a decision that can be corrected, with the values allowed (none listed: the desk's own words)."""


def accept_feedback(store: Store, request: FeedbackRequest, now: datetime, key: str | None = None) -> str:
    """Store what an agent said, once per idempotency ``key``, with what it causes; returns the feedback's id.

    What was approved for another moment than now (``as_of``: a replayed desk) is kept and not carried out.
    Raises ``Problem``: 404 for an unknown decision, 422 for a correction that names no correctable field or
    no allowed value, 409 where ``key`` was used for other feedback.
    """
    _check_given(request)
    decision = store.decision(request.decision_id)
    if decision is None:
        raise Problem(
            404, "decision_id", shown(request.decision_id), "send the decision_id that /triage answered"
        )
    at = request.as_of or now
    given = Feedback(time_ordered_id(at), at=at, **request.model_dump(exclude={"as_of"}))
    with store.writing() as connection:
        mine = Taken(request.body_hash, given.feedback_id)
        before = take(connection, "feedback", key, mine) if key is not None else None
        if before is None:
            add_feedback(connection, given)
            if request.as_of is None:
                carry_out_approved(connection, decision, given)
            return given.feedback_id
    if before.body_hash != request.body_hash:
        fix = "send a new key for new feedback"
        raise Problem(409, "Idempotency-Key", "a key used for other feedback", fix)
    return before.answer_id


def _check_given(request: FeedbackRequest) -> None:
    corrects = request.verdict in ("modify", "override")
    if corrects and (request.field is None or request.value is None):
        missing = "field" if request.field is None else "value"
        raise Problem(422, missing, "nothing", f"say what to {request.verdict}: field and value")
    if not corrects and request.value is not None:
        raise Problem(
            422, "value", f"a value with {request.verdict}", "use modify or override to change a field"
        )
    if request.verdict == "reject" and not request.reason:
        raise Problem(422, "reason", "nothing", "say why it is rejected: the next agent needs to know")
    if request.field is not None:
        check_field(request.field, request.value if corrects else None)


def check_field(field: str, value: str | None) -> None:
    """Raise ``Problem`` (422) where ``field`` cannot be corrected, or not to ``value``."""
    if field not in CORRECTABLE:
        raise Problem(422, "field", shown(field), one_of(list(CORRECTABLE)))
    allowed = CORRECTABLE[field]
    if value is not None and allowed and value not in allowed:
        raise Problem(422, f"value of {field}", shown(value), one_of(allowed))
