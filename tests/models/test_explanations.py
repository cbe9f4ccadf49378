"""An explanation adds up to what the model said, and calls things what people call them."""

import numpy as np
import pytest

from features.ticket import TICKET_CATEGORIES, TICKET_FEATURES
from models.churn import ChurnModel
from models.explanations import (
    GROUPS,
    by_group,
    evidence_group,
    explain_churn,
    explain_intent,
    in_words,
)
from models.intent_blocks import time_blocks
from models.intent_training import IntentSettings, fit_intent, ranker_data
from models.priority import CATEGORIES, NUMBERS, PriorityModel
from tests.models.desks import account_features, encoded, levels_by_stake, ticket_features, tickets

FEATURES = ticket_features(600, seed=1)


def test_every_column_of_a_ticket_and_of_priority_is_about_something_people_know():
    lacking = {*TICKET_FEATURES, *TICKET_CATEGORIES, *NUMBERS, *CATEGORIES} - set(GROUPS)
    assert lacking == set()


def test_groups_add_up_and_the_strongest_comes_first():
    added = {"seats": 0.4, "plan": 0.3, "caps_share": -1.0, "frustration": 0.001}
    parts = by_group(added, {"seats": 3.0, "plan": "gold", "caps_share": 0.25})
    assert [part.log_odds for part in parts] == [-1.0, pytest.approx(0.7)]
    assert parts[1].values == (("seats", 3.0), ("plan", "gold"))
    assert in_words(parts)[0].strip() == "-1.00  how the text is written (caps_share 0.25)"


@pytest.mark.parametrize(
    ("evidence", "group"),
    [
        ("logit", "the words of the text"),
        ("sentence_votes", "the meaning of the sentences"),
        ("nearest_cosine", "earlier tickets like it"),
        ("plan_lift", "other circumstances"),
        ("log_prior", "how common the intent is, and how much of the text is known"),
    ],
)
def test_evidence_is_called_what_it_is_about(evidence, group):
    assert evidence_group(evidence) == group


def test_a_priority_is_explained_by_what_was_changed():
    model = PriorityModel.fit(FEATURES, levels_by_stake(FEATURES), seed=0)
    row = FEATURES.iloc[[0]]
    calm, angry = (model.contributions(row.assign(frustration=f))[0] for f in (0.0, 0.99))
    change = {name: angry[name] - calm[name] for name in calm}
    assert max(change, key=change.get) == "frustration"
    (strongest, *_) = by_group(change, {})
    assert strongest.group == "the customer's mood"


def test_a_churn_risk_is_explained_by_the_fall_in_use():
    accounts = account_features(1200, 1)
    model = ChurnModel.fit(accounts, accounts["churned_90d"], seed=0)
    snapshot = accounts.iloc[[0]].assign(usage_change_28d=-0.95)
    (strongest, *rest) = explain_churn(model, snapshot)
    assert strongest.group == "how the account uses the product"
    assert strongest.log_odds > 0
    assert strongest.values[0][0] == "usage_change_28d"
    total = sum(part.log_odds for part in (strongest, *rest))
    added = model.model.contributions(model.columns.matrix(snapshot)).sum()
    assert total == pytest.approx(added, abs=0.05)
    assert np.isfinite(total)


def test_an_intent_is_explained_against_the_runner_up_by_its_words():
    train, settings = tickets(300, seed=1), IntentSettings(min_examples=10)
    blocks = time_blocks(len(train), 0, 3)
    data = ranker_data(encoded(train), train["intent"].to_numpy(object), blocks, settings)
    model = fit_intent(data, np.zeros(len(train), dtype=bool), settings)[0]
    ticket = tickets(1, seed=9)
    chosen, other, parts = explain_intent(model, ticket)
    (said,) = model.predict(ticket)
    assert chosen == said.intent == ticket["intent"].iloc[0] != other
    assert sum(part.log_odds for part in parts) > 1
    assert max(parts, key=lambda part: part.log_odds).group in {
        "the words of the text",
        "earlier tickets like it",
        "the typical ticket of the intent",
    }
