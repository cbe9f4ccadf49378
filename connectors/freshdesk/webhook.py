"""Freshdesk's webhooks, as the records its lists and exports would hold.

An automation rule sends ``{"freshdesk_webhook": {...}}`` with fields that an administrator chose;
``docs/vendors.md`` has the template. Freshdesk signs nothing: a rule can carry a user name and password
(HTTP Basic), which is what ``verify`` checks, so the address must be https. Nor does it say when: the time
of arrival stands in, unless the rule sends ``ticket_created_at`` or ``ticket_updated_at``. Keys and the
form of ``triggered_event`` are those of
https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules
and of payloads that others recorded; no live account was used.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from connectors.live.payload import Payload, body_id, check_equal, header, json_object, required_secret
from connectors.shapes import Record, ShapeError, part, require

_NUMBER_AT_END = re.compile(r"(\d+)\s*$", re.ASCII)
_CHANGE = re.compile(r"(\w+)\s*:\s*(?:\{\s*from\s*:(.*?),\s*to\s*:(.*?)\}|([^{},]*))")
_AUTHOR_BEFORE = re.compile(r"^[^<]{1,200}? : (?=<)")
_SOURCES = {
    "email": 1,
    "portal": 2,
    "phone": 3,
    "twitter": 5,
    "facebook": 6,
    "chat": 7,
    "feedback widget": 9,
    "outbound email": 10,
    "whatsapp": 13,
}
_COMMENTS = {
    ("note_type", "private"): ("ticket_latest_private_comment", True),
    ("note_type", "public"): ("ticket_latest_public_comment", False),
    ("reply_sent", "sent"): ("ticket_latest_public_comment", False),
}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise ``Refusal`` unless the request carries the user name and password in ``secret``
    (``user:password``).

    ``body`` and ``now`` are not signed and do not count: Freshdesk has nothing better than HTTP Basic.
    """
    expected = b"Basic " + base64.b64encode(required_secret(secret))
    scheme, _, credentials = header(headers, "Authorization").partition(" ")
    check_equal(expected, f"{scheme.capitalize()} {credentials.strip()}", "Authorization")


def parse(body: bytes, received_at: datetime | None = None) -> Payload:
    """The ticket or the facts that ``body`` tells of, known at ``received_at`` where it does not say when.

    Raises ``ShapeError`` for a body of another shape, and where no time is known at all.
    """
    content = json_object(body, "Freshdesk")
    sent = part(content, "Freshdesk webhook", "freshdesk_webhook") or content
    require(sent, "Freshdesk webhook", "ticket_id")
    number = _NUMBER_AT_END.search(str(sent["ticket_id"]))
    if number is None:
        raise ShapeError("Freshdesk webhook: ticket_id does not end in a number")
    delivery_id, ticket_id = str(sent.get("delivery_id") or body_id(body)), int(number[1])
    changes = _changes(sent.get("triggered_event"))
    if not changes or ("ticket_action", "", "created") in changes:
        return Payload(delivery_id, {"freshdesk_tickets": [_ticket(sent, ticket_id, received_at)]})
    at = _time(sent, "ticket_updated_at", received_at)
    records = {
        "freshdesk_conversations": _comments(sent, changes, ticket_id, at),
        "freshdesk_activities": _activities(changes, ticket_id, at),
    }
    found = {name: listed for name, listed in records.items() if listed}
    return Payload(delivery_id, found, "" if found else "the event is of no use here")


def _ticket(sent: Record, ticket_id: int, received_at: datetime | None) -> Record:
    source = sent.get("ticket_source")
    fields = {
        key.removeprefix("ticket_"): value for key, value in sent.items() if key.startswith("ticket_cf_")
    }
    email = (
        sent.get("ticket_requester_email") or sent.get("ticket_contact_email") or sent.get("requester_email")
    )
    return {
        "id": ticket_id,
        "subject": sent.get("ticket_subject"),
        "description": sent.get("ticket_description"),
        "source": _SOURCES.get(source.strip().lower(), source) if isinstance(source, str) else source,
        "requester_id": sent.get("ticket_requester_id"),
        "company_id": sent.get("ticket_company_id"),
        "requester": {"email": email},
        "custom_fields": fields,
        "created_at": _time(sent, "ticket_created_at", received_at),
    }


def _time(sent: Record, name: str, received_at: datetime | None) -> str:
    said = sent.get(name)
    if isinstance(said, str) and said.strip():
        return said.strip()
    if received_at is None:
        raise ShapeError(f"Freshdesk webhook says no {name}, and no time of arrival was given")
    return received_at.isoformat()


def _changes(triggered_event: object) -> list[tuple[str, str, str]]:
    """``{status:{from:2,to:4}}`` as (field, from, to); ``{ticket_action:created}`` has no from."""
    found = _CHANGE.findall(triggered_event) if isinstance(triggered_event, str) else []
    return [(field, before.strip(), (after or plain).strip()) for field, before, after, plain in found]


def _comments(sent: Record, changes: list[tuple[str, str, str]], ticket_id: int, at: str) -> list[Record]:
    said = []
    for field, _, value in changes:
        key, is_private = _COMMENTS.get((field, value), ("", False))
        text = sent.get(key)
        if isinstance(text, str) and text.strip():
            digest = hashlib.sha256(f"{ticket_id} {at} {text}".encode("utf-8", "replace")).hexdigest()[:24]
            said.append(
                {
                    "id": f"webhook.{digest}",
                    "ticket_id": ticket_id,
                    "created_at": at,
                    "private": is_private,
                    "incoming": False,
                    "body": _AUTHOR_BEFORE.sub("", text),
                }
            )
    return said


def _activities(changes: list[tuple[str, str, str]], ticket_id: int, at: str) -> list[Record]:
    """One activity with all changed fields. Who changed them is not told."""
    activity: Record = {}
    for field, before, after in changes:
        if before:
            activity[field] = after
        if before and field == "status":
            activity["previous_status"] = before
    return [{"performed_at": at, "ticket_id": ticket_id, "activity": activity}] if activity else []
