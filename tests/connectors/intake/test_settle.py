"""Rows that share a key: corrections, deletions, totals stated again, each a row of its own at its time."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.deliveries import record_delivery
from connectors.intake.settle import Judge
from connectors.intake.spool import ORIGIN
from connectors.intake.take_in import Intake, take_in
from connectors.mapping.file import Mapping, parse_mapping
from features.schema import TABLES

MAPPING = """
about: a desk whose rows change
sources:
  - file: tickets*.csv
    format: csv
    tables:
      - table: tickets
        deleted_where: {state: deleted}
        columns: {ticket_id: id, known_at: known, created_at: created, subject: subject, body: body}
  - file: events*.csv
    format: csv
    tables:
      - table: ticket_events
        deleted_where: {state: deleted}
        columns: {event_id: id, ticket_id: ticket, known_at: known, occurred_at: at, kind: kind, value: value}
  - file: accounts*.csv
    format: csv
    tables:
      - table: accounts
        columns: {account_id: id, known_at: known, plan: plan}
  - file: usage*.csv
    format: csv
    tables:
      - table: usage
        restates: true
        columns: {account_id: id, day: day, known_at: known, feature: {value: login}, events: n}
"""
TICKETS = "id,known,created,subject,body,state\n"
EVENTS = "id,ticket,known,at,kind,value,state\n"
FIRST, SECOND = pd.Timestamp("2026-03-01T00:00Z"), pd.Timestamp("2026-04-01T00:00Z")


def mapping() -> Mapping:
    return parse_mapping(MAPPING, "test.yaml")


def delivered(folder: Path, *deliveries: dict[str, str]) -> Intake:
    """Every delivery one month after the other, the first at ``FIRST``."""
    for number, files in enumerate(deliveries):
        for name, content in files.items():
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(content)
        record_delivery(folder, list(files), FIRST + pd.DateOffset(months=number))
    return take_in(folder, mapping(), lambda line: None)


def rows(intake: Intake, table: str, *columns: str) -> list[tuple[Any, ...]]:
    if table not in intake.tables:
        return []
    kept = intake.tables[table].kept[list(columns)].astype("object")
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in kept.to_numpy()]


def even(intake: Intake) -> bool:
    """Whether the accounts of every table come out even."""
    return all(
        t.rows_in + t.from_tickets
        == t.rows_kept + t.rows_quarantined + t.filtered.total() + t.duplicates + t.to_events
        for t in intake.tables.values()
    )


LATER = [
    ("nothing changed", "1,2026-01-01,2026-01-01,a,b,\n", [], {}),
    ("known later, other text", "1,2026-02-01,2026-01-01,a,c,\n",
     [("corrected", pd.Timestamp("2026-02-01T00:00Z"), '{"body": "c"}')], {}),
    ("known later, nothing else", "1,2026-02-01,2026-01-01,a,b,\n", [], {}),
    ("same time, other text", "1,2026-01-01,2026-01-01,a,c,\n", [], {"key repeated with other content": 1}),
    ("deleted later", "1,2026-02-01,2026-01-01,,,deleted\n",
     [("deleted", pd.Timestamp("2026-02-01T00:00Z"), None)], {}),
    ("deleted, nothing says when", "1,2026-01-01,2026-01-01,,,deleted\n", [],
     {"deleted, but nothing says when: map known_at to it, or deliver the file later": 1}),
    ("deleted row without its values", "1,2026-02-01,,,,deleted\n",
     [("deleted", pd.Timestamp("2026-02-01T00:00Z"), None)], {}),
]  # fmt: skip


@pytest.mark.parametrize(("hazard", "row", "events", "reasons"), LATER, ids=[case[0] for case in LATER])
def test_a_later_row_of_a_ticket_never_overwrites_it(
    tmp_path: Path, hazard: str, row: str, events: list[tuple[Any, ...]], reasons: dict[str, int]
) -> None:
    intake = delivered(tmp_path, {"tickets.csv": TICKETS + "1,2026-01-01,2026-01-01,a,b,\n" + row})
    assert rows(intake, "tickets", "ticket_id", "subject", "body") == [("1", "a", "b")]
    assert rows(intake, "ticket_events", "kind", "known_at", "value") == events
    assert intake.tables["tickets"].reasons() == reasons
    assert even(intake)


@pytest.mark.parametrize(
    ("hazard", "row", "kind"),
    [
        ("other text under the same time", "1,2026-01-01,2026-01-01,a,c,\n", "corrected"),
        ("deleted under the same time", "1,2026-01-01,2026-01-01,,,deleted\n", "deleted"),
        ("deleted without any time", "1,,,,,deleted\n", "deleted"),
    ],
)
def test_without_a_time_of_its_own_a_change_is_known_when_it_was_delivered(
    tmp_path: Path, hazard: str, row: str, kind: str
) -> None:
    first = {"tickets-1.csv": TICKETS + "1,2026-01-01,2026-01-01,a,b,\n"}
    intake = delivered(tmp_path, first, {"tickets-2.csv": TICKETS + row})
    assert rows(intake, "tickets", "body") == [("b",)]
    assert rows(intake, "ticket_events", "kind", "known_at") == [(kind, SECOND)], hazard
    assert even(intake)


def test_each_correction_says_what_differs_from_the_ticket_as_first_known(tmp_path: Path) -> None:
    content = TICKETS + "".join(
        f"1,2026-0{month}-01,2026-01-01,{subject},b,\n" for month, subject in ((1, "a"), (2, "x"), (3, "a"))
    )
    intake = delivered(tmp_path, {"tickets.csv": content})
    told = rows(intake, "ticket_events", "event_id", "value")
    assert told == [
        ("corrected:1@2026-02-01T00:00:00Z", '{"subject": "x"}'),
        ("corrected:1@2026-03-01T00:00:00Z", "{}"),
    ]


def test_a_ticket_that_is_only_ever_seen_deleted_is_not_kept(tmp_path: Path) -> None:
    intake = delivered(tmp_path, {"tickets.csv": TICKETS + "1,2026-02-01,2026-01-01,,,deleted\n"})
    assert rows(intake, "tickets", "ticket_id") == []
    assert rows(intake, "ticket_events", "kind", "ticket_id") == [("deleted", "1")]
    assert even(intake)


TICKET = {"tickets.csv": TICKETS + "1,2026-01-01,2026-01-01,a,b,\n"}
E1 = "e1,1,2026-01-02,2026-01-02,{kind},{value},\n"


def test_a_value_that_is_set_again_becomes_a_new_event_and_the_old_one_stays(tmp_path: Path) -> None:
    later = E1.format(kind="intent_set", value="access").replace("2026-01-02,2026", "2026-02-01,2026")
    first = EVENTS + E1.format(kind="intent_set", value="billing")
    intake = delivered(tmp_path, TICKET | {"events.csv": first + later})
    assert rows(intake, "ticket_events", "event_id", "kind", "value") == [
        ("e1", "intent_set", "billing"),
        ("e1@2026-02-01T00:00:00Z", "intent_set", "access"),
    ]


def test_a_fact_that_would_count_twice_is_corrected_by_name(tmp_path: Path) -> None:
    first = EVENTS + E1.format(kind="solved", value="")
    later = "e1,1,2026-02-01,2026-01-05,solved,,\n"
    intake = delivered(tmp_path, TICKET | {"events.csv": first + later})
    (solved, corrected) = rows(intake, "ticket_events", "event_id", "kind", "value")
    assert solved == ("e1", "solved", None)
    assert corrected[1] == "corrected"
    assert json.loads(corrected[2]) == {"event_id": "e1", "occurred_at": "2026-01-05T00:00:00Z"}


def test_a_deleted_event_is_retracted_in_every_form_it_had(tmp_path: Path) -> None:
    content = EVENTS + E1.format(kind="intent_set", value="billing")
    content += "e1,1,2026-02-01,2026-01-02,intent_set,access,\n" + "e1,1,2026-03-01,2026-01-02,,,deleted\n"
    intake = delivered(tmp_path, TICKET | {"events.csv": content})
    retracted = [
        row for row in rows(intake, "ticket_events", "kind", "value", "known_at") if row[0] == "retracted"
    ]
    assert retracted == [
        ("retracted", "e1", pd.Timestamp("2026-03-01T00:00Z")),
        ("retracted", "e1@2026-02-01T00:00:00Z", pd.Timestamp("2026-03-01T00:00Z")),
    ]


def test_an_account_that_comes_again_with_the_same_time_is_a_version_known_when_delivered(
    tmp_path: Path,
) -> None:
    header = "id,known,plan\n"
    first = {"accounts-1.csv": header + "A,2026-01-01,team\nA,2026-01-15,team+\n"}
    second = {"accounts-2.csv": header + "A,2026-01-01,basic\nA,2026-01-15,basic+\nB,2026-01-01,team\n"}
    intake = delivered(tmp_path, first, second)
    versions = [row for row in rows(intake, "accounts", "account_id", "plan", "known_at") if row[0] == "A"]
    assert [plan for _, plan, _ in versions] == ["team", "team+", "basic", "basic+"]
    assert versions[2][2] == SECOND
    assert versions[3][2] > SECOND, "two versions of one account are never known at one moment"
    assert even(intake)


def test_a_total_that_is_stated_again_becomes_the_difference(tmp_path: Path) -> None:
    content = (
        "id,day,known,n\nA,2026-01-01,2026-01-02,5\nA,2026-01-01,2026-01-03,9\nA,2026-01-01,2026-01-04,7\n"
    )
    intake = delivered(tmp_path, {"usage.csv": content})
    assert rows(intake, "usage", "events") == [(5,), (4,), (-2,)]
    assert even(intake)


BEFORE = "occurred_at: before its ticket was created"
STRAYS = [
    ("no such ticket", "e1,2,2026-01-02,2026-01-02,reply,,\n", "ticket_id: no such ticket"),
    ("before its ticket", "e1,1,2026-01-02,2025-12-31,reply,,\n", BEFORE),
    ("closed before it opened", "e1,1,2026-01-02,2025-12-31,solved,,\n", BEFORE),
]


@pytest.mark.parametrize(("hazard", "row", "reason"), STRAYS, ids=[case[0] for case in STRAYS])
def test_an_event_without_its_ticket_is_quarantined(
    tmp_path: Path, hazard: str, row: str, reason: str
) -> None:
    intake = delivered(tmp_path, TICKET | {"events.csv": EVENTS + row})
    table = intake.tables["ticket_events"]
    assert table.reasons() == {reason: 1}
    (found,) = table.quarantine.to_dict("records")
    assert (found["source_file"], found["row_number"]) == ("events.csv", 1)
    assert json.loads(found["raw"])["event_id"] == "e1"
    assert even(intake)


def test_events_that_reach_further_back_than_the_tickets_do_not_stop_a_run(tmp_path: Path) -> None:
    orphans = "".join(f"e{n},9,2026-01-02,2026-01-02,reply,,\n" for n in range(50))
    intake = delivered(tmp_path, TICKET | {"events.csv": EVENTS + orphans})
    assert intake.tables["ticket_events"].rows_quarantined == 50
    assert intake.tables["ticket_events"].quarantined_share == 0


def test_an_event_within_the_second_of_its_ticket_is_known_with_it(tmp_path: Path) -> None:
    ticket = {"tickets.csv": TICKETS + "1,2026-01-01T10:00:00.750Z,2026-01-01T10:00:00.750Z,a,b,\n"}
    events = EVENTS + "e1,1,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,priority_set,high,\n"
    intake = delivered(tmp_path, ticket | {"events.csv": events})
    assert rows(intake, "ticket_events", "known_at") == [(pd.Timestamp("2026-01-01T10:00:00.750Z"),)]


def test_events_alone_are_held_against_no_tickets(tmp_path: Path) -> None:
    intake = delivered(tmp_path, {"events.csv": EVENTS + E1.format(kind="reply", value="")})
    assert intake.tables["ticket_events"].rows_kept == 1


TICKET_ROWS = st.lists(
    st.tuples(
        st.sampled_from("123"),
        st.integers(1, 9),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "deleted"]),
    ),
    max_size=14,
    unique_by=lambda row: (row[0], row[1]),
)


def ticket_lines(found: list[tuple[str, int, str, str]]) -> str:
    return TICKETS + "".join(
        f"{i},2026-01-0{day},2026-01-01,{text},,{gone}\n" for i, day, text, gone in found
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=TICKET_ROWS, cut=st.integers(0, 14), repeated=st.integers(0, 5))
def test_two_deliveries_equal_one_where_the_source_says_when(
    tmp_path_factory: pytest.TempPathFactory,
    found: list[tuple[str, int, str, str]],
    cut: int,
    repeated: int,
) -> None:
    """Whatever the order of the files, and although the second delivery repeats some rows of the first."""
    whole = delivered(tmp_path_factory.mktemp("whole"), {"tickets.csv": ticket_lines(found)})
    late, early = found[:cut], found[cut:]
    parts = delivered(
        tmp_path_factory.mktemp("parts"),
        {"tickets-2.csv": ticket_lines(early)},
        {"tickets-1.csv": ticket_lines([*late, *early[:repeated]])},
    )
    for table in ("tickets", "ticket_events"):
        columns = ("ticket_id", "known_at") if table == "tickets" else ("event_id", "known_at", "value")
        assert rows(whole, table, *columns) == rows(parts, table, *columns)
    assert even(whole)
    assert even(parts)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_key_with_more_rows_than_a_batch_is_judged_as_in_one(size: int) -> None:
    texts = ["a", "a", "b", "a", "c", "c"]
    whole = pd.DataFrame(
        {
            **dict.fromkeys(TABLES["tickets"].columns),
            "ticket_id": ["1", "1", "1", "1", "2", "2"],
            "known_at": pd.to_datetime([f"2026-01-0{day}" for day in (1, 2, 2, 3, 1, 1)]),
            "body": texts,
            "version": None,
            **dict.fromkeys(ORIGIN),
            "input": 0,
            "is_deleted": False,
            "is_restated": False,
        }
    )
    at_once, judge = Judge("tickets").judge(whole), Judge("tickets")
    parts = [judge.judge(whole.iloc[at : at + size]) for at in range(0, len(whole), size)]
    assert [row["event_id"] for part in parts for row in part.events] == [
        row["event_id"] for row in at_once.events
    ]
    assert sum(part.duplicates for part in parts) == at_once.duplicates == 2
    assert [row["ticket_id"] for part in parts for row in part.kept] == ["1", "2"]
