"""The monitor on a real store: it ends in a clear state, and a second run changes nothing."""

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.schema import typed
from features.ticket import ticket_features
from monitoring.monitor import moment, present, record_done, run_monitor
from monitoring.window import recent
from tests.monitoring.desk import decide, open_desk, say
from tests.monitoring.examples import decisions
from tests.pipelines.decisions import NOW, decision

LATER = NOW + timedelta(days=1)
WORDS = ["invoice", "password", "export", "dashboard", "sync", "please", "again", "help", "cannot", "login"]


@pytest.fixture
def store(tmp_path):
    store = open_desk(tmp_path)
    yield store
    store.close()


def accounts() -> pd.DataFrame:
    return typed(
        "accounts",
        pd.DataFrame(
            {
                "account_id": [f"a{i}" for i in range(40)],
                "known_at": NOW - timedelta(days=400),
                "plan": ["starter", "team"] * 20,
                "contract_value_cents": np.arange(40) * 100_000,
            }
        ),
    )


def tickets(rows: int, before: datetime, seed: int, channel: str = "email") -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    created_at = pd.Series([before - timedelta(hours=rows - i) for i in range(rows)])
    return typed(
        "tickets",
        pd.DataFrame(
            {
                "ticket_id": [f"{seed}-{i}" for i in range(rows)],
                "known_at": created_at,
                "created_at": created_at,
                "account_id": [f"a{i}" for i in chance.integers(0, 40, rows)],
                "channel": channel,
                "subject": "question",
                "body": [" ".join(chance.choice(WORDS, chance.integers(4, 20))) for _ in range(rows)],
            }
        ),
    )


def write_reference(folder, rows=1600):
    learned = tickets(rows, NOW - timedelta(days=30), seed=1)
    features = ticket_features(learned, {"accounts": accounts(), "tickets": learned})
    said = learned[["ticket_id", "created_at", "account_id", "subject", "body"]]
    folder.mkdir(parents=True)
    pd.concat([said.assign(split="train"), features], axis=1).to_parquet(folder / "tickets.parquet")


def decided(rows: pd.DataFrame, minutes: float = 1):
    return [
        decision(ticket_id, at=NOW - timedelta(minutes=minutes * i))
        for i, ticket_id in enumerate(rows["ticket_id"])
    ]


def test_a_new_channel_is_watched_and_a_second_run_changes_nothing(store, tmp_path):
    features, reports = tmp_path / "features", tmp_path / "reports"
    write_reference(features)
    fresh = tickets(320, NOW, seed=2, channel="chat")
    store.append("accounts", accounts())
    store.append("tickets", fresh)
    decide(store, decided(fresh))

    verdict = run_monitor(store, features, reports, LATER)
    written = {name: (reports / name).read_bytes() for name in ("monitor.json", "monitor.html")}
    again = run_monitor(store, features, reports, LATER)

    assert verdict.state == "WATCH"
    report = json.loads(written["monitor.json"])
    moved = [c["column"] for c in report["drift"]["columns"] if c["moved"]]
    assert "channel" in moved
    assert "intent" not in moved, "nothing is known of what the release predicted on what it learned from"
    assert "unknown_word_share" not in moved
    assert "plan" not in moved
    assert (reports / "drift" / "index.html").exists()
    assert again == verdict
    assert {name: (reports / name).read_bytes() for name in written} == written


def test_before_the_first_decision_the_state_is_clear(store, tmp_path):
    verdict = run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)

    assert verdict.state == "OK"
    assert verdict.line == (
        "OK since 2026-07-02 08:00 UTC: 0 decisions are too few to judge (at least 300); no feedback yet. "
        "Done: nothing to do."
    )
    page = (tmp_path / "reports" / "monitor.html").read_text("utf-8")
    assert "Not compared" in page
    assert "never" in page


def test_without_a_reference_the_rest_is_still_judged(store, tmp_path):
    decide(store, decided(tickets(320, NOW, seed=2)))
    for number in range(320):
        say(store, number, f"d-2-{number}", "override", "intent", "refund_request", at=NOW)

    verdict = run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)

    assert verdict.state == "RETRAIN"
    assert "intent overridden in 320 of 320 answered decisions" in verdict.reason
    assert "no reference in" in verdict.reason
    assert "run `dvc repro`" in verdict.reason


