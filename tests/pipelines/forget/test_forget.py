"""After ``firstline forget`` no file and no row holds the person, and others' bytes are as before."""

import base64
import gzip
import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import firstline
from features.tables import read_table
from models.release import verify_release
from pipelines.forget import command
from pipelines.forget.command import ForgetError, Forgetting
from pipelines.forget.journal import FOLDER, unfinished
from pipelines.forget.scan import Needles, files_under, is_in_file
from serving.forget_marks import Marks
from serving.settings import Settings
from serving.store import Store
from tests.pipelines.forget.small_project import ROOT, small_project
from tests.serving.forget_desk import ANSWER, BOB, EMAIL, EMMA, NAME, NOON, WORDS
from tests.serving.stores import new_database

THEIRS = (EMMA, EMAIL, NAME, "20000771", WORDS, ANSWER)


def copied(project: Path, settings: Settings, target: Path) -> tuple[Path, Settings]:
    shutil.copytree(project, target)
    state = target / "state"
    url = f"sqlite:///{state / 'firstline.db'}"
    return target, settings.model_copy(update={"state": state, "database_url": url})


@pytest.fixture(scope="module")
def lived(tmp_path_factory, migrated_file):
    project = tmp_path_factory.mktemp("lived")
    (project / "state").mkdir()
    shutil.copy(migrated_file, project / "state" / "firstline.db")
    return project, small_project(project, f"sqlite:///{project / 'state' / 'firstline.db'}")


@pytest.fixture
def again(lived, tmp_path):
    """A project that knows no DVC."""
    return copied(*lived, tmp_path / "project")


@pytest.fixture(scope="module")
def forgotten(lived, tmp_path_factory):
    """A project in which the data is tracked by DVC, before and after Emma was forgotten."""
    project, settings = copied(*lived, tmp_path_factory.mktemp("tracked") / "project")
    for command_line in (["init", "--no-scm", "-q"], ["add", "-q", "data"]):
        run = [sys.executable, "-m", "dvc", *command_line]
        subprocess.run(run, cwd=project, check=True, capture_output=True)
    raw = {path: path.read_bytes() for path in files_under([project / "data"])}
    tracked = (project / "data.dvc").read_text()
    dry = Forgetting(settings, project).run(EMAIL, NOON, dry_run=True)
    assert {path: path.read_bytes() for path in raw} == raw, "a dry run writes nothing"
    outcome = Forgetting(settings, project).run(EMAIL, NOON)
    return project, settings, raw, tracked, dry, outcome


def held(folder: Path) -> list[str]:
    """Files under ``folder`` with one of their strings in plain sight."""
    return [
        str(path)
        for path in files_under([folder])
        if any(text.encode() in path.read_bytes() for text in THEIRS)
    ]


def test_nothing_is_left_and_the_salt_is_thrown_away(forgotten):
    project, settings, _, _, _, outcome = forgotten
    assert outcome.left == []
    assert held(project) == []
    assert unfinished(settings.state) == []
    assert not list((settings.state / FOLDER).iterdir())
    assert Forgetting(settings, project).verify(EMAIL) == []
    store = Store(settings.database_url)
    assert store.verify_ledger().intact
    store.close()


