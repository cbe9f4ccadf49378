"""Many at once, threads and processes: one decision a ticket, one chain, nobody turned away."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.feedback import accept_feedback
from serving.problems import Problem
from serving.releases import Releases
from serving.requests import FeedbackRequest, TriageRequest
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

CALLERS = 100


def request(**said) -> TriageRequest:
    return TriageRequest(**{"ticket_id": "1", "channel": "email", "body": "I forgot my password.", **said})


@pytest.fixture
def desk(store, tmp_path):
    return TriageDesk(store, Releases(store, tmp_path, DESK, check_seconds=60))


def test_a_hundred_requests_of_one_key_make_one_decision(desk):
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda _: desk.triage(request(), NOON), range(CALLERS)))
    assert len({answer.decision.decision_id for answer in answers}) == 1
    assert sum(answer.new for answer in answers) == 1
    assert len(desk.store.decisions()) == 1
    assert desk.store.verify_ledger().entries == 1


def test_a_changed_body_under_the_same_key_is_refused_even_at_the_same_moment(desk):
    def ask(number: int) -> str:
        try:
            return desk.triage(request(body=f"body {number % 2}"), NOON).decision.decision_id
        except Problem as problem:
            return str(problem.status)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    assert answers.count("409") == 10
    assert len(set(answers)) == 2


def test_a_hundred_times_the_same_feedback_counts_once(desk):
    decided = desk.triage(request(), NOON).decision.decision_id
    given = FeedbackRequest(decision_id=decided, verdict="approve", agent_id="ann")
    with ThreadPoolExecutor(CALLERS) as pool:
        ids = list(pool.map(lambda _: accept_feedback(desk.store, given, NOON, "once"), range(CALLERS)))
    assert len(set(ids)) == 1
    assert desk.store.feedback()["feedback_id"].tolist() == ids[:1]


def test_several_replicas_write_one_chain(database_url):
    moves, names = 15, ("one", "two", "three")
    command = [sys.executable, "-m", "tests.serving.replica", database_url]
    replicas = [
        subprocess.Popen([*command, name, str(moves)], stderr=subprocess.PIPE, text=True) for name in names
    ]
    for replica in replicas:
        _, errors = replica.communicate(timeout=120)
        assert replica.returncode == 0, errors
    store = Store(database_url)
    check, history = store.verify_ledger(), store.pointer_history("challenger")
    store.close()
    assert (check.entries, check.problems) == (moves * len(names), ())
    assert sorted(move.release_id for move in history) == sorted(
        f"{n}-{m}" for n in names for m in range(moves)
    )
