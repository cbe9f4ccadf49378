"""How fast the service decides: over loopback, in process, behind bare FastAPI, beside MLflow's server."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from pipelines.benchmarks.http_load import Answers, send
from pipelines.drills.load import numbered
from pipelines.drills.soak import worker_memory_mb
from pipelines.service_process import free_port, running_service
from serving.moments import moment
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import open_store
from serving.tables import CONTEXT
from serving.triage import open_desk

CONNECTIONS = 16
"""Open at saturation and below it."""
OVERLOAD, OVERLOAD_CONNECTIONS = 10, 256
TEMPLATES = 1000
"""Newest tickets of the store that are sent again under new ids."""
SEPARATION_SECONDS = 0.01
SERVER_CORE, LOAD_CORE = 0, 1
COLUMNS = ("channel", "subject", "body", "account_id", "contact_id", "language", "product_area")
CALLS_IN_PROCESS, WARM_UP_SECONDS = 200, 5.0


@dataclass(frozen=True)
class Figures:
    """Milliseconds, requests a second and megabytes of one run; shares are of the capacity."""

    stored_tickets: int
    one_p50_ms: float
    one_p99_ms: float
    capacity_per_second: float
    half_p50_ms: float
    half_p99_ms: float
    overload_goodput_share: float
    overload_statuses: Mapping[str, int]
    in_process_p50_ms: float
    in_process_cpu_p50_ms: float
    overhead_p50_ms: float
    fastapi_per_second: float
    ratio_vs_fastapi: float
    mlflow_p50_ms: float | None
    mlflow_per_second: float | None
    """Of ``mlflow models serve`` with the intent model alone; nothing where it was left out."""
    worker_memory_mb: float
    load_average: float
    """Of the machine when the run began: on a busy one the figures say little."""


def measure(settings: Settings, seconds: float, with_mlflow: bool = True) -> Figures:
    """Everything on copies of the store and the releases of ``settings``; a phase takes ``seconds``.

    ``with_mlflow`` compares with ``mlflow models serve`` too, where the champion has an intent model. Raises
    ``ValueError`` for a store that is not SQLite, has no tickets, or on a machine with one core.
    """
    if len(os.sched_getaffinity(0)) < 2:
        raise ValueError("one processor core: the server and the load generator need one each")
    load_average = os.getloadavg()[0]
    with _copied(settings) as copy:
        tickets, stored = templates(copy)
        asked = numbered(tickets, SEPARATION_SECONDS)
        with ExitStack() as stack:
            with _on_core(SERVER_CORE):
                service = running_service(copy, copy.state / "benchmark.log", attempts=1)
                running = stack.enter_context(service)
            stack.enter_context(_on_core(LOAD_CORE))
            port = running.settings.port
            send(port, asked, min(seconds, WARM_UP_SECONDS), 1)
            one = send(port, asked, seconds, 1)
            full = send(port, asked, seconds, CONNECTIONS)
            half = send(port, asked, seconds, CONNECTIONS, full.good_per_second / 2)
            memory = worker_memory_mb(running)
            over = send(port, asked, seconds, OVERLOAD_CONNECTIONS, OVERLOAD * full.good_per_second)
        with _bare_fastapi(copy) as port, _on_core(LOAD_CORE):
            send(port, asked, min(seconds, WARM_UP_SECONDS), 1)
            bare = send(port, asked, seconds, CONNECTIONS)
        alone = _intent_alone(copy, asked, seconds) if with_mlflow else None
        with _on_core(SERVER_CORE):
            wall, cpu = in_process_ms(copy, asked, CALLS_IN_PROCESS)
    return _figures(one, full, half, over, bare, alone, wall, cpu, memory, load_average, stored)


def _figures(
    one: Answers,
    full: Answers,
    half: Answers,
    over: Answers,
    bare: Answers,
    alone: tuple[Answers, Answers] | None,
    wall: float,
    cpu: float,
    memory: float,
    load_average: float,
    stored: int,
) -> Figures:
    return Figures(
        stored_tickets=stored,
        one_p50_ms=one.quantile_ms(0.5),
        one_p99_ms=one.quantile_ms(0.99),
        capacity_per_second=full.good_per_second,
        half_p50_ms=half.quantile_ms(0.5),
        half_p99_ms=half.quantile_ms(0.99),
        overload_goodput_share=over.good_per_second / full.good_per_second,
        overload_statuses={str(status): n for status, n in sorted(over.statuses.items())},
        in_process_p50_ms=wall,
        in_process_cpu_p50_ms=cpu,
        overhead_p50_ms=one.quantile_ms(0.5) - wall,
        fastapi_per_second=bare.good_per_second,
        ratio_vs_fastapi=full.good_per_second / bare.good_per_second,
        mlflow_p50_ms=alone[0].quantile_ms(0.5) if alone else None,
        mlflow_per_second=alone[1].good_per_second if alone else None,
        worker_memory_mb=memory,
        load_average=load_average,
    )


def templates(settings: Settings) -> tuple[list[dict[str, Any]], int]:
    """The newest tickets of the store as bodies of ``POST /triage``, and how many are stored.

    They are asked for as of the moment after the newest of them. Raises ``ValueError`` for an empty store.
    """
    store, table = open_store(settings), CONTEXT["tickets"]
    with store.reading() as connection:
        stored = connection.scalar(select(func.count()).select_from(table)) or 0
        newest = select(table).order_by(table.c.known_at.desc()).limit(TEMPLATES)
        rows = [dict(row) for row in connection.execute(newest).mappings()]
    store.close()
    if not rows:
        raise ValueError("the store holds no tickets: fill it with `firstline backfill`")
    as_of = (moment(max(row["known_at"] for row in rows)) + timedelta(seconds=1)).isoformat()
    bodies = [
        {name: row[name] for name in COLUMNS if row[name] is not None}
        | {"ticket_id": f"benchmark-{number}", "as_of": as_of}
        for number, row in enumerate(rows)
    ]
    return bodies, stored


def in_process_ms(
    settings: Settings, tickets: Iterator[Mapping[str, Any]], calls: int
) -> tuple[float, float]:
    """Median wall and processor milliseconds of the same work without HTTP: parse, decide, store, write."""
    desk, wall, cpu = open_desk(settings), [], []
    desk.warm_up()
    for call in range(calls + 20):
        body = json.dumps(next(tickets)).encode()
        began, used = time.perf_counter(), time.process_time()
        request = TriageRequest.model_validate_json(body)
        desk.triage(request, datetime.now(UTC)).decision.model_dump_json()
        if call >= 20:
            wall.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - used) * 1000)
    desk.store.close()
    return float(np.median(wall)), float(np.median(cpu))


@contextmanager
def _copied(settings: Settings) -> Iterator[Settings]:
    """``settings`` on a copy of the state, removed at the end, so that a benchmark leaves no decision."""
    source = settings.database_url.removeprefix("sqlite:///")
    if source == settings.database_url:
        raise ValueError("the benchmark copies a SQLite store; FIRSTLINE_DATABASE_URL names another database")
    if not Path(source).exists():
        raise ValueError(f"{source} not found: fill the store with `firstline backfill`")
    state = Path(tempfile.mkdtemp(prefix="firstline-benchmark-"))
    try:
        with sqlite3.connect(source) as connection:
            connection.execute("VACUUM INTO ?", (str(state / "firstline.db"),))
        if settings.releases.is_dir():
            shutil.copytree(settings.releases, state / "releases")
        yield Settings(state=state, desk=settings.desk, development=True, database_url="")
    finally:
        shutil.rmtree(state, ignore_errors=True)


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """This process, and the children it starts meanwhile, on one processor core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _bare_fastapi(settings: Settings) -> Iterator[int]:
    port = free_port()
    with _on_core(SERVER_CORE), (settings.state / "fastapi.log").open("ab") as log:
        command = [sys.executable, "-m", "pipelines.benchmarks.bare_fastapi", str(port)]
        environment = {**settings.as_environment(), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _intent_alone(
    settings: Settings, tickets: Iterator[Mapping[str, Any]], seconds: float
) -> tuple[Answers, Answers] | None:
    """MLflow's server over one connection and at saturation; ``None`` where no champion has the model."""
    from pipelines.benchmarks.mlflow_intent import PATH, asked, mlflow_serving, save

    store = open_store(settings)
    champion = store.pointer("champion")
    store.close()
    if champion is None or not (settings.releases / champion / "intent" / "model.json").is_file():
        return None
    model, bodies = settings.state / "mlflow_model", (asked(ticket) for ticket in tickets)
    save(settings.releases / champion, model)
    with ExitStack() as stack:
        with _on_core(SERVER_CORE):
            served = mlflow_serving(model, settings.state / "mlflow.log")
            port, process = stack.enter_context(served)
        _wait_for(port, process)
        stack.enter_context(_on_core(LOAD_CORE))
        send(port, bodies, min(seconds, WARM_UP_SECONDS), 1, path=PATH)
        one = send(port, bodies, seconds, 1, path=PATH)
        return one, send(port, bodies, seconds, CONNECTIONS, path=PATH)


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise ValueError("the server to compare with did not start: run it by hand to see why")
