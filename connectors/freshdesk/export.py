"""Freshdesk's lists and ticket activities, unfolded into flat rows that a mapping file can name.

A ticket is shown *as it is now*; ``ticket`` passes on a closed list of fields fixed at creation. Status,
priority, group, agent and type with the time of each change come from the ticket activities that an
administrator can have exported every day (``activities``); without them ``ticket_state`` tells what the
ticket shows now, known at its last change, and ``conversations`` has replies and notes either way. Shapes
follow https://developers.freshdesk.com/api/, those of the activities what others recorded; no live account
was used.
"""

import hashlib
import html
import json
from collections.abc import Iterator
from typing import Any

from connectors.shapes import Record, check_text, part, parts, require

_FIXED_AT_CREATION = ("id", "subject", "requester_id", "company_id", "source", "created_at")
_REQUESTER = ("id", "name", "email", "phone", "mobile")
_STATE_FIELDS = ("priority", "group_id", "responder_id", "type")
STATUSES = {"2": "open", "3": "pending", "4": "resolved", "5": "closed"}
"""Freshdesk's fixed status codes; a desk may add others from 6 on."""
_FINISHED = ("resolved", "closed")
_SURVEY_FEEDBACK = 6
_NO_FACT = ("new_ticket", "note", "automation", "custom_fields", "previous_status")


def ticket(record: Record, customer_fields: frozenset[str]) -> Iterator[Record]:
    """One row: the ticket as created; ``description`` is HTML, ``requester.<...>``, ``custom_field.<name>``.

    ``deleted`` says whether it was deleted or marked as spam, ``deleted_at`` when.
    """
    require(record, "Freshdesk ticket", "id", "created_at")
    check_text(record, "Freshdesk ticket", *_FIXED_AT_CREATION)
    row = {name: record.get(name) for name in _FIXED_AT_CREATION}
    row["description"] = _html(record, "description", "structured_description", "description_contents")
    requester = part(record, "Freshdesk ticket", "requester")
    row |= {f"requester.{name}": requester.get(name) for name in _REQUESTER}
    for name, value in part(record, "Freshdesk ticket", "custom_fields").items():
        if name in customer_fields:
            row[f"custom_field.{name}"] = value
    is_deleted = record.get("deleted") is True or record.get("spam") is True
    yield {**row, "deleted": is_deleted, "deleted_at": record.get("updated_at") if is_deleted else None}


def ticket_state(record: Record) -> Iterator[Record]:
    """One row a field of the ticket as it was last seen: ``event_id, ticket_id, seen_at, field, value``.

    For desks without ticket activities. ``field`` as in ``activities``. A resolved or closed ticket is seen
    so at the time its statistics tell (``include=stats``), else, as all the rest, at its last change.
    """
    require(record, "Freshdesk ticket", "id", "updated_at")
    changed_at = record["updated_at"]
    seen = [(name, record.get(name), changed_at) for name in _STATE_FIELDS]
    custom = part(record, "Freshdesk ticket", "custom_fields")
    seen += [(f"custom_field.{name}", value, changed_at) for name, value in custom.items()]
    status = status_name(record.get("status"))
    stats = part(record, "Freshdesk ticket", "stats")
    if status in _FINISHED and stats.get("resolved_at"):
        seen.append(("status.resolved", "resolved", stats["resolved_at"]))
    elif status in _FINISHED:
        seen.append((f"status.{status}", status, stats.get("closed_at") or changed_at))
    for name, value, seen_at in seen:
        if value not in (None, "", [], False):
            yield {
                "event_id": f"{record['id']}.{name}@{seen_at}",
                "ticket_id": record["id"],
                "seen_at": seen_at,
                "field": name,
                "value": value,
            }


def conversations(record: Record) -> Iterator[Record]:
    """One row a reply or note: ``event_id, ticket_id, created_at, field, actor_kind, actor_id, body`` (HTML).

    ``record`` is a conversation, or a ticket with its ``conversations``. ``field`` is ``reply`` (customers
    see it), ``note`` (private) or ``survey`` (a survey's answer in words).
    """
    if "ticket_id" in record:
        yield _conversation(record)
    else:
        require(record, "Freshdesk ticket", "id")
        for one in parts(record, "Freshdesk ticket", "conversations"):
            yield _conversation({"ticket_id": record["id"], **one})


def _conversation(record: Record) -> Record:
    require(record, "Freshdesk conversation", "id", "ticket_id", "created_at")
    said = "note" if record.get("private") is True else "reply"
    return {
        "event_id": record["id"],
        "ticket_id": record["ticket_id"],
        "created_at": record["created_at"],
        "field": "survey" if record.get("source") == _SURVEY_FEEDBACK else said,
        "actor_kind": "customer" if record.get("incoming") is True else "agent",
        "actor_id": record.get("user_id"),
        "body": _html(record, "body", "structured_body", "body_contents"),
    }


def activity(record: Record) -> Iterator[Record]:
    """One row a changed field: ``event_id, ticket_id, performed_at, actor_id, performer_type, field, value``.

    ``field`` is Freshdesk's name of it (``priority``, ``group``, ``agent_id``, ``ticket_type``, ...),
    ``custom_field.<name>``, or ``status.<status>``; ``status.reopened`` only where the status before is told.
    Activities have no id: theirs is made of what they say, so that one exported twice is one.
    """
    require(record, "Freshdesk activity", "ticket_id", "performed_at", "activity")
    changes = part(record, "Freshdesk activity", "activity")
    said = json.dumps(record, sort_keys=True, default=str).encode("utf-8", "replace")
    digest = hashlib.sha256(said).hexdigest()[:24]
    facts = [(name, value) for name, value in changes.items() if name not in (*_NO_FACT, "status")]
    custom = part(changes, "Freshdesk activity", "custom_fields")
    facts += [(f"custom_field.{name}", value) for name, value in custom.items()]
    if changes.get("status") is not None:
        facts.append((_status_kind(changes), changes["status"]))
    for name, value in facts:
        if not isinstance(value, dict):
            yield {
                "event_id": f"{digest}.{name}",
                "ticket_id": record["ticket_id"],
                "performed_at": record["performed_at"],
                "actor_id": record.get("performer_id"),
                "performer_type": record.get("performer_type"),
                "field": name,
                "value": value,
            }


def status_name(status: Any) -> str:
    """The status as a word in small letters, whether Freshdesk sent its code or its label."""
    said = str(status).strip().lower()
    return STATUSES.get(said, said)


def _status_kind(changes: Record) -> str:
    status = status_name(changes["status"])
    is_reopened = status_name(changes.get("previous_status")) in _FINISHED and status not in _FINISHED
    return "status.reopened" if is_reopened else f"status.{status}"


def _html(record: Record, name: str, structured: str, contents: str) -> str | None:
    """A text as HTML, in whichever of its forms it came: HTML, plain text, or a list of contents."""
    check_text(record, "Freshdesk text", name, f"{name}_text")
    if isinstance(record.get(name), str):
        return str(record[name])
    text = record.get(f"{name}_text")
    if not isinstance(text, str):
        listed = parts(part(record, "Freshdesk text", structured), "Freshdesk text", contents)
        said = [part(one, "Freshdesk text", "data").get("content") for one in listed]
        text = "\n".join(one for one in said if isinstance(one, str))
    return html.escape(text).replace("\n", "<br>") or None
