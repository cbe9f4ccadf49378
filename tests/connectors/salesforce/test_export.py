"""Salesforce's objects through the generic mappings, JSON lines and CSV, and what broken ones become."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connectors.intake.take_in import Input, Intake, take_in_all
from connectors.salesforce.export import (
    case,
    case_history,
    case_state,
)
from tests.connectors.vendors import (
    fixture,
    generic_mapping,
    quarantined,
    rows_of,
    took_in,
    whole_company,
)

EXPORT = fixture("salesforce", "export")
COMPANY = {
    "cases": [EXPORT["case"]],
    "case_history": EXPORT["history"],
    "case_comments": EXPORT["comments"],
    "email_messages": EXPORT["emails"],
    "users": EXPORT["users"],
    "groups": [EXPORT["group"]],
    "accounts": [EXPORT["account"]],
    "contacts": [EXPORT["contact"]],
}
OPENED = pd.Timestamp("2026-04-01T10:00:00Z")
HISTORY = [
    ("01 10:00:01", "queue_set", "Electrics", "system"),
    ("02 09:00:00", "assigned", "005D0000001n7mEIAQ", "agent"),
    ("02 09:00:00", "priority_set", "high", "agent"),
    ("02 12:00:00", "solved", "Closed", "agent"),
    ("02 13:00:00", "reopened", "New", "customer"),
]
COMMENTS = [
    ("02 10:00:00", "reply", "Tighten the screw.", "agent"),
    ("02 10:01:00", "note", "third one this week", "agent"),
]
EMAILS = [
    ("02 11:00:05", "reply", "It is tight.", "customer"),
    ("02 11:30:00", "reply", "Tighter & cooler.", "agent"),
]


def said(intake: Intake) -> list[tuple[Any, ...]]:
    return sorted(
        (
            f"{row['known_at']:%d %H:%M:%S}",
            row["kind"],
            row.get("value") or row.get("text"),
            row["actor_kind"],
        )
        for row in rows_of(intake, "ticket_events")
    )


Cell = Callable[[Any], Any]


def as_data_loader(cell: Any) -> Any:
    """Flags in small letters, times as the API has them."""
    return str(cell).lower() if isinstance(cell, bool) else cell


def as_weekly_export(cell: Any) -> Any:
    """Flags as 1 and 0, times in UTC without T and offset."""
    if isinstance(cell, bool):
        return int(cell)
    is_time = isinstance(cell, str) and cell.endswith(".000+0000")
    return cell.removesuffix(".000+0000").replace("T", " ") if is_time else cell


def took_in_csv(folder: Path, objects: dict[str, list[dict[str, Any]]], written: Cell) -> Intake:
    """The objects as a CSV each, API names in the header."""
    for name, records in objects.items():
        path = folder / "salesforce" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = [column for column in records[0] if column != "attributes"]
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerow(columns)
            for record in records:
                writer.writerow([written(record.get(column)) for column in columns])
    return take_in_all([Input(folder, generic_mapping("salesforce_csv"))], lambda line: None)


intake = whole_company("salesforce", COMPANY)


def test_ticket_is_what_the_customer_wrote_and_nothing_of_how_it_ended(intake: Intake) -> None:
    assert not quarantined(intake)
    assert rows_of(intake, "tickets") == [
        {
            "ticket_id": "500D000000uzmDsIAI",
            "known_at": OPENED,
            "created_at": OPENED,
            "account_id": "001D000000JVxXMIA1",
            "contact_id": "003D000000QYVhLIAX",
            "channel": "web",
            "subject": "Inverter trips at noon",
            "body": "Every day at noon.\nFuse < 5 A & hot.",
        }
    ]


def test_history_comments_and_mails_are_events_at_their_own_time(intake: Intake) -> None:
    assert said(intake) == sorted([*HISTORY, *COMMENTS, *EMAILS])


@pytest.mark.parametrize("written", [as_data_loader, as_weekly_export])
def test_csv_files_of_the_same_objects_give_the_same_rows(
    tmp_path: Path, intake: Intake, written: Cell
) -> None:
    objects = {
        "Case": [EXPORT["case"]],
        "CaseHistory": EXPORT["history"],
        "CaseComment": EXPORT["comments"],
        "EmailMessage": EXPORT["emails"],
        "User": EXPORT["users"],
        "Group": [EXPORT["group"]],
        "Account": [EXPORT["account"]],
        "Contact": [EXPORT["contact"]],
    }
    from_csv = took_in_csv(tmp_path / "csv", objects, written)
    assert not quarantined(from_csv)
    for table in ("tickets", "accounts", "contacts", "agents"):
        assert rows_of(from_csv, table) == rows_of(intake, table), table
    assert said(from_csv) == sorted([*HISTORY, *COMMENTS, *EMAILS])


def test_people_and_accounts(intake: Intake) -> None:
    [contact] = rows_of(intake, "contacts")
    assert contact["handles"] == [
        "email:ann@solar.example",
        "phone:+1 555 0100",
        "salesforce:003D000000QYVhLIAX",
    ]
    assert [row["name"] for row in rows_of(intake, "agents")] == ["Ann Agent"]
    assert rows_of(intake, "accounts")[0]["known_at"] == pd.Timestamp("2026-02-01T00:00:00Z")


def test_a_writer_without_a_contact_is_known_by_the_address(tmp_path: Path) -> None:
    intake = took_in(tmp_path, "salesforce", {"cases": [EXPORT["case"] | {"ContactId": None}]})
    assert rows_of(intake, "tickets")[0]["contact_id"] == "email:ann@solar.example"


def test_deletion_is_an_event_when_it_happened(tmp_path: Path) -> None:
    before = EXPORT["deleted_case"] | {"IsDeleted": False, "SystemModstamp": "2026-04-01T11:00:00.000+0000"}
    intake = took_in(tmp_path, "salesforce", {"cases": [before, EXPORT["deleted_case"]]})
    assert not quarantined(intake)
    [event] = rows_of(intake, "ticket_events")
    assert (event["kind"], event["known_at"]) == ("deleted", pd.Timestamp("2026-04-02T11:00:00Z"))
    assert len(rows_of(intake, "tickets")) == 1


def test_final_state_never_reaches_the_ticket_row() -> None:
    """Leak guard: whatever agents changed, the row is the same."""
    later = {
        "Status": "New",
        "Priority": "Low",
        "Type": None,
        "Reason": None,
        "OwnerId": None,
        "IsClosed": False,
    }
    later |= {"ClosedDate": None, "RootCause__c": "?", "IsEscalated": True, "ParentId": "500"}
    later |= {"SystemModstamp": "2027-01-01T00:00:00.000+0000", "LastModifiedDate": None, "AssetId": "x"}
    fields = frozenset({"ProductArea__c"})
    [row] = case(EXPORT["case"], fields)
    assert [row] == list(case(EXPORT["case"] | later, fields))
    assert row["ProductArea__c"] == "inverter"


def test_what_the_case_shows_now_is_known_at_its_last_change_and_its_end_when_it_ended() -> None:
    changed, closed = EXPORT["case"]["SystemModstamp"], EXPORT["case"]["ClosedDate"]
    assert {(row["field"], row["value"], row["seen_at"]) for row in case_state(EXPORT["case"])} == {
        ("Priority", "High", changed),
        ("Type", "Electrical", changed),
        ("Reason", "Performance", changed),
        ("owner.user", "005D0000001n7mEIAQ", changed),
        ("ProductArea__c", "inverter", changed),
        ("RootCause__c", "loose screw", changed),
        ("case.closed", "Closed", closed),
    }


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("00GD0000001bcdE", "owner.queue"),
        ("00GD0000001bcdEMAQ", "owner.queue"),
        ("005D0000001n7mEIAQ", "owner.user"),
        ("Electrics", "owner.name"),
        ("00G", "owner.name"),
        (None, "owner.name"),
        (5, "owner.name"),
        ("0Q0D0000001bcdE", "owner.other"),
    ],
)
def test_an_owner_is_a_queue_or_a_user_by_the_id(value: Any, field: str) -> None:
    [row] = case_history(EXPORT["history"][1] | {"NewValue": value})
    assert row["field"] == field


def test_a_priority_nobody_mapped_is_quarantined_by_name(tmp_path: Path) -> None:
    unknown = EXPORT["history"][3] | {"NewValue": "Sofort"}
    intake = took_in(tmp_path, "salesforce", {"case_history": [unknown]})
    assert [row["reason"] for row in quarantined(intake)] == ["value: value not in its map"]
