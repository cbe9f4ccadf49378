"""Who a ticket is from, and what the store knew of them: pure functions on canonical rows."""

from datetime import datetime
from typing import NamedTuple

import pandas as pd

from features.schema import TABLES, Tables
from serving.codec import to_frame
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
    history: Tables
    known_intents: pd.DataFrame


def ticket_row(request: TriageRequest, customer: Customer, at: datetime) -> pd.DataFrame:
    """The request as one canonical ticket, known at ``at``; written at the latest then."""
    row = {
        "ticket_id": request.ticket_id,
        "known_at": microseconds(at),
        "created_at": microseconds(min(request.created_at or at, at)),
        "account_id": customer.account_id,
        "contact_id": customer.contact_id,
        "writer": customer.writer,
        "channel": request.channel,
        "subject": request.subject,
        "body": request.body,
        "language": request.language,
        "product_area": request.product_area,
        "requested_priority": request.requested_priority,
    }
    return to_frame("tickets", [[row.get(column) for column in TABLES["tickets"].columns]])


def missing_parts(request: TriageRequest, customer: Customer, loaded: Loaded, at: datetime) -> list[str]:
    """What this decision has to do without, besides models that failed."""
    history, missing = customer.history, []
    if customer.account_id is None:
        missing.append("no account")
    elif history["accounts"].empty:
        missing.append("unknown account")
    elif loaded.release is not None and loaded.release.churn is None:
        missing.append("no churn model")
    if (request.contact_id or request.contact_handle) and history["contacts"].empty:
        missing.append("unknown contact")
    if not history["accounts"].empty and history["usage"].empty:
        missing.append("no usage")
    if request.created_at is not None and request.created_at > at:
        missing.append("created_at is later than as_of")
    return missing


def without_ticket(history: Tables, ticket_id: str) -> Tables:
    """``history`` without the ticket itself and what came after it."""
    if not (history["tickets"]["ticket_id"] == ticket_id).any():
        return history
    own = {
        name: frame[frame["ticket_id"] != ticket_id].reset_index(drop=True)
        for name, frame in history.items()
        if "ticket_id" in frame
    }
    return {**history, **own}
