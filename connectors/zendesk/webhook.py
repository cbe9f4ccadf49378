"""Zendesk's webhooks, as the records its incremental export would hold.

Event webhooks name a change (``zen:event-type:ticket.*``); trigger webhooks send a body that an administrator
wrote, for which ``docs/vendors.md`` has templates: a ticket with the keys of the REST API, and a rating
(placeholders: https://support.zendesk.com/hc/en-us/articles/4408886858138). Ids come as text, statuses and
priorities in capitals, unlike in the export: both are brought to the export's form here. Shapes follow
https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events and were never recorded from a
live account; that of ``custom_field_changed`` is taken from the EventBridge reference, which spells it out.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.live.payload import Payload, body_id, check_signed, check_time, header, json_object
from connectors.shapes import Record, ShapeError, part, require

_SIGNATURE = "X-Zendesk-Webhook-Signature"
_TIMESTAMP = "X-Zendesk-Webhook-Signature-Timestamp"
_EVENT = "zen:event-type:ticket."
_KEPT = (
    "id",
    "external_id",
    "subject",
    "description",
    "requester_id",
    "submitter_id",
    "organization_id",
    "created_at",
    "updated_at",
)
_CHANGED_FIELDS = {
    "status_changed": "status",
    "priority_changed": "priority",
    "group_assignment_changed": "group_id",
    "agent_assignment_changed": "assignee_id",
}
_SPELT_IN_CAPITALS = ("status", "priority")
_AT_CREATION = timedelta(seconds=60)
_DELETED = ("soft_deleted", "permanently_deleted", "marked_as_spam")
_NOT_RATED = ("", "-", "offered", "unoffered")
_VIA_LABELS = {
    "web form": "web",
    "mail": "email",
    "help center post": "help_center",
    "web service (api)": "api",
    "web widget": "web_widget",
    "x": "twitter",
    "phone call (incoming)": "voice",
    "phone call (outbound)": "voice",
    "voicemail": "voice",
}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise ``Refusal`` unless Zendesk signed this body (which may be empty) a moment before ``now``.

    base64(HMAC-SHA256(secret, timestamp + body)):
    https://developer.zendesk.com/documentation/webhooks/verifying/
    """
    timestamp, signature = header(headers, _TIMESTAMP), header(headers, _SIGNATURE)
    check_signed(secret, timestamp.encode("utf-8", "backslashreplace") + body, signature, _SIGNATURE)
    check_time(timestamp, now, _TIMESTAMP)


def parse(body: bytes, received_at: datetime | None = None) -> Payload:
    """The ticket or the fact that ``body`` tells of; ``received_at`` stands in for a time it does not say.

    Raises ``ShapeError`` for a body of another shape.
    """
    content = json_object(body, "Zendesk")
    if not isinstance(content.get("type"), str) or "detail" not in content:
        return _from_trigger(content, body, received_at)
    require(content, "Zendesk event", "id", "type", "time")
    delivery_id, kind = str(content["id"]), content["type"]
    if not kind.startswith(_EVENT):
        return Payload(delivery_id, ignored=f"{kind} tells nothing of a ticket")
    detail, event = part(content, "Zendesk event", "detail"), part(content, "Zendesk event", "event")
    require(detail, "Zendesk event detail", "id")
    change = kind.removeprefix(_EVENT)
    if change == "created":
        return Payload(delivery_id, {"zendesk_tickets": [_ticket(detail)]})
    if change in _DELETED:
        deleted = {**_ticket(detail), "status": "deleted", "updated_at": content["time"]}
        return Payload(delivery_id, {"zendesk_tickets": [deleted]})
    if change == "comment_added" and _is_description(event, detail, content["time"]):
        return Payload(delivery_id, ignored="the comment is the ticket's own first message")
    child = _child(change, event, delivery_id)
    if child is None:
        return Payload(delivery_id, ignored=f"{kind} is of no use here")
    audit = {
        "id": delivery_id,
        "ticket_id": detail["id"],
        "timestamp": int(_moment(content["time"]).timestamp()),
        "updater_id": detail.get("actor_id"),
        "event_type": "Audit",
        "child_events": [child],
    }
    return Payload(delivery_id, {"zendesk_ticket_events": [audit]})


