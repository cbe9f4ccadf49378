"""Leadership's looks at decisions that were drawn: what is to be looked at, and what was found.

A look judges fields of a decision, each right or wrong. It is kept as feedback of its own (ids that begin
with ``REVIEW``), so error budgets, monitoring and the next training read it as they read every other word
about a decision; the case keeps with which probability it was drawn.
"""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, Connection, Row, func, select, tuple_, update

from policy.reviews import Looked, Precision, precision
from serving.feedback import check_field
from serving.ledger import append_entry
from serving.moments import microseconds, moment, time_ordered_id
from serving.problems import Problem, shown
from serving.records import Feedback, Taken, add_feedback, take
from serving.requests import Id, PageQuery, Part, Request
from serving.review_deadlines import lift_where_done
from serving.store import Store
from serving.tables import decisions, review_cases

REVIEW = "review-"
"""What ids of feedback begin with that leadership's reviews gave."""
JUDGED = ("intent", "action")
"""What every look judges: whether the ticket was understood, and whether the right thing was done."""
Field_ = Literal["intent", "action", "priority", "queue", "sentiment", "language", "escalation", "reply"]
State = Literal["open", "overdue", "done"]


class FieldVerdict(Part):
    """Whether a field of the decision is right; where it is wrong, why, and the right ``value`` if known."""

    field: Field_
    verdict: Literal["right", "wrong"]
    value: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=5_000)] | None = None


class ReviewRequest(Request):
    """What leadership finds of a drawn decision: ``intent`` and ``action`` judged, others as wanted."""

    decision_id: Id
    reviewer: Id
    verdicts: Annotated[list[FieldVerdict], Field(min_length=len(JUDGED), max_length=8)]

    @model_validator(mode="after")
    def judges_what_is_asked(self) -> "ReviewRequest":
        """The review, if it judges ``JUDGED``, no field twice, and says why where something is wrong."""
        fields = [one.field for one in self.verdicts]
        missing = [name for name in JUDGED if name not in fields]
        if missing:
            raise ValueError(f"a verdict about {' and '.join(missing)} is required")
        if len(set(fields)) < len(fields):
            raise ValueError("one verdict a field")
        for one in self.verdicts:
            if one.verdict == "wrong" and one.reason is None:
                raise ValueError(f"say why {one.field} is wrong: reason")
            if one.verdict == "right" and one.value is not None:
                raise ValueError(f"{one.field} is right: leave its value out")
        return self


class ReviewQuery(PageQuery):
    """Cases that are ``open`` (to be looked at), of these the ``overdue`` ones, or ``done``."""

    status: State = "open"


class ReviewCase(NamedTuple):
    """One drawn decision: one of ``sampled`` out of the ``population`` of its week, intent and action."""

    decision_id: str
    ticket_id: str
    week: str
    intent: str | None
    action: str
    sampled: int
    population: int
    due_at: datetime
    overdue: bool
    reviewed_at: datetime | None
    reviewer: str | None
    wrong: tuple[str, ...]


class Standing(NamedTuple):
    """How the reviews of one intent stand, and what they say of its automatic resolutions."""

    intent: str | None
    open: int
    overdue: int
    done: int
    automated: Precision | None
    """By the strata that were looked at as a whole; ``None`` without any."""


