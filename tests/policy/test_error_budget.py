"""A sequential test: quick about a broken promise, hardly ever wrong about a kept one, however looked at."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.error_budget import RISK, budget, evidence_against


def test_the_evidence_after_one_outcome_is_the_hand_computed_mean_of_likelihood_ratios() -> None:
    # allowed 0.3: bets at 0.4, 0.5, ..., 0.9
    chances = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert evidence_against(0.3, [True]) == pytest.approx([1.0, sum(q / 0.3 for q in chances) / 6])
    assert evidence_against(0.3, [False])[1] == pytest.approx(sum((1 - q) / 0.7 for q in chances) / 6)
    both = sum(q / 0.3 * (1 - q) / 0.7 for q in chances) / 6
    assert evidence_against(0.3, [True, False])[2] == pytest.approx(both)


@given(st.floats(0.01, 0.9), st.floats(0, 1), st.lists(st.booleans(), max_size=40))
def test_a_kept_promise_gives_no_gain_to_expect_whatever_came_before(
    allowed: float, truth: float, before: list[bool]
) -> None:
    truth *= allowed
    now = evidence_against(allowed, before)[-1]
    wrong = evidence_against(allowed, [*before, True])[-1]
    right = evidence_against(allowed, [*before, False])[-1]
    assert truth * wrong + (1 - truth) * right <= now * (1 + 1e-9)


@pytest.mark.parametrize("allowed", [0.05, 0.5])
def test_looking_after_every_outcome_refutes_a_kept_promise_no_oftener_than_the_risk(allowed: float) -> None:
    chance = np.random.default_rng(5)
    trials, refuted = 300, 0
    for _ in range(trials):
        refuted += budget("p", allowed, (chance.random(300) < allowed).tolist()).exhausted
    assert refuted / trials <= RISK + 3 * math.sqrt(RISK / trials)


@pytest.mark.parametrize(
    ("allowed", "truth", "by"),
    [pytest.param(0.05, 0.3, 40, id="wrong intent"), pytest.param(0.5, 0.85, 40, id="issues not resolved")],
)
def test_a_broken_promise_is_refuted_soon(allowed: float, truth: float, by: int) -> None:
    chance = np.random.default_rng(6)
    refuted = [budget("p", allowed, (chance.random(by) < truth).tolist()).exhausted for _ in range(100)]
    assert sum(refuted) >= 50  # in the median within `by` outcomes


def test_what_was_refuted_once_stays_so() -> None:
    bad_start = [True] * 6 + [False] * 500
    assert budget("p", 0.05, bad_start).exhausted
    assert evidence_against(0.05, bad_start)[-1] < 1
    assert not budget("p", 0.05, []).exhausted


def test_a_long_history_does_not_overflow() -> None:
    assert budget("p", 0.05, [True] * 20_000).exhausted


@pytest.mark.parametrize("allowed", [0.0, 1.0, -0.1])
def test_a_promise_that_nothing_could_break_is_refused(allowed: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        budget("p", allowed, [])
