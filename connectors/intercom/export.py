"""Intercom's conversations, unfolded into flat rows that a mapping file can name.

A conversation is shown *as it is now*, with its parts: every reply, note, assignment, closing and change of
an attribute, each with its own time. ``conversation`` passes on what the customer wrote first, ``events``
the parts; state, priority, statistics, tags without a time and AI summaries never leave here. Shapes follow
version 2.15 of https://developers.intercom.com/docs/references/2.15/rest-api/api.intercom.io (also as
OpenAPI at https://github.com/intercom/Intercom-OpenAPI), not a recording of a live account.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.shapes import Record, check_text, part, parts, require

_CUSTOMERS = ("user", "lead", "contact")
_AUTHORS = {**dict.fromkeys(_CUSTOMERS, "customer"), "admin": "agent", "team": "agent", "bot": "system"}
_CLOSING = ("close",)
_OPENING = ("open", "assign_and_reopen")
_ATTRIBUTE_UPDATED = "conversation_attribute_updated"


def conversation(record: Record, customer_fields: frozenset[str]) -> Iterator[Record]:
    """One row: the conversation as it began: ``id, created_at, source.<...>, contact_id, company_id``.

    ``source.subject`` and ``source.body`` are HTML; ``custom_attribute.<name>`` only for the attributes
    that the customer fills in. A deleted conversation has ``deleted`` (true) and ``deleted_at`` instead of
    a text.
    """
    kind = "Intercom conversation"
    require(record, kind, "id")
    if record.get("deleted") is True:
        yield {"id": record["id"], "deleted": True, "deleted_at": record.get("deleted_at")}
        return
    require(record, kind, "created_at")
    source = part(record, kind, "source")
    author = part(source, kind, "author")
    check_text(source, "Intercom source", "type", "subject", "body", "delivered_as")
    row: Record = {
        "id": record["id"],
        "created_at": record["created_at"],
        "source.type": source.get("type"),
        "source.subject": source.get("subject"),
        "source.body": source.get("body"),
        "source.delivered_as": source.get("delivered_as"),
        "source.author.type": author.get("type"),
        "source.author.email": author.get("email") if author.get("type") in _CUSTOMERS else None,
        "contact_id": _contact(record, author),
        "company_id": part(record, kind, "company").get("id"),
        "deleted": False,
        "deleted_at": None,
    }
    for name, value in part(record, kind, "custom_attributes").items():
        if name in customer_fields:
            row[f"custom_attribute.{name}"] = value
    yield row


def events(record: Record) -> Iterator[Record]:
    """One row a fact: ``event_id, conversation_id, created_at, field, value, text, actor_kind, actor_id``.

    ``field`` is ``reply``, ``note``, ``team`` or ``admin`` (assigned to), ``closed``, ``reopened``,
    ``rating``, ``tag`` (with the name of the tag), ``attribute.<name>``, or Intercom's own name of the
    part. ``delivered_as`` says how the conversation began, so that a mapping can leave out what the desk or
    a campaign started.
    """
    kind = "Intercom conversation"
    require(record, kind, "id")
    if record.get("deleted") is True:
        return
    about = {
        "conversation_id": record["id"],
        "delivered_as": part(record, kind, "source").get("delivered_as"),
    }
    listed = part(record, kind, "conversation_parts")
    for one in parts(listed, kind, "conversation_parts"):
        require(one, "Intercom conversation part", "id", "part_type", "created_at")
        check_text(one, "Intercom conversation part", "part_type", "body")
        facts = list(_facts(one))
        author = part(one, "Intercom conversation part", "author")
        for number, fact in enumerate(facts):
            yield {
                "event_id": f"{one['id']}" if len(facts) == 1 else f"{one['id']}.{number}",
                "created_at": one["created_at"],
                "actor_kind": _actor_kind(author),
                "actor_id": author.get("id"),
                **about,
                **fact,
            }
    yield from ({**about, **fact} for fact in (*_ratings(record), *_tags(record)))


def contact(record: Record) -> Iterator[Record]:
    """One row: the contact, with ``company_id`` (the first of its companies) and all its ``handles``."""
    kind = "Intercom contact"
    require(record, kind, "id")
    companies = part(record, kind, "companies")
    listed = parts(companies, kind, "data") or parts(companies, kind, "companies")
    profiles = parts(part(record, kind, "social_profiles"), kind, "data")
    found = [("email", record.get("email")), ("phone", record.get("phone"))]
    found += [(str(profile.get("name")).lower(), profile.get("url")) for profile in profiles]
    found += [("external", record.get("external_id")), ("intercom", record["id"])]
    yield {
        **{name: value for name, value in record.items() if name not in ("companies", "social_profiles")},
        "company_id": listed[0].get("id") if listed else None,
        "handles": [f"{name}:{value}" for name, value in found if value not in (None, "")],
    }


def _contact(record: Record, author: Record) -> Any:
    listed = parts(part(record, "Intercom conversation", "contacts"), "Intercom conversation", "contacts")
    if listed:
        return listed[0].get("id")
    return author.get("id") if author.get("type") in _CUSTOMERS else None


def _actor_kind(author: Record) -> str | None:
    if author.get("from_ai_agent") is True:
        return "system"
    said = author.get("type")
    return _AUTHORS.get(said) if isinstance(said, str) else None


def _facts(one: Record) -> Iterable[Record]:
    """What one part says: words, an assignment, an end or a new beginning, a changed attribute."""
    said = str(one["part_type"])
    facts: list[Record] = []
    if said in _CLOSING:
        facts.append({"field": "closed", "value": said})
    if said in _OPENING:
        facts.append({"field": "reopened", "value": said})
    assigned = part(one, "Intercom conversation part", "assigned_to")
    if assigned.get("id") not in (None, "", 0, "0"):
        facts.append({"field": str(assigned.get("type")), "value": assigned["id"]})
    if said.startswith(_ATTRIBUTE_UPDATED):
        details = part(one, "Intercom conversation part", "event_details")
        name = part(details, "Intercom event details", "attribute").get("name")
        facts.append(
            {"field": f"attribute.{name}", "value": part(details, "Intercom event", "value").get("name")}
        )
    if isinstance(one.get("body"), str) and one["body"].strip():
        facts.append({"field": "note" if said == "note" else "reply", "text": one["body"]})
    return facts or [{"field": said}]


def _ratings(record: Record) -> Iterator[Record]:
    """The customer's rating, known when it was last changed (``created_at`` is when it was asked for)."""
    rating = part(record, "Intercom conversation", "conversation_rating")
    if rating.get("rating") in (None, ""):
        return
    check_text(rating, "Intercom rating", "rating", "remark")
    at = rating.get("updated_at") or record.get("updated_at") or rating.get("created_at")
    yield {
        "event_id": f"{record['id']}.rating@{at}",
        "created_at": at,
        "field": "rating",
        "value": rating["rating"],
        "text": rating.get("remark"),
        "actor_kind": "customer",
        "actor_id": part(rating, "Intercom rating", "contact").get("id"),
    }


def _tags(record: Record) -> Iterator[Record]:
    """Tags that say when they were put on the conversation."""
    for tag in parts(part(record, "Intercom conversation", "tags"), "Intercom conversation", "tags"):
        if tag.get("applied_at") not in (None, ""):
            by = part(tag, "Intercom tag", "applied_by")
            yield {
                "event_id": f"{record['id']}.tag.{tag.get('id')}@{tag['applied_at']}",
                "created_at": tag["applied_at"],
                "field": "tag",
                "value": tag.get("name"),
                "actor_kind": _actor_kind(by),
                "actor_id": by.get("id"),
            }
