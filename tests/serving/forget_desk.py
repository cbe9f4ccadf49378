"""A small desk with somebody to be forgotten in every place where a person leaves bytes.

Emma and Bob of account A-summit read one mailbox of the office; Carol is of another account. Emma has written
three tickets, was answered, used the product, reopened Bob's ticket, and is named in a ticket of Carol's.
"""

from datetime import timedelta

import pandas as pd

from features.schema import typed
from serving.events import EventsRequest, accept_events
from serving.feedback import accept_feedback
from serving.requests import FeedbackRequest, TriageRequest
from serving.triage import TriageDesk
from tests.serving.sample import NOON, tickets

EMMA, BOB, CAROL = "003EmmaIrving", "003BobStone", "003CarolWest"
EMAIL, NAME, OFFICE = "emma.irving@summit.example", "Emma Irving", "email:office@summit.example"
WORDS = "I am Emma from the third floor and the password for my account never arrived here."
ANSWER = "We sent the link again to your second mailbox, please look into its folder for junk mail."
DAY = NOON - timedelta(days=1)


def contacts() -> pd.DataFrame:
    rows = [
        (EMMA, "A-summit", NAME, [f"email:{EMAIL}", OFFICE, "zendesk:20000771"]),
        (BOB, "A-summit", "Bob Stone", ["email:bob.stone@summit.example", OFFICE]),
        (CAROL, "A-other", "Carol West", ["email:carol.west@other.example"]),
    ]
    columns = ("contact_id", "account_id", "name", "handles")
    frame = pd.DataFrame([dict(zip(columns, row, strict=True)) for row in rows]).assign(known_at=DAY)
    return typed("contacts", frame)


def history() -> dict[str, pd.DataFrame]:
    """Canonical tables from before the service knew them."""
    accounts = [{"account_id": a, "known_at": DAY, "plan": "team"} for a in ("A-summit", "A-other")]
    usage = [
        {"account_id": "A-summit", "contact_id": who, "day": DAY.replace(hour=0), "known_at": DAY,
         "feature": "login", "events": 3, "errors": 1}
        for who in (EMMA, BOB)
    ]  # fmt: skip
    old = tickets(
        {"ticket_id": "old-emma", "account_id": "A-summit", "contact_id": EMMA, "writer": f"email:{EMAIL}",
         "subject": "Where is it", "body": WORDS, "known_at": DAY, "created_at": DAY},
        {"ticket_id": "old-bob", "account_id": "A-summit", "contact_id": BOB, "writer": BOB,
         "subject": "Password", "body": "please reset the password for our workspace", "known_at": DAY,
         "created_at": DAY},
    )  # fmt: skip
    facts = [
        {"event_id": "e1", "ticket_id": "old-emma", "kind": "intent_set", "value": "password_reset"},
        {"event_id": "e2", "ticket_id": "old-emma", "kind": "reply", "actor_kind": "agent", "text": ANSWER},
        {"event_id": "e3", "ticket_id": "old-emma", "kind": "solved", "actor_kind": "agent"},
        {"event_id": "e4", "ticket_id": "old-bob", "kind": "reopened", "actor_kind": "customer",
         "actor_id": EMMA, "text": "it is still broken, says Emma from the third floor"},
    ]  # fmt: skip
    at = DAY + timedelta(hours=1)
    events = pd.DataFrame(facts).assign(known_at=at, occurred_at=at)
    return {
        "accounts": typed("accounts", pd.DataFrame(accounts)),
        "contacts": contacts(),
        "usage": typed("usage", pd.DataFrame(usage)),
        "tickets": old,
        "ticket_events": typed("ticket_events", events),
    }


REQUESTS = (
    {"ticket_id": "t-emma", "contact_handle": f"email:{EMAIL}", "body": f"Hi, {NAME} here: {WORDS}"},
    {"ticket_id": "t-emma-2", "contact_id": EMMA, "body": "send a copy of the invoice of our workspace"},
    {"ticket_id": "t-bob", "contact_id": BOB, "body": "I forgot the password of my account."},
    {"ticket_id": "t-carol", "contact_id": CAROL,
     "body": f"please reset the password for this login and write to {EMAIL} as well"},
)  # fmt: skip


def lived(desk: TriageDesk) -> dict[str, str]:
    """Fill the store of ``desk`` and decide every request; returns decision ids by ticket id."""
    for name, frame in history().items():
        desk.store.append(name, frame)
    decided = {}
    for number, request in enumerate(REQUESTS):
        asked = TriageRequest(channel="email", subject="Sign in", **request)
        answer = desk.triage(asked, NOON + timedelta(minutes=number))
        decided[asked.ticket_id] = answer.decision.decision_id
    for ticket_id, reason in (("t-emma", "Emma called, she is right"), ("t-bob", f"as {EMAIL} said")):
        said = FeedbackRequest(
            decision_id=decided[ticket_id], verdict="approve", reason=reason, agent_id="agent-1"
        )
        accept_feedback(desk.store, said, NOON, ticket_id)
    told = EventsRequest(
        ticket_events=[{"event_id": "e5", "ticket_id": "t-carol", "kind": "note", "text": f"ask {NAME}"}]
    )
    accept_events(desk.store, told, NOON, "push-1")
    return decided
