"""The service under steady load for a long time: nothing lost, no errors, memory and latency flat.

The first seconds are unpaced and tell the capacity; then tickets, feedback and events come at half of it, at
fixed moments, and a caller who is late counts the wait (no coordinated omission).
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psutil
from scipy.stats import theilslopes

from features.schema import typed
from pipelines.drills.load import UNCOUNTED, Kept, Told, numbered, triage_and_approve
from pipelines.drills.workspace import demo_desk
from pipelines.results import Result
from pipelines.service_process import ServiceProcess, running_service
from serving.client import FirstlineClient, FirstlineError
from serving.settings import Settings
from serving.store import Store, open_store

SOAK_SECONDS = 600.0
SETTLING_SECONDS = 30.0
LANES = 4
"""Callers at the same time."""
SHARE_OF_CAPACITY = 0.5
BLOCK_SECONDS = 20.0
"""Samples are averaged over so long before a trend is read: neighbours are not independent."""
REFUSALS = (429, 503)
"""What an overloaded service may answer; everything else but an answer is an error."""
FLAT_SHARE = 0.02
"""Growth over the whole run, as a share of the mean, that still counts as flat memory."""
MOST_DRIFT = 0.10
COMMAND = "firstline drill --only soak"
_MB = 1e6


class Trend(NamedTuple):
    """Change a minute, by the median of slopes (Theil 1950, Sen 1968), with its 95 % interval."""

    per_minute: float
    low: float
    high: float
    mean: float


@dataclass
class Soaked:
    """One soak. ``answers``: (second, ms) of each ticket; ``memory``: (second, MB) of all workers."""

    told: Told = field(default_factory=Told)
    kept: Kept = UNCOUNTED
    statuses: Counter[int] = field(default_factory=Counter)
    """Tickets by the status they ended with: 200 is decided and approved, 0 is no answer at all."""
    answers: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    tickets_per_second: float = 0.0

    @property
    def errors(self) -> int:
        """Tickets that were neither answered nor refused for overload."""
        return sum(n for status, n in self.statuses.items() if status not in (200, *REFUSALS))


def trend(samples: Sequence[tuple[float, float]], block_seconds: float = BLOCK_SECONDS) -> Trend | None:
    """The trend of (second, value) over the medians of blocks; ``None`` with fewer than 5 blocks.

    Medians and Theil-Sen: one bad sample, or one bad block in four, moves neither.
    """
    if not samples:
        return None
    seconds, values = np.array(samples).T
    block = (seconds // block_seconds).astype(int)
    medians = np.array([np.median(values[block == b]) for b in np.unique(block)])
    if len(medians) < 5:
        return None
    minutes = np.unique(block) * block_seconds / 60
    slope, _, low, high = theilslopes(medians, minutes, 0.95)
    return Trend(float(slope), float(low), float(high), float(medians.mean()))


def soak(
    settings: Settings,
    requests: Sequence[Mapping[str, Any]],
    seconds: float,
    settling_seconds: float,
    log: Path,
) -> Soaked:
    """Run the service for ``seconds`` at half of the capacity that ``settling_seconds`` showed, then count.

    Raises ``ServiceNotReady`` where the service does not start.
    """
    soaked, tickets = Soaked(), numbered(requests, seconds_apart=0.01)
    store = open_store(settings)
    solved: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
    with running_service(settings, log, attempts=1) as service:
        caller = _Caller(service.client, tickets, soaked, solved)
        caller.keep_calling(_as_fast_as_possible(settling_seconds))
        soaked.tickets_per_second = SHARE_OF_CAPACITY * soaked.statuses[200] / settling_seconds
        _solve(store, soaked.told, solved)
        soaked.answers.clear()
        ended, started = threading.Event(), time.monotonic()
        sampling = threading.Thread(
            target=_sample, args=(service, store, soaked, solved, started, ended), daemon=True
        )
        sampling.start()
        caller.keep_calling(_paced(seconds, soaked.tickets_per_second))
        ended.set()
        sampling.join()
    soaked.kept = Kept.of(store, soaked.told)
    store.close()
    return soaked


class _Caller:
    """Sends tickets at given moments over several lanes and writes down what became of each."""

    def __init__(
        self,
        client: FirstlineClient,
        tickets: Iterator[Mapping[str, Any]],
        soaked: Soaked,
        solved: SimpleQueue[Mapping[str, Any]],
    ) -> None:
        self._client, self._tickets, self._soaked, self._solved = client, tickets, soaked, solved
        self._lock = threading.Lock()

    def keep_calling(self, moments: Iterator[float]) -> None:
        """One ticket at each of ``moments`` (seconds from now), or as soon after as a lane is free."""
        started = time.monotonic()
        with ThreadPoolExecutor(LANES) as pool:
            for lane in [pool.submit(self._call, moments, started) for _ in range(LANES)]:
                lane.result()

    def _call(self, moments: Iterator[float], started: float) -> None:
        while True:
            with self._lock:
                due, ticket = next(moments, None), next(self._tickets)
            if due is None:
                return
            time.sleep(max(0.0, started + due - time.monotonic()))
            status = self._status(ticket)
            waited = time.monotonic() - started - due
            with self._lock:
                self._soaked.statuses[status] += 1
                self._soaked.answers.append((due, waited * 1000))

    def _status(self, ticket: Mapping[str, Any]) -> int:
        try:
            triage_and_approve(self._client, ticket, self._soaked.told)
        except FirstlineError as error:
            return error.status
        self._solved.put(ticket)
        return 200


def _as_fast_as_possible(seconds: float) -> Iterator[float]:
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        yield passed


def _paced(seconds: float, per_second: float) -> Iterator[float]:
    for number in count():
        if number >= seconds * per_second:
            return
        yield number / per_second


def _sample(
    service: ServiceProcess,
    store: Store,
    soaked: Soaked,
    solved: SimpleQueue[Mapping[str, Any]],
    started: float,
    ended: threading.Event,
) -> None:
    """Every second: the workers' memory, and an event for each ticket answered since."""
    while not ended.wait(1.0):
        soaked.memory.append((time.monotonic() - started, worker_memory_mb(service)))
        _solve(store, soaked.told, solved)
    _solve(store, soaked.told, solved)


