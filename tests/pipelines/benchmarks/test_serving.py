"""The serving benchmark: the load generator counts what really came back, and both sides do the same work."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest
from starlette.testclient import TestClient

from pipelines.benchmarks.bare_fastapi import app_around
from pipelines.benchmarks.http_load import send
from pipelines.benchmarks.serving import Figures, in_process_ms, templates
from pipelines.benchmarks.serving_report import report, results
from serving.settings import Settings
from serving.store import open_store
from serving.triage import open_desk
from tests.serving.sample import NOON, tickets

FOUND = Figures(
    stored_tickets=10,
    one_p50_ms=5.0,
    one_p99_ms=9.0,
    capacity_per_second=100.0,
    half_p50_ms=6.0,
    half_p99_ms=50.0,
    overload_goodput_share=0.9,
    overload_statuses={"200": 90, "503": 900},
    in_process_p50_ms=4.0,
    in_process_cpu_p50_ms=3.5,
    overhead_p50_ms=1.0,
    fastapi_per_second=110.0,
    ratio_vs_fastapi=0.91,
    mlflow_p50_ms=8.0,
    mlflow_per_second=50.0,
    worker_memory_mb=300.0,
    load_average=0.0,
)


@contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """A server that gives ``answers`` in turn, an empty one by hanging up; yields its port."""
    turn, loop, ports = count(), asyncio.new_event_loop(), []
    ready = threading.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                answer = answers[next(turn) % len(answers)]
                if not answer:
                    break
                writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 2\r\n\r\n{}")
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()

    loop.create_task(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    ready.wait(5)
    yield ports[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def test_refusals_and_broken_connections_are_counted_and_never_as_good_answers() -> None:
    bodies = ({"ticket_id": str(number)} for number in count())
    with answering(b"200 OK", b"503 Busy", b"429 Slow", b"") as port:
        answers = send(port, bodies, seconds=0.5, connections=1, per_second=80)
    assert sum(answers.statuses.values()) == 40
    assert dict(answers.statuses) == {200: 10, 503: 10, 429: 10, 0: 10}
    assert len(answers.milliseconds) == 10


def test_a_late_answer_counts_its_wait_for_a_free_connection() -> None:
    bodies = ({"ticket_id": str(number)} for number in count())
    with answering(b"200 OK") as port:
        answers = send(port, bodies, seconds=0.02, connections=1, per_second=50_000)
    assert answers.statuses[200] == 1000
    assert answers.quantile_ms(0.9) > 2 * answers.quantile_ms(0.1)


def test_the_compared_app_and_the_process_decide_and_store_like_the_service(tmp_path) -> None:
    settings = Settings(state=tmp_path, development=True)
    store = open_store(settings)
    store.append("tickets", tickets({"ticket_id": "1"}, {"ticket_id": "2", "subject": None}))
    store.close()
    bodies, stored = templates(settings)
    assert stored == len(bodies) == 2
    desk = open_desk(settings)
    answer = TestClient(app_around(desk, 1)).post("/triage", json=bodies[0]).json()
    assert desk.store.decision(answer["decision_id"]).model_dump(mode="json") == answer
    assert answer["at"] > NOON.isoformat()
    desk.store.close()
    numbers = iter({**bodies[1], "ticket_id": f"in process {number}"} for number in count())
    assert all(milliseconds > 0 for milliseconds in in_process_ms(settings, numbers, 2))


def test_a_missed_target_is_published_as_missed_and_a_busy_machine_publishes_nothing() -> None:
    met = {result.name: result.met for result in results(FOUND)}
    assert met.pop("serving.triage.p99_ms") is False
    assert met.pop("serving.triage.requests_per_second") is None
    assert met.pop("serving.ratio_vs_mlflow") is None
    assert all(met.values())
    crashed = replace(FOUND, overload_statuses={"200": 90, "500": 1})
    (goodput,) = (r for r in results(crashed) if r.name == "serving.goodput_share_at_10x")
    assert goodput.met is False
    with pytest.raises(ValueError, match=r"load average before the run was 1\.50"):
        results(replace(FOUND, load_average=1.5))
    assert "busy" in report(replace(FOUND, load_average=1.5))
    assert "busy" not in report(FOUND)
    (ratio,) = (r for r in results(FOUND) if r.name == "serving.ratio_vs_mlflow")
    assert ratio.value == 2.0
    left_out = replace(FOUND, mlflow_p50_ms=None, mlflow_per_second=None)
    assert "mlflow" not in report(left_out)
    assert "serving.ratio_vs_mlflow" not in {result.name for result in results(left_out)}
