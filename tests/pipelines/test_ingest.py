"""Stage ingest and `firstline ingest`: accounts of all rows, what is left out by name, append-only data."""

import csv
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest
import yaml

from connectors.intake.take_in import Intake
from connectors.mapping.file import MappingError
from features.schema import TABLES
from features.tables import read_tables
from pipelines.ingest import (
    AdoptError,
    IngestError,
    adopt,
    check_quarantine,
    ingest,
    left_out,
    metrics,
    report,
    write,
)

ROOT = Path(__file__).parents[2]
THUNDERBIRD = Path("connectors/mappings/sumo_thunderbird.yaml")
DATASETS = Path(os.environ.get("FIRSTLINE_DATASETS", ROOT.parent / "shared/datasets"))
MAPPING = """
about: a desk with nothing but a ticket list
sources:
  - file: tickets-*.csv
    format: csv
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: at, created_at: at, body: text}
      - table: ticket_events
        columns:
          {event_id: {from: id, prefix: "intent:"}, ticket_id: id, known_at: at, occurred_at: at,
           kind: {value: intent_set}, value: queue, actor_kind: {value: agent}}
"""
HEADER = "id,at,text,queue\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder as somebody would have it: exports, a mapping and a note."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "mapping.yaml").write_text(MAPPING)
    (folder / "readme.txt").write_text("for Firstline")
    (folder / "tickets-1.csv").write_text(HEADER + "1,2026-01-01,hello,billing\n2,2026-01-02,hi,access\n")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project: only its parameters."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    return folder


def taken_in(desk: Path) -> Intake:
    return ingest(desk, desk / "mapping.yaml", print)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_row_is_accounted_for_in_metrics_and_report(desk: Path) -> None:
    (desk / "tickets-2.csv").write_text(HEADER + "3,soon,oops,billing\n1,2026-01-01,hello,billing\n")
    intake = taken_in(desk)
    assert metrics(intake)["tickets"] == {
        "rows_in": 4,
        "kept": 2,
        "quarantined": 1,
        "filtered": 0,
        "duplicates": 1,
        "from_tickets": 0,
        "to_events": 0,
        "quarantined_by_reason": {"known_at: not a time": 1},
    }
    text = report(intake)
    assert "rows in = kept + quarantined + filtered + duplicates\n" in text
    assert "tickets quarantined: 1 x known_at: not a time" in text
    assert "not read, no source in the mapping names it: readme.txt" in text


def test_what_missing_tables_cost_is_said_by_name(desk: Path) -> None:
    causes = "\n".join(left_out({name: table.kept for name, table in taken_in(desk).tables.items()}))
    for name, lost in (
        ("accounts", "no churn model"),
        ("usage", "no churn model"),
        ("priority_set", "no priority model"),
        ("agents", "to queues"),
    ):
        assert any(line.startswith(name) and lost in line for line in causes.splitlines()), name
    assert "tickets: missing" not in causes
    assert "no intent model" not in causes


