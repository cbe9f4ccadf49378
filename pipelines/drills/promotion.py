"""Promotion and rollback of a running service under load: nothing dropped, seconds until they are there.

Two releases of the same models, told apart by their ids only, take turns as champion while callers go on
sending tickets; each answer names the release that decided.
"""

import json
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from models.release import MANIFEST, release_id
from pipelines.drills.load import numbered
from pipelines.drills.soak import worker_memory_mb
from pipelines.drills.workspace import demo_desk
from pipelines.results import Result
from pipelines.service_process import running_service
from serving.client import FirstlineClient, FirstlineError
from serving.settings import Settings
from serving.store import open_store

MOVES = 20
"""Ten promotions, and after each the way back."""
PAUSE_SECONDS = 12.0
"""Between two moves: longer than one may take to be there."""
LANES = 4
"""Callers at the same time."""
MOST_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
"""After which a move counts as one that never came."""
SETTLED_MOVES = 4
"""Memory is compared from here on: by then both releases were loaded and let go of."""
FLAT_SHARE = 0.05
"""Growth over the moves, as a share of what it was, that still counts as flat memory."""
COMMAND = "firstline drill --only promotion"


class Answer(NamedTuple):
    """One ticket's answer: when it came (seconds), its status (0: none), and the release that decided."""

    at: float
    status: int
    release: str


class Move(NamedTuple):
    """The champion pointer was set to this release at this second."""

    at: float
    release: str


@dataclass
class Promoted:
    """What callers were told while the champion changed, and the workers' memory after each change (MB)."""

    answers: list[Answer] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    @property
    def dropped(self) -> int:
        """Tickets that were not decided."""
        return sum(answer.status != 200 for answer in self.answers)

    @property
    def seconds_until_there(self) -> list[float]:
        """For each move, when the last answer came of another release than the new one; endless if none of
        the new one came."""
        ends = [*(move.at for move in self.moves[1:]), float("inf")]
        found = []
        for move, end in zip(self.moves, ends, strict=True):
            since = [answer for answer in self.answers if move.at <= answer.at < end and answer.release]
            late = [answer.at - move.at for answer in since if answer.release != move.release]
            is_there = any(answer.release == move.release for answer in since)
            found.append(max(late, default=0.0) if is_there else float("inf"))
        return found


def twin(releases: Path, known: str) -> str:
    """Another release with the models of ``known``; returns its id."""
    folder = releases / "twin"
    shutil.copytree(releases / known, folder)
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["data_revision"] = f"the twin of {known}"
    path.write_text(json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    name = release_id(folder)
    folder.rename(releases / name)
    return name


def promote_under_load(
    settings: Settings, requests: Sequence[Mapping[str, Any]], moves: int, pause_seconds: float, log: Path
) -> Promoted:
    """Move the champion ``moves`` times between it and its twin, under load.

    Raises ``ServiceNotReady`` where the service does not start, ``ValueError`` without a champion.
    """
    store = open_store(settings)
    champion = store.pointer("champion")
    if champion is None:
        raise ValueError("there is no champion: promote a release first")
    names = (twin(settings.releases, champion), champion)
    promoted, ended, tickets = Promoted(), threading.Event(), numbered(requests, 0.01)
    lock = threading.Lock()
    with running_service(settings, log, attempts=1) as service, ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(_call, service.client, tickets, lock, promoted, ended) for _ in range(LANES)]
        try:
            for number in range(moves):
                name = names[number % 2]
                promoted.moves.append(Move(time.monotonic(), name))
                store.set_pointer("champion", name, "a drill", "promotion under load", datetime.now(UTC))
                _wait_for(promoted, pause_seconds)
                promoted.memory_mb.append(worker_memory_mb(service))
        finally:
            ended.set()
        for lane in lanes:
            lane.result()
    store.close()
    return promoted


def _wait_for(promoted: Promoted, pause_seconds: float) -> None:
    """Go on after the pause, and once the new release has decided; it may take ``PATIENCE_SECONDS``."""
    move, seen = promoted.moves[-1], len(promoted.answers)
    time.sleep(pause_seconds)
    while time.monotonic() - move.at < PATIENCE_SECONDS:
        if any(answer.release == move.release for answer in promoted.answers[seen:]):
            return
        time.sleep(0.05)


def _call(
    client: FirstlineClient,
    tickets: Iterator[Mapping[str, Any]],
    lock: threading.Lock,
    promoted: Promoted,
    ended: threading.Event,
) -> None:
    while not ended.is_set():
        with lock:
            ticket = next(tickets)
        status, release = 200, ""
        try:
            release = client.triage(ticket).release
        except FirstlineError as error:
            status = error.status
        promoted.answers.append(Answer(time.monotonic(), status, release))


def measure() -> list[Result]:
    """Ten promotions and ten rollbacks of the demo company's release."""
    with demo_desk() as (settings, requests, _):
        log = settings.state / "promotion.log"
        return figures(promote_under_load(settings, requests, MOVES, PAUSE_SECONDS, log))


def figures(promoted: Promoted) -> list[Result]:
    """The drill as published figures."""
    seconds = max(promoted.seconds_until_there)
    settled = promoted.memory_mb[SETTLED_MOVES:]
    half = max(len(settled) // 2, 1)  # a sample may fall into a moment in which both are loaded
    grown = median(settled[-half:]) - median(settled[:half]) if settled else 0.0
    told = ", ".join(f"{megabytes:.0f}" for megabytes in promoted.memory_mb)
    note = (
        f"{len(promoted.answers):,} tickets over {LANES} connections without retries while the champion was "
        f"moved {len(promoted.moves)} times to a twin of it and back; MB of the worker after each: {told}"
    )
    result = partial(Result, command=COMMAND, data="demo company, seed 1", note=note)
    dropped, flat = promoted.dropped, bool(settled) and grown <= FLAT_SHARE * settled[0]
    since = f"median of the later half of the moves since the {SETTLED_MOVES + 1}th against the earlier half"
    return [
        result("promotion.dropped", dropped, "", "tickets that were not answered", "0", dropped == 0),
        result("promotion.seconds", seconds, "s", "the slowest move", "<= 10", seconds <= MOST_SECONDS),
        result("promotion.memory_growth", grown, "MB", since, f"<= {FLAT_SHARE:.0%} of the worker", flat),
    ]
