"""ServiceNow's audit log through its mapping: a ticket holds only what was known when it was opened."""

import csv
import gzip
import io
import os
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest

from connectors.intake.settlement import NO_TICKET
from connectors.intake.take_in import Intake, take_in
from connectors.mapping.file import MappingError, load_mapping, parse_mapping
from tests.connectors.exports import WriteFolder

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "connectors/mappings/incident_servicenow.yaml"
DATASETS = Path(os.environ.get("FIRSTLINE_DATASETS", ROOT.parent / "shared/datasets"))
LOG = "incident_event_log.csv.gz"
AFTERWARDS = ("closed_code", "resolved_by", "resolved_at", "closed_at")
"""Filled in at the end of an incident, on all of its rows alike."""

OPENED = {
    "number": "0001", "incident_state": "New", "active": "true", "reassignment_count": "0",
    "reopen_count": "0", "sys_mod_count": "0", "made_sla": "true", "caller_id": "2403", "opened_by": "8",
    "opened_at": "29/2/2016 01:16", "sys_updated_by": "21", "sys_updated_at": "29/2/2016 01:23",
    "contact_type": "Phone", "location": "143", "category": "55", "subcategory": "170", "u_symptom": "?",
    "impact": "2", "urgency": "2", "priority": "3", "assignment_group": "56", "assigned_to": "?",
    "closed_code": "5", "resolved_by": "149", "resolved_at": "1/3/2016 11:29", "closed_at": "5/3/2016 12:00",
}  # fmt: skip
CHANGES = [
    {
        "sys_updated_at": "29/2/2016 08:00",
        "assignment_group": "24",
        "assigned_to": "89",
        "sys_updated_by": "33",
    },
    {
        "sys_updated_at": "29/2/2016 09:00",
        "category": "40",
        "u_symptom": "7",
        "urgency": "1",
        "priority": "2",
    },
    {"sys_updated_at": "1/3/2016 10:00", "made_sla": "false"},
    {"sys_updated_at": "1/3/2016 11:29", "incident_state": "Resolved"},
    {"sys_updated_at": "2/3/2016 10:00", "incident_state": "Active", "reopen_count": "1"},
    {"sys_updated_at": "3/3/2016 10:00", "incident_state": "Resolved"},
    {
        "sys_updated_at": "5/3/2016 12:00",
        "incident_state": "Closed",
        "active": "false",
        "sys_updated_by": "908",
    },
]


def incident(**opened: str) -> list[dict[str, str]]:
    """The log of one incident: each row repeats the one before with what changed."""
    rows = [OPENED | opened]
    for number, change in enumerate(CHANGES, start=1):
        rows.append(rows[-1] | {"sys_mod_count": str(number)} | change)
    return rows


def packed(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(OPENED), restval="?")
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def taken(folder: Path) -> Intake:
    return take_in(folder, load_mapping(MAPPING), print)


def test_ticket_holds_what_was_known_when_the_incident_was_opened(write_folder: WriteFolder) -> None:
    (ticket,) = taken(write_folder({LOG: packed(incident())})).tables["tickets"].kept.to_dict("records")
    known = {name: value for name, value in ticket.items() if isinstance(value, str) or pd.notna(value)}
    assert known == {
        "ticket_id": "0001",
        "known_at": pd.Timestamp("2016-02-29T01:23Z"),
        "created_at": pd.Timestamp("2016-02-29T01:16Z"),
        "account_id": "143",
        "contact_id": "caller:2403",
        "channel": "phone",
        "requested_priority": "normal",
    }


