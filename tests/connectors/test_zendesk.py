"""The demo company's systems: Zendesk, Salesforce and usage exports through the shipped mapping."""

from pathlib import Path

import pandas as pd
import pytest

from connectors.intake.take_in import Intake, take_in
from connectors.mapping.file import load_mapping
from connectors.zendesk.export import ticket
from tests.connectors.exports import COMPANY, WriteFolder, as_jsonl, zendesk_ticket

MAPPING = Path("connectors/mappings/demo_company.yaml")


@pytest.fixture
def company(write_folder: WriteFolder) -> Intake:
    return take_in(write_folder(COMPANY), load_mapping(MAPPING), print)


def row(frame: pd.DataFrame) -> dict[str, object]:
    assert len(frame) == 1
    return {
        name: value for name, value in frame.iloc[0].items() if isinstance(value, list) or not pd.isna(value)
    }


def test_ticket_carries_only_what_the_customer_gave_and_no_final_state(company: Intake) -> None:
    opened = pd.Timestamp("2026-01-01T10:00:00Z")
    assert row(company.tables["tickets"].kept) == {
        "ticket_id": "9001",
        "known_at": opened,
        "created_at": opened,
        "account_id": "001A",
        "contact_id": "003A",
        "channel": "phone",
        "subject": "cannot sign in",
        "body": "It says my password is wrong.",
        "product_area": "login page",
        "requested_priority": "high",
    }


def test_later_changes_of_the_export_leave_the_ticket_identical(write_folder: WriteFolder) -> None:
    """Leak guard: whatever happened after creation, the canonical ticket is byte for byte the same."""
    happened = zendesk_ticket()
    untouched = zendesk_ticket(
        priority=None,
        status="new",
        tags=[],
        satisfaction_rating=None,
        assignee_id=None,
        group_id=None,
        type=None,
        updated_at="2026-01-01T10:00:00Z",
        custom_fields=[
            {"id": 1001, "value": "high"},
            {"id": 1002, "value": "login page"},
            {"id": 1003, "value": ""},
        ],
    )
    frames = [
        take_in(
            write_folder(COMPANY | {"zendesk/tickets-2026-01.jsonl": as_jsonl([one])}),
            load_mapping(MAPPING),
            print,
        )
        for one in (happened, untouched)
    ]
    pd.testing.assert_frame_equal(*(intake.tables["tickets"].kept for intake in frames))


def test_what_happened_later_is_one_event_a_fact_with_its_actor(company: Intake) -> None:
    events = company.tables["ticket_events"].kept
    opened = pd.Timestamp("2026-01-01T10:00:00Z")
    hours = (events["known_at"] - opened) // pd.Timedelta("1h")
    facts = events.assign(hours=hours)[["hours", "kind", "value", "actor_kind", "actor_id", "text"]]
    assert facts.astype("object").where(facts.notna(), None).to_numpy().tolist() == [
        [0, "priority_set", "high", "customer", "003A", None],
        [1, "queue_set", "billing", "system", None, None],
        [1, "assigned", "601", "system", None, None],
        [2, "intent_set", "password_reset", "agent", "601", None],
        [2, "priority_set", "urgent", "agent", "601", None],
        [2, "note", None, "agent", "601", "knows him"],
        [2, "reply", None, "agent", "601", "Try again"],
        [2, "solved", "solved", "agent", "601", None],
        [3, "reopened", "open", "customer", "003A", None],
        [3, "csat", "2", "customer", "003A", None],
        [4, "sentiment_set", "frustrated", "reviewer", "602", None],
        [5, "confirmed", "confirmed", "customer", "003A", None],
    ]
    assert company.tables["ticket_events"].filtered == {"kind: not in its map": 2}  # status new, description


def test_one_person_is_found_by_every_handle(company: Intake) -> None:
    handles = company.tables["contacts"].kept["handles"].iloc[0]
    assert handles == ["email:alice@acme.example", "twitter:@alice", "zendesk:501", "zendesk:502"]


def test_money_is_cents_and_empty_dates_stay_empty(company: Intake) -> None:
    account = row(company.tables["accounts"].kept)
    assert (account["contract_value_cents"], account["lifetime_value_cents"]) == (12_345_678, 9_910)
    assert account["renewal_at"] == pd.Timestamp("2026-03-01T00:00:00Z")
    assert "churned_at" not in account