def test_since_survives_a_new_window_of_the_same_state(store, tmp_path):
    first = run_monitor(store, tmp_path / "features", tmp_path / "reports", NOW)
    second = run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)

    assert first.since == second.since == NOW


def test_labels_count_as_new_only_since_the_champion_was_promoted(store, tmp_path):
    decide(store, decided(tickets(3, NOW, seed=2)))
    say(store, 1, "d-2-0", "override", "intent", "x", at=NOW)
    store.set_pointer("champion", "r1", "ops", "better", NOW + timedelta(hours=1))
    say(store, 2, "d-2-1", "override", "intent", "x", at=NOW + timedelta(hours=2))
    say(store, 3, "d-2-1", "override", "intent", "y", at=NOW + timedelta(hours=3))

    run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)

    assert json.loads((tmp_path / "reports" / "monitor.json").read_text())["new_labels"] == 1


def test_what_was_decided_and_said_by_now_is_seen_and_nothing_later(store, tmp_path):
    decide(store, [decision("t1", at=NOW), decision("t2", at=LATER)])
    say(store, 1, "d-t1", "reject", at=NOW)
    say(store, 2, "d-t1", "override", "intent", "x", at=LATER)

    run_monitor(store, tmp_path / "features", tmp_path / "reports", NOW)

    report = json.loads((tmp_path / "reports" / "monitor.json").read_text())
    assert report["quality"]["decisions"] == 1
    assert report["quality"]["answered"] == 1
    assert report["quality"]["overrides"]["intent"]["all"]["hits"] == 0


def test_a_replayed_desk_is_judged_at_its_own_time(store):
    assert present(store, NOW) == NOW
    decide(store, [decision("t1", at=LATER)])
    assert present(store, NOW) == LATER
    assert present(store, LATER + timedelta(days=1)) == LATER + timedelta(days=1)


def test_the_window_ends_with_the_newest_decision_however_long_ago():
    window = recent(decisions(3), NOW + timedelta(days=90), timedelta(minutes=2))
    assert window["decision_id"].tolist() == ["d1", "d2"]


def test_a_small_desk_is_judged_over_a_longer_time_but_not_for_ever():
    minutes = {"span": timedelta(minutes=2), "longest": timedelta(minutes=6)}
    assert len(recent(decisions(20), LATER, **minutes)) == 2
    assert len(recent(decisions(20), LATER, least=4, **minutes)) == 4
    assert len(recent(decisions(20), LATER, least=20, **minutes)) == 6


def test_only_what_the_serving_release_decided_is_held_against_it(store, tmp_path):
    decide(store, [decision("t1", release="old"), decision("t2", release="new", at=LATER)])
    for moment_of, name in ((NOW, "old"), (LATER, "new")):
        store.set_pointer("champion", name, "ann", "promoted", moment_of)
    run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)
    report = json.loads((tmp_path / "reports" / "monitor.json").read_text())
    assert (report["release"], report["quality"]["decisions"]) == ("new", 1)


def test_what_was_done_is_kept_while_the_verdict_lasts(store, tmp_path):
    first = run_monitor(store, tmp_path / "features", tmp_path / "reports", NOW)
    record_done(store, tmp_path / "reports", first, "told ann")
    again = run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)
    assert again.line.endswith("Done: told ann.")
    assert json.loads((tmp_path / "reports" / "monitor.json").read_text())["line"] == again.line
    assert "told ann" in (tmp_path / "reports" / "monitor.html").read_text("utf-8")


@pytest.mark.parametrize("text", ["2026-07-01T08:00:00Z", "2026-07-01T10:00:00+02:00", "2026-07-01 08:00"])
def test_a_moment_is_read_in_utc(text):
    assert moment(text).isoformat() == "2026-07-01T08:00:00+00:00"


def test_a_moment_that_is_none_is_named():
    with pytest.raises(ValueError, match="'yesterday' is no moment: write it as"):
        moment("yesterday")
