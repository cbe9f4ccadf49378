"""Tickets of the night as the service takes them: bodies of ``POST /triage``, and canonical rows."""

from collections.abc import Iterator
from typing import Any

from pipelines.demo_company.catalogue import INTENTS
from pipelines.demo_company.clock import DAY, MINUTE, moment_text
from pipelines.demo_company.tickets import Ticket
from pipelines.demo_company.wording import Writer

Row = dict[str, Any]


def request(
    ticket_id: str, ticket: Ticket, message: tuple[str, str], filed: tuple[str, str], as_of: str
) -> Row:
    """The body of ``POST /triage``: who writes is told by contact id, or by the handle of their channel.

    ``filed``: queue and priority that the helpdesk's triggers had set.
    """
    subject, body = message
    queue, priority = filed
    found: Row = {
        "ticket_id": ticket_id,
        "created_at": moment_text(ticket.created_at),
        "channel": ticket.channel,
        "subject": subject,
        "body": body,
        "opening": {"queue": queue, "priority": priority},
        "as_of": as_of,
    }
    contact = ticket.contact
    if ticket.claimed_urgency:
        found["requested_priority"] = ticket.claimed_urgency
    if ticket.channel == "social":
        found["contact_handle"] = (
            f"twitter:@{contact.twitter}" if ticket.user is not None else "twitter:@unknown"
        )
    elif ticket.channel == "phone":
        found["contact_handle"] = f"phone:{contact.phone}"
    elif ticket.user != contact.users["email"]:
        found["contact_handle"] = f"email:{contact.other_email}"
    else:
        found["account_id"] = ticket.account.id
        found["contact_id"] = contact.id
    return found


def ticket_row(ticket_id: str, ticket: Ticket, message: tuple[str, str]) -> Row:
    """A row of the canonical table ``tickets``."""
    subject, body = message
    return {
        "ticket_id": ticket_id,
        "known_at": moment_text(ticket.created_at),
        "created_at": moment_text(ticket.created_at),
        "account_id": ticket.account.id,
        "contact_id": ticket.contact.id,
        "channel": ticket.channel,
        "subject": subject,
        "body": body,
        "language": ticket.contact.language,
        "product_area": None,
        "requested_priority": ticket.claimed_urgency,
    }


def event_rows(ticket_id: str, ticket: Ticket, agent: int, writer: Writer) -> Iterator[Row]:
    """Rows of ``ticket_events``: routed, filed, answered and closed by an agent, but nothing was solved."""
    reply = writer.resolution(ticket, ticket.intent, "Support", ticket.attempt)
    facts = (
        ("queue_set", INTENTS[ticket.intent].queue, None, 1),
        ("assigned", str(agent), None, 20),
        ("priority_set", "normal", None, 20),
        ("intent_set", ticket.intent, None, 90),
        ("reply", None, reply, 90),
        ("solved", "solved", None, 95),
    )
    for number, (kind, value, text, minutes) in enumerate(facts):
        moment = moment_text(ticket.created_at + minutes * MINUTE)
        yield {
            "event_id": f"{ticket_id}-{number}",
            "ticket_id": ticket_id,
            "known_at": moment,
            "occurred_at": moment,
            "kind": kind,
            "value": value,
            "actor_kind": "agent",
            "actor_id": str(agent),
            "text": text,
        }


def failed_login_row(ticket: Ticket, moment: int, failures: int, minutes_until_known: int) -> Row:
    """A row of ``usage``: log-ins of the ticket's sender that failed, known within the hour."""
    return {
        "account_id": ticket.account.id,
        "contact_id": ticket.contact.id,
        "day": moment_text(moment // DAY * DAY),
        "known_at": moment_text(moment + minutes_until_known * MINUTE),
        "feature": "login",
        "events": failures,
        "errors": failures,
        "seconds": 0,
    }
