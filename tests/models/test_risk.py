import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from models.risk import (
    ThresholdEvidence,
    allowed_errors,
    automation_thresholds,
    clopper_pearson_lower,
    fewest_cases,
    intent_threshold,
    required_probability,
    threshold_table,
)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_lower_bound_is_the_exact_binomial_one(case):
    successes, trials = case
    expected = binomtest(successes, trials).proportion_ci(confidence_level=0.90, method="exact").low
    assert clopper_pearson_lower(successes, trials, 0.95) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "proven"), [(58, 58, False), (59, 59, True), (91, 92, False), (92, 93, True)]
)
def test_ninety_five_percent_takes_59_cases_without_error_or_93_with_one(successes, trials, proven):
    assert (clopper_pearson_lower(successes, trials, 0.95) >= 0.95) is proven
    assert fewest_cases(0.95, 0.95) == 59


def test_nothing_tried_proves_nothing():
    assert clopper_pearson_lower(0, 0, 0.95) == 0.0
    with pytest.raises(ValueError, match="impossible"):
        clopper_pearson_lower(3, 2, 0.95)


def test_too_little_evidence_means_no_threshold_and_says_how_little():
    found = intent_threshold(np.linspace(0.9, 1, 58), np.ones(58), 0.95, 0.95)
    assert found.threshold is None
    assert (found.n, found.errors) == (58, 0)
    assert found.lower_bound == pytest.approx(0.9497, abs=1e-4)


def test_the_threshold_is_the_lowest_that_is_proven():
    probability = np.linspace(1.0, 0.0, 400)
    correct = probability > 0.5
    found = intent_threshold(probability, correct, 0.95, 0.95)
    assert 0.4 < found.threshold < 0.75
    chosen = probability >= found.threshold
    assert (found.n, found.errors) == (chosen.sum(), (chosen & ~correct).sum())
    assert found.lower_bound >= 0.95


def test_equal_probabilities_are_never_split():
    probability = np.repeat([0.9, 0.5], [70, 70])
    found = intent_threshold(probability, np.repeat([1, 0], [70, 70]), 0.95, 0.95)
    assert (found.threshold, found.n) == (0.9, 70)


def test_a_failure_where_the_search_begins_ends_it():
    probability = np.linspace(1.0, 0.0, 500)
    correct = np.arange(500) >= 8
    found = intent_threshold(probability, correct, 0.95, 0.95)
    assert found.threshold is None
    assert found.lower_bound < 0.95


def test_one_error_among_the_very_surest_does_not_end_the_search():
    """It begins where proof is likeliest, not where there are so few cases that none may be wrong."""
    probability = np.linspace(1.0, 0.98, 400)
    found = intent_threshold(probability, np.arange(400) != 3, 0.95, 0.95)
    assert (found.threshold, found.n, found.errors) == (0.98, 400, 1)


@given(st.integers(0, 2**32 - 1))
def test_where_the_search_begins_and_goes_depends_on_no_outcome(seed):
    """The outcomes behind the first failure, or of one case more, must not move the earlier steps."""
    rng = np.random.default_rng(seed)
    probability = np.sort(rng.beta(8, 1, 300))[::-1]
    correct = rng.random(300) < probability
    found = intent_threshold(probability, correct, 0.95, 0.95)
    later = np.r_[correct[: found.n], np.zeros(300 - found.n, bool)]
    again = intent_threshold(probability, later, 0.95, 0.95)
    if found.threshold is not None:
        assert again == found


@given(st.integers(1, 5_000), st.sampled_from([(0.95, 0.95), (0.95, 0.99), (0.99, 0.95), (0.97, 0.9)]))
def test_the_errors_allowed_are_those_whose_lower_bound_keeps_the_promise(cases, promise):
    allowed = int(allowed_errors(np.array([cases]), *promise)[0])
    precision, confidence = promise
    if allowed >= 0:
        assert clopper_pearson_lower(cases - allowed, cases, confidence) >= precision - 1e-12
    assert clopper_pearson_lower(max(cases - allowed - 1, 0), cases, confidence) < precision