def test_same_rows_same_bytes_and_nothing_stale(desk: Path, tmp_path: Path) -> None:
    for run in ("a", "b"):
        write(taken_in(desk), tmp_path / run)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    (tmp_path / "b/tables/usage.parquet").write_bytes((tmp_path / "b/tables/tickets.parquet").read_bytes())
    write(taken_in(desk), tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert read_tables(tmp_path / "a/tables")["tickets"]["ticket_id"].tolist() == ["1", "2"]


def test_quarantine_file_holds_the_raw_row_and_where_it_came_from(desk: Path, tmp_path: Path) -> None:
    (desk / "tickets-2.csv").write_text(HEADER + "3,soon,oops,billing\n")
    write(taken_in(desk), tmp_path)
    (found,) = pd.read_parquet(tmp_path / "quarantine/tickets.parquet").to_dict("records")
    assert json.loads(found.pop("raw")) == {"id": "3", "at": "soon", "text": "oops", "queue": "billing"}
    expected = {
        "table": "tickets",
        "source_file": "tickets-2.csv",
        "row_number": 1,
        "reason": "known_at: not a time",
    }
    assert found == expected


def test_too_much_quarantine_stops_naming_table_reason_and_fix(desk: Path) -> None:
    (desk / "tickets-2.csv").write_text(HEADER + "3,soon,oops,billing\n")
    intake = taken_in(desk)
    check_quarantine(intake, max_quarantined_share=0.34)
    with pytest.raises(
        IngestError, match=r"tickets: 33.3% of the rows .* known_at: not a time.*tickets-2.csv row 1"
    ):
        check_quarantine(intake, max_quarantined_share=0.33)


@pytest.mark.parametrize(
    ("hazard", "name", "rows", "expected"),
    [
        ("no rows", "tickets-1.csv", "", "the files that the mapping reads have no rows"),
        ("all unreadable", "tickets-1.csv", "3,soon,oops,billing\n", "100.0% .* known_at: not a time.*row 1"),
        ("no such file", "cases.csv", "", r"Not found: .*tickets-\*.csv"),
    ],
)
def test_export_of_which_nothing_is_kept_says_why(
    desk: Path, hazard: str, name: str, rows: str, expected: str
) -> None:
    (desk / "tickets-1.csv").unlink()
    (desk / name).write_text(HEADER + rows)
    with pytest.raises(IngestError, match=f"no row of any table was kept.*{expected}"):
        check_quarantine(taken_in(desk), max_quarantined_share=0.5)


def feedback_on(ticket_id: str, ticket: dict[str, str] | None) -> str:
    event = {
        "event_id": f"feedback:{ticket_id}:intent",
        "ticket_id": ticket_id,
        "known_at": "2026-01-03T00:00:00Z",
        "occurred_at": "2026-01-03T00:00:00Z",
        "kind": "intent_set",
        "value": "access",
        "actor_kind": "agent",
        "actor_id": "a1",
        "text": None,
        "ticket": ticket,
    }
    return json.dumps(event) + "\n"


def test_a_correction_reaches_training_with_its_ticket_and_only_once(desk: Path, tmp_path: Path) -> None:
    at = "2026-01-02T12:00:00Z"
    corrected = {"known_at": at, "created_at": at, "channel": "chat", "subject": "", "body": "locked out"}
    folder = tmp_path / "feedback"
    folder.mkdir()
    (folder / "feedback-000001-000003.jsonl").write_text(
        feedback_on("1", {"ticket_id": "1", **corrected})  # the export has this ticket: its own row wins
        + feedback_on("9", {"ticket_id": "9", **corrected})
        + feedback_on("8", None)
    )
    intake = ingest(desk, desk / "mapping.yaml", print, feedback=folder)
    events, tickets = intake.tables["ticket_events"], intake.tables["tickets"]
    assert set(events.kept["event_id"]) == {
        "intent:1",
        "intent:2",
        "feedback:1:intent",
        "feedback:9:intent",
    }
    assert events.reasons() == {"ticket_id: no such ticket": 1}
    bodies = tickets.kept.set_index("ticket_id")["body"]
    assert bodies["9"] == "locked out"
    assert bodies["1"] != "locked out"
    assert tickets.duplicates == 1
    assert tickets.rows_in == len(tickets.kept) + tickets.filtered.total() + tickets.duplicates


RECEIVED = pd.Timestamp("2026-02-01T09:30Z")
RECORD = "mine/deliveries/2026-02-01T09-30-00.000000Z.json"


def adopted(
    desk: Path, project: Path, name: str = "mine", extra: tuple[Path, ...] = (), days: int = 0
) -> str:
    received_at = RECEIVED + pd.Timedelta(days=days)
    params = project / "params.yaml"
    lines = adopt(desk, desk / "mapping.yaml", name, extra, project / "data", params, received_at)
    return "\n".join(lines)


def test_adopt_copies_what_the_mapping_names_and_points_the_pipeline_at_it(desk: Path, project: Path) -> None:
    comments = [
        line.partition("#")[2] for line in (project / "params.yaml").read_text().splitlines() if "#" in line
    ]
    said = adopted(desk, project)
    found = files_of(project / "data")
    record = json.loads(found.pop(RECORD))
    assert found == {"mine/tickets-1.csv": (desk / "tickets-1.csv").read_bytes()}
    assert record["received_at"] == "2026-02-01T09:30:00+00:00"
    assert [file["path"] for file in record["files"]] == ["tickets-1.csv"]
    assert (project / "connectors/mappings/mapping.yaml").read_text() == MAPPING
    text = (project / "params.yaml").read_text()
    assert yaml.safe_load(text)["ingest"] == {
        "source": "mine",
        "mapping": "connectors/mappings/mapping.yaml",
        "max_quarantined_share": 0.05,
    }
    assert all(comment in text for comment in comments)
    assert said.splitlines()[-1] == "next: dvc repro"


def test_adopt_of_the_same_files_again_changes_nothing(desk: Path, project: Path) -> None:
    adopted(desk, project)
    before = files_of(project)
    said = adopted(desk, project, days=1)
    assert "/: 0; there already: 1" in said
    assert files_of(project) == before


def test_adopt_again_adds_new_files_and_keeps_the_old_ones(desk: Path, project: Path) -> None:
    adopted(desk, project)
    (desk / "tickets-2.csv").write_text(HEADER + "3,2026-01-03,again,billing\n")
    said = adopted(desk, project, days=1)
    assert "/: 1; there already: 1" in said
    assert "no file for" not in said
    assert {name for name in files_of(project / "data") if "deliveries" not in name} == {
        "mine/tickets-1.csv",
        "mine/tickets-2.csv",
    }


def test_a_file_that_came_again_with_other_content_is_a_correction_known_when_received(
    desk: Path, project: Path
) -> None:
    adopted(desk, project)
    first = (project / "data/mine/tickets-1.csv").read_bytes()
    (desk / "tickets-1.csv").write_text(HEADER + "1,2026-01-01,rewritten,access\n2,2026-01-02,hi,access\n")
    said = adopted(desk, project, days=1)
    assert "came again with other content, kept beside" in said
    assert "/: 0; there already: 1" in adopted(desk, project, days=2)
    assert (project / "data/mine/tickets-1.csv").read_bytes() == first
    intake = ingest(project / "data/mine", desk / "mapping.yaml", print)
    assert intake.tables["tickets"].kept["body"].tolist() == ["hello", "hi"]
    assert intake.unread_files == []
    late = RECEIVED + pd.Timedelta(days=1)
    events = intake.tables["ticket_events"].kept
    told = events.loc[events["known_at"] == late, ["ticket_id", "kind", "value"]]
    assert sorted(map(tuple, told.to_numpy())) == [
        ("1", "corrected", '{"body": "rewritten"}'),
        ("1", "intent_set", "access"),
    ]


def test_adopt_refuses_a_mapping_that_is_there_with_other_content(desk: Path, project: Path) -> None:
    adopted(desk, project)
    before = files_of(project)
    (desk / "mapping.yaml").write_text(MAPPING + "\n# changed\n")
    (desk / "tickets-2.csv").write_text(HEADER)
    with pytest.raises(AdoptError, match=r"mapping\.yaml is there already with other content.*edit that one"):
        adopted(desk, project)
    assert files_of(project) == before


@pytest.mark.parametrize(
    ("hazard", "name", "expected"),
    [("path out of data/", "../mine", "not a folder name"), ("no name", "", "not a folder name")],
)
def test_adopt_refuses_names_that_are_no_folder(
    desk: Path, project: Path, hazard: str, name: str, expected: str
) -> None:
    with pytest.raises(AdoptError, match=expected):
        adopted(desk, project, name)
    assert not (project / "data").exists(), hazard


def test_adopt_explains_a_folder_and_an_extra_file_that_do_not_fit(desk: Path, project: Path) -> None:
    with pytest.raises(AdoptError, match=r"reads no readme\.txt"):
        adopted(desk, project, extra=(desk / "readme.txt",))
    (desk / "tickets-1.csv").unlink()
    with pytest.raises(
        AdoptError, match=r"nothing in .*exports fits the mapping .* it reads tickets-\*\.csv"
    ):
        adopted(desk, project)
    with pytest.raises(AdoptError, match="is not a folder"):
        adopt(desk / "nowhere", desk / "mapping.yaml", "mine", (), project / "data", project / "params.yaml")
    (desk / "mapping.yaml").write_text("about: x")
    with pytest.raises(MappingError, match="sources: missing"):
        adopted(desk, project)


def first_rows(path: Path, count: int) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        yield from islice(csv.reader(stream), count + 1)


@pytest.fixture
def thunderbird(tmp_path: Path) -> Path:
    """The oldest 400 questions of the real forum and the first 900 answers."""
    source = DATASETS / "sumo_thunderbird"
    if not source.is_dir():
        pytest.skip(f"{source} is not here: set FIRSTLINE_DATASETS to the folder of the public data sets")
    folder = tmp_path / "thunderbird"
    folder.mkdir()
    for name, count in (("questions", 400), ("answers", 900)):
        with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(first_rows(source / f"{name}.csv.gz", count))
    shutil.copy(DATASETS / "sumo_taxonomy/topic_to_top.json", folder)
    return folder


def test_real_forum_comes_in_through_its_mapping_alone(thunderbird: Path) -> None:
    intake = ingest(thunderbird, THUNDERBIRD, print)
    tables = {name: table.kept for name, table in intake.tables.items()}
    assert set(tables) == {"tickets", "ticket_events"}
    assert len(tables["tickets"]) == 400
    for table in intake.tables.values():
        assert (
            table.rows_in
            == len(table.kept) + len(table.quarantine) + table.filtered.total() + table.duplicates
        )
    events = tables["ticket_events"]
    top_topics = set(json.loads((thunderbird / "topic_to_top.json").read_text()).values())
    assert set(events.loc[events["kind"] == "intent_set", "value"]) <= top_topics
    replies = events[events["kind"] == "reply"].merge(
        tables["tickets"][["ticket_id", "contact_id"]], on="ticket_id"
    )
    by_asker = replies["actor_id"] == replies["contact_id"]
    assert by_asker.sum() > 50
    assert ((replies["actor_kind"] == "customer") == by_asker).all()
    assert not tables["tickets"]["body"].str.contains("</p>", regex=False).any()


def test_needs_are_known_for_every_table() -> None:
    assert {line.partition(":")[0] for line in left_out({})} == set(TABLES)
