"""`firstline ingest --check`, the page of quarantined rows and the exit status: what a person is told."""

import json
from pathlib import Path

import pandas as pd
import pytest

from connectors.intake.take_in import take_in
from connectors.mapping.file import load_mapping
from pipelines.ingest_check import check
from pipelines.ingest_command import ingest
from pipelines.progress import bytes_read
from pipelines.quarantine_page import no_formula, quarantine_page

MAPPING = """
about: a desk with nothing but a ticket list
sources:
  - file: tickets-*.csv
    format: csv
    tables:
      - table: tickets
        skip_where: {spam: true}
        columns: {ticket_id: id, known_at: at, created_at: at, body: text}
"""
HEADER = "id,at,text,spam\n"
NOW = pd.Timestamp("2026-06-01T00:00Z")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Three good tickets, one of spam, one without a time."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "mapping.yaml").write_text(MAPPING)
    rows = "1,2026-01-01,a,\n2,2026-01-02,b,\n3,2026-01-03,c,\n4,2026-01-04,d,true\n5,soon,<b>=1+1</b>,\n"
    (folder / "tickets-1.csv").write_text(HEADER + rows)
    return folder


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_check_says_what_would_come_of_every_row_and_writes_nothing(desk: Path, tmp_path: Path) -> None:
    before = files_of(tmp_path)
    checked = check(desk, desk / "mapping.yaml", [], 0.5, NOW)
    assert files_of(tmp_path) == before
    table = checked.found["tables"]["tickets"]
    assert {name: table[name] for name in ("rows_in", "kept", "quarantined", "filtered", "duplicates")} == {
        "rows_in": 5,
        "kept": 3,
        "quarantined": 1,
        "filtered": 1,
        "duplicates": 0,
    }
    (example,) = table["examples"]["known_at: not a time"]
    assert (example["source_file"], example["row_number"]) == ("tickets-1.csv", 5)
    assert checked.found["unread_files"] == ["mapping.yaml"]
    assert any("no churn model" in line for line in checked.found["left_out"])
    assert "tickets-1.csv record 5" in checked.text
    assert "the run would go on" in checked.text
    assert json.loads(json.dumps(checked.found)) == checked.found


@pytest.mark.parametrize(
    ("hazard", "content", "status"),
    [
        ("sound", HEADER + "1,2026-01-01,a,\n", 0),
        ("nothing kept", HEADER, 3),
        ("too much in quarantine", HEADER + "1,soon,a,\n2,2026-01-01,a,\n", 3),
        ("column missing", "id,at,text\n1,2026-01-01,a\n", 1),
        ("damaged file", HEADER.encode() + b'"', 3),
        ("header nobody can read", b"id,\xff\n", 1),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_exit_status_and_one_line_of_json(
    desk: Path,
    capsys: pytest.CaptureFixture[str],
    hazard: str,
    content: str | bytes,
    status: int,
    as_json: bool,
) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    (desk / "tickets-1.csv").write_bytes(raw)
    found = ingest(desk, desk / "mapping.yaml", "mine", [], check=True, as_json=as_json)
    said = capsys.readouterr()
    assert found == status, hazard
    if as_json:
        told = json.loads(said.out)
        assert bool(told.get("error") or told.get("would_stop")) == (status != 0)
    else:
        assert (said.out + said.err).strip()
        assert "Traceback" not in said.out + said.err


def test_check_reads_extra_files_and_refuses_what_does_not_fit(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = tmp_path / "tickets-9.csv"
    extra.write_text(HEADER + "9,2026-01-09,z,\n")
    assert check(desk, desk / "mapping.yaml", [extra], 0.5, NOW).found["tables"]["tickets"]["kept"] == 4
    assert ingest(tmp_path / "nowhere", desk / "mapping.yaml", "mine", [], check=True, as_json=False) == 1
    assert "is not a folder" in capsys.readouterr().err


def test_page_shows_reasons_with_examples_and_escapes_what_customers_wrote(desk: Path) -> None:
    intake = take_in(desk, load_mapping(desk / "mapping.yaml"), lambda line: None)
    page = quarantine_page(intake, "mine")
    assert "known_at: not a time: 1" in page
    assert "tickets-1.csv" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_page_without_quarantine_says_so(desk: Path) -> None:
    (desk / "tickets-1.csv").write_text(HEADER + "1,2026-01-01,a,\n")
    intake = take_in(desk, load_mapping(desk / "mapping.yaml"), lambda line: None)
    assert "Nothing is in quarantine." in quarantine_page(intake, "mine")


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-x", "@SUM(A1)", "\t=1"])
def test_no_cell_of_the_page_begins_a_formula(cell: str) -> None:
    assert no_formula(cell) == f"'{cell}"
    assert no_formula("a=1") == "a=1"


def test_progress_says_the_time_left_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.progress.SECONDS_BETWEEN_LINES", -1.0)
    with bytes_read(200) as on_bytes:
        on_bytes(50)
    said = capsys.readouterr()
    assert "25%" in said.err
    assert "s left" in said.err
    assert said.out == ""
