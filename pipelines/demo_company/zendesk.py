"""Zendesk exports: tickets as they stand at the end, their events, users, organisations, groups, articles."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipelines.demo_company.agents import GROUP_IDS, Agent
from pipelines.demo_company.audits import INTENT, Json, audits
from pipelines.demo_company.catalogue import INTENTS, LANGUAGES
from pipelines.demo_company.clock import DAY, HOUR, moment_text
from pipelines.demo_company.company import Account, Contact
from pipelines.demo_company.lifecycle import Outcome
from pipelines.demo_company.texts.phrasebook import load_phrasebook
from pipelines.demo_company.tickets import Ticket
from pipelines.demo_company.wording import Writer

VIA = {"email": "email", "chat": "chat", "social": "twitter", "phone": "voice", "web": "web"}
FIRST_TICKET = 100_001
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_line(row: Json) -> str:
    """``row`` as one line of JSON, keys in the given order."""
    return _encode(row)


def requester_of(ticket: Ticket) -> int:
    """The Zendesk user who wrote; somebody nobody knows has a user of their own."""
    if ticket.user is not None:
        return ticket.user
    return 40_000_000 + ticket.account.index * 100 + ticket.contact.number


def ticket_and_events(
    ticket_id: int, ticket: Ticket, outcome: Outcome, writer: Writer, end: int
) -> tuple[Json, list[Json]]:
    """The ticket object at the end of the history, and its audits before ``end`` (a moment)."""
    requester = requester_of(ticket)
    told = [a for a in audits(ticket_id, requester, ticket, outcome, writer) if a["timestamp"] < end]
    told.sort(key=lambda audit: (audit["timestamp"], audit["id"]))
    for audit in told:
        audit["created_at"] = moment_text(audit["timestamp"])
    final: dict[str, Any] = {}
    custom: dict[str, str] = {}
    for audit in told:
        for child in audit["child_events"]:
            custom.update(child.get("custom_ticket_fields", {}))
            final.update({k: child[k] for k in _FIELDS if k in child})
    subject, body = writer.message(ticket)
    score = final.get("satisfaction_score")
    return {
        "id": ticket_id,
        "external_id": None,
        "type": "incident" if INTENTS[ticket.intent].severity > 0.5 else "question",
        "subject": subject,
        "raw_subject": subject,
        "description": body,
        "priority": final["priority"],
        "status": final["status"],
        "recipient": "support@vendor.example" if ticket.channel == "email" else None,
        "requester_id": requester,
        "submitter_id": requester,
        "assignee_id": final.get("assignee_id"),
        "organization_id": ticket.account.organization if _is_known_sender(ticket) else None,
        "group_id": final["group_id"],
        "tags": sorted({ticket.channel, *([custom[INTENT]] if INTENT in custom else [])}),
        "custom_fields": [
            {"id": 1001, "value": ticket.claimed_urgency},
            {"id": 1002, "value": product_area(ticket)},
            {"id": 1003, "value": custom.get(INTENT)},
        ],
        "satisfaction_rating": None if score is None else {"score": "good" if score >= 4 else "bad"},
        "via": {"channel": VIA[ticket.channel]},
        "created_at": moment_text(ticket.created_at),
        "updated_at": told[-1]["created_at"],
    }, told


_FIELDS = ("priority", "status", "group_id", "assignee_id", "satisfaction_score")


def _is_known_sender(ticket: Ticket) -> bool:
    """Whether Zendesk ties the sender to an organisation: by company address, not by phone or handle."""
    return ticket.user is not None and ticket.user == ticket.contact.users["email"]


def product_area(ticket: Ticket) -> str | None:
    """What the customer picked in the form: the feature concerned, if they picked anything."""
    feature = INTENTS[ticket.intent].feature
    return feature if ticket.channel == "web" and feature and ticket.created_at % 10 < 6 else None


def user_rows(
    accounts: Sequence[Account], team: Sequence[Agent], strangers: Iterable[Ticket], end: int
) -> Iterator[Json]:
    """Agents, then every handle of every contact, then senders whom nobody knows."""
    first_day = min(account.signed_up for account in accounts)
    for agent in team:
        yield _agent_row(agent, first_day)
    for account in accounts:
        for contact in account.contacts:
            if contact.created_at < end:
                yield from _contact_rows(account, contact)
    seen = set()
    for ticket in strangers:
        if requester_of(ticket) not in seen:
            seen.add(requester_of(ticket))
            identity = {"type": "twitter", "value": f"user{requester_of(ticket)}"}
            yield _user(
                requester_of(ticket),
                identity["value"],
                [identity],
                None,
                ticket.contact.language,
                ticket.created_at,
            )


def _agent_row(agent: Agent, day: int) -> Json:
    return {
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "phone": None,
        "role": "agent",
        "organization_id": None,
        "tags": ["quality"] if agent.reviewer else [],
        "identities": [{"type": "email", "value": agent.email}],
        "locale": "en",
        "user_fields": {"skills": list(agent.skills), "languages": list(agent.languages)},
        "default_group_id": GROUP_IDS[agent.queue],
        "created_at": moment_text(day * DAY),
        "updated_at": moment_text(day * DAY),
    }


def _contact_rows(account: Account, contact: Contact) -> Iterator[Json]:
    handles = {
        contact.users["email"]: ("email", contact.email, account.organization),
        contact.users.get("social"): ("twitter", contact.twitter, None),
        contact.users.get("phone"): ("phone_number", contact.phone, None),
        contact.users.get("other_email"): ("email", contact.other_email, None),
    }
    for user, (kind, value, organization) in handles.items():
        if user is not None:
            name = value if kind == "phone_number" else contact.name
            identity = {"type": kind, "value": value}
            yield _user(user, name, [identity], organization, contact.language, contact.created_at)


def _user(
    user: int, name: str, identities: list[Json], organization: int | None, locale: str, created: int
) -> Json:
    values = {identity["type"]: identity["value"] for identity in identities}
    return {
        "id": user,
        "name": name,
        "email": values.get("email"),
        "phone": values.get("phone_number"),
        "role": "end-user",
        "organization_id": organization,
        "tags": [],
        "identities": identities,
        "locale": locale,
        "created_at": moment_text(created),
        "updated_at": moment_text(created),
    }


def organization_rows(accounts: Sequence[Account]) -> Iterator[Json]:
    """One organisation per account; ``external_id`` is the Salesforce account."""
    for account in accounts:
        created = moment_text(account.signed_up * DAY + HOUR)
        yield {
            "id": account.organization,
            "external_id": account.id,
            "name": account.name,
            "created_at": created,
        }


def group_rows() -> Iterator[Json]:
    """The queues."""
    yield from ({"id": number, "name": queue} for queue, number in GROUP_IDS.items())


def article_rows(start: int, released_at: dict[str, int]) -> Iterator[Json]:
    """Help-centre articles; one about a new feature appears with it (``released_at``, moments)."""
    for place, language in enumerate(LANGUAGES):
        for number, (intent, (title, steps)) in enumerate(load_phrasebook(language).articles.items()):
            items = "".join(f"<li>{step.strip()}</li>" for step in steps.split("/"))
            created = moment_text(max(start - 90 * DAY, released_at.get(intent, 0)))
            yield {
                "id": 60_000_000 + place * 1000 + number,
                "title": title,
                "body": f"<h1>{title}</h1><ol>{items}</ol>",
                "locale": language,
                "label_names": [f"intent:{intent}"],
                "created_at": created,
                "updated_at": created,
            }
