"""Event logs: what a row is told about its case, whatever files and chunks its events lie in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.intake.take_in import TableIntake, take_in
from connectors.mapping.file import Mapping, Source, parse_mapping
from connectors.readers import Chunk
from connectors.rules import cases
from tests.connectors.exports import WriteFolder

LOG = """
about: an event log
sources:
  - file: "log*.csv"
    format: csv
    missing: ["?"]
    case: {id: case, order: [{time: at, time_format: "%d/%m/%Y %H:%M"}, {number: step}]}
    tables:
      - table: tickets
        keep_where: {case.first: true}
        columns: {ticket_id: case, known_at: &at {from: at, time_format: "%d/%m/%Y %H:%M"}, created_at: *at}
      - table: ticket_events
        keep_where: {changed.team: true}
        skip_where: {team: ""}
        columns:
          event_id: {concat: [{from: case, prefix: "queue:"}, case.event], separator: /}
          ticket_id: case
          known_at: *at
          occurred_at: *at
          kind: {value: queue_set}
          value: team
          actor_id: before.team
          text: first.team
      - table: ticket_events
        keep_where: {case.last: true}
        columns:
          event_id: {from: case, prefix: "end:"}
          ticket_id: case
          known_at: *at
          occurred_at: *at
          kind: {value: solved}
