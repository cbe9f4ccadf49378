"""A challenger beside the champion: a shadow without effect, a canary for the same accounts, and its end."""

import queue
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from serving import triage as triage_module
from serving.records import Feedback
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.store import Store
from serving.tables import trial_scores
from serving.tick import tick
from serving.triage import TriageDesk
from serving.trials import (
    Trial,
    TrialScore,
    current_trial,
    discordant,
    keep_score,
    set_trial,
    standing,
    takes_part,
    trial_history,
)
from tests.serving.sample import NOON
from tests.serving.stores import KINDS, new_database
from tests.serving.tiny_release import DESK, write_tiny_release

RESET = "Hello, please reset the password for my account."
ACCOUNTS = [f"A{number}" for number in range(8)]


@pytest.fixture
def store(request, tmp_path, migrated_file) -> Iterator[Store]:
    """A store on SQLite; a test that asks for more kinds gets each."""
    if getattr(request, "param", "sqlite") == "postgresql":
        url = new_database(request.getfixturevalue("postgres"), request.getfixturevalue("migrated_database"))
    else:
        shutil.copy(migrated_file, tmp_path / "firstline.db")
        url = f"sqlite:///{tmp_path / 'firstline.db'}"
    opened = Store(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def challenger(tmp_path_factory) -> tuple[Path, str]:
    """Another trained release: its folder and its id."""
    folder = tmp_path_factory.mktemp("challenger") / "bundle"
    return folder, write_tiny_release(folder, seed=2)


@pytest.fixture
def desk(store, tmp_path, promote, challenger) -> Iterator[TriageDesk]:
    """A desk whose champion serves and whose challenger is installed."""
    promote(store, tmp_path)
    folder, release_id = challenger
    shutil.copytree(folder, tmp_path / "releases" / release_id)
    opened = TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 0.0))
    yield opened
    opened.shadow.finish()


def begin(store, challenger, mode: str, share: float = 1.0, at: datetime = NOON) -> Trial:
    trial = Trial(challenger[1], mode, share, "ann", "looks better", at)
    with store.writing() as connection:
        set_trial(connection, trial)
    return trial


def asked(number: int, account: str | None = None) -> TriageRequest:
    told = {"ticket_id": f"t{number}", "channel": "email", "body": RESET, "account_id": account}
    return TriageRequest.model_validate({k: v for k, v in told.items() if v is not None})


def scores(store) -> list:
    with store.reading() as connection:
        return list(connection.execute(trial_scores.select()))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_share_of_accounts_takes_part_always_the_same_and_more_with_a_larger_share(share):
    trial = Trial("abc", "canary", share, "ann", "", NOON)
    names = [f"account {n}" for n in range(4000)]
    chosen = {name for name in names if takes_part(trial, name)}
    assert abs(len(chosen) / len(names) - share) < 0.03
    assert chosen <= {name for name in names if takes_part(trial._replace(share=share * 2), name)}
    assert chosen != {name for name in names if takes_part(trial._replace(release_id="xyz"), name)}


def test_a_shadow_judges_the_same_tickets_and_changes_none(desk, store, challenger):
    trial = begin(store, challenger, "shadow")
    made = [
        desk.triage(asked(n, a), NOON + timedelta(minutes=n + 1)).decision for n, a in enumerate(ACCOUNTS)
    ]
    desk.shadow.finish()
    champion = store.pointer("champion")
    assert {decision.release for decision in made} == {champion}
    kept = scores(store)
    assert {row.decision_id for row in kept} == {decision.decision_id for decision in made}
    assert {(row.release_id, row.intent, row.failed) for row in kept} == {
        (challenger[1], "password_reset", None)
    }
    assert len(store.decisions()) == len(ACCOUNTS)
    with store.reading() as connection:
        found = standing(connection, trial)
    assert (found.tickets, found.agreed, found.refuted) == (8, 8, None)
    assert store.verify_ledger().intact


