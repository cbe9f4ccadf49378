"""`make demo` is the first thing a newcomer does: it must survive being interrupted and being run twice."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.interrupted_demo import FIRST_LOG, SECOND_LOG
from tests.project import ROOT


@pytest.fixture
def first(worked_desk: Path) -> str:
    """What the interrupted demo printed."""
    return (worked_desk / FIRST_LOG).read_text("utf-8")


@pytest.fixture
def second(worked_desk: Path) -> str:
    """What the demo printed that was started after it, and ran to its end."""
    return (worked_desk / SECOND_LOG).read_text("utf-8")


def test_an_interrupted_demo_says_how_to_go_on_and_does_so(first: str, second: str) -> None:
    assert "run the same command again" in first
    assert "Traceback" not in first.split("$ dvc repro")[0]
    assert "8/8" not in first
    assert "8/8" in second


def test_what_was_finished_before_the_interruption_is_not_done_again(second: str) -> None:
    assert "Stage 'ingest' didn't change, skipping" in second
    assert "Running stage 'features'" in second


def test_the_company_is_the_one_whose_hash_is_committed(worked_desk: Path) -> None:
    """Otherwise a newcomer's first `make demo` leaves their checkout changed, and our lock file is a lie."""
    written, committed = (yaml.safe_load((at / "data.dvc").read_text("utf-8")) for at in (worked_desk, ROOT))
    assert written["outs"] == committed["outs"]


def test_the_correction_by_an_agent_is_in_the_next_training_set(second: str) -> None:
    assert "in the next training set" in second


def test_the_monitor_s_verdict_is_one_line(second: str) -> None:
    assert sum(line.startswith(("OK", "WATCH", "RETRAIN")) for line in second.splitlines()) == 1


def test_the_demo_leaves_no_service_behind_and_writes_its_pages(worked_desk: Path) -> None:
    assert (worked_desk / "reports" / "morning_queue.html").stat().st_size > 10_000
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in listed.splitlines() if str(worked_desk) in line and "_bentoml" in line]
