import json

import numpy as np
import pandas as pd
import pytest

from models.risk import ThresholdEvidence
from models.sentiment import SentimentModel
from pipelines.artifacts import rounded
from pipelines.evaluate import NOTHING_SAID, headline, read_truth, reliability_points
from pipelines.evaluation import (
    automation_report,
    churn_report,
    intent_by_language,
    intent_report,
    intent_slices,
    may_automate,
    out_of_scope_report,
    rule_levels,
    sentiment_by_language,
    sentiment_report,
)
from pipelines.params import load_params
from policy.desk import load_desk
from tests.models.desks import ticket_features

SAID = pd.DataFrame(
    {
        "intent": ["a", "a", "b", "b", None],
        "probability": [0.99, 0.80, 0.97, 0.60, 0.0],
        "out_of_scope": [False, False, False, False, True],
        "baseline_intent": ["a", "b", "b", "a", "a"],
        "language": ["en"] * 5,
    }
)
TRUTH = pd.Series(["a", "a", "a", "b", "c"])
PROVEN = {"a": ThresholdEvidence(0.9, 100, 0, 0.97), "b": ThresholdEvidence(None, 10, 0, 0.7)}


def test_only_an_intent_with_a_proven_threshold_and_enough_probability_is_automated():
    assert may_automate(SAID, PROVEN).tolist() == [True, False, False, False, False]
    unknown = SAID.assign(out_of_scope=True)
    assert not may_automate(unknown, PROVEN).any()
    assert automation_report(SAID, TRUTH, PROVEN, 0.95)["share"] == pytest.approx(0.2)
    assert automation_report(SAID, TRUTH, {}, 0.95) == {
        "share": 0.0,
        "judged": 0,
        "precision": None,
        "precision_lower_bound": 0.0,
    }


def test_intents_are_judged_beside_the_linear_and_the_majority_baseline():
    report = intent_report(SAID, TRUTH, commonest="a")
    assert (report["accuracy"], report["linear_accuracy"], report["majority_accuracy"]) == (0.6, 0.2, 0.6)
    gain = report["gain_over_linear"]
    assert gain["mean"] == pytest.approx(0.4)
    assert gain["low"] < 0.4 < gain["high"]
    assert intent_report(SAID, TRUTH.where(TRUTH == "nothing"), "a") == {"tickets": 0}


def test_each_language_is_judged_by_itself_and_what_nobody_read_is_counted():
    said = pd.concat(
        [SAID.assign(language=name) for name in ("en", "de") for _ in range(8)], ignore_index=True
    )
    labels = pd.concat([TRUTH, TRUTH.where(TRUTH == "nothing", "a")] * 8, ignore_index=True)
    few = SAID.assign(language="fr")
    said, labels = pd.concat([said, few], ignore_index=True), pd.concat([labels, TRUTH], ignore_index=True)
    found = intent_by_language(said, labels, may_automate(said, PROVEN))
    assert set(found) == {"de", "en"}  # five tickets say nothing about French
    assert found["de"]["tickets"] == 40
    assert found["de"]["unread_share"] == pytest.approx(0.2)
    assert found["en"]["automated_share"] == pytest.approx(0.2)
    assert intent_by_language(said, labels.where(labels == "no label"), np.zeros(len(said), bool)) == {}


def test_a_language_with_a_threshold_of_its_own_is_held_to_it():
    german = {"de": ThresholdEvidence(None, 200, 30, 0.8)}
    proven = {"a": ThresholdEvidence(0.9, 300, 1, 0.98, german)}
    assert may_automate(SAID, proven).tolist() == [True, False, False, False, False]
    assert not may_automate(SAID.assign(language="de"), proven).any()


def test_unknown_requests_are_counted_apart_from_false_alarms():
    report = out_of_scope_report(SAID, TRUTH, known={"a", "b"})
    assert (report["unknown_tickets"], report["recognised_share"], report["false_alarm_share"]) == (
        1,
        1.0,
        0.0,
    )


def test_small_slices_are_noise_and_left_out():
    many = pd.concat([SAID] * 10, ignore_index=True)
    labels = pd.concat([TRUTH] * 10, ignore_index=True)
    slices = intent_slices(many, labels, may_automate(many, PROVEN))
    assert slices[["dimension", "value", "tickets"]].values.tolist() == [
        ["language", "en", 50],
        ["true_intent", "a", 30],
    ]
    assert intent_slices(SAID, TRUTH, may_automate(SAID, PROVEN)).empty


