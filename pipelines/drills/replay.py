"""Thousands of stored decisions computed again: each must come out as it was stored, bit for bit.

The tickets of several mornings of the demo company are decided on its release and its history; then the
release is loaded anew and every decision is replayed from what the store kept of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from sqlalchemy import select

from pipelines.demo_company import morning_queue
from pipelines.drills.workspace import demo_desk
from pipelines.params import DemoCompanyParams, load_params
from pipelines.results import Result
from serving.inputs import processor_kind
from serving.problems import Problem
from serving.releases import Loaded
from serving.replay import loaded_release, replay, stored
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import Store, open_store
from serving.tables import decisions
from serving.triage import open_desk

DECISIONS = 10_000
COMMAND = "firstline drill --only replay"
_TOLD_EVERY = 1_000


@dataclass
class Replayed:
    """Replays by outcome, and the fields that were not as stored."""

    outcomes: Counter[str] = field(default_factory=Counter)
    differs: Counter[str] = field(default_factory=Counter)

    @property
    def tried(self) -> int:
        """How many decisions were replayed."""
        return self.outcomes.total()


def mornings(params: DemoCompanyParams, seed: int) -> Iterator[Mapping[str, Any]]:
    """Bodies of ``POST /triage``: one morning after another, each of another seed, ids never repeated."""
    for number in count(seed):
        for request in morning_queue(params, seed=number).requests:
            yield {**request, "ticket_id": f"{number}-{request['ticket_id']}"}


def decide(settings: Settings, requests: Iterable[Mapping[str, Any]]) -> int:
    """Decide every request as the service would; returns how many were."""
    desk, total = open_desk(settings), 0
    try:
        for request in requests:
            desk.triage(TriageRequest.model_validate(request), datetime.now(UTC))
            total += 1
            if total % _TOLD_EVERY == 0:
                print(f"   {total:,} decided", flush=True)
    finally:
        desk.store.close()
    return total


def replay_all(settings: Settings) -> Replayed:
    """Replay every stored decision, each release loaded anew."""
    store, found, loaded = open_store(settings), Replayed(), dict[str, Loaded | None]()
    try:
        for decision_id in _decision_ids(store):
            with store.reading() as connection:
                decision, inputs = stored(connection, decision_id) or (None, None)
            if decision is None:
                found.outcomes["erased"] += 1
                continue
            if decision.release not in loaded:
                loaded[decision.release] = _loaded(settings, decision.release)
            release = loaded[decision.release]
            if release is None:
                found.outcomes["release gone"] += 1
                continue
            said = replay(release, decision, inputs)
            found.outcomes[said.outcome] += 1
            found.differs.update(said.differs)
            if found.tried % _TOLD_EVERY == 0:
                print(f"   {found.tried:,} replayed", flush=True)
    finally:
        store.close()
    return found


def _loaded(settings: Settings, release_id: str) -> Loaded | None:
    try:
        return loaded_release(settings, release_id)
    except Problem:
        return None


def _decision_ids(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(decisions.c.decision_id).order_by(decisions.c.at)))


def measure() -> list[Result]:
    """Decide and replay ``DECISIONS`` tickets of the demo company."""
    with demo_desk() as (settings, _, seed):
        decide(settings, islice(mornings(load_params().demo_company, seed), DECISIONS))
        found = replay_all(settings)
    return figures(found)


def figures(found: Replayed) -> list[Result]:
    """The replays as published figures."""
    identical = found.outcomes["identical"]
    others = ", ".join(f"{n} {outcome}" for outcome, n in found.outcomes.items() if outcome != "identical")
    fields = ", ".join(f"{name} ({n})" for name, n in found.differs.most_common(5))
    note = f"bit for bit on {processor_kind()}; {others or 'none differs'}{f' in {fields}' if fields else ''}"

    def result(name: str, value: int, target: str, met: bool) -> Result:
        reference = "every stored decision, from its stored inputs and its release"
        return Result(
            name, value, "", reference, target, met, COMMAND, "demo company, mornings of seed 1 on", note
        )

    return [
        result("replay.tried", found.tried, f">= {DECISIONS}", found.tried >= DECISIONS),
        result("replay.identical", identical, f">= {DECISIONS}", identical == found.tried >= DECISIONS),
    ]
