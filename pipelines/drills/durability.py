"""``kill -9`` of the service under load, again and again: no answer may be lost or given twice."""

import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select

from pipelines.demo_company import morning_queue
from pipelines.drills.workspace import project_clone, run_in
from pipelines.params import load_params
from pipelines.results import Result
from pipelines.service_process import running_service
from serving.client import FirstlineClient, FirstlineError
from serving.settings import Settings
from serving.store import Store, open_store
from serving.tables import outbox

KILLS = 200
LANES = 4
"""Callers at the same time."""
SOONEST_SECONDS, LATEST_SECONDS = 0.05, 1.5
"""A kill falls at a random moment this long after the first answer since the service started."""
COMMAND = "firstline drill --only durability"


@dataclass
class Toll:
    """What the callers were told, and what the store holds of it after the last kill."""

    kills: int = 0
    decisions: dict[str, str] = field(default_factory=dict)
    """Ticket -> decision, as answered."""
    feedback: dict[str, str] = field(default_factory=dict)
    """Decision -> feedback, as answered."""
    contradictions: int = 0
    """Answers that named another decision or feedback than an earlier answer to the same request."""
    lost: int = 0
    duplicated: int = 0
    is_chain_intact: bool = False


class _Callers:
    """Callers who send tickets and feedback, and after a crash repeat what was not answered."""

    def __init__(self, requests: Iterator[Mapping[str, Any]], toll: Toll) -> None:
        self._requests = requests
        self._unanswered: deque[Mapping[str, Any]] = deque()
        self._toll = toll
        self._lock = threading.Lock()
        self.is_answered = threading.Event()

    def call_until_it_dies(self, client: FirstlineClient) -> None:
        """Send one request after another until the service is gone."""
        while True:
            with self._lock:
                request = self._unanswered.popleft() if self._unanswered else next(self._requests)
            try:
                decision_id = client.triage(request).decision_id
                self._note(self._toll.decisions, request["ticket_id"], decision_id)
                key = f"feedback on {decision_id}"
                feedback_id = client.feedback(decision_id, "approve", "a caller", key=key)
                self._note(self._toll.feedback, decision_id, feedback_id)
            except FirstlineError as error:
                with self._lock:
                    self._unanswered.append(request)
                if error.status:
                    raise
                return
            self.is_answered.set()

    def _note(self, answers: dict[str, str], question: str, answer: str) -> None:
        with self._lock:
            self._toll.contradictions += answers.setdefault(question, answer) != answer


def numbered(requests: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The same tickets over and over, each time under a new ticket id."""
    for number, request in enumerate(cycle(requests)):
        yield {**request, "ticket_id": f"{request['ticket_id']}-{number}"}


def kill_under_load(
    settings: Settings, requests: Sequence[Mapping[str, Any]], kills: int, seed: int, log: Path
) -> Toll:
    """Start the service, load it, kill it at a random moment; ``kills`` times, on one store. Then count.

    Raises ``ServiceNotReady`` where it does not come back, and ``FirstlineError`` where it refuses a request.
    """
    toll, moments = Toll(), random.Random(seed)  # noqa: S311 - moments to kill at, no secrets
    callers = _Callers(numbered(requests), toll)
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
    _count(store, toll)
    store.close()
    return toll


def _count(store: Store, toll: Toll) -> None:
    """What was answered and is not there, and what is there more often than once."""
    decisions, feedback = store.decisions(), store.feedback()
    with store.reading() as connection:
        actions = pd.Series([row.decision_id for row in connection.execute(select(outbox.c.decision_id))])
    known = dict(zip(decisions["ticket_id"], decisions["decision_id"], strict=True))
    toll.lost = (
        sum(known.get(ticket) != decision for ticket, decision in toll.decisions.items())
        + len(set(toll.feedback.values()) - set(feedback["feedback_id"]))
        + len(set(toll.decisions.values()) - set(actions))
    )
    twice = (decisions["ticket_id"], feedback["decision_id"], actions)
    toll.duplicated = int(sum(names.duplicated().sum() for names in twice)) + toll.contradictions
    toll.is_chain_intact = store.verify_ledger().intact


def measure() -> list[Result]:
    """Kill the service on the demo company's release ``KILLS`` times; what was lost or doubled."""
    with project_clone() as project:
        run_in(project, "pipelines.demo_company")
        for step in (("dvc", "repro"), ("firstline", "promote"), ("firstline", "backfill")):
            run_in(project, *step)
        params = load_params(project / "params.yaml")
        queue = morning_queue(params.demo_company, seed=params.demo_company.seed)
        desk, state = project / "policy" / "desk.yaml", project / "state"
        settings = Settings(state=state, desk=desk, allow_as_of=True)
        toll = kill_under_load(settings, queue.requests, KILLS, params.seed, state / "drill.log")
    return figures(toll)


def figures(toll: Toll) -> list[Result]:
    """The toll as published figures."""
    note = (
        f"{len(toll.decisions):,} decisions and {len(toll.feedback):,} feedbacks were answered; the ledger's "
        f"chain is {'intact' if toll.is_chain_intact else 'BROKEN'}; {LANES} callers, SQLite"
    )

    def count(name: str, value: int, target: str, met: bool | None) -> Result:
        reference = "every answer is durable before it is given"
        return Result(name, value, "", reference, target, met, COMMAND, "demo company, seed 1", note)

    return [
        count("durability.kills", toll.kills, f">= {KILLS}", toll.kills >= KILLS),
        count("durability.lost", toll.lost, "0", toll.lost == 0 and toll.is_chain_intact),
        count("durability.duplicated", toll.duplicated, "0", toll.duplicated == 0),
    ]