def test_an_evaluation_without_predictions_or_labels_has_empty_plots():
    points, curve = reliability_points(NOTHING_SAID, pd.Series([], dtype="str"))
    assert points.columns.tolist() == ["bin", "tickets", "mean_probability", "share_right"]
    assert (len(points), len(curve)) == (0, 0)
    assert headline({"absent": {"churn": "no usage"}}) == "no churn model: no usage"


def test_a_real_company_has_no_truth_and_that_is_no_error(tmp_path):
    assert read_truth(tmp_path / "absent.jsonl").empty
    line = {"ticket_id": "007", "intent": "a", "sentiment": "asking", "priority": "low", "queue": "q"}
    (tmp_path / "truth.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert read_truth(tmp_path / "truth.jsonl").loc["007", "intent"] == "a"


def test_churn_is_judged_by_account_with_lead_time():
    rng = np.random.default_rng(0)
    months = pd.date_range("2025-01-01", periods=6, freq="MS", tz="UTC")
    frame = pd.DataFrame(
        {"account_id": np.repeat([f"a{i}" for i in range(100)], 6), "as_of": np.tile(months, 100)}
    )
    leaving = frame["account_id"].isin([f"a{i}" for i in range(8)]).to_numpy()
    left = (leaving & (frame["as_of"] >= months[3]).to_numpy()).astype(float)
    risk = 0.05 + 0.5 * left + rng.uniform(0, 0.01, len(frame))
    gone = pd.Series(pd.Timestamp("2025-06-20", tz="UTC"), index=[f"a{i}" for i in range(8)])
    report = churn_report(frame, risk, left, gone, seed=0, team_capacity=8)
    assert report["auc"] == 1.0
    assert report["seen_at_capacity_share"] == 1.0
    assert report["precision_at_capacity"] == 0.5  # three of six months have eight leavers to call
    assert churn_report(frame, risk, left, gone, 0, team_capacity=2)["seen_at_capacity_share"] < 0.8
    assert report["lead_days_median"] == pytest.approx((gone.iloc[0] - months[3]).days)


def test_the_desks_own_rules_are_a_baseline_also_for_tickets_of_nobody_known():
    features = ticket_features(20, seed=1).assign(
        ticket_id="t",
        created_at=pd.Timestamp("2025-01-01", tz="UTC"),
        account_id=None,
        subject="",
        body="",
        state="asking",
    )
    features.loc[:9, "account_id"] = "a1"
    levels = rule_levels(features, load_desk(load_params().release.desk))
    assert set(levels) <= {"low", "normal", "high", "urgent"}


def test_sentiment_is_judged_beside_the_commonest_state():
    said = pd.DataFrame({"state": ["asking", "frustrated"], "frustration": [0.1, 0.9]})
    report = sentiment_report(said, pd.Series(["asking", "frustrated"]))
    assert report["macro_f1"] == 1.0 > report["majority_macro_f1"]
    assert sentiment_report(said, pd.Series([None, None])) == {"tickets": 0}


def test_sentiment_of_a_language_counts_its_own_labelled_tickets_only():
    rows = (
        [("de", "asking", "asking")] * 30
        + [("en", "asking", "confused")] * 30
        + [("fr", "asking", "asking")] * 29
    )
    said = pd.DataFrame(rows, columns=["language", "state", "label"]).assign(frustration=0.1)
    said.loc[0:4, "label"] = None
    found = sentiment_by_language(
        pd.concat([said, said.assign(frustration=0.2)], ignore_index=True),
        pd.concat([said["label"]] * 2, ignore_index=True),
    )
    assert {name: (part["tickets"], part["accuracy"]) for name, part in found.items()} == {
        "de": (50, 1.0),
        "en": (60, 0.0),
        "fr": (58, 1.0),
    }
    assert sentiment_by_language(said, said["label"]).keys() == {"en"}
    assert SentimentModel().cut == 0.5


def test_metrics_are_rounded_and_never_hold_what_json_cannot():
    assert rounded({"a": [0.123456789, float("nan")], "b": {"c": np.float64(1 / 3)}, "d": 3}) == {
        "a": [0.123457, None],
        "b": {"c": 0.333333},
        "d": 3,
    }
