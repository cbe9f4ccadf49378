"""Zendesk's incremental export, unfolded into flat rows that a mapping file can name.

The export shows a ticket *as it is now*: its status, priority, tags, satisfaction and most custom fields were
set after the customer wrote. ``ticket`` therefore passes on a closed list of fields fixed at creation, and of
the custom fields only those that the mapping declares as filled in by the customer. Shapes follow Zendesk's
documentation (tickets, ticket_events with comments, users, articles), not a recording of a live account.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.shapes import Record, require

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
_FINISHED = ("solved", "closed")
_NO_ONE = (None, -1, 0)


def ticket(record: Record, customer_fields: frozenset[str]) -> Iterator[Record]:
    """One row: the ticket as the customer created it, with ``via.channel`` and ``custom_field.<id>``."""
    require(record, "Zendesk ticket", "id", "created_at")
    row = {name: record.get(name) for name in _FIXED_AT_CREATION}
    row["via.channel"] = (record.get("via") or {}).get("channel")
    for field in record.get("custom_fields") or ():
        if str(field["id"]) in customer_fields:
            row[f"custom_field.{field['id']}"] = field.get("value")
    yield row


def ticket_events(record: Record) -> Iterator[Record]:
    """One row a fact of an audit: ``event_id, ticket_id, timestamp, actor_id, field, value, text``.

    ``field`` says what the fact is: ``priority``, ``group_id``, ``assignee_id``, ``satisfaction_score``,
    ``custom_field.<id>``, ``status.solved``, ``status.reopened``, ``status.<other>``, ``comment.public``,
    ``comment.private``, ``comment.description`` (the customer's first message, which is the ticket itself),
    or the event's own type. ``actor_id`` is empty where Zendesk itself acted.
    """
    require(record, "Zendesk ticket event", "id", "ticket_id", "timestamp", "child_events")
    children = record["child_events"]
    opens_ticket = any(child.get("event_type") == "Create" for child in children)
    for position, child in enumerate(children):
        facts = list(_facts(child, opens_ticket))
        for part, fact in enumerate(facts):
            base = str(child.get("id") or f"{record['id']}.{position}")
            actor = child.get("author_id", record.get("updater_id"))
            yield {
                "event_id": base if len(facts) == 1 else f"{base}.{part}",
                "ticket_id": record["ticket_id"],
                "timestamp": record["timestamp"],
                "actor_id": None if actor in _NO_ONE else actor,
                **fact,
            }


def user(record: Record, reviewer_tag: str | None) -> Iterator[Record]:
    """One row: the user with ``actor_kind`` (customer, agent, or reviewer by the quality team's tag)."""
    require(record, "Zendesk user", "id", "role")
    is_reviewer = reviewer_tag is not None and reviewer_tag in (record.get("tags") or ())
    staff = "reviewer" if is_reviewer else "agent"
    identities = record.get("identities") or ()
    yield {
        **{name: value for name, value in record.items() if name != "identities"},
        "actor_kind": "customer" if record["role"] == "end-user" else staff,
        "handles": [f"{identity['type']}:{identity['value']}" for identity in identities],
    }


def article(record: Record) -> Iterator[Record]:
    """One row: the article; its labels of the form ``name:value`` become columns ``label.<name>``."""
    require(record, "Zendesk article", "id")
    labels = (label.partition(":") for label in record.get("label_names") or ())
    yield {**record, **{f"label.{name}": value for name, colon, value in labels if colon}}


def _facts(child: Record, opens_ticket: bool) -> Iterable[Record]:
    kind = child.get("event_type")
    if kind == "Comment":
        yield {"field": _comment_kind(child, opens_ticket), "value": None, "text": child.get("body")}
        return
    facts = [{"field": name, "value": child[name], "text": None} for name in _FACT_FIELDS if name in child]
    if "status" in child:
        field = _status_kind(child["status"], child.get("previous_value"))
        facts.append({"field": field, "value": child["status"], "text": None})
    for field_id, value in (child.get("custom_ticket_fields") or {}).items():
        facts.append({"field": f"custom_field.{field_id}", "value": value, "text": None})
    yield from facts or [{"field": f"{kind}", "value": None, "text": None}]


def _comment_kind(child: Record, opens_ticket: bool) -> str:
    if opens_ticket:
        return "comment.description"
    return "comment.public" if child.get("comment_public") else "comment.private"


def _status_kind(status: str, previous: Any) -> str:
    if status == "solved":
        return "status.solved"
    is_reopened = previous in _FINISHED and status not in _FINISHED
    return "status.reopened" if is_reopened else f"status.{status}"
