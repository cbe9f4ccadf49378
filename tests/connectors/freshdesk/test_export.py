"""Freshdesk's lists and ticket activities through the generic mapping, and what broken ones become."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connectors.freshdesk.export import ticket, ticket_state
from connectors.intake.take_in import Intake, take_in
from connectors.mapping.file import parse_mapping
from tests.connectors.vendors import (
    as_jsonl,
    fixture,
    quarantined,
    rows_of,
    took_in,
    whole_company,
)

EXPORT = fixture("freshdesk", "export")
COMPANY = {
    "tickets": [EXPORT["ticket"]],
    "satisfaction_ratings": [EXPORT["satisfaction_rating"]],
    "contacts": [EXPORT["contact"]],
    "companies": [EXPORT["company"]],
    "agents": [EXPORT["agent"]],
    "groups": [EXPORT["group"]],
    "articles": [EXPORT["article"]],
}
OPENED = pd.Timestamp("2026-03-02T11:56:51Z")


intake = whole_company("freshdesk", COMPANY)


def test_ticket_is_what_the_customer_wrote_and_nothing_of_how_it_ended(intake: Intake) -> None:
    assert not quarantined(intake)
    assert rows_of(intake, "tickets") == [
        {
            "ticket_id": "20",
            "known_at": OPENED,
            "created_at": OPENED,
            "account_id": "8",
            "contact_id": "434",
            "channel": "web",
            "subject": "Ring does not glow",
            "body": "Charged all night.\nStill < 5 % & dark.",
        }
    ]


def test_replies_notes_ratings_and_the_state_last_seen_are_events(intake: Intake) -> None:
    said = [
        (row["event_id"], f"{row['known_at']:%d %H}", row["kind"], row.get("value"), row.get("actor_kind"))
        for row in rows_of(intake, "ticket_events")
    ]
    seen = "2026-03-04T11:59:05Z"
    assert sorted(said) == [
        ("conversation:3", "03 10", "reply", None, "agent"),
        ("conversation:4", "03 11", "reply", None, "customer"),
        ("conversation:5", "03 12", "note", None, "agent"),
        ("rating:102", "04 12", "csat", "5", "customer"),
        (f"state:20.group_id@{seen}", "04 11", "queue_set", "Rings", "agent"),
        (f"state:20.priority@{seen}", "04 11", "priority_set", "urgent", "agent"),
        (f"state:20.responder_id@{seen}", "04 11", "assigned", "432", "agent"),
        ("state:20.status.resolved@2026-03-04T09:00:00Z", "04 09", "solved", "resolved", "agent"),
    ]
    [reply] = [row for row in rows_of(intake, "ticket_events") if row["event_id"] == "conversation:3"]
    assert (reply["text"], reply["actor_id"]) == ("Please hold it still.", "432")


def test_people_companies_agents_and_articles(intake: Intake) -> None:
    [contact], [account] = rows_of(intake, "contacts"), rows_of(intake, "accounts")
    assert contact["handles"] == [
        "email:greenlantern@oa.example",
        "email:hal@oa.example",
        "phone:+4915112345678",
        "twitter:lantern",
        "freshdesk:434",
    ]
    assert (account["plan"], account["known_at"]) == ("Premium", pd.Timestamp("2026-01-08T03:38:53Z"))
    assert rows_of(intake, "agents")[0]["name"] == "Clark Kent"
    assert rows_of(intake, "articles")[0]["body"] == "Say the oath."


def test_daily_file_of_activities_tells_every_change_at_its_time_once(tmp_path: Path) -> None:
    mapping = Path("connectors/mappings/freshdesk.yaml").read_text(encoding="utf-8")
    with_activities = parse_mapping(re.sub(r"^(\s*)#> ?", r"\1", mapping, flags=re.MULTILINE), "test")
    folder = tmp_path / "freshdesk"
    folder.mkdir()
    (folder / "activities-2026-03.json").write_text(json.dumps(EXPORT["activities_file"]), encoding="utf-8")
    (folder / "agents.jsonl").write_text(as_jsonl([EXPORT["agent"]]), encoding="utf-8")
    intake = take_in(tmp_path, with_activities, lambda line: None)
    assert not quarantined(intake)
    said = [
        (f"{row['known_at']:%d %H:%M:%S}", row["kind"], row["value"], row["actor_kind"], row.get("actor_id"))
        for row in rows_of(intake, "ticket_events")
    ]
    assert sorted(said) == [
        ("02 11:56:51", "priority_set", "low", "customer", "434"),
        ("02 11:56:52", "queue_set", "Rings", "system", None),
        ("03 09:00:00", "assigned", "432", "agent", "432"),
        ("03 09:00:00", "intent_set", "Defect", "agent", "432"),
        ("03 09:00:00", "priority_set", "urgent", "agent", "432"),
        ("04 09:00:00", "solved", "Resolved", "agent", "432"),
    ]
    assert intake.tables["ticket_events"].duplicates == 1


def test_final_state_never_reaches_the_ticket_row() -> None:
    """Leak guard: whatever agents changed, the row is the same; of custom fields only the customer's own."""
    later = {"status": 5, "priority": 1, "group_id": 9, "responder_id": 9, "type": "Other", "tags": ["x"]}
    later |= {"updated_at": "2027-01-01T00:00:00Z", "is_escalated": True, "stats": {}, "conversations": []}
    later |= {"custom_fields": {"cf_reason": "other", "cf_urgency": "p1"}, "due_by": None}
    fields = frozenset({"cf_urgency"})
    [row] = ticket(EXPORT["ticket"], fields)
    assert [row] == list(ticket(EXPORT["ticket"] | later, fields))
    assert {name for name in row if name.startswith("custom_field.")} == {"custom_field.cf_urgency"}