def worker_memory_mb(service: ServiceProcess) -> float:
    """Resident memory of the service's workers, without BentoML's supervisor."""
    workers = psutil.Process(service.process.pid).children(recursive=True)
    return sum((worker.memory_info().rss for worker in workers if worker.is_running()), 0) / _MB


def _solve(store: Store, told: Told, solved: SimpleQueue[Mapping[str, Any]]) -> None:
    """Another process of the desk stores that the tickets answered so far were solved."""
    tickets = [solved.get() for _ in range(solved.qsize())]
    if not tickets:
        return
    rows = [_solved(ticket) for ticket in tickets]
    store.append("ticket_events", typed("ticket_events", pd.DataFrame(rows)))
    told.events.extend(row["event_id"] for row in rows)


def _solved(ticket: Mapping[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(ticket["as_of"])
    return {
        "event_id": f"solved {ticket['ticket_id']}",
        "ticket_id": ticket["ticket_id"],
        "known_at": at,
        "occurred_at": at,
        "kind": "solved",
        "actor_kind": "agent",
        "actor_id": "a caller",
    }


def measure() -> list[Result]:
    """Soak the demo company's release for ``SOAK_SECONDS``."""
    with demo_desk() as (settings, requests, _):
        log = settings.state / "soak.log"
        return figures(soak(settings, requests, SOAK_SECONDS, SETTLING_SECONDS, log), SOAK_SECONDS)


def figures(soaked: Soaked, seconds: float) -> list[Result]:
    """The soak as published figures."""
    minutes = seconds / 60
    statuses = ", ".join(f"{status}: {n:,}" for status, n in sorted(soaked.statuses.items()))
    note = (
        f"{minutes:.0f} minutes at {soaked.tickets_per_second:.1f} tickets a second, half of the capacity; "
        f"{len(soaked.told.decisions):,} decisions, {len(soaked.told.feedback):,} feedbacks and "
        f"{len(soaked.told.events):,} events acknowledged (status: tickets = {statuses}); the ledger's chain "
        f"is {'intact' if soaked.kept.is_chain_intact else 'BROKEN'}; SQLite"
    )
    result = partial(Result, command=COMMAND, data="demo company, seed 1", note=note)
    held = soaked.kept.lost == 0 and soaked.kept.is_chain_intact
    stored = "every answer is durable before it is given"
    found = [
        result("soak.errors", soaked.errors, "", "2xx, 429 and 503 only", "0", soaked.errors == 0),
        result("soak.lost", soaked.kept.lost, "", stored, "0", held),
        result("soak.duplicated", soaked.kept.duplicated, "", stored, "0", soaked.kept.duplicated == 0),
    ]
    memory, latency = trend(soaked.memory), trend(soaked.answers)
    if memory is not None:
        grown = memory.low <= 0 or memory.per_minute * minutes <= FLAT_SHARE * memory.mean
        reference = f"mean {memory.mean:.0f} MB; slope of the medians of {BLOCK_SECONDS:.0f} s, Theil-Sen"
        target = f"0 in the interval, or <= {FLAT_SHARE:.0%} over the run"
        value, low, high = memory.per_minute, memory.low, memory.high
        found.append(
            result("soak.memory_growth", value, "MB/minute", reference, target, grown, low=low, high=high)
        )
    if latency is not None:
        value, low, high = (
            slope * minutes / latency.mean for slope in (latency.per_minute, latency.low, latency.high)
        )
        reference = (
            f"mean of medians {latency.mean:.1f} ms for triage and feedback, two cores of a shared machine"
        )
        target = f"<= {MOST_DRIFT:g}, or 0 in the interval"
        met = low <= 0 or value <= MOST_DRIFT
        found.append(result("soak.latency_drift", value, "", reference, target, met, low=low, high=high))
    return found
