"""`make demo` as an impatient newcomer runs it: stopped within the pipeline, then run to its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.project import copy_of_project, environment_of

FIRST_LOG, SECOND_LOG = "first.log", "second.log"
"""What the interrupted demo and the finished one printed, in the project's folder."""
PIPELINE_SECONDS = 900


def run_interrupted_demo(folder: Path, params: Mapping[str, Mapping[str, Any]]) -> None:
    """The demo in a copy of the project at ``folder``. Raises ``AssertionError`` with what it printed."""
    copy_of_project(folder, params)
    first_log, second_log = folder / FIRST_LOG, folder / SECOND_LOG
    first = _start(folder, first_log)
    _wait_for("Running stage 'features'", first, first_log)
    os.killpg(first.pid, signal.SIGINT)
    first.wait(timeout=60)
    second = _start(folder, second_log)
    assert second.wait(timeout=PIPELINE_SECONDS) == 0, _said(second_log)


def _start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
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


def _wait_for(text: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PIPELINE_SECONDS
    while text not in _said(log):
        assert process.poll() is None, f"the demo ended before {text!r}:\n{_said(log)}"
        assert time.monotonic() < deadline, f"{text!r} never came:\n{_said(log)}"
        time.sleep(0.1)


def _said(log: Path) -> str:
    return log.read_text("utf-8", errors="replace")
