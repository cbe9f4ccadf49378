import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Calibrator, fit_calibrator
from models.metrics import (
    auc,
    auc_difference_interval,
    auc_interval,
    coverage_at_precision,
    expected_calibration_error,
    macro_f1,
    precision_coverage,
    quadratic_kappa,
    reliability,
)


def test_calibration_error_is_the_gap_between_claimed_and_observed():
    right = np.array([1] * 8 + [0] * 2)
    assert expected_calibration_error(np.full(10, 0.8), right) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 1.0), right) == pytest.approx(0.2)
    assert reliability(np.full(10, 0.8), right)["tickets"].tolist() == [10]


def test_every_class_counts_the_same_in_macro_f1():
    assert macro_f1(["a"] * 98 + ["b"] * 2, ["a"] * 100) == pytest.approx(0.5 * 2 * 0.98 / 1.98)


def test_coverage_is_the_largest_share_at_that_precision():
    probability = np.linspace(1, 0, 100)
    right = np.r_[np.ones(50), np.zeros(50)]
    assert coverage_at_precision(probability, right, 0.99) == 0.5
    assert coverage_at_precision(probability, 1 - right, 0.99) == 0.0
    curve = precision_coverage(probability, right, points=4)
    assert curve["coverage"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve["precision"].round(3).tolist() == [1.0, 1.0, 0.667, 0.5]


def test_one_class_has_no_auc():
    assert auc(np.zeros(5), np.arange(5)) is None
    assert auc_interval(np.zeros(5), np.arange(5), np.arange(5), seed=0) is None


def test_rows_of_one_account_do_not_make_the_interval_narrow():
    rng = np.random.default_rng(0)
    left = np.repeat(rng.integers(0, 2, 40), 25)
    risk = left * 0.3 + np.repeat(rng.normal(0, 0.5, 40), 25)
    by_account = auc_interval(left, risk, np.repeat(np.arange(40), 25), seed=0)
    by_row = auc_interval(left, risk, np.arange(1000), seed=0)
    assert by_account[1] - by_account[0] > 2 * (by_row[1] - by_row[0])
    assert by_account[0] < auc(left, risk) < by_account[1]


def test_calibration_mends_overconfidence():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.05, 0.95, 4000)
    right = rng.random(4000) < true
    claimed = 1 / (1 + np.exp(-3 * np.log(true / (1 - true))))
    mended = fit_calibrator(claimed, right)
    assert expected_calibration_error(claimed, right) > 0.1
    assert expected_calibration_error(mended(claimed), right) < 0.03


@pytest.mark.parametrize("right", [np.ones(50), np.zeros(50), np.ones(0)])
def test_calibration_on_one_class_or_nothing_moves_but_keeps_the_order(right):
    calibrator = fit_calibrator(np.linspace(0.1, 0.9, len(right)), right)
    scores = calibrator(np.array([0.0, 0.2, 0.8, 1.0]))
    assert (np.diff(scores) >= 0).all()
    assert np.isfinite(scores).all()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 2**30))
def test_calibration_never_reverses_two_scores(scores, coin):
    rng = np.random.default_rng(coin)
    seen = rng.random(100)
    calibrator: Calibrator = fit_calibrator(seen, rng.random(100) < rng.choice([seen, 1 - seen]))
    assert (np.diff(calibrator(np.sort(scores))) >= 0).all()


def test_kappa_punishes_two_levels_more_than_one_and_chance_earns_nothing():
    truth = np.array([0, 1, 2, 3] * 20)
    near, far = truth.copy(), truth.copy()
    near[:8], far[:8] = np.array([1, 0, 3, 2] * 2), np.array([3, 3, 0, 0] * 2)
    assert quadratic_kappa(truth, truth) == 1.0
    assert 1 > quadratic_kappa(truth, near) > quadratic_kappa(truth, far)
    assert abs(quadratic_kappa(truth, np.full(80, 2))) < 1e-9
    assert quadratic_kappa(np.ones(5), np.ones(5)) is None


def test_two_models_that_say_the_same_differ_by_nothing():
    truth, scores = np.array([0, 1] * 20), np.arange(40) / 40
    groups = np.arange(40).astype(str)
    assert auc_difference_interval(truth, scores, scores, groups, 0) == (0.0, 0.0)
    low, _ = auc_difference_interval(truth, truth + 0.1 * scores, -scores, groups, 0)
    assert low > 0
    assert auc_difference_interval(np.ones(40), scores, scores, groups, 0) is None
