import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from models.risk import (
    automation_thresholds,
    clopper_pearson_lower,
    fewest_cases,
    intent_threshold,
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


def test_errors_among_the_surest_stop_the_search():
    probability = np.linspace(1.0, 0.0, 500)
    correct = np.arange(500) >= 5
    assert intent_threshold(probability, correct, 0.95, 0.95).threshold is None


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
