"""The doctor must see what is missing, say what to do about it, and change nothing itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from connectors.mapping.file import parse_mapping
from features.schema import typed
from features.tables import write_tables
from pipelines import doctor
from serving.settings import Settings
from serving.store import Store
from serving.tables import ledger
from tests.project import ROOT, copy_of_project, environment_of

MAPPING = parse_mapping(
    """
about: two files
sources:
  - {file: a.csv, format: csv, tables: [{table: agents, columns: {agent_id: id, known_at: at}}]}
  - {file: b.csv, format: csv, tables: [{table: agents, columns: {agent_id: id, known_at: at}}]}
""",
    "two.yaml",
)
TICKET = {"ticket_id": "1", "known_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh checkout, set up, with nothing done yet. Treat it as read-only."""
    return copy_of_project(tmp_path_factory.mktemp("newcomer") / "project", {})


def diagnosed(folder: Path) -> tuple[int, dict[str, str], str]:
    """Exit status, worst state of each check, and everything that was said."""
    command = [sys.executable, "-m", "firstline", "doctor", "--json"]
    done = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    findings = json.loads(done.stdout)
    order = ["ok", "note", "problem"]
    states: dict[str, str] = {}
    for finding in findings:
        known = states.get(finding["check"], "ok")
        states[finding["check"]] = max(known, finding["state"], key=order.index)
        assert finding["state"] == "ok" or finding["fix"], finding
    return done.returncode, states, done.stdout


def test_a_newcomer_is_told_what_comes_next_and_nothing_is_made(newcomer: Path) -> None:
    before = sorted(path.relative_to(newcomer) for path in newcomer.rglob("*"))
    status, states, said = diagnosed(newcomer)
    assert status == 1
    assert states["Python"] == states["packages"] == states["params.yaml"] == "ok"
    assert states["raw files in data/demo_company"] == "problem"
    assert states["canonical tables"] == "problem"
    assert states["store"] == "note"
    assert "make demo" in said
    assert "dvc repro" in said
    made = {path.relative_to(newcomer) for path in newcomer.rglob("*")} - set(before)
    assert not [path for path in made if "__pycache__" not in path.parts]


@pytest.mark.parametrize(
    ("file", "content", "check"),
    [
        ("params.yaml", "seed: [", "params.yaml"),
        ("policy/desk.yaml", "brand: 1", "the desk's rules"),
        ("connectors/mappings/demo_company.yaml", "about: nothing", "the mapping file"),
    ],
)
def test_a_broken_file_is_named(newcomer: Path, tmp_path: Path, file: str, content: str, check: str) -> None:
    project = shutil.copytree(newcomer, tmp_path / "project")
    (project / file).write_text(content, encoding="utf-8")
    status, states, _ = diagnosed(project)
    assert (status, states[check]) == (1, "problem")


@pytest.mark.parametrize(
    ("running", "state"), [("3.10.12", "problem"), ("3.11.0", "ok"), ("3.13.9", "ok"), ("3.14.0", "problem")]
)
def test_the_running_python_is_held_against_what_is_asked_for(running: str, state: str) -> None:
    assert doctor.python_version(running, ">=3.11,<3.14").state == state


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("pandas>=1", "ok"),
        ("pandas>=99", "problem"),
        ("no-such-package-of-ours", "problem"),
        ("no-such-package-of-ours; python_version < '3'", "ok"),
    ],
)
def test_a_package_that_is_absent_or_too_old_is_named(requirement: str, state: str) -> None:
    finding = doctor.packages([requirement])
    assert finding.state == state
    assert state == "ok" or requirement.split(">")[0] in finding.found


def test_too_little_room_is_said_before_a_run_fails_of_it(tmp_path: Path) -> None:
    assert doctor.free_space(tmp_path, least_bytes=0).state == "ok"
    assert doctor.free_space(tmp_path, least_bytes=10**18).state == "note"


def test_a_raw_file_that_never_came_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,at\n")
    states = [(finding.state, finding.found) for finding in doctor.raw_files(tmp_path, MAPPING)]
    assert [state for state, _ in states] == ["ok", "note"]
    assert "b.csv" in states[1][1]
    (tmp_path / "a.csv").unlink()
    assert [finding.state for finding in doctor.raw_files(tmp_path, MAPPING)] == ["problem"]


def test_what_the_tables_cannot_do_is_named(tmp_path: Path) -> None:
    write_tables(tmp_path, {"tickets": typed("tickets", pd.DataFrame([TICKET]))})
    said = [finding.found for finding in doctor.tables(tmp_path)]
    assert said[0] == "1 tickets"
    assert any("churn" in line for line in said[1:])


def test_a_store_changed_by_hand_is_a_problem(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    store = Store(settings.database_url)
    store.append("tickets", typed("tickets", pd.DataFrame([TICKET])))
    now = pd.Timestamp("2026-01-02", tz="UTC").to_pydatetime()
    store.set_pointer("champion", "gone", "a test", "no such release", now)
    found = {finding.check: finding.state for finding in doctor.examine(ROOT, settings)}
    assert (found["store"], found["ledger"], found["release"]) == ("ok", "ok", "problem")
    with store.writing() as connection:
        connection.execute(ledger.update().values(digest="0" * 64))
    store.close()
    found = {finding.check: finding.state for finding in doctor.examine(ROOT, settings)}
    assert found["ledger"] == "problem"


def test_a_password_in_the_store_s_url_is_not_shown(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ann:secret-word@127.0.0.1:1/none"
    said = doctor.examine(ROOT, Settings(state=tmp_path, database_url=url))
    (store,) = [finding for finding in said if finding.check == "store"]
    assert store.state == "problem"
    assert not any("secret-word" in str(finding) for finding in said)
