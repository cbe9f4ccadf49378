"""``kill -9`` of the service under load, again and again: no answer may be lost or given twice."""

import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.drills.load import UNCOUNTED, Kept, Told, numbered, triage_and_approve
from pipelines.drills.workspace import demo_desk
from pipelines.results import Result
from pipelines.service_process import running_service
from serving.client import FirstlineClient, FirstlineError
from serving.settings import Settings
from serving.store import open_store

KILLS = 200
LANES = 4
"""Callers at the same time."""
SOONEST_SECONDS, LATEST_SECONDS = 0.05, 1.5
"""A kill falls at a random moment this long after the first answer since the service started."""
COMMAND = "firstline drill --only durability"


@dataclass
class Toll:
    """How often the service was killed, what the callers were told, and what the store holds of it."""

    kills: int = 0
    told: Told = field(default_factory=Told)
    kept: Kept = UNCOUNTED


class _Callers:
    """Callers who send tickets and feedback, and after a crash repeat what was not answered."""

    def __init__(self, requests: Iterator[Mapping[str, Any]], told: Told) -> None:
        self._requests = requests
        self._unanswered: deque[Mapping[str, Any]] = deque()
        self._told = told
        self._lock = threading.Lock()
        self.is_answered = threading.Event()

    def call_until_it_dies(self, client: FirstlineClient) -> None:
        """Send one request after another until the service is gone."""
        while True:
            with self._lock:
                request = self._unanswered.popleft() if self._unanswered else next(self._requests)
            try:
                triage_and_approve(client, request, self._told)
            except FirstlineError as error:
                with self._lock:
                    self._unanswered.append(request)
                if error.status:
                    raise
                return
            self.is_answered.set()


def kill_under_load(
    settings: Settings, requests: Sequence[Mapping[str, Any]], kills: int, seed: int, log: Path
) -> Toll:
    """Start the service, load it, kill it at a random moment; ``kills`` times, on one store. Then count.

    Raises ``ServiceNotReady`` where it does not come back, and ``FirstlineError`` where it refuses a request.
    """
    toll, moments = Toll(), random.Random(seed)  # noqa: S311 - moments to kill at, no secrets
    callers = _Callers(numbered(requests), toll.told)
    for _ in range(kills):
        callers.is_answered.clear()
        with running_service(settings, log, attempts=1) as service, ThreadPoolExecutor(LANES) as pool:
            lanes = [pool.submit(callers.call_until_it_dies, service.client) for _ in range(LANES)]
            callers.is_answered.wait(timeout=60)
            threading.Event().wait(moments.uniform(SOONEST_SECONDS, LATEST_SECONDS))
            service.kill()
            for lane in lanes:
                lane.result()
        toll.kills += 1
    store = open_store(settings)
    toll.kept = Kept.of(store, toll.told)
    store.close()
    return toll


def measure() -> list[Result]:
    """Kill the service on the demo company's release ``KILLS`` times; what was lost or doubled."""
    with demo_desk() as (settings, requests, seed):
        toll = kill_under_load(settings, requests, KILLS, seed, settings.state / "drill.log")
    return figures(toll)


def figures(toll: Toll) -> list[Result]:
    """The toll as published figures."""
    note = (
        f"{len(toll.told.decisions):,} decisions and {len(toll.told.feedback):,} feedbacks were answered; "
        f"the ledger's chain is {'intact' if toll.kept.is_chain_intact else 'BROKEN'}; {LANES} callers, "
        "SQLite"
    )

    def count(name: str, value: int, target: str, met: bool | None) -> Result:
        reference = "every answer is durable before it is given"
        return Result(name, value, "", reference, target, met, COMMAND, "demo company, seed 1", note)

    return [
        count("durability.kills", toll.kills, f">= {KILLS}", toll.kills >= KILLS),
        count("durability.lost", toll.kept.lost, "0", toll.kept.lost == 0 and toll.kept.is_chain_intact),
        count("durability.duplicated", toll.kept.duplicated, "0", toll.kept.duplicated == 0),
    ]
