"""A morning queue triaged on a worked desk, and what must be true of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from features.schema import typed
from pipelines.demo_company import MorningQueue, morning_queue
from pipelines.params import load_params
from pipelines.report import ranked
from serving.decision import Decision
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import open_store
from serving.triage import open_desk


@dataclass(frozen=True)
class Morning:
    """The queue as it was sent, and its decisions, most value at risk first."""

    queue: MorningQueue
    decisions: list[Decision]

    def of(self, role: str) -> list[tuple[int, Decision]]:
        """Place in the queue (from 1) and decision of the tickets planted for ``role``."""
        planted = set(self.queue.cast[role])
        return [(n, d) for n, d in enumerate(self.decisions, start=1) if d.ticket_id in planted]


def served_morning(desk: Path) -> Morning:
    """The queue that the demo sent to its service over HTTP, with the decisions as they were stored."""
    params = load_params(desk / "params.yaml").demo_company
    queue = morning_queue(params, seed=params.seed)
    store = open_store(Settings(state=desk / "state"))
    stored = store.decisions().set_index("ticket_id")["decision_id"]
    decisions = [store.decision(stored[request["ticket_id"]]) for request in queue.requests]
    store.close()
    return Morning(queue, ranked(decision for decision in decisions if decision))


def triaged_morning(desk: Path, folder: Path, seed: int, vocabulary: str) -> Morning:
    """The 847 tickets decided by the desk's promoted release, on a copy of its state in ``folder``."""
    state = folder / "state"
    shutil.copytree(desk / "state", state)
    params = load_params(desk / "params.yaml").demo_company
    queue = morning_queue(params, seed=seed, vocabulary=vocabulary)
    service = open_desk(Settings(state=state, desk=desk / "policy" / "desk.yaml"))
    for table, rows in queue.context.items():
        service.store.append(table, typed(table, pd.DataFrame(rows)))
    morning = datetime.fromisoformat(queue.as_of)
    decisions = [
        service.triage(TriageRequest.model_validate(request), morning).decision for request in queue.requests
    ]
    service.store.close()
    return Morning(queue, ranked(decisions))


def all_tickets_are_decided(morning: Morning) -> None:
    assert len(morning.decisions) == len(morning.queue.requests) == 847
    assert all(decision.release != "none" for decision in morning.decisions)


def large_renewals_are_in_the_first_ten_and_answered_by_people(morning: Morning) -> None:
    places = morning.of("large_renewals")
    assert len(places) == 3
    assert all(place <= 10 for place, _ in places), places
    assert all(decision.action != "auto_resolve" for _, decision in places)


def the_fourth_time_reporter_is_in_the_first_ten(morning: Morning) -> None:
    ((place, decision),) = morning.of("fourth_time")
    assert place <= 10, (place, decision.queue)
    assert decision.sentiment.state == "frustrated"
    assert decision.action == "human"


def the_calm_reset_resolves_itself(morning: Morning) -> None:
    ((_, decision),) = morning.of("calm_reset")
    assert decision.intent.name == "password_reset"
    assert decision.action == "auto_resolve", [gate for gate in decision.gates if not gate.passed]


def the_angry_reset_goes_to_a_person(morning: Morning) -> None:
    ((_, decision),) = morning.of("angry_reset")
    assert decision.intent.name == "password_reset"
    assert decision.action == "human"
    assert any("failed log-ins" in signal for signal in decision.sentiment.signals)


def what_is_automated_is_right(morning: Morning) -> None:
    """At most 5 % wrong is promised; with so few cases only gross violations can be told from chance."""
    automated = [d for d in morning.decisions if d.action == "auto_resolve"]
    right = sum(morning.queue.truth[d.ticket_id] == d.intent.name for d in automated)
    assert automated
    assert right / len(automated) >= 0.9


PROMISES: list[Callable[[Morning], None]] = [
    all_tickets_are_decided,
    large_renewals_are_in_the_first_ten_and_answered_by_people,
    the_fourth_time_reporter_is_in_the_first_ten,
    the_calm_reset_resolves_itself,
    the_angry_reset_goes_to_a_person,
    what_is_automated_is_right,
]