def _ticket(detail: Record) -> Record:
    via = part(detail, "Zendesk ticket", "via").get("channel")
    kept = {name: None if detail.get(name) in ("", "0", 0) else detail.get(name) for name in _KEPT}
    return {**kept, "via": {"channel": via}}


def _child(change: str, event: Record, event_id: str) -> Record | None:
    """The change as a child event of the export; ``None`` for a change that nothing here uses."""
    if change == "comment_added":
        comment = part(event, "Zendesk event", "comment")
        require(comment, "Zendesk comment", "id")
        return {
            "id": comment["id"],
            "event_type": "Comment",
            "public": bool(comment.get("is_public")),
            "body": comment.get("body"),
            "author_id": part(comment, "Zendesk comment", "author").get("id"),
        }
    if change == "custom_field_changed":
        field = part(event, "Zendesk event", "custom_field") or part(event, "Zendesk event", "field")
        require(field, "Zendesk custom field", "id")
        value = {str(field["id"]): _value(event.get("current"))}
        return {"id": event_id, "event_type": "Change", "custom_ticket_fields": value}
    name = _CHANGED_FIELDS.get(change)
    if name is None:
        return None
    return {
        "id": event_id,
        "event_type": "Change",
        name: _lowered(name, event.get("current")),
        "previous_value": _lowered(name, event.get("previous")),
    }


def _is_description(event: Record, detail: Record, time: Any) -> bool:
    """The first message is announced as a comment too: it is the ticket."""
    said, described = part(event, "Zendesk event", "comment").get("body"), detail.get("description")
    if not isinstance(said, str) or not isinstance(described, str) or said.strip() != described.strip():
        return False
    return abs(_moment(time) - _moment(detail.get("created_at"))) < _AT_CREATION


def _value(current: Any) -> Any:
    return current.get("value") if isinstance(current, dict) else current


def _lowered(name: str, value: Any) -> Any:
    return value.lower() if name in _SPELT_IN_CAPITALS and isinstance(value, str) else value


def _moment(time: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(time))
    except ValueError as error:
        raise ShapeError("Zendesk event: a time is not an ISO time") from error
    if moment.tzinfo is None:
        raise ShapeError("Zendesk event: a time has no offset")
    return moment


def _from_trigger(content: Record, body: bytes, received_at: datetime | None) -> Payload:
    """A body written by an administrator: the ticket under ``ticket``, with the keys of the REST API, or a
    rating under ``satisfaction``."""
    if "satisfaction" in content:
        return _rating(content, body, received_at)
    sent = part(content, "Zendesk trigger webhook", "ticket")
    require(sent, "Zendesk trigger webhook: ticket", "id")
    if sent.get("created_at") in (None, "") and received_at is not None:
        sent = {**sent, "created_at": received_at.isoformat()}
    via = part(sent, "Zendesk ticket", "via").get("channel")
    label = via.strip().lower() if isinstance(via, str) else ""
    ticket = {**_ticket(sent), "via": {"channel": _VIA_LABELS.get(label, label)}}
    if sent.get("custom_fields"):
        ticket["custom_fields"] = sent["custom_fields"]
    return Payload(str(content.get("id") or body_id(body)), {"zendesk_tickets": [ticket]})


def _rating(content: Record, body: bytes, received_at: datetime | None) -> Payload:
    """A rating as the audit that the export will hold. Its time is told to the minute: arrival is nearer."""
    sent = part(content, "Zendesk trigger webhook", "satisfaction")
    require(sent, "Zendesk trigger webhook: satisfaction", "ticket_id")
    at = received_at or _moment(sent.get("updated_at"))
    delivery_id = str(content.get("id") or body_id(body))
    words = str(sent.get("rating") or "").strip().lower().partition(",")[0]
    if words in _NOT_RATED:
        return Payload(delivery_id, ignored="the customer was asked for a rating and has given none")
    audit = {
        "id": delivery_id,
        "ticket_id": sent["ticket_id"],
        "timestamp": int(at.timestamp()),
        "updater_id": sent.get("requester_id") or None,
        "event_type": "Audit",
        "child_events": [{"id": delivery_id, "event_type": "Change", "satisfaction_score": words}],
    }
    return Payload(delivery_id, {"zendesk_ticket_events": [audit]})
