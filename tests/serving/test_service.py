"""The BentoML service as a process: it answers over HTTP, keeps what it acknowledged, and ends when told."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from pipelines.service_process import free_port, running_service
from serving.client import FirstlineClient, FirstlineError
from serving.run import CannotServe, free_address
from serving.settings import Settings

TICKET = {"channel": "email", "subject": "Password", "body": "Hello, please reset the password."}


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    (folder / "releases").mkdir()
    return folder


@pytest.fixture(scope="module")
def no_tracking():
    """MLflow cannot be reached while the service runs, which no answer may depend on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        yield


@pytest.fixture(scope="module")
def slow_disk(tmp_path_factory):
    """Makes each sync of a process that has ``environment`` take so many milliseconds, until 0 is said."""
    folder = tmp_path_factory.mktemp("slow")
    shim, told = folder / "slow_sync.so", folder / "milliseconds"
    compiler = shutil.which("cc") or shutil.which("gcc")

    def takes(milliseconds: int) -> None:
        if compiler is None:
            pytest.skip("no C compiler here to make a disk slow with")
        told.write_text(str(milliseconds))

    takes.environment = {}
    if compiler is not None:
        source = Path(__file__).with_name("slow_sync.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        takes.environment = {"LD_PRELOAD": str(shim), "SLOW_SYNC": str(told)}
    return takes


@pytest.fixture(scope="module")
def running(state, no_tracking, slow_disk):
    settings, log = Settings(state=state), state / "service.log"
    with running_service(settings, log, slow_disk.environment, attempts=1) as service:
        yield service
        service.process.terminate()
        service.process.wait(timeout=30)
        host, port = service.settings.host, service.settings.port
        assert free_address(host, port), "the service ends when told, and so do its workers"


@pytest.fixture(scope="module")
def client(running):
    return running.client


def test_a_ticket_becomes_a_decision_that_can_be_read_ranked_and_corrected(client):
    decision = client.triage({"ticket_id": "whole way", **TICKET})
    assert client.decision(decision.decision_id) == decision
    assert decision.decision_id in {ranked.decision_id for ranked in client.queue()}
    assert client.feedback(decision.decision_id, "override", "ann", "intent", "invoice_copy", "read it")


def test_the_probes_and_the_metrics_are_our_own(running):
    client, url = running.client, f"http://127.0.0.1:{running.settings.port}"
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


def test_a_slow_disk_delays_the_decisions_that_wait_for_it_and_nothing_else(running, slow_disk):
    """Each waits until it is durable; probes and readers do not wait for it."""
    url, client = f"http://127.0.0.1:{running.settings.port}", running.client
    stored = client.triage({"ticket_id": "before the disk was slow", **TICKET})
    slow_disk(400)
    try:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(client.triage, {"ticket_id": f"slow {n}", **TICKET}) for n in range(4)]
            seen, before = [], [one.done() for one in asked].count(True)
            while not all(one.done() for one in asked):
                assert httpx2.get(f"{url}/healthz").status_code == 200
                assert client.decision(stored.decision_id) == stored
                seen.append([one.done() for one in asked].count(True))
            decisions = [one.result() for one in asked]
    finally:
        slow_disk(0)
    assert before == 0
    assert seen.count(0) > 1, "probes and reads were answered while every writer waited"
    assert [client.decision(decision.decision_id) for decision in decisions] == decisions


def test_the_log_holds_no_word_a_customer_wrote(running, state):
    client = running.client
    secret = "My card is 4111 1111 1111 1111, call +49 30 1234567, ann@x.example"
    client.triage({"ticket_id": "private", **TICKET, "body": secret, "contact_handle": "email:ann@x.example"})
    log = (state / "service.log").read_text()
    assert "private" in log  # the ticket's id is there
    assert not any(word in log for word in ("4111", "1234567", "ann@x.example"))


def test_a_port_in_use_is_said_and_not_fought_over(running):
    settings = running.settings
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


def test_a_worker_ends_when_its_supervisor_is_killed(tmp_path):
    with running_service(Settings(state=tmp_path), tmp_path / "service.log") as service:
        settings = service.settings
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
        deadline = time.monotonic() + 20
        while True:
            try:
                assert free_address(settings.host, settings.port)
                return
            except CannotServe:
                assert time.monotonic() < deadline
                time.sleep(0.1)