def test_a_canary_decides_for_its_accounts_and_no_other(desk, store, challenger):
    trial = begin(store, challenger, "canary", 0.5)
    for n, account in enumerate(ACCOUNTS):
        decision = desk.triage(asked(n, account), NOON + timedelta(minutes=n + 1)).decision
        expected = challenger[1] if takes_part(trial, account) else store.pointer("champion")
        assert decision.release == expected
    assert set(store.decisions()["release"]) == {challenger[1], store.pointer("champion")}


def test_a_challenger_that_fails_breaks_no_answer_and_is_counted(desk, store, challenger, monkeypatch):
    decide = triage_module.decide

    def failing(rules, situation, judged, decision_id):
        if judged.release == challenger[1]:
            raise ZeroDivisionError
        return decide(rules, situation, judged, decision_id)

    monkeypatch.setattr(triage_module, "decide", failing)
    for number, mode in enumerate(("shadow", "canary")):
        trial = begin(store, challenger, mode)
        assert desk.triage(asked(number, "A1"), NOON).decision.release == store.pointer("champion")
        desk.shadow.finish()
    assert [row.failed for row in scores(store)] == ["ZeroDivisionError"] * 2
    with store.reading() as connection:
        assert standing(connection, trial).failures.wrong == 2


def test_a_slow_challenger_delays_nobody_and_fills_no_memory(desk, store, challenger, monkeypatch):
    begin(store, challenger, "shadow")
    go, judge = threading.Event(), desk.shadow._judge
    desk.shadow._waiting = queue.Queue(2)
    monkeypatch.setattr(desk.shadow, "_judge", lambda ticket: (go.wait(30), judge(ticket))[1])
    answered = [desk.triage(asked(n, "A1"), NOON).new for n in range(5)]
    assert all(answered)  # although not one was judged
    assert scores(store) == []
    assert desk.shadow._waiting.full()
    go.set()


def test_a_challenger_that_cannot_be_loaded_is_not_tried(desk, store, challenger, tmp_path):
    begin(store, challenger, "canary")
    (tmp_path / "releases" / challenger[1] / "manifest.json").write_text("{}")
    assert desk.triage(asked(1, "A1"), NOON).decision.release == store.pointer("champion")


@pytest.mark.parametrize(
    ("pairs", "differing"),
    [([], []), ([(True, True), (False, False)], []), ([(True, False), (False, True)], [True, False])],
)
def test_only_pairs_that_differ_count(pairs, differing):
    assert discordant(pairs) == differing


@pytest.mark.parametrize("store", KINDS, indirect=True)
@pytest.mark.parametrize(("worse", "stopped"), [(True, True), (False, False)])
def test_the_tick_ends_a_trial_proven_worse_and_only_that(desk, store, challenger, worse, stopped):
    """Each ticket's right intent is said by people: the champion's answer, or the challenger's."""
    begin(store, challenger, "shadow", 1e-9)
    for n in range(10):
        decision = desk.triage(asked(n, f"A{n}"), NOON + timedelta(minutes=n)).decision
        other = "invoice_copy" if worse or n % 2 else decision.intent.name
        right = None if worse or n % 2 else "override"
        with store.writing() as connection:
            keep_score(connection, TrialScore(decision.decision_id, challenger[1], decision.at, other))
        at = NOON + timedelta(hours=1, minutes=n)
        approve = Feedback(f"f{n}", decision.decision_id, at, "approve", None, None, None, "ann")
        override = approve._replace(verdict="override", field="intent", value="other")
        store.add_feedback(override if right else approve)
    done = tick(store, desk._releases.current().desk, lambda _: None, NOON + timedelta(hours=2))
    assert (done.stopped is not None) == stopped
    with store.reading() as connection:
        steps = trial_history(connection)
        assert (current_trial(connection) is None) == stopped
    if stopped:
        assert "10 of 10 wrong" in done.stopped
        assert (steps[-1].mode, steps[-1].by, steps[-1].reason) == ("ended", "firstline tick", done.stopped)
    assert store.verify_ledger().intact
