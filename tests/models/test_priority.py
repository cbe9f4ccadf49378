import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics import macro_f1
from models.priority import DECREASING, INCREASING, PriorityModel, best_cuts, level_codes
from models.priority_reasons import MOST_REASONS, ordinal, reasons
from tests.models.desks import levels_by_stake, ticket_features

FEATURES = ticket_features(1200, seed=1)
LEVELS = levels_by_stake(FEATURES, seed=1)


@pytest.fixture(scope="module")
def model() -> PriorityModel:
    return PriorityModel.fit(FEATURES, LEVELS, seed=0).with_cuts_from(FEATURES, LEVELS)


def test_it_learns_what_agents_set(model):
    fresh = ticket_features(600, seed=2)
    truth = levels_by_stake(fresh, seed=2)
    assert macro_f1(truth, model.levels(fresh)) > 0.6
    assert macro_f1(truth, fresh["requested_priority"]) < 0.35


@settings(max_examples=60, deadline=None)
@given(
    row=st.integers(0, len(FEATURES) - 1),
    name=st.sampled_from([name for name in (*INCREASING, *DECREASING) if name != "requested_level"]),
    steps=st.lists(st.floats(0, 1e7), min_size=2, max_size=6),
)
def test_more_value_at_risk_never_lowers_the_priority(model, row, name, steps):
    frame = pd.concat([FEATURES.iloc[[row]]] * len(steps), ignore_index=True)
    frame[name] = sorted(steps, reverse=name in DECREASING)
    assert (np.diff(model.score(frame)) >= -1e-12).all()
    assert (np.diff(level_codes(pd.Series(model.levels(frame)))) >= 0).all()


def test_a_louder_claim_never_lowers_the_priority(model):
    frame = pd.concat([FEATURES.iloc[:50]] * 4, ignore_index=True)
    frame["requested_priority"] = np.repeat(["low", "normal", "high", "urgent"], 50)
    assert (np.diff(model.score(frame).reshape(4, 50), axis=0) >= -1e-12).all()


def test_probabilities_are_a_distribution_and_agree_with_the_score(model):
    for prediction in model.predict(FEATURES.iloc[:50]):
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert min(prediction.probabilities.values()) >= 0
        expected = sum(i * p for i, p in enumerate(prediction.probabilities.values())) / 3
        assert prediction.score == pytest.approx(expected)


def test_what_raised_the_priority_is_said_in_words(model):
    row = FEATURES.iloc[[0]].assign(
        contract_value_cents=31_000_000.0,
        renewal_in_days=12.0,
        same_intent_contact_30d=3.0,
        frustration=0.95,
    )
    (prediction,) = model.predict(row)
    assert prediction.level == "urgent"
    assert {
        "contract of $310,000",
        "4th report of the same issue",
        "the customer is frustrated (0.95)",
    } <= set(prediction.reasons)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("contract_value_cents", 31_000_000, ("contract of $310,000",)),
        ("renewal_in_days", 12.0, ("renews in 12 days",)),
        ("renewal_in_days", 1.0, ("renews in 1 day",)),
        ("same_intent_contact_30d", 3.0, ("4th report of the same issue",)),
        ("same_intent_contact_30d", 0.0, ()),
        ("failed_logins_24h", 6.0, ("6 failed log-ins in 24 hours",)),
        ("usage_change_28d", -0.452, ("usage down 45%",)),
        ("requested_level", 3.0, ("the customer asked for urgent",)),
        ("created_hour", 3.0, ()),
    ],
)
def test_reasons_read_as_people_speak(name, value, words):
    assert reasons({name: 0.5}, {name: value}) == words
    assert reasons({name: 0.5}, {}) == ()  # unknown is no reason
    assert reasons({name: -0.5}, {name: value}) == ()


def test_the_same_reason_is_not_given_twice_nor_more_than_anyone_reads():
    both = {"similar_text_repeats_30d": 0.9, "same_intent_contact_30d": 0.8, "seats": 0.7, "plan": 0.6}
    row = {"similar_text_repeats_30d": 2.0, "same_intent_contact_30d": 2.0, "seats": 5.0, "plan": "gold"}
    assert reasons(both, row) == ("3rd report of the same issue", "5 seats", "gold plan")
    assert MOST_REASONS == 4
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 13, 21)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "13th",
        "21st",
    ]


def test_levels_nobody_ever_set_are_never_predicted():
    levels = LEVELS.replace({"urgent": "high", "low": "normal"})
    model = PriorityModel.fit(FEATURES, levels, seed=0).with_cuts_from(FEATURES, levels)
    assert set(model.levels(FEATURES)) == {"normal", "high"}


def test_an_unknown_level_is_refused_by_name():
    with pytest.raises(ValueError, match=r"\['asap'\] are unknown"):
        level_codes(pd.Series(["high", "asap"]))


def test_a_missing_column_is_named(model):
    with pytest.raises(ValueError, match=r"lack the columns .*'frustration'"):
        model.predict(FEATURES.iloc[:1].drop(columns="frustration"))


def test_columns_in_another_order_change_nothing(model):
    assert (model.score(FEATURES[FEATURES.columns[::-1]]) == model.score(FEATURES)).all()


def test_a_loaded_model_says_exactly_what_the_fitted_one_said(model, tmp_path):
    model.save(tmp_path)
    assert PriorityModel.load(tmp_path).predict(FEATURES.iloc[:30]) == model.predict(FEATURES.iloc[:30])


def test_cuts_rise_and_beat_even_ones_on_a_skewed_score():
    rng = np.random.default_rng(0)
    codes = rng.choice(4, 2000, p=[0.6, 0.25, 0.1, 0.05])
    score = codes * 0.08 + rng.normal(0, 0.02, 2000) + 0.1
    cuts = best_cuts(score, codes)
    assert list(cuts) == sorted(cuts)
    assert macro_f1(codes, np.searchsorted(cuts, score, side="right")) > 0.85


@pytest.mark.parametrize(
    ("pair", "column", "less", "more"),
    [
        ("calm and angry", "frustration", 0.05, 0.95),
        ("small and large account", "contract_value_cents", 100_000.0, 40_000_000.0),
        ("first and fourth time", "same_intent_contact_30d", 0.0, 3.0),
        ("renews in a year and next week", "renewal_in_days", 360.0, 7.0),
    ],
)
def test_minimal_pairs_differ_the_way_people_would_have_it(model, pair, column, less, more):
    tickets = FEATURES.iloc[:60]
    lower, higher = (model.score(tickets.assign(**{column: value})) for value in (less, more))
    assert (higher >= lower - 1e-12).all()
    assert (higher - lower).mean() > 0.05
