"""A clock that jumps an hour either way loses nothing, doubles nothing, and hides nothing that waits."""

from datetime import timedelta

import pytest

from policy.desk import load_desk
from serving import checkpoints
from serving.events import EventsRequest, OutcomeRequest, accept_events, accept_outcome
from serving.feedback import accept_feedback
from serving.limits import Buckets
from serving.open_tickets import queue_moment
from serving.outbox import dry_run
from serving.releases import Releases
from serving.requests import FeedbackRequest, TriageRequest
from serving.tick import tick
from serving.triage import TriageDesk
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

HOUR = timedelta(hours=1)
JUMPS = {"an hour back": -HOUR, "an hour ahead": HOUR}


@pytest.fixture
def desk(store, tmp_path):
    return TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 60))


def ask(desk, ticket_id, at):
    request = TriageRequest(ticket_id=ticket_id, channel="email", body="I cannot sign in", account_id="A1")
    return desk.triage(request, at)


def queue(store, now):
    with store.reading() as connection:
        as_of = queue_moment(connection, now)
    return [entry.ticket_id for entry in store.open_queue(as_of, 10)]


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_decisions_and_feedback_are_there_once_and_chain_and_checkpoints_hold(desk, store, tmp_path, jump):
    private, _ = checkpoints.new_keys()
    key = checkpoints.private_key({checkpoints.PRIVATE_KEY: private})
    ids = []
    for number, at in enumerate((NOON, NOON + jump, NOON + timedelta(minutes=1))):
        decision = ask(desk, f"t{number}", at).decision
        ids.append(decision.decision_id)
        said = FeedbackRequest(decision_id=decision.decision_id, verdict="approve", agent_id="ann")
        told = {accept_feedback(store, said, at + again * jump, f"key {number}") for again in (0, 1, 2)}
        assert len(told) == 1, "the same key is the same feedback, whatever the clock says"
        with store.reading() as connection:
            checkpoints.append_checkpoint(connection, tmp_path / "c", key, at)
    for number, decision_id in enumerate(ids):
        again = ask(desk, f"t{number}", NOON - jump)
        assert (again.new, again.decision.decision_id) == (False, decision_id)
    with store.reading() as connection:
        found = checkpoints.audit(connection, checkpoints.read_checkpoints(tmp_path / "c"), key.public_key())
    assert (found.entries, found.problems) == (6, ())


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_every_ticket_that_waits_is_in_the_queue_after_the_jump(desk, store, jump):
    ask(desk, "before", NOON)
    assert queue(store, NOON + jump) == ["before"]
    ask(desk, "after", NOON + jump)
    assert sorted(queue(store, NOON + jump)) == ["after", "before"]


def test_a_clock_that_is_wrong_by_days_is_no_jump(desk, store):
    ask(desk, "next week", NOON + timedelta(days=7))
    assert queue(store, NOON) == []


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_ticket_that_was_reopened_after_the_jump_does_not_stay_solved(desk, store, jump):
    ask(desk, "t", NOON)
    solved = EventsRequest(ticket_events=[{"event_id": "e1", "ticket_id": "t", "kind": "solved"}])
    accept_events(store, solved, NOON + jump, "solved")
    later = NOON + max(jump, timedelta(0)) + timedelta(minutes=1)
    assert queue(store, later) == [], "solved after it was decided, also by a clock that was set back"
    accept_outcome(store, OutcomeRequest(ticket_id="t", kind="reopened"), NOON - HOUR, None)
    assert queue(store, later) == ["t"]


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_tick_after_the_jump_does_nothing_twice(desk, store, jump):
    rules, done = load_desk(DESK), []

    def execute(action):
        done.append(action.action_id)
        dry_run(action)

    ask(desk, "t", NOON)
    late = NOON + timedelta(days=5)
    for at in (late, late + jump, late, late - jump):
        tick(store, rules, execute, at)
    assert len(done) == len(set(done)) > 1
    assert store.verify_ledger().intact


def test_an_action_that_is_postponed_is_tried_within_the_hour_the_clock_was_set_back(desk, store):
    from serving.outbox import TryLater

    ask(desk, "t", NOON)

    def fails(action):
        raise TryLater("not now")

    assert store.carry_out(fails, NOON) == 0
    assert store.carry_out(dry_run, NOON - HOUR) == 0
    assert store.carry_out(dry_run, NOON + timedelta(minutes=1)) == 1
    assert store.carry_out(dry_run, NOON + HOUR) == 0


def test_rates_follow_no_clock_that_anybody_sets():
    import inspect
    from time import monotonic

    assert inspect.signature(Buckets).parameters["clock"].default is monotonic
