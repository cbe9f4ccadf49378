"""A ticket for whoever takes it: what was written, what was decided about it, and what happened since."""

from typing import Any

from sqlalchemy import Connection, select

from serving.answers import TicketContext, TicketEvent
from serving.decision import Decision
from serving.moments import moment
from serving.store import Store
from serving.tables import CONTEXT, decisions

_WRITTEN = ("ticket_id", "channel", "subject", "body", "account_id", "contact_id")


def ticket_context(store: Store, ticket_id: str) -> TicketContext | None:
    """The ticket with its newest decision and its events, oldest first; ``None`` where there is none."""
    tickets = CONTEXT["tickets"]
    with store.reading() as connection:
        row = connection.execute(select(tickets).where(tickets.c.ticket_id == ticket_id)).mappings().first()
        if row is None:
            return None
        decision, events = _decision(connection, ticket_id), _events(connection, ticket_id)
    told: dict[str, Any] = {name: row[name] for name in _WRITTEN}
    return TicketContext(
        **told,
        created_at=moment(row["created_at"]),
        decision_id=decision.decision_id if decision else None,
        action=decision.action if decision else None,
        route=decision.route if decision else None,
        context=decision.context if decision else None,
        events=events,
    )


def _decision(connection: Connection, ticket_id: str) -> Decision | None:
    newest = select(decisions.c.record).where(decisions.c.ticket_id == ticket_id)
    record = connection.scalar(
        newest.order_by(decisions.c.at.desc(), decisions.c.decision_id.desc()).limit(1)
    )
    return None if record is None else Decision.model_validate_json(record)


def _events(connection: Connection, ticket_id: str) -> list[TicketEvent]:
    events = CONTEXT["ticket_events"]
    its = select(events).where(events.c.ticket_id == ticket_id).order_by(events.c.known_at, events.c.event_id)
    return [
        TicketEvent(
            event_id=row["event_id"],
            kind=row["kind"],
            occurred_at=moment(row["occurred_at"]),
            value=row["value"],
            actor_kind=row["actor_kind"],
            actor_id=row["actor_id"],
            text=row["text"],
        )
        for row in connection.execute(its).mappings()
    ]
