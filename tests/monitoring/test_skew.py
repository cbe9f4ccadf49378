"""What was served is what is computed offline; and what is not is named, with both values and a ticket."""

from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import delete

from features.schema import typed
from monitoring.feedback import stored_decisions
from monitoring.skew import Skew, skew
from monitoring.window import read_decided
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.tables import decision_inputs
from serving.triage import TriageDesk
from tests.monitoring.desk import open_desk
from tests.pipelines.decisions import NOW
from tests.serving.tiny_release import DESK

DAY = NOW.replace(hour=0)


def usage(events: int, days_ago: int) -> pd.DataFrame:
    day = DAY - timedelta(days=days_ago)
    row = {"account_id": "A1", "day": day, "known_at": day, "feature": "export", "events": events}
    return typed("usage", pd.DataFrame([row]))


@pytest.fixture
def store(tmp_path):
    """Three tickets of a customer with a plan and usage, decided by the service itself."""
    store = open_desk(tmp_path)
    account = {"account_id": "A1", "known_at": DAY - timedelta(days=9), "plan": "team"}
    store.append("accounts", typed("accounts", pd.DataFrame([account])))
    store.append("usage", usage(5, days_ago=3))
    desk = TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 60))
    for n, body in enumerate(["Where is my invoice?", "", "STILL waiting!!!"]):
        told = TriageRequest(ticket_id=f"t{n}", channel="email", body=body, account_id="A1", contact_id="C1")
        desk.triage(told, NOW + timedelta(hours=n))
    yield store
    store.close()


def found(store) -> Skew:
    decided = read_decided(store, stored_decisions(store), 100)
    return skew(decided.rows, decided.features, decided.logged)


def test_what_the_service_logged_comes_out_again_offline_bit_for_bit(store):
    assert found(store) == Skew(compared=3, agreeing=3)
    assert found(store).line() is None


def test_a_row_that_arrived_late_is_named_by_the_features_it_changes(store):
    store.append("usage", usage(7, days_ago=2))

    late = found(store)

    assert late.agreeing == 0
    assert {one.feature for one in late.features} >= {"usage_events_7d", "usage_events_28d"}
    (week,) = [one for one in late.features if one.feature == "usage_events_7d"]
    assert (week.decisions, week.logged, week.recomputed) == (3, 5.0, 12.0)
    assert "3 of 3 decisions were made on other features than computed now" in late.line()


def test_a_feature_that_was_never_logged_is_a_difference_and_not_a_match(store):
    decided = read_decided(store, stored_decisions(store), 100)
    logged = {key: {k: v for k, v in row.items() if k != "plan"} for key, row in decided.logged.items()}
    (plan,) = skew(decided.rows, decided.features, logged).features
    assert (plan.feature, plan.logged, plan.recomputed) == ("plan", "not logged", "team")


def test_decisions_that_kept_nothing_are_counted_and_prove_nothing(store):
    with store.writing() as connection:
        connection.execute(delete(decision_inputs))
    assert found(store) == Skew(compared=0, not_kept=3)


def test_no_decision_is_no_difference(store):
    decided = read_decided(store, stored_decisions(store).iloc[:0], 100)
    assert skew(decided.rows, decided.features, decided.logged) == Skew()
