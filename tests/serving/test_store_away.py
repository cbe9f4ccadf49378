"""The store goes away, fills up, is locked or slow: nothing is lost, and nobody restarts anything."""

import errno
import io
import resource
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from serving import triage
from serving.http import Api
from serving.keys import new_key
from serving.logs import Unfailing
from serving.metrics import Metrics
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.stores import new_database
from tests.serving.tiny_release import DESK

RECOVERY_SECONDS = 30
TICKET = {"channel": "email", "body": "I forgot my password."}


def assert_only_for_people(decision: dict) -> None:
    """A decision to go by that claims nothing: no id to come back with, marked, and never automatic."""
    assert decision["decision_id"] == "not stored"
    assert decision["degraded"][0] == "store"
    assert decision["action"] != "auto_resolve"
    assert not {gate["name"]: gate["passed"] for gate in decision["gates"]}["store"]
    assert decision["route"]["queue"]


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """The store's file cannot grow, as on a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{path}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else writes and does not end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def away(postgres, migrated_database):
    """A PostgreSQL store, and a switch that throws everybody out of it and lets them in again."""
    url = new_database(postgres, migrated_database)
    name = make_url(url).database
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")

    def switch(is_away: bool) -> None:
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not is_away}"))
            if is_away:
                gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                connection.execute(text(gone))

    yield url, switch
    admin.dispose()


def test_nothing_is_acknowledged_while_the_store_is_away_and_it_comes_back_by_itself(away, tmp_path):
    url, switch = away
    store = Store(url)
    with store.writing() as connection:
        key = new_key(connection, "x", "admin", datetime.now(UTC), 1000.0)
    chosen = Settings(state=tmp_path, database_url=url, hosts="desk.example", pointer_check_seconds=0.01)
    app = Api(TriageDesk(store, Releases(store, tmp_path, DESK, 0.01)), chosen, Metrics()).app()
    client = TestClient(app, "http://desk.example", raise_server_exceptions=False)
    client.headers["Authorization"] = f"Bearer {key}"
    ticket = {"channel": "email", "body": "I forgot my password."}
    assert client.post("/triage", json={"ticket_id": "before", **ticket}).status_code == 200

    switch(True)
    for _ in range(3):
        answer = client.post("/triage", json={"ticket_id": "meanwhile", **ticket})
        assert (answer.status_code, answer.json()["error"]["thing"]) == (503, "store")
        assert int(answer.headers["retry-after"]) >= 1
        assert_only_for_people(answer.json()["decision"])
    result = client.post("/triage_batch", json={"tickets": [{"ticket_id": "batched", **ticket}]}).json()
    assert result["results"][0]["status"] == 503
    assert_only_for_people(result["results"][0]["decision"])
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200

    switch(False)
    deadline = time.monotonic() + RECOVERY_SECONDS
    while (answer := client.post("/triage", json={"ticket_id": "meanwhile", **ticket})).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    assert store.decisions()["ticket_id"].tolist() == ["before", "meanwhile"]
    assert store.verify_ledger().intact
    store.close()


@pytest.fixture
def file_desk(tmp_path, migrated_file) -> Iterator[tuple[Path, Store, TestClient]]:
    """A desk on a SQLite file that waits a quarter of a second for others."""
    path = tmp_path / "firstline.db"
    path.write_bytes(migrated_file.read_bytes())
    store = Store(f"sqlite:///{path}?timeout=0.25")
    chosen = Settings(state=tmp_path, development=True, pointer_check_seconds=0.01)
    app = Api(TriageDesk(store, Releases(store, tmp_path, DESK, 0.01)), chosen, Metrics()).app()
    yield path, store, TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)
    store.close()


@pytest.mark.parametrize("trouble", [full_disk, locked])
def test_a_disk_that_takes_nothing_costs_no_acknowledged_decision_and_no_restart(file_desk, trouble):
    path, store, client = file_desk
    before = client.post("/triage", json={"ticket_id": "before", **TICKET})
    with trouble(path):
        refused = client.post("/triage", json={"ticket_id": "meanwhile", **TICKET})
        again = client.post("/triage", json={"ticket_id": "before", **TICKET})
        fed_back = {"decision_id": before.json()["decision_id"], "verdict": "approve", "agent_id": "ann"}
        feedback = client.post("/feedback", json=fed_back)
    assert refused.status_code == 503
    assert_only_for_people(refused.json()["decision"])
    assert again.json() == before.json()  # what is stored can still be read
    assert feedback.status_code == 503
    stored = client.post("/triage", json={"ticket_id": "meanwhile", **TICKET})
    assert (stored.status_code, "store" in stored.json()["degraded"]) == (200, False)
    assert store.decisions()["ticket_id"].tolist() == ["before", "meanwhile"]
    assert store.feedback().empty
    assert store.verify_ledger().intact


def test_a_slow_disk_is_waited_for(file_desk):
    path, store, client = file_desk
    slow = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    slow.execute("BEGIN IMMEDIATE")
    threading.Timer(0.1, slow.execute, ["ROLLBACK"]).start()
    assert client.post("/triage", json={"ticket_id": "slowly", **TICKET}).status_code == 200
    assert store.decisions()["ticket_id"].tolist() == ["slowly"]
    slow.close()


@pytest.mark.parametrize(
    ("breaks", "degraded"),
    [("release", "release failed"), ("rules", "rules failed")],
)
def test_a_ticket_that_breaks_release_or_rules_reaches_people_and_is_stored(
    tmp_path, migrated_file, promote, monkeypatch, breaks, degraded
):
    path = tmp_path / "firstline.db"
    path.write_bytes(migrated_file.read_bytes())
    store = Store(f"sqlite:///{path}")
    promoted = promote(store, tmp_path)
    decide = triage.decide

    def failing(desk, situation, judged, decision_id):
        if breaks == "rules" or judged.release == promoted:
            raise ZeroDivisionError
        return decide(desk, situation, judged, decision_id)

    monkeypatch.setattr(triage, "decide", failing)
    desk = TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 0.01))
    request = TriageRequest.model_validate({"ticket_id": "odd", **TICKET})
    decision = desk.triage(request, datetime.now(UTC)).decision
    assert (decision.release, decision.action) == ("none", "human")
    assert degraded in decision.degraded
    assert store.decision(decision.decision_id) == decision
    assert [entry.decision_id for entry in store.open_queue(datetime.now(UTC), 10)] == [decision.decision_id]
    store.close()


class FullStream(io.StringIO):
    """Takes nothing, as a file on a disk without room."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def closed_stream() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [FullStream(), closed_stream()], ids=["full disk", "closed"])
def test_a_log_that_cannot_be_written_fails_no_request(monkeypatch, stream):
    with pytest.raises((OSError, ValueError)):
        structlog.PrintLogger(stream).msg("decided")
    monkeypatch.setattr(sys, "stdout", stream)
    structlog.PrintLogger(Unfailing()).msg("decided")
