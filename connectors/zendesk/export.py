"""Zendesk's incremental export, unfolded into flat rows that a mapping file can name.

The export shows a ticket *as it is now*: its status, priority, tags, satisfaction and most custom fields
were set after the customer wrote. ``ticket`` therefore passes on a closed list of fields fixed at creation,
and of the custom fields only those that the mapping declares as filled in by the customer. What the ticket
looks like now comes from ``ticket_state`` as facts known at its last change, for desks without ticket events.
Shapes follow Zendesk's documentation (tickets, ticket_events with comments, users, articles), not a recording
of a live account; ``docs/vendors.md`` has the addresses.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.shapes import Record, check_text, part, parts, require, texts

_FIXED_AT_CREATION = (
    "id",
    "external_id",
    "subject",
    "description",
    "recipient",
    "requester_id",
    "submitter_id",
    "organization_id",
    "created_at",
)
_FACT_FIELDS = ("priority", "group_id", "assignee_id", "satisfaction_score")
_STATE_FIELDS = ("priority", "group_id", "assignee_id", "type")
_FINISHED = ("solved", "closed")
_NO_ONE = ("None", "", "-1", "0")
_HANDLE_KINDS = {"phone_number": "phone"}


def ticket(record: Record, customer_fields: frozenset[str]) -> Iterator[Record]:
    """One row: the ticket as the customer created it, with ``via.channel`` and ``custom_field.<id>``.

    ``deleted`` says whether it was deleted, ``deleted_at`` when.
    """
    is_deleted = record.get("status") == "deleted"
    require(record, "Zendesk ticket", *(("id",) if is_deleted else ("id", "created_at")))
    check_text(record, "Zendesk ticket", *_FIXED_AT_CREATION)
    row = {name: record.get(name) for name in _FIXED_AT_CREATION}
    row["via.channel"] = part(record, "Zendesk ticket", "via").get("channel")
    for field in parts(record, "Zendesk ticket", "custom_fields"):
        if str(field.get("id")) in customer_fields:
            row[f"custom_field.{field['id']}"] = field.get("value")
    yield {**row, "deleted": is_deleted, "deleted_at": record.get("updated_at") if is_deleted else None}


def ticket_state(record: Record) -> Iterator[Record]:
    """One row a field of the ticket as it was last seen: ``event_id, ticket_id, seen_at, field, value``.

    For desks without ticket events: what stands there was surely known at its last change; nobody knows since
    when. ``field`` as in ``ticket_events``. The same state seen again at a later change is a row of its own.
    """
    require(record, "Zendesk ticket", "id", "updated_at")
    seen = {name: record.get(name) for name in _STATE_FIELDS}
    for field in parts(record, "Zendesk ticket", "custom_fields"):
        seen[f"custom_field.{field.get('id')}"] = field.get("value")
    if record.get("status") in _FINISHED:
        seen["status.solved"] = record["status"]
    seen["satisfaction_score"] = part(record, "Zendesk ticket", "satisfaction_rating").get("score")
    for name, value in seen.items():
        if value not in (None, "", [], False):
            yield {
                "event_id": f"{record['id']}.{name}@{record['updated_at']}",
                "ticket_id": record["id"],
                "seen_at": record["updated_at"],
                "field": name,
                "value": value,
            }


def ticket_events(record: Record) -> Iterator[Record]:
    """One row a fact of an audit: ``event_id, ticket_id, timestamp, actor_id, field, value, text``.

    ``field`` says what the fact is: ``priority``, ``group_id``, ``assignee_id``, ``satisfaction_score``,
    ``custom_field.<id>``, ``status.solved``, ``status.reopened``, ``status.<other>``, ``comment.public``,
    ``comment.private``, ``comment.description`` (the customer's first message, which is the ticket itself),
    or the event's own type. ``actor_id`` is empty where Zendesk itself acted.
    """
    require(record, "Zendesk ticket event", "id", "ticket_id", "timestamp", "child_events")
    children = parts(record, "Zendesk ticket event", "child_events")
    opens_ticket = any(child.get("event_type") == "Create" for child in children)
    for position, child in enumerate(children):
        facts = list(_facts(child, opens_ticket))
        for number, fact in enumerate(facts):
            base = str(child.get("id") or f"{record['id']}.{position}")
            actor = child.get("author_id", record.get("updater_id"))
            yield {
                "event_id": base if len(facts) == 1 else f"{base}.{number}",
                "ticket_id": record["ticket_id"],
                "timestamp": record["timestamp"],
                "actor_id": None if str(actor) in _NO_ONE else actor,
                **fact,
            }


def user(record: Record, reviewer_tag: str | None) -> Iterator[Record]:
    """One row: the user with ``actor_kind`` (customer, agent, or reviewer by the quality team's tag).

    ``handles`` has every way to reach the person as ``kind:value``: the identities where they were exported,
    else the e-mail address and phone number on the user, and always ``zendesk:<id>``.
    """
    require(record, "Zendesk user", "id", "role")
    is_reviewer = reviewer_tag is not None and reviewer_tag in texts(record, "Zendesk user", "tags")
    staff = "reviewer" if is_reviewer else "agent"
    yield {
        **{name: value for name, value in record.items() if name != "identities"},
        "actor_kind": "customer" if record["role"] == "end-user" else staff,
        "handles": [*_handles(record), f"zendesk:{record['id']}"],
    }


def user_handles(record: Record) -> Iterator[Record]:
    """One row each time the user became reachable in a new way: ``id, known_at, handles`` as they were then.

    For the user's last version see ``user``. Identities without a time are known from that version on.
    """
    require(record, "Zendesk user", "id", "role", "created_at")
    dated = [one for one in parts(record, "Zendesk user", "identities") if one.get("created_at")]
    moments = {str(record["created_at"]), *(str(one["created_at"]) for one in dated)}
    for moment in sorted(moments - {str(record.get("updated_at"))}):
        by_then = {
            "id": record["id"],
            "identities": [one for one in dated if str(one["created_at"]) <= moment],
        }
        yield {
            "id": record["id"],
            "role": record["role"],
            "known_at": moment,
            "handles": [*_handles(by_then), f"zendesk:{record['id']}"],
        }


def article(record: Record) -> Iterator[Record]:
    """One row: the article; its labels of the form ``name:value`` become columns ``label.<name>``."""
    require(record, "Zendesk article", "id")
    check_text(record, "Zendesk article", "title", "body")
    labels = (label.partition(":") for label in texts(record, "Zendesk article", "label_names"))
    yield {**record, **{f"label.{name}": value for name, colon, value in labels if colon}}


def _handles(user: Record) -> list[str]:
    identities = parts(user, "Zendesk user", "identities")
    found = [(str(one.get("type")), one.get("value")) for one in identities]
    found = found or [("email", user.get("email")), ("phone", user.get("phone"))]
    return [f"{_HANDLE_KINDS.get(kind, kind)}:{value}" for kind, value in found if value]


def _facts(child: Record, opens_ticket: bool) -> Iterable[Record]:
    kind = child.get("event_type")
    if kind == "Comment":
        check_text(child, "Zendesk comment", "body")
        yield {"field": _comment_kind(child, opens_ticket), "value": None, "text": child.get("body")}
        return
    facts = [{"field": name, "value": child[name], "text": None} for name in _FACT_FIELDS if name in child]
    if isinstance(child.get("status"), str):
        field = _status_kind(child["status"], child.get("previous_value"))
        facts.append({"field": field, "value": child["status"], "text": None})
    for field_id, value in part(child, "Zendesk ticket event", "custom_ticket_fields").items():
        facts.append({"field": f"custom_field.{field_id}", "value": value, "text": None})
    yield from facts or [{"field": f"{kind}", "value": None, "text": None}]


def _comment_kind(child: Record, opens_ticket: bool) -> str:
    """With the ``comment_events`` side-load a comment says ``public``, without it ``comment_public``."""
    if opens_ticket:
        return "comment.description"
    return "comment.public" if child.get("public", child.get("comment_public")) else "comment.private"


def _status_kind(status: str, previous: Any) -> str:
    if status == "solved":
        return "status.solved"
    is_reopened = previous in _FINISHED and status not in _FINISHED
    return "status.reopened" if is_reopened else f"status.{status}"
