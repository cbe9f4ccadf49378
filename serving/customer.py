"""Who a ticket is from, and what the store knew of them: pure functions on canonical rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from features.rows import Rows
from features.schema import FROM_WRITER, TABLES
from serving.moments import microseconds
from serving.releases import Loaded
from serving.requests import TriageRequest


class Customer(NamedTuple):
    """Who a ticket is from, as far as the store knows, and their history before the ticket."""

    account_id: str | None
    contact_id: str | None
    writer: str | None
    """The contact id or handle of the request, in its one form."""
    contact_name: str | None
    history: Mapping[str, Rows]
    known_intents: Rows


def ticket_row(request: TriageRequest, customer: Customer, at: datetime) -> Rows:
    """The request as one canonical ticket, known at ``at``; written at the latest then."""
    row = {
        "ticket_id": request.ticket_id,
        "known_at": microseconds(at),
        "created_at": microseconds(min(request.created_at or at, at)),
        "account_id": customer.account_id,
        "account_from": FROM_WRITER if customer.account_id and not request.account_id else None,
        "contact_id": customer.contact_id,
        "writer": customer.writer,
        "channel": request.channel,
        "subject": request.subject,
        "body": request.body,
        "language": request.language,
        "product_area": request.product_area,
        "requested_priority": request.requested_priority,
    }
    return Rows({column: (row.get(column),) for column in TABLES["tickets"].columns}, 1)


def missing_parts(request: TriageRequest, customer: Customer, loaded: Loaded, at: datetime) -> list[str]:
    """What this decision has to do without, besides models that failed."""
    history, missing = customer.history, []
    if customer.account_id is None:
        missing.append("no account")
    elif not len(history["accounts"]):
        missing.append("unknown account")
    elif loaded.release is not None and loaded.release.churn is None:
        missing.append("no churn model")
    if (request.contact_id or request.contact_handle) and not len(history["contacts"]):
        missing.append("unknown contact")
    if len(history["accounts"]) and not len(history["usage"]):
        missing.append("no usage")
    if request.created_at is not None and request.created_at > at:
        missing.append("created_at is later than as_of")
    return missing


def theirs(customer: Customer) -> Rows:
    """Earlier tickets of the account or the contact, as is known now: not what they were once taken for."""
    tickets = customer.history["tickets"]
    owners = zip(tickets.values("account_id"), tickets.values("contact_id"), strict=True)
    whose = (customer.account_id, customer.contact_id)
    return tickets.take([place for place, its in enumerate(owners) if _shared(its, whose)])


def _shared(one: tuple[str | None, str | None], other: tuple[str | None, str | None]) -> bool:
    return any(mine is not None and mine == its for mine, its in zip(one, other, strict=True))


def without_ticket(history: Mapping[str, Rows], ticket_id: str) -> Mapping[str, Rows]:
    """``history`` without the ticket itself and what came after it."""
    if ticket_id not in history["tickets"].values("ticket_id"):
        return history
    own = {
        name: rows.take([place for place, its in enumerate(rows.values("ticket_id")) if its != ticket_id])
        for name, rows in history.items()
        if "ticket_id" in rows
    }
    return {**history, **own}
