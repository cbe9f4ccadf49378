"""The monitor's bad days: each ends in a clear state, and what was there before is still whole."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from monitoring.drift import DriftLimits
from monitoring.monitor import run_monitor
from monitoring.verdict import Limits
from serving.tables import CONTEXT
from tests.monitoring.desk import decide, open_desk, say
from tests.pipelines.decisions import NOW, decision

LATER = NOW + timedelta(days=1)
NOT_JUDGED = (Limits(), DriftLimits())

WRITES = """
import json, resource, sys
from pathlib import Path
from monitoring.monitor import write_reports
folder = Path(sys.argv[1])
record = json.loads((folder / "monitor.json").read_text())
record["line"] = "another line " * 2000
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        write_reports(folder, record)
    except OSError as error:
        sys.exit(f"no room: {error}")
print("writing", flush=True)
while True:
    write_reports(folder, record)
"""


@pytest.fixture
def store(tmp_path):
    store = open_desk(tmp_path)
    decide(store, [decision(f"t{n}", at=NOW - timedelta(minutes=n)) for n in range(20)])
    yield store
    store.close()


def looked(store, folder: Path) -> dict:
    run_monitor(store, folder / "features", folder / "reports", LATER, *NOT_JUDGED)
    return json.loads((folder / "reports" / "monitor.json").read_text("utf-8"))


def test_no_feedback_yet_claims_nothing(store, tmp_path):
    told = looked(store, tmp_path)
    assert "no feedback yet" in told["notes"]
    assert told["outcomes"]["automated_held"]["share"] is None
    assert told["proposals"] == []
    assert told["thanks"] == {}


def test_one_class_only_is_a_window_like_any_other(store, tmp_path):
    for n in range(20):
        say(store, n, f"d-t{n}", "approve")
    told = looked(store, tmp_path)
    assert told["verdict"] == "OK"
    assert told["quality"]["overrides"]["intent"]["answered"]["hits"] == 0
    assert told["intent_right"]["all"]["share"] == 1


def test_a_window_whose_tickets_are_gone_is_judged_by_what_people_said(store, tmp_path):
    with store.writing() as connection:
        connection.execute(delete(CONTEXT["tickets"]))
    told = looked(store, tmp_path)
    assert told["quality"]["decisions"] == 20
    assert told["skew"] == {"compared": 0, "not_kept": 0, "agreeing": 0, "features": []}


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".part"}


def test_on_a_full_disk_the_last_reports_stay_whole_and_the_next_run_goes_through(store, tmp_path):
    reports = tmp_path / "reports"
    looked(store, tmp_path)
    before = written(reports)
    done = subprocess.run(
        [sys.executable, "-c", WRITES, str(reports), "full"], capture_output=True, text=True, check=False
    )
    assert "no room" in done.stderr
    assert written(reports) == before
    looked(store, tmp_path)


def test_killed_half_way_every_report_is_whole(store, tmp_path):
    reports = tmp_path / "reports"
    looked(store, tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(reports), "on"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.2)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    json.loads((reports / "monitor.json").read_text("utf-8"))
    assert (reports / "monitor.html").read_text("utf-8").rstrip().endswith("</html>")
    assert looked(store, tmp_path)["verdict"] == "OK"
