import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.frustration import SIGNAL_COLUMNS, either, signal_values, signals_in_words, strengths
from models.metrics import macro_f1
from models.sentiment import SentimentModel, too_few
from tests.models.desks import ticket_features

CALM = {
    **dict.fromkeys((*SIGNAL_COLUMNS, "question_marks"), 0.0),
    "text_chars": 80.0,
    "text_words": 14.0,
    "hours_since_same_intent": np.nan,
    "account_csat_last": np.nan,
}
WORDS = {
    "asking": "how may one change settings",
    "confused": "puzzled unclear lost do not understand",
    "frustrated": "unacceptable ridiculous furious cancel disgrace",
}


def ticket(subject: str = "", body: str = "please reset my password", **known: float) -> pd.DataFrame:
    return pd.DataFrame([{"subject": subject, "body": body, **CALM, **known}])


def labelled(n: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    states = pd.Series(rng.choice(list(WORDS), n, p=[0.5, 0.2, 0.3]))
    body = [
        " ".join([*rng.choice(WORDS[state].split(), 3), *rng.choice(["my", "the", "and"], 4)])
        for state in states
    ]
    return ticket_features(n, seed).assign(**CALM, subject="", body=body), states


@pytest.fixture(scope="module")
def learnt() -> SentimentModel:
    train, later = labelled(500, 1), labelled(200, 2)
    return SentimentModel.fit(*train, seed=0).with_cut_from(*later)


@pytest.mark.parametrize(
    ("known", "state", "signal"),
    [
        ({}, "asking", None),
        ({"failed_logins_24h": 6.0}, "frustrated", "6 failed log-ins in 24 hours"),
        ({"caps_share": 1.0, "same_intent_contact_30d": 3.0}, "frustrated", "4th report of the same issue"),
        ({"caps_share": 1.0, "same_intent_contact_30d": 3.0}, "frustrated", "written in capitals (100%)"),
        ({"caps_share": 0.9, "text_chars": 6.0}, "asking", None),
        ({"exclamation_marks": 5.0}, "asking", "5 exclamation marks"),
        ({"account_csat_last": 1.0}, "asking", "last rating was 1 of 5"),
    ],
)
def test_signals_alone_tell_a_calm_reset_from_one_that_is_not(known, state, signal):
    (said,) = SentimentModel().predict(ticket(**known))
    assert said.state == state
    assert signal in said.signals if signal else said.signals == ()


def test_the_same_words_after_six_failed_log_ins_are_not_a_calm_reset_for_a_learnt_model_either(learnt):
    calm, after = learnt.predict(pd.concat([ticket(), ticket(failed_logins_24h=6.0)]))
    assert calm.state != "frustrated"
    assert after.state == "frustrated"
    assert after.frustration >= max(0.5, calm.frustration)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(
        [
            "caps_share",
            "exclamation_marks",
            "same_intent_contact_30d",
            "similar_text_repeats_30d",
            "failed_logins_24h",
        ]
    ),
    steps=st.lists(st.floats(0, 30), min_size=2, max_size=5),
    other=st.floats(0, 3),
    model_is_learnt=st.booleans(),
)
def test_more_of_an_explicit_signal_never_calms(learnt, name, steps, other, model_is_learnt):
    model = learnt if model_is_learnt else SentimentModel()
    values = sorted(min(step, 1.0) if name == "caps_share" else step for step in steps)
    tickets = pd.concat([ticket(**({"exclamation_marks": other} | {name: value})) for value in values])
    assert (np.diff(model.judge(tickets)[0]) >= -1e-12).all()


def test_it_learns_from_reviewers(learnt):
    fresh, states = labelled(300, 3)
    assert macro_f1(states, [p.state for p in learnt.predict(fresh)]) > 0.85


def test_unknown_values_are_calm_not_an_error():
    unknown = ticket(**dict.fromkeys(SIGNAL_COLUMNS, np.nan))
    assert SentimentModel().predict(unknown) == [("asking", 0.0, ())]
    assert SentimentModel().predict(unknown.iloc[:0]) == []


def test_without_enough_labels_signals_decide_and_it_says_so():
    train, states = labelled(500, 4)
    calm = states.replace("frustrated", "asking")
    assert SentimentModel.fit(train, calm, seed=0).learnt is None
    assert "500 reviewed tickets, 0 of them frustrated" in too_few(calm)
    assert too_few(states) is None


def test_a_desk_without_confused_customers_still_learns():
    train, states = labelled(300, 5)
    model = SentimentModel.fit(train, states.replace("confused", "asking"), seed=0)
    assert model.learnt.confused is None
    assert "confused" not in {p.state for p in model.predict(train)}


@pytest.mark.parametrize("which", ["learnt", "signals only"])
def test_a_loaded_model_says_exactly_what_the_fitted_one_said(learnt, which, tmp_path):
    model = learnt if which == "learnt" else SentimentModel()
    model.save(tmp_path)
    fresh, _ = labelled(50, 6)
    assert SentimentModel.load(tmp_path).predict(fresh) == model.predict(fresh)


def test_the_strongest_signal_is_named_first():
    values = signal_values(ticket(failed_logins_24h=9.0, exclamation_marks=2.0, contact_errors_24h=9.0))
    assert signals_in_words(values, 0)[0] == "9 failed log-ins in 24 hours"
    assert either(*strengths(values).values())[0] == pytest.approx(1 - 0.5 * 0.9 * 0.9)
