"""How well the desk's usual answer to an intent has worked so far: outcomes read from the store.

Every question takes ``as_of`` and sees only rows with ``known_at < as_of``.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection, func, select, union

from models.risk import clopper_pearson_lower
from policy.desk_schema import Desk
from policy.resolution import RECONTACT_WINDOW, Aftermath, PathRecord, path_record
from serving.approvals import KIND as APPROVED
from serving.moments import microseconds, moment
from serving.store import Store
from serving.tables import CONTEXT, decisions, outbox

LOOK_BACK = timedelta(days=365)
CONFIDENCE = 0.95
USAGE_DAYS = 3.0
"""Days within which use of the product verifies a solution, where the desk names none."""
MOST_TICKETS = 1000
"""The newest tickets about an intent are enough to tell how well its path works."""


class PathProof(NamedTuple):
    """The record of a path and the lower bound of its success; ``None`` where no outcome is known."""

    record: PathRecord
    lower_bound: float | None


class Report(NamedTuple):
    """One ticket about an intent."""

    ticket_id: str
    contact_id: str | None
    created_at: int
    """Microseconds since 1970 UTC."""


def path_proof(store: Store, desk: Desk, intent: str, as_of: datetime) -> PathProof:
    """What is proven about the path of ``intent`` (Clopper & Pearson 1934, one-sided ``CONFIDENCE``)."""
    name, action = desk.intent_policy(intent).action, desk.action_for(intent)
    rules = desk.follow_ups.by_action.get(name or "", desk.follow_ups.auto_resolve)
    proven_by = action.proven_by if action else None
    with store.reading() as connection:
        record = record_of_path(connection, intent, proven_by, rules.usage_check_days or USAGE_DAYS, as_of)
    if record.judged == 0:
        return PathProof(record, None)
    return PathProof(record, clopper_pearson_lower(record.successes, record.judged, CONFIDENCE))


def record_of_path(
    connection: Connection, intent: str, proven_by: str | None, usage_days: float, as_of: datetime
) -> PathRecord:
    """Outcomes of the newest tickets about ``intent``: labelled, approved by agents, or resolved by the desk.

    ``proven_by``: the product feature whose use within ``usage_days`` days after the solution, by the person
    who wrote and without errors, verifies it.
    """
    tickets = _tickets_about(connection, intent, as_of)
    found = aftermaths(connection, tickets, proven_by, usage_days, as_of)
    return path_record(aftermath for aftermath in found.values() if _settled(aftermath, as_of))


def aftermaths(
    connection: Connection,
    tickets: Mapping[str, Report],
    proven_by: str | None,
    usage_days: float,
    as_of: datetime,
) -> dict[str, Aftermath]:
    """What is known by ``as_of`` of each of ``tickets`` (all about one intent) after it was solved."""
    ids = list(tickets)
    steps = _steps(connection, ids, as_of) if ids else {}
    used = _used(connection, ids, proven_by, usage_days, as_of) if proven_by and ids else {}
    again = _reported_again(tickets)
    return {
        ticket_id: Aftermath(
            solved_at=told.get("solved"),
            confirmed_at=told.get("confirmed"),
            recontacted_at=_earliest(told.get("reopened"), again.get(ticket_id)),
            usage_seen_at=used.get(ticket_id),
        )
        for ticket_id, told in steps.items()
    }


def _settled(aftermath: Aftermath, as_of: datetime) -> bool:
    """Whether the ticket was solved so long ago that it would have come back by now."""
    return aftermath.solved_at is not None and aftermath.solved_at + RECONTACT_WINDOW <= as_of


def _tickets_about(connection: Connection, intent: str, as_of: datetime) -> dict[str, Report]:
    events, tickets = CONTEXT["ticket_events"], CONTEXT["tickets"]
    since, before = microseconds(as_of - LOOK_BACK), microseconds(as_of)
    labelled = select(events.c.ticket_id, events.c.known_at.label("at")).where(
        events.c.kind == "intent_set",
        events.c.value == intent,
        events.c.known_at >= since,
        events.c.known_at < before,
    )
    resolved = select(decisions.c.ticket_id, decisions.c.at).where(
        decisions.c.intent == intent,
        decisions.c.action == "auto_resolve",
        decisions.c.at >= since,
        decisions.c.at < before,
    )
    approved = (
        select(decisions.c.ticket_id, outbox.c.created_at)
        .join_from(decisions, outbox, outbox.c.action_id == decisions.c.decision_id + f":{APPROVED}")
        .where(
            decisions.c.intent == intent,
            decisions.c.action == "assist",
            outbox.c.created_at >= since,
            outbox.c.created_at < before,
        )
    )
    about = union(labelled, resolved, approved).subquery()
    rows = connection.execute(
        select(tickets.c.ticket_id, tickets.c.contact_id, tickets.c.created_at)
        .join_from(about, tickets, tickets.c.ticket_id == about.c.ticket_id)
        .where(tickets.c.created_at.is_not(None))
        .group_by(tickets.c.ticket_id, tickets.c.contact_id, tickets.c.created_at)
        .order_by(func.max(about.c.at).desc(), tickets.c.ticket_id)
        .limit(MOST_TICKETS)
    )
    return {row.ticket_id: Report(*row) for row in rows}


def _steps(connection: Connection, ids: list[str], as_of: datetime) -> dict[str, dict[str, datetime]]:
    """The first "solved" and the last "confirmed" of each ticket, and the first time that it was reopened.

    The kind is compared as an expression, here and in ``_used``, so that the tickets' own rows are looked up
    and not everything that was ever solved.
    """
    events = CONTEXT["ticket_events"]
    rows = connection.execute(
        select(events.c.ticket_id, events.c.kind, func.min(events.c.known_at), func.max(events.c.known_at))
        .where(
            events.c.ticket_id.in_(ids),
            func.coalesce(events.c.kind, "").in_(("solved", "confirmed", "reopened")),
            events.c.known_at < microseconds(as_of),
        )
        .group_by(events.c.ticket_id, events.c.kind)
    )
    steps: dict[str, dict[str, datetime]] = {}
    for ticket_id, kind, first, last in rows:
        steps.setdefault(ticket_id, {})[kind] = moment(last if kind == "confirmed" else first)
    return steps


def _used(
    connection: Connection, ids: list[str], feature: str, days: float, as_of: datetime
) -> dict[str, datetime]:
    """The first day after its solution on which the person of each ticket used ``feature`` without errors."""
    events, tickets, usage = CONTEXT["ticket_events"], CONTEXT["tickets"], CONTEXT["usage"]
    before = microseconds(as_of)
    solved = (
        select(events.c.ticket_id, func.min(events.c.known_at).label("at"))
        .where(
            events.c.ticket_id.in_(ids),
            func.coalesce(events.c.kind, "") == "solved",
            events.c.known_at < before,
        )
        .group_by(events.c.ticket_id)
        .subquery()
    )
    window = int(timedelta(days=days) / timedelta(microseconds=1))
    rows = connection.execute(
        select(solved.c.ticket_id, func.min(usage.c.day))
        .join_from(solved, tickets, tickets.c.ticket_id == solved.c.ticket_id)
        .join(
            usage,
            (usage.c.account_id == tickets.c.account_id)
            & (usage.c.contact_id == tickets.c.contact_id)
            & (usage.c.day > solved.c.at)
            & (usage.c.day <= solved.c.at + window),
        )
        .where(
            usage.c.feature == feature,
            usage.c.events > 0,
            func.coalesce(usage.c.errors, 0) == 0,
            usage.c.known_at < before,
        )
        .group_by(solved.c.ticket_id)
    )
    return {ticket_id: moment(day) for ticket_id, day in rows}


def _reported_again(tickets: Mapping[str, Report]) -> dict[str, datetime]:
    """When the person of each ticket next wrote about the same intent."""
    by_person: dict[str, list[Report]] = {}
    for row in sorted(tickets.values(), key=lambda row: (row.created_at, row.ticket_id)):
        if row.contact_id:
            by_person.setdefault(row.contact_id, []).append(row)
    return {
        one.ticket_id: moment(other.created_at)
        for rows in by_person.values()
        for one, other in pairwise(rows)
    }


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((at for at in moments if at is not None), default=None)
