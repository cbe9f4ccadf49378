"""Error budgets: an intent whose promises are refuted by its resolutions is demoted by itself.

Two promises stand behind automatic resolution: the intent is right (judged by reviews) and the issue is
resolved (judged by the first word of customer or product). Both are tested with ``policy.error_budget``. A
demotion stays until a person reinstates the intent; only resolutions from then on count.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policy.desk_schema import AUTOMATED_PHASES, Desk
from policy.error_budget import Budget, budget
from policy.resolution import first_word
from serving.database import one_at_a_time
from serving.ledger import append_entry
from serving.marks import keep_mark, mark
from serving.moments import microseconds
from serving.paths import USAGE_DAYS, Report, aftermaths
from serving.review_deadlines import Demotion, demoted_for_reviews
from serving.tables import CONTEXT, decisions, feedback

_MARK = "error_budgets"
_JUDGED_FIELDS = (None, "intent", "action")


def demotions(connection: Connection) -> dict[str, str]:
    """Why each demoted intent is, by intent: reviews that nobody does, or a spent error budget."""
    return demoted_for_reviews(connection) | _spent(connection)


def _spent(connection: Connection) -> dict[str, str]:
    return {intent: entry["because"] for intent, entry in _state(connection).items() if entry.get("because")}


def demote_where_exhausted(connection: Connection, desk: Desk, at: datetime) -> list[Demotion]:
    """Demote every automated intent with an exhausted budget at ``at``; returns the new demotions.

    Each is written to the ledger, once. Several replicas may do this at the same time.
    """
    one_at_a_time(connection)
    state, new = _state(connection), list[Demotion]()
    for intent, policy in desk.intents.items():
        entry = state.get(intent, {})
        if policy.phase not in AUTOMATED_PHASES or entry.get("because"):
            continue
        spent = [b for b in budgets(connection, desk, intent, entry.get("since"), at) if b.exhausted]
        if spent:
            because = "; ".join(b.in_words() for b in spent)
            new.append(Demotion(intent, because))
            state[intent] = {**entry, "because": because, "demoted_at": at.isoformat()}
    if new:
        for demotion in new:
            append_entry(connection, "demotion", demotion.intent, demotion._asdict(), at)
        _keep(connection, state)
    return new


def reinstate(connection: Connection, intent: str, by: str, why: str, at: datetime) -> None:
    """Give an intent with a spent budget its automation back; its budgets start anew at ``at``.

    Raises ``KeyError`` for an intent that is not demoted, or only for overdue reviews: doing them lifts that.
    """
    one_at_a_time(connection)
    state = _state(connection)
    if intent not in _spent(connection):
        overdue = demoted_for_reviews(connection).get(intent)
        if overdue is not None:
            raise KeyError(f"{intent!r} is demoted for reviews ({overdue}): do them, GET /reviews lists them")
        listed = ", ".join(sorted(demotions(connection))) or "none"
        raise KeyError(f"{intent!r} is not demoted; demoted intents: {listed}")
    state[intent] = {"since": at.isoformat()}
    append_entry(connection, "reinstatement", intent, {"intent": intent, "by": by, "why": why}, at)
    _keep(connection, state)


def budgets(
    connection: Connection, desk: Desk, intent: str, since: str | None, at: datetime
) -> tuple[Budget, Budget]:
    """The two budgets of ``intent`` by the resolutions decided from ``since`` (ISO 8601) on, as of ``at``."""
    rules = desk.automation
    return (
        budget("intent right", 1 - rules.min_probability, _reviews(connection, intent, since, at)),
        budget("issue resolved", 1 - rules.min_path_success, _words(connection, desk, intent, since, at)),
    )


def _reviews(connection: Connection, intent: str, since: str | None, at: datetime) -> list[bool]:
    """Whether each reviewed resolution was wrong, by the first word about it, oldest first.

    What was said at one moment (a review of several fields) is one word: wrong if anything in it is.
    """
    rows = connection.execute(
        select(feedback.c.decision_id, feedback.c.at, feedback.c.verdict, feedback.c.field)
        .join_from(feedback, decisions, decisions.c.decision_id == feedback.c.decision_id)
        .where(*_resolved(intent, since), feedback.c.at < microseconds(at))
        .order_by(feedback.c.at, feedback.c.feedback_id)
    )
    first: dict[str, tuple[int, bool]] = {}
    for decision_id, at_us, verdict, field in rows:
        if field not in _JUDGED_FIELDS:
            continue
        said_at, wrong = first.get(decision_id, (at_us, False))
        if at_us == said_at:
            first[decision_id] = (said_at, wrong or verdict != "approve")
    return [wrong for _, wrong in first.values()]


def _words(connection: Connection, desk: Desk, intent: str, since: str | None, at: datetime) -> list[bool]:
    """Whether each resolution of known outcome failed, in the order in which that became known."""
    tickets = CONTEXT["tickets"]
    rows = connection.execute(
        select(tickets.c.ticket_id, tickets.c.contact_id, tickets.c.created_at, decisions.c.action)
        .join_from(decisions, tickets, tickets.c.ticket_id == decisions.c.ticket_id)
        .where(decisions.c.intent == intent, *_from(since), decisions.c.at < microseconds(at))
    ).all()
    name, action = desk.intent_policy(intent).action, desk.action_for(intent)
    days = desk.follow_ups.by_action.get(name or "", desk.follow_ups.auto_resolve).usage_check_days
    reports = {row.ticket_id: Report(*row[:3]) for row in rows}
    resolved = {row.ticket_id for row in rows if row.action == "auto_resolve"}
    if not resolved:
        return []
    found = aftermaths(connection, reports, action.proven_by if action else None, days or USAGE_DAYS, at)
    words = {ticket_id: first_word(found[ticket_id]) for ticket_id in resolved if ticket_id in found}
    known = sorted((word[0], ticket_id, word[1]) for ticket_id, word in words.items() if word is not None)
    return [not worked for _, _, worked in known]


def _resolved(intent: str, since: str | None) -> Sequence[Any]:
    return (decisions.c.intent == intent, decisions.c.action == "auto_resolve", *_from(since))


def _from(since: str | None) -> Sequence[Any]:
    return (decisions.c.at >= microseconds(datetime.fromisoformat(since)),) if since else ()


def _state(connection: Connection) -> dict[str, dict[str, str]]:
    text = mark(connection, _MARK)
    return json.loads(text) if text else {}


def _keep(connection: Connection, state: dict[str, dict[str, str]]) -> None:
    keep_mark(connection, _MARK, json.dumps(state, ensure_ascii=False, sort_keys=True))
