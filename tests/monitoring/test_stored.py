"""What the monitor reads is the same on every kind of database: each reads JSON in its own way."""

from datetime import timedelta

import pytest

from monitoring.feedback import feedback_events, stored_decisions
from monitoring.feedback_export import export_feedback
from monitoring.monitor import run_monitor
from serving.store import Store
from tests.monitoring.desk import decide, say
from tests.pipelines.decisions import NOW, decision
from tests.serving.stores import database_url, migrated_database, migrated_file, postgres

__all__ = ["database_url", "migrated_database", "migrated_file", "postgres"]
LATER = NOW + timedelta(days=1)


@pytest.fixture
def store(database_url):
    store = Store(database_url)
    yield store
    store.close()


def test_decisions_are_read_as_they_were_made(store):
    made = [decision("t2", at=NOW, release="r2"), decision("t1", at=NOW - timedelta(microseconds=1))]
    decide(store, made)
    read = stored_decisions(store)
    assert read["decision_id"].tolist() == [one.decision_id for one in reversed(made)], "oldest first"
    for row, one in zip(read.itertuples(), reversed(made), strict=True):
        assert (row.at, row.release, row.action) == (one.at, one.release, one.action)
        assert (row.intent, row.probability) == (one.intent.name, one.intent.probability)
        assert (row.priority, row.sentiment) == (one.priority.level, one.sentiment.state)


def test_without_a_decision_the_columns_are_there_all_the_same(store):
    assert stored_decisions(store).empty
    assert feedback_events(store).empty


def test_the_monitor_looks_and_feedback_is_exported(store, tmp_path):
    decide(store, [decision(f"t{number}") for number in range(3)])
    say(store, 1, "d-t0", "override", "intent", "refund_request")
    verdict = run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER)
    assert verdict.reason.startswith("3 decisions are too few to judge")
    assert run_monitor(store, tmp_path / "features", tmp_path / "reports", LATER) == verdict
    export = export_feedback(store, tmp_path / "feedback")
    assert export.labels == 1
    assert '"refund_request"' in export.path.read_text("utf-8")
