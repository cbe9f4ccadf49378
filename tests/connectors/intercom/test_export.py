"""Intercom's conversations through the generic mapping, and what a broken object does to them."""

from typing import Any

import pandas as pd
import pytest

from connectors.intake.take_in import Intake
from connectors.intercom.export import conversation, events
from tests.connectors.vendors import (
    RECEIVED,
    fixture,
    quarantined,
    rows_of,
    whole_company,
)

EXPORT = fixture("intercom", "export")
COMPANY = {
    "conversations": [EXPORT["conversation"], EXPORT["campaign"]],
    "contacts": [EXPORT["contact"]],
    "companies": [EXPORT["company"]],
    "admins": [EXPORT["admin"]],
    "teams": [EXPORT["team"]],
    "articles": [EXPORT["article"]],
}
BEGAN = pd.Timestamp(1770000000, unit="s", tz="UTC")


intake = whole_company("intercom", COMPANY)


def test_ticket_is_what_the_customer_wrote_first_and_nothing_of_how_it_ended(intake: Intake) -> None:
    assert not quarantined(intake)
    assert rows_of(intake, "tickets") == [
        {
            "ticket_id": "1295",
            "known_at": BEGAN,
            "created_at": BEGAN,
            "account_id": "531ee472cce572a6ec000006",
            "contact_id": "5ba682d23d7cf92bef87bfd4",
            "channel": "chat",
            "body": "Can I pay in euros?\nWe are 3 < 4 people & a dog.",
        }
    ]


def test_every_part_is_an_event_at_its_own_time_and_campaigns_are_none(intake: Intake) -> None:
    said = [
        (
            row["event_id"].removeprefix("part:"),
            (row["known_at"] - BEGAN) // pd.Timedelta("1s"),
            row["kind"],
            row.get("value") or row.get("text"),
            row.get("actor_kind"),
        )
        for row in rows_of(intake, "ticket_events")
    ]
    assert said == [
        ("1", 60, "queue_set", "Billing team", "system"),
        ("2", 3600, "reply", "Yes, under Plan.", "agent"),
        ("3", 3660, "note", "asks every month", "agent"),
        ("5.0", 4000, "solved", "close", "agent"),
        ("5.1", 4000, "reply", "Goodbye :)", "agent"),
        ("6.0", 80000, "reopened", "open", "customer"),
        ("6.1", 80000, "reply", "I see only dollars.", "customer"),
        ("7.0", 80060, "reopened", "assign_and_reopen", "agent"),
        ("7.1", 80060, "assigned", "274", "agent"),
        ("10", 89000, "reply", "Choose the flag.", "system"),
        ("11", 89900, "solved", "close", "agent"),
        ("1295.rating@1770090100", 90100, "csat", "4", "customer"),
    ]
    filtered = intake.tables["ticket_events"].filtered
    assert filtered["delivered_as is admin_initiated or campaigns_initiated or automated"] == 1


def test_people_companies_agents_and_articles(intake: Intake) -> None:
    [contact], [account], [agent] = (rows_of(intake, name) for name in ("contacts", "accounts", "agents"))
    assert contact["handles"] == [
        "email:joe@example.com",
        "phone:+1123456789",
        "twitter:http://twitter.com/th1sland",
        "external:70",
        "intercom:5ba682d23d7cf92bef87bfd4",
    ]
    assert contact["account_id"] == account["account_id"]
    assert (account["plan"], account["contract_value_cents"]) == ("Pro", 186_600)
    assert (agent["agent_id"], agent["known_at"]) == ("274", RECEIVED)
    assert rows_of(intake, "articles")[0]["body"] == "Choose the flag."


def test_tags_and_attributes_tell_their_time_and_tags_without_one_are_left_out() -> None:
    told = {row["event_id"]: row for row in events(EXPORT["conversation"])}
    assert (told["4"]["field"], told["4"]["value"]) == ("attribute.issue_type", "Billing")
    tags = [row for row in told.values() if row["field"] == "tag"]
    assert [(row["value"], row["created_at"], row["actor_kind"]) for row in tags] == [
        ("Billing", 1770003600, "agent")
    ]


@pytest.mark.parametrize(
    ("rating", "at"),
    [
        ({"rating": 2, "created_at": 1, "updated_at": 5}, 5),
        ({"rating": 2, "created_at": 1}, 1770090100),
        ({"rating": None, "created_at": 1}, None),
        (None, None),
    ],
)
def test_a_rating_is_known_when_it_was_given_not_when_it_was_asked_for(rating: Any, at: int | None) -> None:
    told = events(EXPORT["conversation"] | {"conversation_rating": rating})
    assert [row["created_at"] for row in told if row["field"] == "rating"] == ([at] if at else [])


def test_final_state_never_reaches_the_ticket_row() -> None:
    """Leak guard: whatever happened after the first message, the row is the same."""
    later = {
        "state": "open",
        "open": True,
        "priority": "not_priority",
        "admin_assignee_id": None,
        "title": None,
    }
    later |= {"updated_at": 1790000000, "tags": None, "conversation_rating": None, "statistics": None}
    later |= {"custom_attributes": {"issue_type": "Other", "urgency": "high"}, "sla_applied": None}
    later |= {"conversation_parts": None, "teammates": None, "team_assignee_id": 1, "ai_agent": {"rating": 1}}
    fields = frozenset({"urgency"})
    [row] = conversation(EXPORT["conversation"], fields)
    assert [row] == list(conversation(EXPORT["conversation"] | later, fields))
    assert row["custom_attribute.urgency"] == "high"
    assert "custom_attribute.issue_type" not in row