def test_each_intent_stands_for_itself():
    evidence = pd.DataFrame(
        {
            "intent": ["sure"] * 100 + ["unsure"] * 100,
            "probability": np.tile(np.linspace(0.8, 1, 100), 2),
            "correct": [True] * 100 + [False, True] * 50,
        }
    )
    found = automation_thresholds(evidence, 0.95, 0.95)
    assert found["sure"].threshold == pytest.approx(0.8)
    assert found["unsure"].threshold is None
    assert automation_thresholds(evidence.iloc[:0], 0.95, 0.95) == {}


def test_the_promise_is_broken_no_more_often_than_allowed():
    """True precision above the chosen threshold is below 95 % in at most 5 % of worlds."""
    rng = np.random.default_rng(7)
    broken = granted = 0
    for _ in range(300):
        probability = np.sort(rng.uniform(0.6, 1.0, 400))
        truly = np.clip(probability * 1.02 - 0.02 + rng.normal(0, 0.01), 0, 1)
        found = intent_threshold(probability, rng.random(400) < truly, 0.95, 0.95)
        if found.threshold is not None:
            granted += 1
            broken += truly[probability >= found.threshold].mean() < 0.95
    assert granted > 30  # the rule is not just silent
    assert broken <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05 * 0.95)


def spoken(language: str, cases: int, wrong: int) -> pd.DataFrame:
    probability = np.linspace(0.99, 0.95, cases)
    correct = np.ones(cases, bool)
    correct[np.linspace(0, cases - 1, wrong).astype(int)] = False
    return pd.DataFrame({"intent": "a", "language": language, "probability": probability, "correct": correct})


@pytest.mark.parametrize(
    ("hazard", "english", "german", "apart"),
    [
        ("a language read worse hides behind a common one", (900, 0), (200, 60), {"en", "de"}),
        ("too few cases to judge a language by itself", (900, 0), (100, 5), set()),
        ("too few others would be left without a proof", (300, 0), (60, 0), set()),
    ],
)
def test_a_common_language_does_not_vouch_for_one_with_evidence_of_its_own(hazard, english, german, apart):
    evidence = pd.concat([spoken("en", *english), spoken("de", *german)], ignore_index=True)
    found = automation_thresholds(evidence, 0.95, 0.95)["a"]
    if apart:
        assert found.of("en").threshold is not None
        assert found.of("de").threshold is None
    else:
        assert found.by_language == {}
        assert found.of("de") == found.of("en") == found.of(None) == found


def test_which_language_stands_apart_depends_on_counts_not_on_outcomes():
    rng = np.random.default_rng(0)
    evidence = pd.concat([spoken(name, n, 0) for name, n in (("en", 600), ("de", 250), ("fr", 90))])
    apart = automation_thresholds(evidence, 0.95, 0.95)["a"].by_language
    assert set(apart) == {"en"}  # beside it, German and French have 340 cases: apart, French had 90
    noisy = evidence.assign(correct=rng.random(len(evidence)) < 0.5)
    assert set(automation_thresholds(noisy, 0.95, 0.95)["a"].by_language) == set(apart)


def test_a_language_that_nobody_knows_counts_among_the_others():
    evidence = pd.concat([spoken("en", 600, 0), spoken("de", 250, 0).assign(language=None)])
    found = automation_thresholds(evidence, 0.95, 0.95)["a"]
    assert set(found.by_language) == {"en"}
    assert found.n == 250


PROOF = {
    "a": ThresholdEvidence(0.9, 300, 2, 0.98, {"de": ThresholdEvidence(None, 200, 40, 0.7)}),
    "b": ThresholdEvidence(0.8, 100, 0, 0.97),
}


def test_a_prediction_needs_the_probability_of_its_intent_and_language():
    needed = required_probability(
        PROOF, ["a", "a", "a", "b", "c", None], ["en", "de", None, "de", "en", "en"]
    )
    assert needed.tolist() == [0.9, np.inf, 0.9, 0.8, np.inf, np.inf]


def test_the_table_names_every_promise_with_its_evidence():
    table = threshold_table(PROOF)
    assert table[["intent", "language", "n", "errors"]].to_numpy().tolist() == [
        ["a", "all others", 300, 2],
        ["a", "de", 200, 40],
        ["b", "all", 100, 0],
    ]
    assert threshold_table({}).empty


def test_evidence_survives_being_written_down():
    for proof in PROOF.values():
        assert ThresholdEvidence.from_json(proof.to_json()) == proof