def test_each_change_is_one_event_at_its_own_time(write_folder: WriteFolder) -> None:
    events = taken(write_folder({LOG: packed(incident()[::-1])})).tables["ticket_events"].kept
    said = events.sort_values(["known_at", "kind"])
    at = said["known_at"].dt.strftime("%d.%m. %H:%M")
    assert list(zip(at, said["kind"], said["value"].fillna(""), strict=True)) == [
        ("29.02. 01:23", "intent_set", "55"),
        ("29.02. 01:23", "note", ""),
        ("29.02. 01:23", "priority_set", "normal"),
        ("29.02. 01:23", "queue_set", "group 56"),
        ("29.02. 08:00", "assigned", "resolver:89"),
        ("29.02. 08:00", "queue_set", "group 24"),
        ("29.02. 09:00", "intent_set", "40"),
        ("29.02. 09:00", "priority_set", "high"),
        ("01.03. 10:00", "escalated", "sla_missed"),
        ("01.03. 11:29", "solved", ""),
        ("02.03. 10:00", "reopened", ""),
        ("03.03. 10:00", "solved", ""),
    ]
    assert events["event_id"].is_unique
    assert (events["occurred_at"] == events["known_at"]).all()
    assert set(events.loc[events["kind"] == "priority_set", "actor_kind"]) == {"system"}
    assert events.loc[events["kind"] == "note", "text"].tolist() == ["subcategory 170"]


@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_is_filled_in_afterwards_changes_no_row(write_folder: WriteFolder, name: str) -> None:
    before = taken(write_folder({LOG: packed(incident())})).tables
    after = taken(write_folder({LOG: packed(incident(**{name: "1/1/2017 00:00"}))})).tables
    for table in ("tickets", "ticket_events"):
        pd.testing.assert_frame_equal(before[table].kept, after[table].kept)


@pytest.mark.parametrize("name", AFTERWARDS)
def test_mapping_refuses_to_put_what_is_filled_in_afterwards_into_a_ticket(name: str) -> None:
    leaking = MAPPING.read_text().replace("product_area: u_symptom", f"product_area: {name}")
    with pytest.raises(
        MappingError, match=rf"leak.yaml:\d+:11: sources.0.tables.0.columns.product_area: '{name}'"
    ):
        parse_mapping(leaking, "leak.yaml")


def test_incident_stamped_before_it_was_opened_is_quarantined(write_folder: WriteFolder) -> None:
    table = taken(write_folder({LOG: packed(incident(opened_at="29/2/2016 02:00"))})).tables["tickets"]
    assert table.reasons() == {"known_at: before created_at": 1}


@pytest.fixture(scope="module")
def real_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 20,000 events of the real log."""
    source = DATASETS / "incident_servicenow" / LOG
    if not source.is_file():
        pytest.skip(f"{source} is not here: set FIRSTLINE_DATASETS to the folder of the public data sets")
    folder = tmp_path_factory.mktemp("servicenow")
    with gzip.open(source, "rt") as whole, gzip.open(folder / LOG, "wt") as part:
        part.writelines(islice(whole, 20_001))
    return folder


def test_real_incidents_come_in_through_their_mapping_alone(real_log: Path) -> None:
    raw = pd.read_csv(real_log / LOG, dtype=str)
    intake = taken(real_log)
    tickets, events = (intake.tables[name].kept for name in ("tickets", "ticket_events"))
    for table in intake.tables.values():
        counted = len(table.kept) + len(table.quarantine) + table.filtered.total() + table.duplicates
        assert counted == table.rows_in
    assert set(intake.tables["tickets"].reasons()) <= {"known_at: before created_at"}
    assert len(tickets) + len(intake.tables["tickets"].quarantine) == raw["number"].nunique()
    first = raw.drop_duplicates("number").set_index("number")
    symptoms = tickets.set_index("ticket_id")["product_area"].fillna("?")
    assert symptoms.to_dict() == first["u_symptom"].loc[symptoms.index].to_dict()
    group = raw["assignment_group"]
    moved = (group != group.where(raw["number"] == raw["number"].shift(-1)).shift()) & (group != "?")
    assert (events["kind"] == "queue_set").sum() == (moved & raw["number"].isin(tickets["ticket_id"])).sum()
    opened = events.merge(tickets[["ticket_id", "known_at"]], on="ticket_id", suffixes=("", "_ticket"))
    assert (opened["known_at"] >= opened["known_at_ticket"]).all()
    assert set(intake.tables["ticket_events"].reasons()) <= {NO_TICKET}
