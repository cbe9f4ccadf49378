"""What ``--json`` answers is one JSON document, whether the command succeeds or not."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import firstline
from features.schema import typed

ROOT = Path(__file__).parents[1]
TICKETS = "id,created at,subject\n1,2026-01-01,help\n2,2026-01-02,me\n"


def answer(*arguments: str) -> tuple[int, Any]:
    done = CliRunner().invoke(firstline.app, [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a ticket ingested, in the working folder."""
    tables = tmp_path / "artifacts" / "tables"
    tables.mkdir(parents=True)
    row = {"ticket_id": "1", "known_at": "2026-01-01", "created_at": "2026-01-01", "subject": "help"}
    typed("tickets", pd.DataFrame([row])).to_parquet(tables / "tickets.parquet")
    (tmp_path / "tickets.csv").write_text(TICKETS)
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "wrong.yaml").write_text("brand: {}\n")
    for file in ("params.yaml", "policy"):
        (tmp_path / file).symlink_to(ROOT / file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTLINE_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (["mapping", "new", "tickets.csv"], 0, {"wrote": None, "missing": []}),
        (["mapping", "new", "tickets.csv", "-o", "ours.yaml"], 0, {"wrote": "ours.yaml"}),
        (["mapping", "new", "numbers.csv"], 1, {"wrote": None}),
        (["desk", "new", "-o", "ours.yaml"], 0, {"file": "ours.yaml", "plans": 0, "intents": 0}),
        (["desk", "check", "policy/desk.yaml"], 0, {"valid": True, "problems": []}),
        (["desk", "check", "wrong.yaml"], 1, {"valid": False}),
    ],
)
def test_answers_for_programs(
    project: Path, arguments: list[str], status: int, expected: dict[str, object]
) -> None:
    found = answer(*arguments)
    assert found[0] == status
    assert found[1] | expected == found[1]


def test_a_draft_that_is_not_usable_says_what_it_lacks(project: Path) -> None:
    _, found = answer("mapping", "new", "numbers.csv")
    assert found["missing"]
    assert "MISSING" in found["text"]


def test_a_backfill_tells_the_new_rows_and_then_none(project: Path) -> None:
    assert [answer("backfill")[1]["new_rows"]["tickets"] for _ in range(2)] == [1, 0]
