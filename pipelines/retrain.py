"""``firstline retrain``: what people said becomes data, `dvc repro` makes a challenger, the gates judge it.

The champion serves from its own installed copy, so nothing that happens here can reach it before promotion.
One retraining runs at a time (a lock that dies with its process); its record in the store tells the outcome.
"""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from models.release import ReleaseError, release_id
from pipelines.artifacts import RELEASE, read_metrics
from pipelines.gates import Gate
from pipelines.processes import own_python_first
from pipelines.promote import (
    CHAMPION,
    mirror,
    pointers,
    promote_release,
    promotion_gates,
    serving_copy,
    set_challenger,
)
from serving.settings import Settings
from serving.store import Store, open_store

MARK = "retraining"
STEPS: dict[str, tuple[str, ...]] = {
    "export feedback": ("firstline", "feedback", "export"),
    "track data": ("dvc", "add", "--quiet", "data"),
    "train": ("dvc", "repro"),
}
"""What is run, in this order, each as ``python -m``; every step may be repeated."""
LOG_LINES_SHOWN = 5
State = Literal["running", "interrupted", "failed", "nothing new", "stopped by gates", "waits", "promoted"]
Promotion = Literal["automatic", "by_hand"]


class RetrainError(ValueError):
    """A retraining cannot start, or a step of it failed. Names the step, what was found and the fix."""


@dataclass(frozen=True)
class Retraining:
    """The record of one retraining: its state, why it was started and by whom, what it led to."""

    state: State
    why: str
    by: str
    started_at: str
    step: str = ""
    release: str | None = None
    detail: str = ""
    pid: int = 0

    @property
    def line(self) -> str:
        """The record as one sentence."""
        said = {
            "running": f"under way, step {self.step!r} (process {self.pid})",
            "interrupted": f"interrupted in step {self.step!r}; the champion serves, start it again",
            "failed": f"failed in step {self.step!r}: {self.detail}; the champion serves",
            "nothing new": "the data gave the release that serves already",
            "stopped by gates": f"release {self.release} was stopped: {self.detail}; the champion serves",
            "waits": f"release {self.release} passed all gates and waits for `firstline promote`",
            "promoted": f"release {self.release} passed all gates and was promoted",
        }[self.state]
        return f"{said} (started {self.started_at[:16]} by {self.by}: {self.why})"

    def as_json(self) -> dict[str, Any]:
        """The record with its sentence."""
        return asdict(self) | {"line": self.line}


def read_record(store: Store, state: Path) -> Retraining | None:
    """The last retraining, ``None`` before the first. One whose process is gone was interrupted."""
    text = store.mark(MARK)
    if text is None:
        return None
    record = Retraining(**json.loads(text))
    if record.state == "running" and not _is_locked(state):
        return replace(record, state="interrupted")
    return record


def retrain(
    settings: Settings,
    promotion: Promotion,
    why: str,
    by: str,
    at: datetime,
    steps: dict[str, tuple[str, ...]] | None = None,
    bundle: Path = RELEASE,
) -> Retraining:
    """Run ``steps`` (default ``STEPS``), judge the release they leave in ``bundle``, and record the outcome.

    Raises ``RetrainError`` where another retraining is under way; then nothing is changed. A step that fails
    ends in the state ``failed``, not in an exception.
    """
    store = open_store(settings)
    try:
        with _alone(settings.state):
            record = Retraining("running", why, by, at.isoformat(), pid=os.getpid())
            try:
                for step, command in (STEPS if steps is None else steps).items():
                    record = _remember(store, replace(record, step=step))
                    _run(step, command, settings)
                record = _remember(store, replace(record, step="judge"))
                return _remember(store, _judged(settings, bundle, record, promotion, at))
            except (RetrainError, ReleaseError, OSError, KeyboardInterrupt) as error:
                why_not = str(error) or type(error).__name__
                return _remember(store, replace(record, state="failed", detail=why_not))
    finally:
        store.close()


def _judged(
    settings: Settings, bundle: Path, record: Retraining, promotion: Promotion, at: datetime
) -> Retraining:
    """What becomes of the new release: nothing new, stopped, waiting or promoted."""
    candidate = release_id(bundle)
    if candidate == pointers(settings.database_url).get(CHAMPION):
        return replace(record, state="nothing new", release=candidate)
    failed = failures(promotion_gates(bundle, read_metrics("validate"), serving_copy(settings)))
    if failed:
        return replace(record, state="stopped by gates", release=candidate, detail="; ".join(failed))
    set_challenger(bundle, settings, record.by, f"retrained: {record.why}", at)
    if promotion == "by_hand":
        return replace(record, state="waits", release=candidate)
    reason = f"all gates passed; retrained: {record.why}"
    promote_release(bundle, settings.database_url, settings.releases, record.by, reason, at)
    mirror(settings)
    return replace(record, state="promoted", release=candidate)


def failures(gates: Sequence[Gate]) -> list[str]:
    """The gates that failed, each with what was found and required."""
    return [f"{g.name}: {g.found}, required {g.required}" for g in gates if not g.passed]


def _run(step: str, command: Sequence[str], settings: Settings) -> None:
    log = settings.state / "retraining.log"
    print(f"retrain: {step} (`python -m {' '.join(command)}`, output in {log})", flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        begins = output.tell()
        done = subprocess.run(
            [sys.executable, "-m", *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=own_python_first(settings.as_environment()),
            check=False,
        )
    if done.returncode:
        said = log.read_bytes()[begins:].decode(errors="replace").strip().splitlines()
        raise RetrainError(" / ".join(said[-LOG_LINES_SHOWN:]) or f"exit status {done.returncode}")


def _remember(store: Store, record: Retraining) -> Retraining:
    store.set_mark(MARK, json.dumps(asdict(record), ensure_ascii=False))
    return record


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the lock of retrainings. Raises ``RetrainError`` where another process does."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "retraining.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RetrainError(
                "a retraining is under way already: `firstline status` tells how far it is; wait for its end"
            ) from None
        yield


def _is_locked(state: Path) -> bool:
    try:
        with _alone(state):
            return False
    except RetrainError:
        return True
