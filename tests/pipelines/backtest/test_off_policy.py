"""What other rules would do, from what happened under these: the truth lies in the interval often enough."""

import numpy as np
import pytest

from pipelines.backtest.coverage import trials
from pipelines.backtest.off_policy import Logged, Target, off_policy


def log(automated: list[bool], chance: list[float], back: list[float], csat: list[float]) -> Logged:
    return Logged(
        np.array(automated),
        np.array(chance),
        np.array(back),
        np.array(csat),
        np.array([str(n) for n in range(len(back))]),
    )


def test_the_rules_of_today_give_what_was_seen():
    found = off_policy(
        log([True, False, False], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [5, 3, 4]),
        Target(np.array([True, False, False]), np.zeros(3)),
    )
    assert found["came_back"].value == pytest.approx(1 / 3)
    assert found["csat"].value == pytest.approx(4.0)
    assert found["csat"].tried_share == 1.0


def test_rare_treatment_counts_for_those_that_were_not_treated_so():
    held_out = log([True] * 3 + [False], [0.75] * 4, [0.0, 0.0, 0.0, 1.0], [5, 5, 5, 2])
    by_people = off_policy(held_out, Target(np.zeros(4, bool), np.zeros(4)))
    assert by_people["came_back"].value == 1.0
    assert by_people["csat"].value == 2.0


def test_a_ticket_counts_the_more_the_less_likely_its_treatment_was():
    held_out = log([False, False], [0.75, 0.0], [1.0, 0.0], [2.0, 4.0])
    found = off_policy(held_out, Target(np.zeros(2, bool), np.zeros(2)))
    assert found["came_back"].value == pytest.approx(4 / 5)
    assert found["csat"].value == pytest.approx((4 * 2 + 4) / 5)


def test_what_nobody_ever_tried_enters_with_the_worst_and_the_best():
    found = off_policy(
        log([False] * 4, [0.0] * 4, [0.0] * 4, [4.0] * 4),
        Target(np.array([True, False, False, False]), np.zeros(4)),
    )
    assert (found["came_back"].low, found["came_back"].high) == (0.0, 0.25)
    assert (found["csat"].low, found["csat"].high) == (0.75 * 4 + 0.25 * 1, 0.75 * 4 + 0.25 * 5)
    assert found["csat"].tried_share == 0.75


def test_nothing_known_says_nothing():
    found = off_policy(log([False], [0.0], [np.nan], [np.nan]), Target(np.array([False]), np.zeros(1)))
    assert found["csat"].value is None
    assert (found["csat"].low, found["csat"].high) == (1.0, 5.0)


@pytest.mark.parametrize("direction", ["stricter", "looser"])
def test_intervals_cover_the_simulators_truth_in_nine_of_ten_trials(direction):
    """Short form of `firstline drill --only off_policy`."""
    found = trials(direction, tickets=150, runs=30, truth_runs=40, seed=5)
    assert found["csat"].covered >= 27
    assert found["came_back"].covered >= 27
    assert found["csat"].mean_width < 0.8
