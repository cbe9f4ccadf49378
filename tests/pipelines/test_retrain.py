"""A retraining ends in one clear state, and until it is promoted the champion serves as before."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.release import MEMBERS, release_id, write_absent, write_release
from pipelines.promote import pointers, promote_release
from pipelines.retrain import RetrainError, read_record, retrain
from serving.settings import Settings
from serving.store import Store

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)
FINE = ("timeit", "-n1", "-r1", "pass")
BROKEN = ("json.tool", "there-is-no-such-file.json")
HOLDS_THE_LOCK = """
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project folder with a promoted release ``first``, and data that was validated."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "artifacts" / "metrics").mkdir(parents=True)
    validated(0)
    settings = Settings(state=tmp_path / "state")
    settings.state.mkdir()
    promote_release(release("first"), settings.database_url, settings.releases, "ann", "first", AT)
    return settings


def validated(failed: int) -> None:
    told = {"tickets": {"failed_critical": failed}}
    Path("artifacts/metrics/validate.json").write_text(json.dumps(told), encoding="utf-8")


def release(revision: str) -> Path:
    """A sound bundle without models: gates about models have nothing to say."""
    Path("rules.yaml").write_text("brand: Example\n", encoding="utf-8")
    for name in MEMBERS:
        write_absent(Path("members") / name, "too little data")
    members = {name: Path("members") / name for name in MEMBERS}
    golden = {"tickets": {}, "accounts": {}, "expected": {}}
    write_release(Path(revision), members, Path("rules.yaml"), {}, {}, revision, golden)
    return Path(revision)


def tried(settings: Settings, bundle: Path, promotion="by_hand", **steps):
    steps = steps or {"train": FINE}
    return retrain(settings, promotion, "a drill", "ann", AT, steps, bundle)


def last_record(settings: Settings):
    store = Store(settings.database_url)
    try:
        return read_record(store, settings.state)
    finally:
        store.close()


def test_a_step_that_fails_is_named_with_what_it_said_and_nothing_moves(here):
    before = pointers(here.database_url)
    found = tried(here, release("second"), train=FINE, more=BROKEN, never=FINE)
    assert (found.state, found.step) == ("failed", "more")
    assert "there-is-no-such-file.json" in found.detail
    assert "the champion serves" in found.line
    assert pointers(here.database_url) == before
    assert last_record(here) == found


def test_after_a_failure_the_next_one_goes_through(here):
    tried(here, release("second"), train=BROKEN)
    assert tried(here, release("first")).state == "nothing new"


def test_a_release_stopped_by_a_gate_is_told_why_and_becomes_no_challenger(here):
    validated(3)
    before = pointers(here.database_url)
    found = tried(here, release("second"), "automatic")
    assert found.state == "stopped by gates", found.line
    assert "data: 3 critical expectations failed" in found.detail
    assert pointers(here.database_url) == before


def test_a_release_that_passed_waits_for_a_person_or_serves_as_the_setting_says(here, capfd):
    first, second = release_id(Path("first")), release_id(release("second"))
    assert tried(here, Path("second")).state == "waits"
    assert tried(here, Path("second")).state == "waits"  # again changes nothing
    assert pointers(here.database_url) == {"champion": first, "challenger": second}
    assert tried(here, Path("second"), "automatic").state == "promoted"
    assert pointers(here.database_url)["champion"] == second
    assert pointers(here.database_url)["last_good"] == first
    assert tried(here, Path("second"), "automatic").state == "nothing new"
    assert "registry does not follow" in capfd.readouterr().err  # it was never told of these releases


def test_a_second_one_is_refused_while_one_runs_and_says_so(here):
    lock = here.state / "retraining.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        before = last_record(here)
        with pytest.raises(RetrainError, match="under way already"):
            tried(here, Path("first"))
        assert last_record(here) == before
    finally:
        holder.communicate()


def test_one_that_was_killed_is_told_as_interrupted_and_can_be_repeated(here):
    store = Store(here.database_url)
    left = {"state": "running", "why": "x", "by": "ann", "started_at": AT.isoformat(), "step": "train"}
    store.set_mark("retraining", json.dumps(left))
    store.close()
    found = last_record(here)
    assert found is not None
    assert found.state == "interrupted"
    assert "start it again" in found.line
    assert tried(here, Path("first")).state == "nothing new"
