"""Issues that have no intent yet: tickets of different customers whose texts are nearly the same.

A text joins the first earlier text that it is like enough, and its topic is named after that one's ticket.
The tickets that open incidents are named after come first, so an incident keeps its topic while its first
tickets grow old. Bounded: the newest ``MOST_TEXTS`` of ``WINDOW`` are read, whatever the size of the store.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, select

from features.repeats import similarity, trigrams
from features.text import ticket_text
from serving.moments import microseconds
from serving.tables import CONTEXT, incidents

TOPIC = "like ticket "
"""What topics of clusters begin with."""
WINDOW = timedelta(hours=48)
MOST_TEXTS = 500
LEAST_TRIGRAMS = 12
"""A text with less says too little to be called the same as another."""


def clustered(
    texts: Iterable[tuple[str, str]], alike: float, leaders: Sequence[tuple[str, str]] = ()
) -> dict[str, str]:
    """The topic of each ticket: ``texts`` are (ticket id, text), oldest first; ``leaders`` are joined first.

    A ticket that is like no other has a topic of its own. Too short texts have none.
    """
    known = [(ticket_id, trigrams(text)) for ticket_id, text in leaders]
    topics: dict[str, str] = {}
    for ticket_id, text in texts:
        own = trigrams(text)
        if len(own) < LEAST_TRIGRAMS:
            continue
        leader = _first_like(own, known, alike)
        if leader is None:
            known.append((ticket_id, own))
        topics[ticket_id] = TOPIC + (leader or ticket_id)
    return topics


def _first_like(own: frozenset[str], known: Sequence[tuple[str, frozenset[str]]], alike: float) -> str | None:
    """Texts of too different lengths are not compared: their similarity cannot reach ``alike``."""
    for ticket_id, other in known:
        close = alike * len(own) <= len(other) and alike * len(other) <= len(own)
        if close and similarity(own, other) >= alike:
            return ticket_id
    return None


def is_open_cluster(at: datetime) -> ColumnElement[bool]:
    """Whether an incident is about a cluster and was open at ``at``."""
    when = microseconds(at)
    return (
        incidents.c.topic.startswith(TOPIC, autoescape=True)
        & (incidents.c.opened_at <= when)
        & (incidents.c.closed_at.is_(None) | (incidents.c.closed_at > when))
    )


def leaders_of_open_incidents(connection: Connection, at: datetime) -> list[tuple[str, str]]:
    """(ticket id, text) of the tickets that clusters with an incident open at ``at`` are named after."""
    tickets = CONTEXT["tickets"]
    named = connection.scalars(
        select(incidents.c.topic)
        .where(is_open_cluster(at))
        .order_by(incidents.c.opened_at, incidents.c.incident_id)
    )
    ids = [topic.removeprefix(TOPIC) for topic in named]
    rows = connection.execute(
        select(tickets.c.ticket_id, tickets.c.subject, tickets.c.body).where(tickets.c.ticket_id.in_(ids))
    )
    text = {row.ticket_id: ticket_text(row.subject, row.body) for row in rows}
    return [(ticket_id, text[ticket_id]) for ticket_id in ids if ticket_id in text]


def topic_like(connection: Connection, text: str, alike: float, at: datetime) -> str | None:
    """The topic of the open incident whose first ticket ``text`` is like; ``None`` without one."""
    leaders = leaders_of_open_incidents(connection, at)
    topic = clustered([("", text)], alike, leaders).get("") if leaders else None
    return topic if topic != TOPIC else None