def test_nothing_is_left_in_any_byte_of_a_postgresql_server_either(tmp_path, postgres, migrated_database):
    """The whole command on a store there, then every file of the database, of what all share, of the log."""
    project = tmp_path / "project"
    settings = small_project(project, new_database(postgres, migrated_database))
    with psycopg.connect(settings.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        database = "pg_database WHERE datname = current_database()"
        asked = f"SELECT current_setting('data_directory'), oid FROM {database}"
        ((folder, oid),) = connection.execute(asked).fetchall()
    places = [Path(folder, "base", str(oid)), Path(folder, "global"), Path(folder, "pg_wal")]

    def holding() -> set[str]:
        return {place.name for place in places if held(place)}

    assert {str(oid), "pg_wal"} <= holding(), "a scan that sees nothing proves nothing"
    outcome = Forgetting(settings, project).run(EMAIL, NOON)
    assert (outcome.left, held(project), holding()) == ([], [], set())
    assert not [note for note in outcome.notes if note.startswith("not done")]
    assert outcome.counts["store"]["decisions: deleted"] == 2
    assert Forgetting(settings, project).verify(EMAIL) == []
    store = Store(settings.database_url)
    assert store.verify_ledger().intact
    store.close()


def test_a_dry_run_says_what_the_run_then_does(forgotten):
    *_, dry, outcome = forgotten
    for place in ("raw data", "artifacts", "pages", "logs", "cache"):
        told = {k: n for k, n in outcome.counts[place].items() if k != "files written again"}
        assert dict(dry.counts[place]) == told, place
    assert dry.counts["store"]["decisions: deleted"] == outcome.counts["store"]["decisions: deleted"] == 2


def test_raw_files_are_new_versions_without_them_and_old_ones_left_the_cache(forgotten):
    project, _, raw, tracked, _, outcome = forgotten
    data = project / "data" / "desk"
    assert (project / "data.dvc").read_text() != tracked
    contacts = (data / "contacts.csv").read_bytes()
    before = raw[data / "contacts.csv"]
    kept = [line for line in before.split(b"\r\n") if EMMA.encode() not in line]
    assert contacts == b"\r\n".join(kept), "other records keep their bytes, quotes and line ends"
    users = [json.loads(line) for line in (data / "users.jsonl").read_text().splitlines()]
    assert [user["external_id"] for user in users] == [BOB]
    tickets = [
        json.loads(line)
        for line in gzip.decompress((data / "tickets-2026.jsonl.gz").read_bytes()).splitlines()
    ]
    assert [ticket["id"] for ticket in tickets] == ["old-bob", "old-caf\u00e9"]
    assert tickets[0]["cc"] == [None, 20000772]
    assert tickets[0]["seats"] == 771, "a number that only ends like an id stays"
    name = outcome.pseudonym
    assert tickets[1]["description"] == f"ask {name}, or {name}"
    events = json.loads((data / "events.json").read_text())
    assert [event["id"] for event in events["events"]] == ["e4", "e5"]
    assert events["events"][0]["text"] == name
    usage = (data / "usage.csv").read_text().splitlines()
    assert [line.split(",")[1].startswith(name) for line in usage[1:]] == [True, False]
    assert (data / "README.md").read_text() == f"exported for {name} by hand\n"
    cached = {path.name for path in files_under([project / ".dvc" / "cache"])}
    assert outcome.remote
    assert not {Path(entry).name for entry in outcome.remote} & cached


def test_tables_pages_and_logs_are_without_them_and_with_everybody_else(forgotten):
    project, settings, *_ = forgotten
    tables = project / "artifacts" / "tables"
    assert read_table(tables, "contacts")["contact_id"].tolist() == [BOB, "003CarolWest"]
    assert read_table(tables, "tickets")["ticket_id"].tolist() == ["old-bob", "old-caf\u00e9"]
    events = read_table(tables, "ticket_events")
    assert events["event_id"].tolist() == ["e4", "e5"]
    assert events["text"].isna().all()
    assert int(read_table(tables, "usage")["events"].sum()) == 6
    assert not (project / "reports" / "queue.html").exists()
    assert (project / "reports" / "other.html").read_text() == "<td>Carol West</td>"
    log = (settings.state / "service.log").read_text()
    assert log == '{"event":"x","who":"' + "*" * len(EMAIL) + '"}\nlast line\n'


def test_the_releases_that_may_have_learnt_from_them_are_listed(forgotten):
    _, settings, *_, outcome = forgotten
    assert [one.roles for one in outcome.releases] == [("champion",)]
    assert any("make another" in line for line in outcome.lines())
    assert outcome.counts["releases"] == {"golden rows of releases removed": 1}
    (folder,) = settings.releases.iterdir()
    assert verify_release(folder), "it serves without them"
    assert not [line for line in outcome.lines() if any(text in line for text in THEIRS)]


@pytest.mark.parametrize("step", ["rewrite_raw", "rewrite_tables", "erase_rows", "scrub"])
def test_a_run_that_was_killed_goes_on_under_the_same_pseudonym(again, monkeypatch, step):
    project, settings = again

    class Killed(BaseException):
        pass

    whole = getattr(command, step)

    def killed(*arguments, **named):
        if step == "erase_rows":
            whole(*arguments, **named)  # the store is done, its files are not
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(command, step, killed)
        with pytest.raises(Killed):
            Forgetting(settings, project).run(EMAIL, NOON)
    (begun,) = unfinished(settings.state)
    assert not [text for text in THEIRS if text.encode() in begun.path.read_bytes()]
    assert begun.path.stat().st_mode & 0o077 == 0
    outcome = Forgetting(settings, project).run(EMAIL, NOON)
    assert outcome.left == []
    assert held(project) == []
    assert unfinished(settings.state) == []


def test_an_account_goes_with_everybody_who_belongs_to_it(again):
    project, settings = again
    outcome = Forgetting(settings, project).run("A-summit", NOON)
    assert (outcome.who.kind, outcome.left) == ("account", [])
    assert held(project) == []
    tables = project / "artifacts" / "tables"
    assert read_table(tables, "contacts")["contact_id"].tolist() == ["003CarolWest"]
    assert read_table(tables, "usage").empty
    usage = (project / "data" / "desk" / "usage.csv").read_text()
    assert usage == "account,contact,day,at,feature,events\n"
    assert not [path for path in files_under([project]) if BOB.encode() in path.read_bytes()]


def test_somebody_nobody_knows_is_told_so(again):
    project, settings = again
    with pytest.raises(ForgetError, match="nobody is known as"):
        Forgetting(settings, project).run("stranger@nowhere.example", NOON)


FORMS = {
    "plain.txt": lambda text: f"see {text}.".encode(),
    "upper.txt": lambda text: text.upper().encode(),
    "json.json": lambda text: json.dumps({"a": f"x\n{text}"}).encode(),
    "escaped.json": lambda text: json.dumps([text], ensure_ascii=True).encode(),
    "wide.bin": lambda text: b"\x00\x01" + text.encode("utf-16-le"),
    "wide-be.bin": lambda text: text.encode("utf-16-be"),
    "numpy.npz": lambda text: text.encode("utf-32-le"),
    "percent.log": lambda text: f"GET /?q={quote(text)} ".encode(),
    "base64-0.txt": lambda text: base64.b64encode(text.encode()),
    "base64-1.txt": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64-2.txt": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "packed.gz": lambda text: gzip.compress(f"a {text} b".encode()),
    "packed.z": lambda text: zlib.compress(json.dumps(text).encode()),
    "page.db": lambda text: b"\x00\x17abc" + text.encode() + b"def\x00",
}


@pytest.mark.parametrize("form", [*FORMS, "table.parquet"])
@pytest.mark.parametrize("text", [EMAIL, NAME, "J\u00f6rg \u00c4nderung"])
def test_the_scan_sees_every_form_of_bytes(tmp_path, form, text):
    path = tmp_path / form
    if form == "table.parquet":
        pq.write_table(pa.table({"x": ["a"] * 9 + [f"by {text}!"]}), path, compression="zstd")
    else:
        path.write_bytes(FORMS[form](text))
    assert is_in_file(path, Needles(Marks.of("p", {text})))


@pytest.mark.parametrize(
    "other", [f"x{EMAIL}", f"{EMAIL}.org", f"{NAME}-Smith", f"Ann{NAME}", "120000771", ""]
)
def test_the_scan_takes_nobody_else_for_them(tmp_path, other):
    path = tmp_path / "other.txt"
    path.write_text(f"see {other} there")
    assert not is_in_file(path, Needles(Marks.of("p", {EMAIL, NAME, "20000771"})))


def test_a_mark_across_two_blocks_of_a_large_file_is_seen(tmp_path, monkeypatch):
    from pipelines.forget import scan

    monkeypatch.setattr(scan, "_BLOCK", 64)
    monkeypatch.setattr(scan, "_OVERLAP", 32)
    path = tmp_path / "large.txt"
    path.write_text("x " * 28 + EMAIL + " y" * 60)
    assert is_in_file(path, Needles(Marks.of("p", {EMAIL})))


def test_the_command_asks_before_it_erases(again, monkeypatch):
    project, settings = again
    shutil.copytree(ROOT / "connectors" / "mappings", project / "connectors" / "mappings")
    for name, value in settings.as_environment().items():
        if name.startswith("FIRSTLINE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(project)
    done = CliRunner().invoke(firstline.app, ["forget", EMAIL], input="n\n")
    assert done.exit_code == 1
    assert "3 tickets" in done.output
    assert "erase all this?" in done.output
    assert "nothing was erased" in done.output
    assert held(project)
