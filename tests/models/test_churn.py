import numpy as np
import pandas as pd
import pytest

from models.calibration import log_odds
from models.churn import ChurnModel, too_few
from models.metrics import auc, expected_calibration_error
from tests.models.desks import account_features

TRAIN, LATER, NEW = (account_features(n, seed) for n, seed in ((1500, 1), (800, 2), (1500, 3)))


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    return ChurnModel.fit(TRAIN, TRAIN["churned_90d"], seed=0).calibrated_on(LATER, LATER["churned_90d"])


def test_it_ranks_and_its_probabilities_mean_something(model):
    left = NEW["churned_90d"].to_numpy(dtype=float)
    assert auc(left, model.predict(NEW)) > 0.8
    assert expected_calibration_error(model.predict(NEW), left) < 0.04


def test_one_class_only_is_refused_with_numbers():
    nobody = TRAIN["churned_90d"] * 0
    assert too_few(nobody) == "1500 labelled account months, 0 of them before leaving: 10 of each are needed"
    with pytest.raises(ValueError, match="0 of them before leaving"):
        ChurnModel.fit(TRAIN, nobody, seed=0)


def test_unknown_features_and_categories_are_scored(model):
    unknown = NEW.iloc[:2].assign(plan="never seen", usage_change_28d=np.nan)
    assert np.isfinite(model.predict(unknown)).all()


def test_without_later_leavers_the_ranking_stays(model):
    calm = LATER.assign(churned_90d=0)
    cautious = ChurnModel(model.model).calibrated_on(calm, calm["churned_90d"])
    order = np.argsort(model.predict(NEW), kind="stable")
    assert (np.diff(cautious.predict(NEW)[order]) >= 0).all()
    assert cautious.predict(NEW).mean() < 0.01


def test_a_loaded_model_says_exactly_what_the_fitted_one_said(model, tmp_path):
    model.save(tmp_path)
    assert (ChurnModel.load(tmp_path).predict(NEW) == model.predict(NEW)).all()


def test_integers_that_may_be_missing_are_read(model):
    nullable = NEW.iloc[:3].assign(seats=pd.array([1, None, 3], dtype="Int64"))
    assert np.isfinite(model.predict(nullable)).all()


def test_any_columns_are_learnt_from_and_only_those_named():
    other = NEW.rename(columns={"usage_change_28d": "change in use", "plan": "tariff"})
    model = ChurnModel.fit(
        other, other["churned_90d"], 0, numbers=["change in use"], categories=["tariff", "segment"]
    )
    assert model.columns.names == ("change in use", "tariff", "segment")
    assert (model.predict(other.assign(churned_90d=0, seats=1e9)) == model.predict(other)).all()


def test_contributions_add_up_to_the_log_odds_of_trees_and_line(model):
    tabular, matrix = model.model, model.columns.matrix(NEW)
    said = log_odds(tabular.of_matrix(matrix)) - tabular.contributions(matrix).sum(axis=1)
    assert np.ptp(said) < 1e-6
    strongest = np.abs(tabular.contributions(matrix)).mean(axis=0).argmax()
    assert model.columns.names[strongest] == "usage_change_28d"
