"""Zendesk's exports through the generic mapping, and what a broken object does to them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connectors.intake.take_in import Intake
from connectors.zendesk.export import ticket, ticket_events, ticket_state, user
from tests.connectors.vendors import (
    fixture,
    quarantined,
    rows_of,
    took_in,
    whole_company,
)

EXPORT = fixture("zendesk", "export")
AUDITS = [EXPORT[name] for name in ("audit_create", "audit_update", "audit_reopened_and_rated")]
COMPANY = {
    "tickets": [EXPORT["ticket"]],
    "ticket_events": AUDITS,
    "users": [EXPORT["end_user"], EXPORT["agent"]],
    "organizations": [EXPORT["organization"]],
    "groups": [EXPORT["group"]],
    "articles": [EXPORT["article"]],
}
OPENED = pd.Timestamp("2026-05-20T14:00:00Z")


intake = whole_company("zendesk", COMPANY)


def test_ticket_is_what_the_customer_wrote_and_nothing_of_how_it_ended(intake: Intake) -> None:
    assert not quarantined(intake)
    assert rows_of(intake, "tickets") == [
        {
            "ticket_id": "35436",
            "known_at": OPENED,
            "created_at": OPENED,
            "account_id": "509974",
            "contact_id": "20978392",
            "channel": "web",
            "subject": "Help, my printer is on fire!",
            "body": "The fire is very colorful.\nPlease & hurry.",
        }
    ]


def test_every_fact_of_the_audits_is_an_event_at_its_own_time(intake: Intake) -> None:
    events = intake.tables["ticket_events"].kept.sort_values("event_id")
    facts = events[["event_id", "kind", "value", "actor_kind", "actor_id", "text"]]
    assert facts.astype("object").where(facts.notna(), None).to_numpy().tolist() == [
        ["91048994480.0", "priority_set", "normal", "customer", "20978392", None],
        ["91048994488", "reply", None, "agent", "235323", "Take cover."],
        ["91048994489", "note", None, "agent", "235323", "third fire this week"],
        ["91048994490", "priority_set", "urgent", "agent", "235323", None],
        ["91048994491", "queue_set", "Fire brigade", "agent", "235323", None],
        ["91048994492", "assigned", "235323", "agent", "235323", None],
        ["91048994493", "solved", "solved", "agent", "235323", None],
        ["91048994501", "reopened", "open", "system", None, None],
        ["91048994503", "csat", "5", "system", None, None],
    ]
    days = (events["known_at"] - OPENED) // pd.Timedelta("1D")
    assert days.tolist() == [0, *[0] * 6, 1, 1]
    assert (events["known_at"] == events["occurred_at"]).all()


def test_people_accounts_and_articles(intake: Intake) -> None:
    *_, contact = rows_of(intake, "contacts")
    [agent] = rows_of(intake, "agents")
    assert contact["handles"] == [
        "email:johnny@example.com",
        "twitter:johnnyfire",
        "phone:+15551234567",
        "zendesk:20978392",
    ]
    assert contact["account_id"] == "509974"
    assert (agent["agent_id"], agent["team"]) == ("235323", "Fire brigade")
    assert rows_of(intake, "accounts")[0]["name"] == "Glowing Coals Ltd"
    assert rows_of(intake, "articles")[0]["body"] == "Stand back\nDo not blow & do not fan."


def test_an_address_is_known_since_it_was_added_and_not_before(intake: Intake) -> None:
    told = {f"{row['known_at']:%Y-%m-%d}": row["handles"] for row in rows_of(intake, "contacts")}
    assert told == {
        "2024-05-20": ["email:johnny@example.com", "zendesk:20978392"],
        "2026-02-01": ["email:johnny@example.com", "twitter:johnnyfire", "zendesk:20978392"],
        "2026-05-19": [
            *("email:johnny@example.com", "twitter:johnnyfire", "phone:+15551234567"),
            "zendesk:20978392",
        ],
    }


def test_a_user_whose_identities_were_not_loaded_is_still_found_by_mail_and_phone() -> None:
    [row] = user(EXPORT["end_user"] | {"identities": None}, None)
    assert row["handles"] == ["email:johnny@example.com", "phone:+15551234567", "zendesk:20978392"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"public": True}, "comment.public"),
        ({"public": False}, "comment.private"),
        ({"comment_public": True}, "comment.public"),
        ({"public": False, "comment_public": True}, "comment.private"),
        ({}, "comment.private"),
    ],
)
def test_whether_customers_saw_a_comment_is_read_with_and_without_the_side_load(
    said: dict[str, bool], field: str
) -> None:
    audit = EXPORT["audit_without_side_load"] | {"child_events": [{"event_type": "Comment", **said}]}
    assert [row["field"] for row in ticket_events(audit)] == [field]


def test_what_the_ticket_shows_now_is_known_at_its_last_change_and_not_before() -> None:
    rows = list(ticket_state(EXPORT["ticket"]))
    assert {row["seen_at"] for row in rows} == {EXPORT["ticket"]["updated_at"]}
    assert {row["field"]: row["value"] for row in rows} == {
        "priority": "urgent",
        "group_id": 98738,
        "assignee_id": 235323,
        "type": "incident",
        "custom_field.27642": "hardware",
        "custom_field.27648": "yes",
        "status.solved": "solved",
        "satisfaction_score": "good",
    }
    later = list(ticket_state(EXPORT["ticket"] | {"updated_at": "2026-06-01T00:00:00Z"}))
    assert not {row["event_id"] for row in rows} & {row["event_id"] for row in later}


def test_final_state_never_reaches_the_ticket_row() -> None:
    """Leak guard: fields set after creation leave the row as it is; a deletion only adds that it happened."""
    untouched = {key: EXPORT["ticket"][key] for key in ("id", "created_at", "subject", "description", "via")}
    later = {key: value for key, value in EXPORT["ticket"].items() if key not in untouched}
    fixed = {"external_id", "recipient", "requester_id", "submitter_id", "organization_id"}
    changed = untouched | {key: value for key, value in later.items() if key in fixed}
    assert list(ticket(EXPORT["ticket"], frozenset())) == list(ticket(changed, frozenset()))
    [deleted] = ticket(EXPORT["ticket"] | {"status": "deleted"}, frozenset())
    [row] = ticket(EXPORT["ticket"], frozenset())
    assert deleted == row | {"deleted": True, "deleted_at": EXPORT["ticket"]["updated_at"]}


def test_deletion_is_an_event_when_it_happened_and_leaves_the_ticket_row_alone(tmp_path: Path) -> None:
    before = EXPORT["deleted_ticket"] | {
        "status": "open",
        "subject": "fire?",
        "updated_at": "2026-05-21T09:01:00Z",
    }
    intake = took_in(tmp_path, "zendesk", {"tickets": [before, EXPORT["deleted_ticket"]]})
    assert not quarantined(intake)
    assert [row["subject"] for row in rows_of(intake, "tickets")] == ["fire?"]
    [event] = rows_of(intake, "ticket_events")
    assert (event["kind"], event["known_at"]) == ("deleted", pd.Timestamp("2026-05-23T10:00:00Z"))


def test_pages_of_the_api_are_read_as_they_were_saved(tmp_path: Path) -> None:
    page = {
        "tickets": [EXPORT["ticket"], EXPORT["deleted_ticket"]],
        "after_cursor": "MTU4",
        "end_of_stream": True,
    }
    intake = took_in(tmp_path, "zendesk", {"tickets": [page]})
    assert [row["ticket_id"] for row in rows_of(intake, "tickets")] == ["35436"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"id": None}, "Zendesk ticket without id"),
        ({"created_at": ""}, "Zendesk ticket without created_at"),
        ({"via": "web"}, "Zendesk ticket: via is not an object"),
        ({"description": ["a", "b"]}, "Zendesk ticket: description is not text"),
        ({"custom_fields": {"27642": "x"}}, "Zendesk ticket: custom_fields is not a list of objects"),
    ],
)
def test_a_ticket_of_another_shape_is_quarantined_with_the_field(
    tmp_path: Path, broken: dict[str, Any], reason: str
) -> None:
    intake = took_in(tmp_path, "zendesk", {"tickets": [EXPORT["ticket"], EXPORT["ticket"] | broken]})
    assert [row["reason"] for row in quarantined(intake)] == [reason]
    assert len(rows_of(intake, "tickets")) == 1
