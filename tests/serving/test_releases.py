"""The release that the pointer names serves; a damaged one never does, and never stops the desk."""

import gc
import threading
import time
import weakref
from datetime import timedelta

import pandas as pd
import pytest

import serving.releases
from features.schema import typed
from models.release import load_release, write_release
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

LATER = NOON + timedelta(minutes=1)
RESET = "Hello, please reset the password for my account."


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def state(tmp_path):
    return Settings(state=tmp_path / "state")


@pytest.fixture
def store(state):
    opened = Store(state.database_url)
    yield opened
    opened.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def releases(store, state, clock):
    return Releases(store, state.releases, DESK, check_seconds=2, clock=clock)


def asked(ticket_id: str, body: str = RESET, **more: str) -> TriageRequest:
    return TriageRequest.model_validate({"ticket_id": ticket_id, "channel": "email", "body": body, **more})


def test_without_a_pointer_the_rules_serve(releases):
    assert (releases.current().id, releases.current().degraded) == ("none", ("no release",))


def test_a_promotion_reaches_a_running_desk_and_a_rollback_too(releases, store, state, clock, promote):
    assert releases.current().id == "none"
    promoted = promote(store, state.state)
    assert releases.current().id == "none"  # not asked again yet
    clock.now += 2
    assert (releases.current().id, releases.current().degraded) == (promoted, ())
    store.set_pointer("champion", "0" * 12, "test", "a release that is not there", NOON)
    clock.now += 2
    assert releases.current().id == promoted
    assert releases.current().degraded == ("champion release damaged",)


@pytest.fixture
def another(state):
    """A sound release without models: its id."""
    folder = state.releases / "made"
    release_id = write_release(folder, {}, DESK, {}, {}, "none", {})
    folder.rename(state.releases / release_id)
    return release_id


def test_while_a_release_is_loaded_the_one_before_decides(store, state, promote, another, monkeypatch):
    """Nobody waits for it: not the caller who finds the pointer moved, nor the others."""
    releases = Releases(store, state.releases, DESK, check_seconds=0.02)
    promoted = promote(store, state.state)
    assert releases.current().id == promoted
    begun, go_on, settled, stalled = (threading.Event() for _ in range(4))

    def slowly(folder):
        begun.set()
        if not go_on.wait(3):
            stalled.set()
        return load_release(folder)

    monkeypatch.setattr(serving.releases, "load_release", slowly)
    releases.keep_up(settled.set)
    store.set_pointer("champion", another, "test", "promoted", NOON)
    assert begun.wait(10)
    time.sleep(0.05)  # the pointers are due to be looked at again
    assert (releases.current().id, settled.is_set()) == (promoted, False)
    assert not stalled.is_set()
    go_on.set()
    assert settled.wait(10)
    assert releases.current().id == another
    releases.leave_off()


def test_a_release_that_serves_no_more_is_let_go_of(releases, store, state, clock, promote, another):
    promote(store, state.state)
    before = weakref.ref(releases.current().release)
    store.set_pointer("champion", another, "test", "promoted", NOON)
    clock.now += 2
    assert releases.current().id == another
    gc.collect()
    assert before() is None


@pytest.mark.parametrize("name", ["manifest.json", "intent/ranker.txt", "desk.yaml"])
def test_a_damaged_champion_gives_way_to_the_last_good_release(releases, store, state, clock, promote, name):
    promoted = promote(store, state.state)
    damaged = state.releases / promoted / name
    damaged.write_bytes(damaged.read_bytes()[:-40])
    serving = releases.current()
    assert serving.release is None
    assert serving.degraded == ("champion release damaged", "no release")
    store.set_pointer("champion", "1" * 12, "test", "broken", NOON)
    promote(store, state.state, "last_good")
    clock.now += 2
    assert (releases.current().id, releases.current().degraded) == (promoted, ("champion release damaged",))


def test_a_release_decides_and_only_what_is_proven_is_automatic(releases, store, state, promote):
    promoted = promote(store, state.state)
    desk = TriageDesk(store, releases)
    decision = desk.triage(asked("1"), LATER).decision
    assert decision.release == promoted
    assert decision.intent.name == "password_reset"
    assert decision.intent.probability > 0.8
    assert decision.route.queue == "access"
    assert decision.priority.level == "high"
    proven = {gate.name: gate.passed for gate in decision.gates}
    assert proven["proven_precision"]
    assert not proven["proven_path"]  # nobody has said yet that it works
    slow = desk.triage(asked("2", "Dear team, our workspace loads very slowly."), LATER).decision
    assert slow.intent.name == "slow_performance"
    assert {gate.name: gate.passed for gate in slow.gates}["proven_precision"] is False
    assert slow.action != "auto_resolve"


def test_a_missing_model_is_named(releases, store, state, promote):
    promote(store, state.state)
    store.append("accounts", typed("accounts", pd.DataFrame([{"account_id": "A1", "known_at": NOON}])))
    decision = TriageDesk(store, releases).triage(asked("1", account_id="A1"), LATER).decision
    assert decision.account.churn_risk is None
    assert decision.degraded == ["no legal weight model", "no churn model", "no usage"]


def test_a_model_that_fails_sends_the_ticket_to_a_person(releases, store, state, promote, monkeypatch):
    promote(store, state.state)
    intent = releases.current().release.intent
    monkeypatch.setattr(type(intent), "predict_encoded", lambda *_: 1 / 0)
    decision = TriageDesk(store, releases).triage(asked("1"), LATER).decision
    assert "intent model failed" in decision.degraded
    assert (decision.action, decision.intent.name) == ("human", None)


def test_the_same_issue_again_counts_as_a_repeat(releases, store, state, promote):
    promote(store, state.state)
    desk = TriageDesk(store, releases)
    for n in range(4):
        desk.triage(asked(str(n), contact_id="C1"), LATER + timedelta(hours=n))
    fourth = desk.triage(asked("4", contact_id="C1"), LATER + timedelta(hours=5)).decision
    assert "4 times before" in fourth.context.summary
    assert fourth.action != "auto_resolve"


def test_many_accounts_with_one_issue_are_a_surge(releases, store, state, promote):
    promote(store, state.state)
    desk = TriageDesk(store, releases)
    for n in range(12):
        text = "Hi there, everything in our workspace is slow today."
        desk.triage(asked(f"s{n}", text, account_id=f"A{n}"), LATER + timedelta(minutes=n))
    last = desk.triage(asked("s", text, account_id="A99"), LATER + timedelta(hours=1)).decision
    assert "12 accounts reported the same" in last.context.summary
    assert [call.kind for call in last.escalations] == ["crisis"]
