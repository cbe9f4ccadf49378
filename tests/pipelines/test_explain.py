"""``firstline explain``: every model of the artifacts is told of, and a model left out is named."""

import json
from pathlib import Path

import pandas as pd
import pytest

from models.churn import ChurnModel
from models.priority import PriorityModel
from models.release import write_absent
from models.sentiment import SentimentModel
from pipelines import explain
from pipelines.artifacts import FEATURES, MODELS, write_frame
from pipelines.intent import OUT_OF_FOLD
from pipelines.sentiment import CONTEXT
from tests.models.desks import account_features, levels_by_stake, ticket_features
from tests.pipelines.desks import featured_tickets

TICKETS = featured_tickets(300, seed=3)
DERIVED = ["same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent"]
WHOLE = ticket_features(300, seed=3)


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts of a desk without an intent model, whose sentiment goes by signals."""
    monkeypatch.chdir(tmp_path)
    ids = TICKETS[["ticket_id"]]
    write_frame(FEATURES / "tickets.parquet", TICKETS)
    write_frame(OUT_OF_FOLD, ids.assign(intent="refund"))
    write_frame(CONTEXT, ids.join(WHOLE[DERIVED]).assign(frustration=0.4, state="asking"))
    accounts = account_features(1000, 1)
    write_frame(FEATURES / "accounts.parquet", accounts.assign(as_of=pd.Timestamp("2024-12-01", tz="UTC")))
    write_absent(MODELS / "intent", "no word occurs twice")
    SentimentModel().save(MODELS / "sentiment")
    PriorityModel.fit(WHOLE, levels_by_stake(WHOLE), seed=0).save(MODELS / "priority")
    ChurnModel.fit(accounts, accounts["churned_90d"], seed=0).save(MODELS / "churn")


def test_every_model_says_why_and_a_missing_one_is_named(worked: None) -> None:
    found = explain.explanations("t5")
    said = explain.report(found)
    assert "intent: none: no word occurs twice" in said
    assert "score 0." in found["priority"]["said"]
    assert len(found["priority"]["parts"]) > 3
    assert found["churn"]["said"].endswith("as of 2024-12-01")
    assert found["sentiment"]["parts"] == []  # signals alone: nothing was learnt that could be explained
    assert json.loads(explain.as_json(found))["ticket_id"] == "t5"


def test_an_unknown_ticket_is_refused_with_one_that_exists(worked: None) -> None:
    with pytest.raises(ValueError, match=r"no ticket 'x' among the 300 .* the first is 't0'"):
        explain.explanations("x")
