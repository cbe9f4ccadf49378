"""`make demo` is the first thing a newcomer does: it must survive being interrupted and being run twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.project import copy_of_project, environment_of, run_module

SMALL = {
    "demo_company": {"accounts": 80, "months": 6, "tickets": 1_500, "unread": 120},
    "intent": {"trials": 1, "blocks": 2, "encoder": "none"},
    "sentiment": {"trials": 1},
    "priority": {"trials": 1},
    "churn": {"trials": 1},
}


def start_demo(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "firstline", "demo"],
            cwd=folder,
            env=environment_of(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_hear_interrupts,
        )


def _hear_interrupts() -> None:
    """A shell's background job ignores interrupts, and so would everything that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(text: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while text not in log.read_text("utf-8", errors="replace"):
        assert time.monotonic() < deadline, (
            f"{text!r} never came:\n{log.read_text('utf-8', errors='replace')}"
        )
        time.sleep(0.1)


@pytest.fixture(scope="module")
def interrupted_then_finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A small demo interrupted within the pipeline, then run to its end: folder and both outputs."""
    folder = copy_of_project(tmp_path_factory.mktemp("demo"), SMALL)
    first_log, second_log = folder / "first.log", folder / "second.log"
    first = start_demo(folder, first_log)
    wait_for("Running stage 'features'", first_log)
    os.killpg(first.pid, signal.SIGINT)
    first.wait(timeout=60)
    second = start_demo(folder, second_log)
    assert second.wait(timeout=600) == 0, second_log.read_text("utf-8", errors="replace")
    return folder, first_log.read_text("utf-8"), second_log.read_text("utf-8")


def test_an_interrupted_demo_says_how_to_go_on_and_does_so(
    interrupted_then_finished: tuple[Path, str, str],
) -> None:
    _, first, second = interrupted_then_finished
    assert "run the same command again" in first
    assert "Traceback" not in first.split("$ dvc repro")[0]
    assert "8/8" in second


def test_the_correction_by_an_agent_is_in_the_next_training_set(
    interrupted_then_finished: tuple[Path, str, str],
) -> None:
    assert "in the next training set" in interrupted_then_finished[2]


def test_the_demo_leaves_no_service_behind_and_writes_its_pages(
    interrupted_then_finished: tuple[Path, str, str],
) -> None:
    folder = interrupted_then_finished[0]
    assert (folder / "reports" / "morning_queue.html").stat().st_size > 10_000
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(folder) not in listed


def test_nothing_that_changes_by_itself_is_in_a_hashed_output(
    interrupted_then_finished: tuple[Path, str, str],
) -> None:
    folder = interrupted_then_finished[0]
    before = (folder / "dvc.lock").read_bytes()
    run_module(folder, "dvc", "repro", "--force", "--single-item", "ingest", "validate", "features")
    assert (folder / "dvc.lock").read_bytes() == before
