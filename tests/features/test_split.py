"""Splits by time: no row of a later split is older than one of an earlier split."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.split import SPLITS, snapshot_cuts, ticket_cuts
from tests.features.histories import START

DAY = pd.Timedelta(days=1)
HORIZON_DAYS = 90


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_splits_never_overlap_in_time_even_with_equal_times(days, calibration, evaluation):
    times = pd.Series([START + d * DAY for d in days])
    split = ticket_cuts(times, calibration, evaluation).split_of(times)
    place = split.map(SPLITS.index)
    ordered = pd.DataFrame({"time": times, "place": place}).sort_values(["time", "place"])
    assert ordered["place"].is_monotonic_increasing
    assert ordered.groupby("time")["place"].nunique().eq(1).all()
    assert (split == "evaluation").any()


def test_shares_are_kept_where_times_allow_it():
    times = pd.Series([START + d * DAY for d in range(1000)])
    counts = ticket_cuts(times, 0.15, 0.20).split_of(times).value_counts()
    assert counts.to_dict() == {"train": 650, "calibration": 150, "evaluation": 200}


def test_splitting_no_tickets_says_what_to_check():
    with pytest.raises(ValueError, match=r"no tickets to split.*quarantine"):
        ticket_cuts(pd.Series([], dtype="datetime64[us, UTC]"), 0.15, 0.2)


def test_a_churn_label_is_never_used_before_it_was_known():
    months = pd.Series(pd.date_range(START, periods=15, freq="MS"))
    cuts = snapshot_cuts(months, HORIZON_DAYS, 0.15, 0.20)
    assert cuts is not None
    assert (months >= cuts.evaluation_from).sum() == 3
    calibrating = months[
        (months >= cuts.calibration_from) & (months + HORIZON_DAYS * DAY <= cuts.evaluation_from)
    ]
    training = months[months + HORIZON_DAYS * DAY <= cuts.calibration_from]
    assert (len(calibrating), len(training)) == (2, 6)


@pytest.mark.parametrize("n_months", [0, 1, 3])
def test_a_history_shorter_than_the_horizon_gives_no_calibration_rather_than_a_leak(n_months):
    months = pd.Series(pd.date_range(START, periods=n_months, freq="MS"))
    cuts = snapshot_cuts(months, HORIZON_DAYS, 0.15, 0.20)
    assert cuts is None if n_months == 0 else cuts.calibration_from == cuts.evaluation_from


def test_a_long_history_leaves_no_more_to_evaluate_than_is_asked_for_and_a_short_one_its_share():
    times = pd.Series(pd.date_range("2026-01-01", periods=1000, freq="h", tz="UTC"))
    counted = [
        ticket_cuts(times, 0.15, 0.2, most).split_of(times).value_counts()["evaluation"]
        for most in (None, 50, 5000)
    ]
    assert counted == [200, 50, 200]
    assert (ticket_cuts(times, 0.15, 0.2, 50).split_of(times) == "calibration").sum() == 150
