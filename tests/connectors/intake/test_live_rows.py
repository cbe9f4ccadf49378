"""Whatever a vendor pushes gives, in memory, the canonical rows that the same records give from files."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from connectors.freshdesk.webhook import parse as parse_freshdesk
from connectors.intake.live_rows import LiveRows, live_rows
from connectors.intercom.webhook import parse as parse_intercom
from connectors.live.payload import Payload
from connectors.rules.lookups import read_lookup
from connectors.salesforce.webhook import parse as parse_salesforce
from connectors.zendesk.webhook import parse as parse_zendesk
from tests.connectors.vendors import RECEIVED, body_of, fixture, generic_mapping, rows_of, took_in

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARSE: dict[str, Callable[[bytes, datetime], Payload]] = {
    "zendesk": parse_zendesk,
    "freshdesk": parse_freshdesk,
    "intercom": parse_intercom,
    "salesforce": parse_salesforce,
}
OBJECTS = {
    "zendesk_tickets": "tickets",
    "zendesk_ticket_events": "ticket_events",
    "freshdesk_tickets": "tickets",
    "freshdesk_conversations": "conversations",
    "intercom_conversations": "conversations",
    "intercom_conversation_events": "conversations",
    "intercom_contacts": "contacts",
    "salesforce_cases": "cases",
    "salesforce_case_history": "case_history",
    "salesforce_case_comments": "case_comments",
    "salesforce_contacts": "contacts",
}
"""Raw format -> the file that the vendor's mapping reads it from."""


def known(vendor: str, export: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Files that only look-ups need: who is an agent, what groups are called."""
    listed = {
        "zendesk": {"users": [export.get("end_user"), export.get("agent")], "groups": [export.get("group")]},
        "freshdesk": {"groups": [export.get("group")]},
        "intercom": {"teams": [export.get("team")]},
        "salesforce": {"users": export.get("users"), "groups": [export.get("group")]},
    }
    return listed[vendor]


PUSHED = {
    "zendesk": (
        *("created", "comment_added", "status_changed", "priority_changed", "group_assignment_changed"),
        *("status_reopened", "soft_deleted", "tags_changed"),
    ),
    "freshdesk": ("created", "private_note", "reply", "of_no_use"),
    "intercom": ("user_created", "admin_replied"),
    "salesforce": ("case_updated", "case_created", "case_closed", "case_reopened", "comment_created"),
}


@pytest.mark.parametrize("vendor", PARSE)
def test_in_memory_and_from_files_the_rows_are_equal(tmp_path: Path, vendor: str) -> None:
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in PUSHED[vendor]:
        for form, listed in PARSE[vendor](body_of(fixture(vendor, "webhooks")[name]), NOW).records.items():
            records[form] += listed
    files = known(vendor, fixture(vendor, "export"))
    files |= {OBJECTS[form]: listed for form, listed in records.items() if form in OBJECTS}
    from_files = took_in(tmp_path, vendor, files)
    live = rows(live_of(Payload("d-1", records), vendor, tmp_path))
    assert live["tickets"] == rows_of(from_files, "tickets")
    assert live["ticket_events"] == rows_of(from_files, "ticket_events")
    assert len(live["ticket_events"]) > 0


def live_of(payload: Payload, vendor: str, folder: Path) -> LiveRows:
    mapping = generic_mapping(vendor)
    lookups = {
        name: read_lookup(folder, lookup, name, lambda count: None)
        for name, lookup in mapping.lookups.items()
    }
    return live_rows(payload, mapping, lookups, RECEIVED)


def rows(live: LiveRows) -> dict[str, list[dict[str, Any]]]:
    assert live.quarantine.empty
    return {
        name: [
            {key: cell for key, cell in row.items() if isinstance(cell, list) or not pd.isna(cell)}
            for row in frame.sort_values(["known_at", frame.columns[0]], kind="stable").to_dict("records")
        ]
        for name, frame in live.tables.items()
    }


def test_a_record_that_breaks_the_contract_is_named_with_the_reason(tmp_path: Path) -> None:
    ticket = fixture("zendesk", "export")["ticket"]
    wrong = [ticket | {"created_at": "soon"}, ticket | {"id": None}, ticket]
    live = live_of(Payload("d-1", {"zendesk_tickets": wrong}), "zendesk", tmp_path)
    assert sorted(zip(live.quarantine["row_number"], live.quarantine["reason"], strict=True)) == [
        (1, "known_at: not a time"),
        (2, "Zendesk ticket without id"),
    ]
    assert live.tables["tickets"]["ticket_id"].tolist() == ["35436"]
    assert json.loads(live.quarantine["raw"].iloc[0])


def test_records_that_the_mapping_does_not_read_are_named(tmp_path: Path) -> None:
    payload = parse_freshdesk(body_of(fixture("freshdesk", "webhooks")["resolved"]), NOW)
    live = live_of(payload, "freshdesk", tmp_path)
    assert (live.tables, live.unread) == ({}, ["freshdesk_activities"])


def test_a_payload_without_records_has_no_rows(tmp_path: Path) -> None:
    live = live_of(Payload("d-1", ignored="ping"), "intercom", tmp_path)
    assert (live.tables, live.quarantine.empty, live.unread) == ({}, True, [])