@pytest.mark.parametrize(
    ("status", "stats", "told"),
    [
        (4, {"resolved_at": "R"}, [("status.resolved", "R")]),
        (5, {"resolved_at": "R", "closed_at": "C"}, [("status.resolved", "R")]),
        (5, {"closed_at": "C"}, [("status.closed", "C")]),
        (5, None, [("status.closed", EXPORT["ticket"]["updated_at"])]),
        (2, {"resolved_at": "R"}, []),
        (6, {}, []),
    ],
)
def test_a_ticket_is_solved_once_also_if_it_is_closed_later(
    status: int, stats: dict[str, str] | None, told: list[tuple[str, str]]
) -> None:
    rows = ticket_state(EXPORT["ticket"] | {"status": status, "stats": stats})
    assert [(row["field"], row["seen_at"]) for row in rows if row["field"].startswith("status.")] == told


@pytest.mark.parametrize("field", ["deleted", "spam"])
def test_deleted_or_spam_is_told_with_its_time(field: str) -> None:
    [row] = ticket(EXPORT["ticket"] | {field: True}, frozenset())
    assert (row["deleted"], row["deleted_at"]) == (True, EXPORT["ticket"]["updated_at"])


@pytest.mark.parametrize(
    ("parts_of_text", "html"),
    [
        ({"description": "<p>a</p>", "description_text": "b"}, "<p>a</p>"),
        ({"description_text": "1 < 2\n& so"}, "1 &lt; 2<br>&amp; so"),
        ({"structured_description": EXPORT["listed_ticket"]["structured_description"]},
         "Another ticket &lt;description&gt;<br>in two lines"),
        ({"description": None, "description_text": None}, None),
    ],
)  # fmt: skip
def test_text_is_found_in_every_form_the_lists_have(parts_of_text: dict[str, Any], html: str | None) -> None:
    bare = {key: value for key, value in EXPORT["listed_ticket"].items() if "description" not in key}
    [row] = ticket(bare | parts_of_text, frozenset())
    assert row["description"] == html


@pytest.mark.parametrize(
    ("rating", "score"),
    [
        *((103, "5"), (102, "4"), (101, "4"), (100, "3"), (-101, "2"), (-102, "2"), (-103, "1")),
        *((1, "5"), (2, "3"), (3, "1"), ("Extremely Happy", "5"), ("Unhappy", "2")),
    ],
)
def test_ratings_come_as_codes_or_as_labels(tmp_path: Path, rating: int | str, score: str) -> None:
    rated = EXPORT["satisfaction_rating"] | {"ratings": {"default_question": rating, "question_2": -102}}
    intake = took_in(tmp_path, "freshdesk", {"satisfaction_ratings": [rated]})
    assert [row["value"] for row in rows_of(intake, "ticket_events")] == [score]


def test_rating_that_no_survey_offers_is_quarantined(tmp_path: Path) -> None:
    wrong = EXPORT["satisfaction_rating"] | {"ratings": {"default_question": 7}}
    intake = took_in(tmp_path, "freshdesk", {"satisfaction_ratings": [wrong]})
    assert [row["reason"] for row in quarantined(intake)] == ["value: value not in its map"]


def test_person_known_only_by_mail_keeps_the_address(tmp_path: Path) -> None:
    stranger = EXPORT["ticket"] | {"requester_id": None}
    known = took_in(tmp_path / "known", "freshdesk", {"tickets": [stranger], "contacts": [EXPORT["contact"]]})
    unknown = took_in(tmp_path / "unknown", "freshdesk", {"tickets": [stranger]})
    assert rows_of(known, "tickets")[0]["contact_id"] == "434"
    assert rows_of(unknown, "tickets")[0]["contact_id"] == "email:greenlantern@oa.example"