def test_log_ins_are_called_login_and_other_features_keep_their_name(company: Intake) -> None:
    usage = company.tables["usage"].kept
    assert usage["feature"].tolist() == ["login", "dashboard"]
    assert usage["contact_id"].isna().tolist() == [False, True]


def test_agents_are_the_desk_without_customers_and_quality_team(company: Intake) -> None:
    agent = row(company.tables["agents"].kept)
    assert (agent["agent_id"], agent["team"]) == ("601", "access")
    assert (agent["skills"], agent["languages"]) == (["password_reset"], ["en", "de"])


def test_articles_are_plain_text_with_their_intent(company: Intake) -> None:
    article = row(company.tables["articles"].kept)
    assert (article["body"], article["intent"]) == ("Reset\nClick & wait.", "password_reset")


@pytest.mark.parametrize(
    ("hazard", "changes", "reason"),
    [
        ("unknown channel", {"via": {"channel": "carrier pigeon"}}, "channel: value not in its map"),
        (
            "unknown urgency",
            {"custom_fields": [{"id": 1001, "value": "asap"}]},
            "requested_priority: not an allowed",
        ),
        ("no id", {"id": None}, "Zendesk ticket without id"),
        ("no time", {"created_at": "yesterday"}, "known_at: not a time"),
    ],
)
def test_ticket_that_breaks_the_contract_is_quarantined_with_the_reason(
    write_folder: WriteFolder, hazard: str, changes: dict[str, object], reason: str
) -> None:
    tickets = as_jsonl([zendesk_ticket(), zendesk_ticket(**{"id": 9002, **changes})])
    folder = write_folder(COMPANY | {"zendesk/tickets-2026-01.jsonl": tickets})
    table = take_in(folder, load_mapping(MAPPING), print).tables["tickets"]
    assert table.kept["ticket_id"].tolist() == ["9001"], hazard
    assert table.quarantine["reason"].iloc[0].startswith(reason)
    assert table.quarantine["row_number"].tolist() == [2]
    assert "cannot sign in" in table.quarantine["raw"].iloc[0]


def test_unknown_requester_and_organisation_leave_the_ticket_without_them(write_folder: WriteFolder) -> None:
    tickets = as_jsonl([zendesk_ticket(requester_id=503, organization_id=None)])
    folder = write_folder(COMPANY | {"zendesk/tickets-2026-01.jsonl": tickets})
    ticket = row(take_in(folder, load_mapping(MAPPING), print).tables["tickets"].kept)
    assert "contact_id" not in ticket
    assert "account_id" not in ticket


def test_ticket_of_a_user_without_organisation_gets_the_account_of_the_person(
    write_folder: WriteFolder,
) -> None:
    tickets = as_jsonl([zendesk_ticket(organization_id=None)])
    folder = write_folder(COMPANY | {"zendesk/tickets-2026-01.jsonl": tickets})
    assert row(take_in(folder, load_mapping(MAPPING), print).tables["tickets"].kept)["account_id"] == "001A"


def test_company_without_crm_still_has_its_tickets(write_folder: WriteFolder) -> None:
    zendesk_only = {name: content for name, content in COMPANY.items() if name.startswith("zendesk")}
    intake = take_in(write_folder(zendesk_only), load_mapping(MAPPING), print)
    assert set(intake.tables) == {"agents", "articles", "tickets", "ticket_events"}
    assert "salesforce/contacts.csv" in intake.missing_files


def test_final_state_cannot_be_asked_for_by_any_mapping() -> None:
    """Leak guard: two tickets that differ in everything set after creation unfold to the same row."""
    later = {
        "status": "open",
        "priority": "low",
        "tags": ["vip"],
        "satisfaction_rating": {"score": "bad"},
        "assignee_id": 1,
        "group_id": 2,
        "type": "question",
        "updated_at": "2027-01-01T00:00:00Z",
        "problem_id": 5,
        "custom_fields": [{"id": 1001, "value": "high"}, {"id": 1003, "value": "refund_request"}],
    }
    assert set(later) <= set(zendesk_ticket()) | {"problem_id"}
    fields = frozenset({"1001"})
    assert list(ticket(zendesk_ticket(**later), fields)) == list(ticket(zendesk_ticket(), fields))