def review_cases_page(
    connection: Connection,
    state: State,
    at: datetime,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[ReviewCase]:
    """At most ``limit`` cases in ``state`` as of ``at``, the first due first.

    ``after``: when the last case seen was due, and its decision id; those that come after it are answered.
    """
    place = (review_cases.c.due_at, review_cases.c.decision_id)
    later = [] if after is None else [tuple_(*place) > tuple_(microseconds(after[0]), after[1])]
    rows = connection.execute(
        select(review_cases, decisions.c.ticket_id)
        .join_from(review_cases, decisions, decisions.c.decision_id == review_cases.c.decision_id)
        .where(*_in_state(state, at), *later)
        .order_by(*place)
        .limit(limit)
    )
    return [_case(row, at) for row in rows]


def standings(connection: Connection, at: datetime) -> list[Standing]:
    """Every intent with cases as of ``at``, by name; what was decided without an intent first."""
    cases = review_cases.c
    rows = connection.execute(
        select(
            cases.week,
            cases.intent,
            cases.action,
            cases.sampled,
            cases.population,
            func.count().filter(cases.reviewed_at.is_(None)).label("open"),
            func.count()
            .filter(cases.reviewed_at.is_(None), cases.due_at <= microseconds(at))
            .label("overdue"),
            func.count().filter(cases.reviewed_at.is_not(None)).label("done"),
            func.count().filter(_wrongly_done()).label("wrong"),
        )
        .join_from(review_cases, decisions, decisions.c.decision_id == cases.decision_id)
        .group_by(cases.week, cases.intent, cases.action, cases.sampled, cases.population)
    ).all()
    looks: dict[str, list[Looked]] = defaultdict(list)
    found: dict[str, Standing] = {}
    for row in rows:
        so_far = found.setdefault(row.intent, Standing(row.intent or None, 0, 0, 0, None))
        found[row.intent] = so_far._replace(
            open=so_far.open + row.open, overdue=so_far.overdue + row.overdue, done=so_far.done + row.done
        )
        if row.action == "auto_resolve" and row.done == row.sampled:
            probability = row.sampled / row.population
            looks[row.intent] += [Looked(number < row.wrong, probability) for number in range(row.done)]
    return [found[intent]._replace(automated=precision(looks[intent])) for intent in sorted(found)]


def accept_review(store: Store, request: ReviewRequest, at: datetime, key: str | None = None) -> str:
    """Keep what leadership found, once; returns the review's id.

    Lifts the demotion for overdue reviews where this was the last one. Raises ``Problem``: 404 where the
    decision was not drawn, 409 where it was looked at before or ``key`` was used for another review, 422 for
    a value that the field cannot have.
    """
    for one in request.verdicts:
        check_field(one.field, one.value)
    review_id = REVIEW + time_ordered_id(at)
    with store.writing() as connection:
        if key is not None:
            before = take(connection, "review", key, Taken(request.body_hash, review_id))
            if before is not None:
                if before.body_hash != request.body_hash:
                    fix = "send a new key for a new review"
                    raise Problem(409, "Idempotency-Key", "a key used for another review", fix)
                return before.answer_id
        _take_case(connection, request, review_id, at)
        for one in request.verdicts:
            add_feedback(connection, _as_feedback(one, request, review_id, at))
        lift_where_done(connection, at)
    return review_id


def _take_case(connection: Connection, request: ReviewRequest, review_id: str, at: datetime) -> None:
    """Mark the case as looked at. Raises ``Problem`` where there is none or it was before."""
    wrong = sorted(one.field for one in request.verdicts if one.verdict == "wrong")
    told = {
        "review_id": review_id,
        "reviewed_at": microseconds(at),
        "reviewer": request.reviewer,
        "wrong": " ".join(wrong),
    }
    mine = review_cases.c.decision_id == request.decision_id
    taken = connection.execute(
        update(review_cases).where(mine, review_cases.c.reviewed_at.is_(None)).values(**told)
    )
    if taken.rowcount:
        append_entry(connection, "review", review_id, {"decision_id": request.decision_id, **told}, at)
        return
    before = connection.scalar(select(review_cases.c.review_id).where(mine))
    if before is None:
        fix = "GET /reviews lists what was drawn; say anything else by /feedback"
        raise Problem(404, "decision_id", f"{shown(request.decision_id)}, which was not drawn", fix)
    found = f"{shown(request.decision_id)} was looked at before, as {before}"
    raise Problem(409, "decision_id", found, "correct it by /feedback: a drawn decision is judged once")


def _as_feedback(one: FieldVerdict, request: ReviewRequest, review_id: str, at: datetime) -> Feedback:
    wrong = "reject" if one.value is None else "override"
    verdict = "approve" if one.verdict == "right" else wrong
    given_id = f"{review_id}-{one.field}"
    return Feedback(
        given_id, request.decision_id, at, verdict, one.field, one.value, one.reason, request.reviewer
    )


def _in_state(state: State, at: datetime) -> list[ColumnElement[bool]]:
    if state == "done":
        return [review_cases.c.reviewed_at.is_not(None)]
    late = [review_cases.c.due_at <= microseconds(at)] if state == "overdue" else []
    return [review_cases.c.reviewed_at.is_(None), *late]


def _wrongly_done() -> ColumnElement[bool]:
    padded = " " + func.coalesce(review_cases.c.wrong, "") + " "
    return padded.like("% intent %") | padded.like("% action %")


def _case(row: Row, at: datetime) -> ReviewCase:
    return ReviewCase(
        row.decision_id,
        row.ticket_id,
        row.week,
        row.intent or None,
        row.action,
        row.sampled,
        row.population,
        moment(row.due_at),
        row.reviewed_at is None and row.due_at <= microseconds(at),
        None if row.reviewed_at is None else moment(row.reviewed_at),
        row.reviewer,
        tuple((row.wrong or "").split()),
    )