"""
HEADER = "case,at,step,team\n"


def log(text: str = LOG) -> Mapping:
    return parse_mapping(text, "log.yaml")


def taken(folder: Path, table: str) -> TableIntake:
    return take_in(folder, log(), print).tables[table]


def queues(folder: Path) -> dict[str, str]:
    kept = taken(folder, "ticket_events").kept
    queue = kept[kept["kind"] == "queue_set"].sort_values("event_id")
    said = zip(queue["actor_id"].fillna("-"), queue["value"], queue["text"].fillna("-"), strict=True)
    return dict(zip(queue["event_id"], map(" ".join, said), strict=True))


ONE_CASE = ["A,1/3/2016 09:00,0,desk\n", "A,1/3/2016 10:00,1,desk\n", "A,10/3/2016 08:00,2,network\n"]


@pytest.mark.parametrize(
    ("hazard", "files", "expected"),
    [
        ("in order", {"log.csv": ONE_CASE},
         {"queue:A/000001": "- desk desk", "queue:A/000003": "desk network desk"}),
        ("newest first", {"log.csv": ONE_CASE[::-1]},
         {"queue:A/000001": "- desk desk", "queue:A/000003": "desk network desk"}),
        ("a case over two files", {"log-1.csv": ONE_CASE[1:], "log-2.csv": ONE_CASE[:1]},
         {"queue:A/000001": "- desk desk", "queue:A/000003": "desk network desk"}),
        ("exports overlap", {"log-1.csv": ONE_CASE[:2], "log-2.csv": ONE_CASE},
         {"queue:A/000001": "- desk desk", "queue:A/000003": "desk network desk"}),
        ("same minute, by step", {"log.csv": ["A,1/3/2016 09:00,10,b\n", "A,1/3/2016 09:00,9,a\n"]},
         {"queue:A/000001": "- a a", "queue:A/000002": "a b a"}),
        ("other cases between", {"log.csv": [ONE_CASE[0], "B,1/3/2016 09:30,0,hr\n", ONE_CASE[2]]},
         {"queue:A/000001": "- desk desk", "queue:A/000002": "desk network desk",
          "queue:B/000001": "- hr hr"}),
        ("no value at first", {"log.csv": ["A,1/3/2016 09:00,0,?\n", "A,1/3/2016 10:00,1,desk\n"]},
         {"queue:A/000002": "- desk -"}),
    ],
)  # fmt: skip
def test_events_know_the_event_before_and_the_first(
    write_folder: WriteFolder, hazard: str, files: dict[str, list[str]], expected: dict[str, str]
) -> None:
    folder = write_folder({name: HEADER + "".join(rows) for name, rows in files.items()})
    assert queues(folder) == expected, hazard


def test_first_and_last_event_are_found_by_time_not_by_place(write_folder: WriteFolder) -> None:
    folder = write_folder({"log.csv": HEADER + "".join(ONE_CASE[::-1])})
    assert taken(folder, "tickets").kept["known_at"].tolist() == [pd.Timestamp("2016-03-01T09:00Z")]
    events = taken(folder, "ticket_events").kept
    assert events.loc[events["kind"] == "solved", "known_at"].tolist() == [pd.Timestamp("2016-03-10T08:00Z")]


@pytest.mark.parametrize(
    ("hazard", "row", "reason"),
    [
        ("no case", ",1/3/2016 09:00,0,desk\n", "no case: case is empty"),
        ("case is missing", "?,1/3/2016 09:00,0,desk\n", "no case: case is empty"),
        ("no time", "B,,0,desk\n", "at: no time to order the events of a case by"),
        ("month first", "B,3/31/2016 09:00,0,desk\n", "at: no time to order the events of a case by"),
        ("no step", "B,1/3/2016 09:00,x,desk\n", "step: no number to order the events of a case by"),
    ],
)
def test_event_without_case_or_order_is_quarantined_and_counted(
    write_folder: WriteFolder, hazard: str, row: str, reason: str
) -> None:
    table = taken(write_folder({"log.csv": HEADER + ONE_CASE[0] + row}), "tickets")
    assert table.quarantine[["row_number", "reason"]].to_numpy().tolist() == [[2, reason]], hazard
    assert table.rows_in == len(table.kept) + len(table.quarantine) == 2


def test_file_without_a_compared_column_is_quarantined_and_not_taken_as_unchanged(
    write_folder: WriteFolder,
) -> None:
    other = "case,at,step\nB,1/3/2016 09:00,0\n"
    folder = write_folder({"log-1.csv": HEADER + ONE_CASE[0], "log-2.csv": other})
    reasons = taken(folder, "ticket_events").reasons()
    assert reasons == {"no column 'team' in the file to know the events of a case by": 2}


TOLD = ["case.first", "case.last", "case.event", "before.team", "changed.team", "first.team"]
EVENTS = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 4), st.sampled_from(["", "x", "y"])), max_size=25
)


def told_by_hand(events: list[tuple[str, int, str]]) -> list[tuple[str, ...]]:
    """The definition, slowly: (first, last, event, before, changed, first value) of every row."""
    told = []
    for row in events:
        case = list(dict.fromkeys(event for event in events if event[0] == row[0]))
        case.sort(key=lambda event: event[1])  # stable: ties as they lie in the files
        place = case.index(row)
        before = case[place - 1][2] if place else ""
        flags = (place == 0, place == len(case) - 1)
        number = f"{place + 1:06d}"
        told.append(
            (*(str(f).lower() for f in flags), number, before, str(row[2] != before).lower(), case[0][2])
        )
    return told


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS, chunk_rows=st.integers(1, 7))
def test_chunks_of_any_size_tell_what_whole_cases_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[tuple[str, int, str]], chunk_rows: int
) -> None:
    monkeypatch.setattr(cases, "ROWS_A_PART", 8)
    rows = pd.DataFrame(events, columns=["case", "step", "team"]).astype("str").replace("", np.nan)
    source = Source.model_validate(
        {
            "file": "x",
            "format": "csv",
            "case": {"id": "case", "order": {"number": "step"}},
            "tables": [rule_naming(*TOLD)],
        }
    )  # fmt: skip

    def read() -> Iterator[tuple[int, Chunk]]:
        for start in range(0, len(rows), chunk_rows):
            part = rows.iloc[start : start + chunk_rows].reset_index(drop=True)
            yield start, Chunk(part, np.arange(len(part)) + start + 1)

    seen = list(cases.case_rows(read, source, "UTC", tmp_path))
    assert [owner for owner, _ in seen] == list(range(0, len(rows), chunk_rows))
    told = [chunk.rows[TOLD].fillna("") for _, chunk in seen]
    found = [row for rows in told for row in rows.itertuples(index=False, name=None)]
    assert found == told_by_hand(events)
    assert not list(tmp_path.iterdir())


def rule_naming(*names: str) -> dict[str, Any]:
    columns = {"ticket_id": "case", "known_at": "step", "created_at": "step"}
    return {"table": "tickets", "skip_where": dict.fromkeys(names, "never"), "columns": columns}
