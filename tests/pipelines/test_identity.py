"""The last step of ingest: every ticket knows its person, and the evidence lies beside it."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from connectors.identity.decisions import RULES_FILE
from features.schema import IDENTITIES, typed
from features.tables import read_table, write_tables
from pipelines.identity import identify
from tests.connectors.people import contacts, day, decided, told

MAIL, CALL = "email:ann@x.example", "phone:+4930123456"


def tickets(*rows: tuple[str, float, str | None]) -> pd.DataFrame:
    """(ticket_id, day, contact_id as the source gives it)."""
    columns = ["ticket_id", "known_at", "contact_id"]
    frame = pd.DataFrame([(t, day(d), c) for t, d, c in rows], columns=columns)
    return typed("tickets", frame.assign(created_at=frame["known_at"], body="help"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people = contacts(("C1", 0, "A", [MAIL]), ("C2", 5, "A", [MAIL, CALL]))
    asked = tickets(
        ("1", 1, "Ann@x.example"), ("2", 6, "phone_number:+49 30 123456"), ("3", 6, None), ("4", 6, "C2")
    )
    write_tables(tmp_path, {"contacts": people, "tickets": asked})
    return tmp_path


def test_tickets_get_their_person_their_account_and_keep_what_the_source_said(folder: Path) -> None:
    found = identify(folder, [], "")
    rewritten = read_table(folder, "tickets")
    assert told(rewritten["contact_id"]) == ["C1", "C1", None, "C1"]
    assert told(rewritten["account_id"]) == ["A", "A", None, "A"]
    assert told(rewritten["writer"]) == [MAIL, CALL, None, "C2"]
    assert rewritten["body"].tolist() == ["help"] * 4
    assert (found.contacts, found.people, found.tickets, found.renamed, found.accounts_filled) == (
        2,
        1,
        4,
        3,
        3,
    )
    assert "2 contacts are 1 people" in found.lines()[0]


def test_running_it_again_changes_no_byte_and_row_groups_stay_small(folder: Path) -> None:
    identify(folder, [], "")
    once = {path.name: path.read_bytes() for path in folder.iterdir()}
    identify(folder, [], "")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == once
    tickets = pd.read_parquet(folder / "tickets.parquet")
    tickets.to_parquet(folder / "tickets.parquet", row_group_size=3, index=False)
    identify(folder, [], "")
    assert pq.ParquetFile(folder / "tickets.parquet").num_row_groups == 2
    pd.testing.assert_frame_equal(read_table(folder, "tickets"), tickets)
    assert told(read_table(folder, "tickets")["contact_id"]) == ["C1", "C1", None, "C1"]


def test_a_decision_counts_for_the_tickets_after_it(folder: Path) -> None:
    identify(folder, [decided("d1", 5.5, "split", "C2")], "")
    assert told(read_table(folder, "tickets")["contact_id"]) == ["C1", "C2", None, "C2"]


def test_the_evidence_and_the_form_of_handles_lie_beside_the_tables(folder: Path) -> None:
    identify(folder, [], "DE")
    rows = read_table(folder, IDENTITIES)
    assert set(rows["alias"]) == {"C1", "C2", MAIL, CALL}
    assert json.loads((folder / RULES_FILE).read_text()) == {"phone_region": "DE", "decisions": []}


def test_without_contacts_and_tickets_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert "no contacts" in identify(tmp_path, [], "").lines()[0]
    assert read_table(tmp_path, IDENTITIES).empty
