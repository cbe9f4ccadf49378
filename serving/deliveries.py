"""Webhooks: stored as they came before they are acknowledged, worked on afterwards, each once.

A delivery whose id is known is acknowledged again and not worked on again, so a recorded request that is
sent again has no effect even where its vendor signs no time.
"""

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from connectors.intake.live_rows import live_rows
from connectors.live.payload import Refusal
from connectors.shapes import ShapeError
from serving import context
from serving.database import insert_new
from serving.helpdesks import Helpdesk
from serving.logs import logger, where_raised
from serving.moments import microseconds, moment
from serving.outbox import MAX_ATTEMPTS, pause_before
from serving.problems import Problem
from serving.requests import TriageRequest
from serving.store import Store
from serving.tables import deliveries, ticket_sources
from serving.triage import TriageDesk

CLAIM = timedelta(minutes=2)
_MAX_ID = 255


class Delivery(NamedTuple):
    """One webhook as it came."""

    vendor: str
    delivery_id: str
    received_at: datetime
    body: str


def accept_delivery(
    store: Store, helpdesk: Helpdesk, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[str, bool]:
    """Store a webhook; returns its id and whether it is new. It is durable when this returns.

    Raises ``Problem``: 401 where it is not signed by the vendor, or long ago; 422 for another shape.
    """
    try:
        helpdesk.wire.verify(helpdesk.secret, headers, body, now)
        payload = helpdesk.wire.parse(body, now)
    except Refusal as refusal:
        raise Problem(401, "signature", "a request that cannot be trusted", str(refusal)) from None
    except ShapeError as error:
        raise Problem(422, "body", "another shape", str(error)) from None
    delivery_id = payload.delivery_id[:_MAX_ID].replace("\x00", "\ufffd")
    status = "ignored" if payload.ignored else "pending"
    row = (
        helpdesk.vendor,
        delivery_id,
        microseconds(now),
        body.decode("utf-8-sig"),
        status,
        None,
        None,
        None,
    )
    with store.writing() as connection:
        new = insert_new(connection, deliveries, [row])
    return delivery_id, bool(new)


def pending(connection: Connection, at: datetime, limit: int) -> list[Delivery]:
    """The oldest ``limit`` deliveries that are due at ``at``."""
    due = select(deliveries).where(_due(at)).order_by(deliveries.c.received_at).limit(limit)
    return [Delivery(r.vendor, r.delivery_id, moment(r.received_at), r.body) for r in connection.execute(due)]


def work_off(desk: TriageDesk, helpdesks: Mapping[str, Helpdesk], at: datetime, limit: int = 100) -> int:
    """Work on the oldest due deliveries, each on one replica; returns how many were finished.

    What fails is tried again later, and after a day left to a person under its name.
    """
    with desk.store.reading() as connection:
        found = pending(connection, at, limit)
    return sum(_worked_on(desk, helpdesks[one.vendor], one, at) for one in found if one.vendor in helpdesks)


def _worked_on(desk: TriageDesk, helpdesk: Helpdesk, delivery: Delivery, at: datetime) -> bool:
    with desk.store.writing() as connection:
        attempt = _claim(connection, delivery, at)
    if attempt is None:
        return False
    try:
        problem = _take_in(desk, helpdesk, delivery, at)
    except SQLAlchemyError:
        raise
    except Exception as error:  # one delivery must not keep the others back
        logger().error("delivery failed", vendor=delivery.vendor, delivery=delivery.delivery_id,
                       error=type(error).__name__, at=where_raised(error))  # fmt: skip
        status = "failed" if attempt >= MAX_ATTEMPTS else "pending"
        later = microseconds(at + pause_before(attempt))
        _settle(desk.store, delivery, status=status, not_before=later, problem=type(error).__name__)
        return False
    _settle(desk.store, delivery, status="done", problem=problem)
    return True


def _take_in(desk: TriageDesk, helpdesk: Helpdesk, delivery: Delivery, at: datetime) -> str | None:
    """Rows into the context, new tickets to a decision; returns what could not be used, in words."""
    received_at = pd.Timestamp(delivery.received_at)
    payload = helpdesk.wire.parse(delivery.body.encode(), delivery.received_at)
    rows = live_rows(payload, helpdesk.mapping, helpdesk.lookups, received_at)
    tickets = rows.tables.pop("tickets", None)
    with desk.store.writing() as connection:
        for name, frame in rows.tables.items():
            context.append(connection, name, frame)
        if tickets is not None:
            sources = [(ticket_id, helpdesk.vendor) for ticket_id in tickets["ticket_id"]]
            insert_new(connection, ticket_sources, sources)
    for ticket in tickets.to_dict("records") if tickets is not None else ():
        with contextlib.suppress(Problem):  # decided before, on an earlier reading of the same ticket
            desk.triage(request_of(ticket), at)
    reasons = [*map(str, rows.quarantine["reason"]), *(f"{name}: no source reads it" for name in rows.unread)]
    return "; ".join(sorted(set(reasons))) or None


def request_of(ticket: Mapping[Any, Any]) -> TriageRequest:
    """The canonical ``ticket`` as a request to decide it."""
    told = {name: value for name, value in ticket.items() if not pd.isna(value) and value != ""}
    writer = told.get("writer") or told.get("contact_id")
    is_handle = isinstance(writer, str) and ":" in writer
    known = {name: told[name] for name in TriageRequest.model_fields if name in told and name != "contact_id"}
    if writer is not None:
        known["contact_handle" if is_handle else "contact_id"] = writer
    return TriageRequest.model_validate({"channel": "web", **known})


def source_of(connection: Connection, ticket_id: str) -> str | None:
    """The vendor whose webhook told of the ticket, ``None`` where it came another way."""
    where = ticket_sources.c.ticket_id == ticket_id
    return connection.scalar(select(ticket_sources.c.vendor).where(where))


def _claim(connection: Connection, delivery: Delivery, at: datetime) -> int | None:
    values = {
        "not_before": microseconds(at + CLAIM),
        "attempts": func.coalesce(deliveries.c.attempts, 0) + 1,
    }
    taken = connection.execute(update(deliveries).where(_is(delivery), _due(at)).values(values))
    if not taken.rowcount:
        return None
    return connection.scalar(select(deliveries.c.attempts).where(_is(delivery)))


def _settle(store: Store, delivery: Delivery, **values: Any) -> None:
    with store.writing() as connection:
        connection.execute(update(deliveries).where(_is(delivery)).values(**values))


def _is(delivery: Delivery) -> Any:
    return (deliveries.c.vendor == delivery.vendor) & (deliveries.c.delivery_id == delivery.delivery_id)


def _due(at: datetime) -> Any:
    is_free = func.coalesce(deliveries.c.not_before, 0) <= microseconds(at)
    return (deliveries.c.status == "pending") & is_free
