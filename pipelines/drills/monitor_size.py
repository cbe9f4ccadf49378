"""How long ``firstline monitor`` takes on a hundred thousand decisions, and how much memory, as a command.

The tickets are this checkout's own, drawn again and again over four weeks; every fourth was answered.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from features.schema import typed
from features.tables import read_table
from pipelines.artifacts import FEATURES
from pipelines.processes import own_python_first
from pipelines.results import Result
from serving import context, records
from serving.decision import Decision
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import Store, open_store
from serving.triage import open_desk

COMMAND = "firstline drill --only monitor_size"
SIZES = (10_000, 100_000)
SPAN = timedelta(days=28)
ENDS = datetime(2026, 7, 29, tzinfo=UTC)
ANSWERED_EVERY = 4
OVERRIDDEN = 0.1
RELEASE = "0123456789ab"
_BATCH = 2_000
_TOLD = ["account_id", "contact_id", "channel", "subject", "body"]


def measure() -> list[Result]:
    """Fill a store of each size and let the command look at it. Raises ``RuntimeError`` where it fails."""
    tickets = FEATURES / "tickets.parquet"
    if not tickets.exists():
        raise FileNotFoundError(f"{tickets} not found: run `dvc repro` first, for tickets to decide about")
    known, accounts = pd.read_parquet(tickets), read_table(Path("artifacts/tables"), "accounts")
    spent = {size: _spent(size, known, accounts) for size in SIZES}
    (small, few), (seconds, megabytes) = spent[SIZES[0]], spent[SIZES[1]]
    note = (
        f"{small:.1f} s and {few:.0f} MB on {SIZES[0]:,} decisions; every fourth answered, reports included"
    )
    data = f"{len(known):,} tickets of this checkout, drawn again"
    reference = f"{SIZES[0]:,} decisions, same command"
    return [
        Result("monitor.seconds_1e5", round(seconds, 1), "s", reference, "", None, COMMAND, data, note),
        Result("monitor.megabytes_1e5", round(megabytes), "MB", reference, "", None, COMMAND, data, note),
    ]


def _spent(size: int, known: pd.DataFrame, accounts: pd.DataFrame) -> tuple[float, float]:
    """Seconds and the most megabytes of the command on a store of ``size`` decisions."""
    with TemporaryDirectory(prefix="firstline-monitor-") as folder:
        project = Path(folder)
        (project / "artifacts").symlink_to(Path("artifacts").resolve())
        settings = Settings(state=project / "state", desk=Path("policy/desk.yaml").resolve())
        store = open_store(settings)
        try:
            store.append("accounts", accounts)
            fill(store, known, a_decision(settings), size)
            store.set_pointer("champion", RELEASE, "a drill", "its decisions are judged", ENDS - SPAN)
        finally:
            store.close()
        return _timed(project, settings)


def _timed(project: Path, settings: Settings) -> tuple[float, float]:
    environment = own_python_first(settings.as_environment()) | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "firstline", "monitor", "--as-of", ENDS.isoformat()]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=project, env=environment) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"`firstline monitor` ended with exit status {child.returncode}; see above")
    return time.perf_counter() - started, used.ru_maxrss / 1024


def a_decision(settings: Settings) -> Decision:
    """What the desk of ``settings`` says of a ticket: the record that all others are copies of."""
    desk = open_desk(settings)
    try:
        said = {"ticket_id": "first", "channel": "email", "subject": "Help", "body": "I cannot log in"}
        asked = TriageRequest.model_validate(said)
        return desk.triage(asked, ENDS - SPAN).decision
    finally:
        desk.store.close()


def fill(store: Store, known: pd.DataFrame, pattern: Decision, size: int) -> None:
    """Decide ``size`` tickets drawn from ``known``, evenly over ``SPAN`` until ``ENDS``, and answer some."""
    chance = np.random.default_rng(size)
    drawn = known.iloc[chance.integers(0, len(known), size)].reset_index(drop=True)
    intents = known["intent_label"].dropna()
    said = intents.iloc[chance.integers(0, len(intents), size)].tolist()
    at = [ENDS - SPAN + SPAN * (number + 1) / (size + 1) for number in range(size)]
    ids = [f"m{number:06d}" for number in range(size)]
    probability = chance.beta(6, 1, size).tolist()
    wrong = chance.random(size) < OVERRIDDEN
    tickets = drawn[_TOLD].assign(ticket_id=ids, known_at=at, created_at=at)
    for start in range(0, size, _BATCH):
        rows = range(start, min(start + _BATCH, size))
        with store.writing() as connection:
            context.append(connection, "tickets", typed("tickets", tickets.iloc[rows.start : rows.stop]))
            for row in rows:
                intent = pattern.intent.model_copy(
                    update={"name": said[row], "probability": probability[row]}
                )
                told = {"decision_id": f"d-{ids[row]}", "ticket_id": ids[row], "at": at[row]}
                decided = pattern.model_copy(update=told | {"intent": intent, "release": RELEASE})
                records.add_decision(connection, decided, "{}")
                if row % ANSWERED_EVERY == 0:
                    records.add_feedback(connection, _answer(decided, bool(wrong[row]), said[row - 1]))


def _answer(decided: Decision, wrong: bool, other: str) -> records.Feedback:
    changed = ("override", other, "as finally filed") if wrong else ("approve", None, None)
    verdict, value, reason = changed
    at = decided.at + timedelta(minutes=5)
    agent = f"agent {decided.at.minute % 20}"
    return records.Feedback(
        f"f-{decided.ticket_id}", decided.decision_id, at, verdict, "intent", value, reason, agent
    )
