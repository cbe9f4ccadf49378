"""The BentoML service as a process: it answers over HTTP, keeps what it acknowledged, and ends when told."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from serving import outbox
from serving.client import FirstlineClient, FirstlineError
from serving.run import CannotServe, free_address
from serving.settings import Settings
from serving.store import open_store

TICKET = {"channel": "email", "subject": "Password", "body": "Hello, please reset the password."}
MAX_POSTS = 400


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def service(state: Path) -> Iterator[tuple[FirstlineClient, subprocess.Popen, Settings]]:
    """The service as a process, ready; killed at the end if it still runs."""
    settings = Settings(state=state, port=free_port())
    log = state / "service.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving"],
            env=settings.as_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        client = FirstlineClient(f"http://127.0.0.1:{settings.port}", attempts=1)
        deadline = time.monotonic() + 60
        while not client.is_ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield client, process, settings
    finally:
        kill(process)


def workers(process: subprocess.Popen) -> list[int]:
    """Process ids of the service's workers."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def kill(process: subprocess.Popen) -> None:
    """kill -9 of the service and its workers, whatever they are doing."""
    if process.poll() is None:
        for pid in [*workers(process), process.pid]:
            os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    (folder / "releases").mkdir()
    return folder


@pytest.fixture(scope="module")
def running(state):
    with service(state) as started:
        yield started
        _, process, settings = started
        process.terminate()
        process.wait(timeout=30)
        assert free_address(settings.host, settings.port), "the service ends when told, and so do its workers"


@pytest.fixture(scope="module")
def client(running):
    return running[0]


def test_a_ticket_becomes_a_decision_that_can_be_read_ranked_and_corrected(client):
    decision = client.triage({"ticket_id": "whole way", **TICKET})
    assert client.decision(decision.decision_id) == decision
    assert decision in client.queue()
    assert client.feedback(decision.decision_id, "override", "ann", "intent", "invoice_copy", "read it")


def test_the_probes_and_the_metrics_are_our_own(running):
    client, _, settings = running
    url = f"http://127.0.0.1:{settings.port}"
    client.triage({"ticket_id": "counted", **TICKET})
    assert httpx2.get(f"{url}/healthz").json() == {"status": "alive"}
    assert httpx2.get(f"{url}/readyz").json() == {
        "ready": True,
        "release": "none",
        "degraded": ["no release"],
    }
    page = httpx2.get(f"{url}/metrics").text
    assert 'firstline_decisions_total{action="human"' in page
    assert 'firstline_degraded_total{part="no release"}' in page
    assert 'firstline_http_request_seconds_count{route="/triage"}' in page
    assert httpx2.get(f"{url}/docs.json").json()["error"]["thing"] == "route"


def test_a_refusal_reaches_the_caller_in_words(client):
    with pytest.raises(FirstlineError, match="404: decision_id") as refused:
        client.decision("none")
    assert refused.value.status == 404


def test_fifty_posts_at_once_over_http_make_one_decision(client):
    with ThreadPoolExecutor(25) as pool:
        request = {"ticket_id": "at once", **TICKET}
        decisions = list(pool.map(lambda _: client.triage(request), range(50)))
    assert len({decision.decision_id for decision in decisions}) == 1


def test_the_log_holds_no_word_a_customer_wrote(running, state):
    client, _, _ = running
    secret = "My card is 4111 1111 1111 1111, call +49 30 1234567, ann@x.example"
    client.triage({"ticket_id": "private", **TICKET, "body": secret, "contact_handle": "email:ann@x.example"})
    log = (state / "service.log").read_text()
    assert "private" in log  # the ticket's id is there
    assert not any(word in log for word in ("4111", "1234567", "ann@x.example"))


def test_a_port_in_use_is_said_and_not_fought_over(running):
    _, _, settings = running
    command, environment = [sys.executable, "-m", "serving"], settings.as_environment()
    started = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert started.returncode == 1
    assert f"port {settings.port}" in started.stderr
    assert "FIRSTLINE_PORT=" in started.stderr
    assert "Traceback" not in started.stderr


def test_a_host_that_does_not_exist_is_said():
    with pytest.raises(CannotServe, match="FIRSTLINE_HOST"):
        free_address("no.such.host.invalid", 3000)


def test_nobody_listening_is_said():
    with pytest.raises(FirstlineError, match="is the service running"):
        FirstlineClient(f"http://127.0.0.1:{free_port()}", attempts=1).queue()


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    """kill -9 under load: every answered decision and feedback is there exactly once, and the chain holds."""
    acknowledged: dict[str, str] = {}
    given: list[str] = []
    enough = threading.Event()
    with service(tmp_path) as (client, process, settings):

        def post(lane: int) -> None:
            for n in range(MAX_POSTS):
                ticket_id = f"{lane}-{n}"
                try:
                    decision_id = client.triage({"ticket_id": ticket_id, **TICKET}).decision_id
                    acknowledged[ticket_id] = decision_id
                    given.append(client.feedback(decision_id, "approve", "ann"))
                except FirstlineError:
                    return
                if len(acknowledged) >= 40:
                    enough.set()

        with ThreadPoolExecutor(4) as pool:
            lanes = [pool.submit(post, lane) for lane in range(4)]
            assert enough.wait(60)
            kill(process)
            for lane in lanes:
                lane.result()
    store = open_store(settings)
    decisions = store.decisions()
    assert decisions["ticket_id"].is_unique
    stored = dict(zip(decisions["ticket_id"], decisions["decision_id"], strict=True))
    assert acknowledged.items() <= stored.items()
    assert set(given) <= set(store.feedback()["feedback_id"])
    assert store.verify_ledger().intact
    with store.reading() as connection:
        assert len(outbox.pending(connection, limit=10**6)) == len(decisions)
    store.close()


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path):
    with service(tmp_path) as (_, process, settings):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 20
        while True:
            try:
                assert free_address(settings.host, settings.port)
                return
            except CannotServe:
                assert time.monotonic() < deadline
                time.sleep(0.1)
