"""Reviews that nobody does: first a warning, then the intent is not automated until they are done.

Unlike a spent error budget this ends by itself: with the last overdue review.
"""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from policy.desk_schema import AUTOMATED_PHASES, Desk
from serving.database import one_at_a_time
from serving.ledger import append_entry
from serving.marks import keep_mark, mark
from serving.moments import microseconds, moment
from serving.tables import decisions, review_cases

_MARK = "overdue_reviews"


class Overdue(NamedTuple):
    """The reviews of one intent (``None``: of decisions without one) that should have been done by now."""

    intent: str | None
    cases: int
    since: datetime
    """When the first of them was due."""
    demotes_at: datetime
    """When the intent stops being automated, if it is."""

    def in_words(self) -> str:
        """As one phrase."""
        what = self.intent or "decisions without an intent"
        return (
            f"{self.cases} weekly reviews of {what} not done, due since {self.since:%Y-%m-%d}: GET /reviews "
            f"lists them; an automated intent is demoted at {self.demotes_at:%Y-%m-%d %H:%M} UTC"
        )


class Demotion(NamedTuple):
    """An intent that lost its automation, and why."""

    intent: str
    because: str


def overdue_reviews(connection: Connection, at: datetime) -> list[Overdue]:
    """The intents with reviews that were due by ``at`` and are not done, by name."""
    cases = review_cases.c
    rows = connection.execute(
        select(cases.intent, func.count(), func.min(cases.due_at), func.min(cases.demote_at))
        .join_from(review_cases, decisions, decisions.c.decision_id == cases.decision_id)
        .where(cases.reviewed_at.is_(None), cases.due_at <= microseconds(at))
        .group_by(cases.intent)
        .order_by(cases.intent)
    )
    return [
        Overdue(intent or None, count, moment(due), moment(demote)) for intent, count, due, demote in rows
    ]


def demoted_for_reviews(connection: Connection) -> dict[str, str]:
    """Why each intent that is demoted for overdue reviews is, by intent."""
    kept = mark(connection, _MARK)
    return json.loads(kept) if kept else {}


def demote_where_overdue(connection: Connection, desk: Desk, at: datetime) -> list[Demotion]:
    """Demote automated intents whose reviews are overdue for too long at ``at``; returns the new ones.

    Each is written to the ledger, once. Several replicas may do this at the same time.
    """
    late = [one for one in overdue_reviews(connection, at) if one.demotes_at <= at]
    if not late:
        return []
    one_at_a_time(connection)
    demoted, new = demoted_for_reviews(connection), list[Demotion]()
    for one in late:
        automated = one.intent in desk.intents and desk.intents[one.intent].phase in AUTOMATED_PHASES
        if one.intent is None or not automated or one.intent in demoted:
            continue
        because = f"{one.cases} weekly reviews not done, due since {one.since:%Y-%m-%d}"
        new.append(Demotion(one.intent, because))
        demoted[one.intent] = because
        append_entry(connection, "demotion", one.intent, new[-1]._asdict(), at)
    if new:
        _keep(connection, demoted)
    return new


def lift_where_done(connection: Connection, at: datetime) -> list[str]:
    """Give demoted intents without overdue reviews their automation back; returns which."""
    if not demoted_for_reviews(connection):
        return []
    one_at_a_time(connection)
    demoted = demoted_for_reviews(connection)
    late = {one.intent for one in overdue_reviews(connection, at)}
    lifted = [intent for intent in demoted if intent not in late]
    for intent in lifted:
        told = {"intent": intent, "by": "firstline", "why": "its overdue reviews are done"}
        append_entry(connection, "reinstatement", intent, told, at)
    if lifted:
        _keep(connection, {intent: why for intent, why in demoted.items() if intent not in lifted})
    return lifted


def _keep(connection: Connection, demoted: dict[str, str]) -> None:
    keep_mark(connection, _MARK, json.dumps(demoted, ensure_ascii=False, sort_keys=True))
