"""Anybody's table: what is read as what, what must not teach, and when a purchase is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.benchmarks.churn import (
    CLAIMS,
    measure_split,
    report,
    results_of,
    run_files,
    suspicious_columns,
)
from pipelines.benchmarks.columns import cases_of, inputs_of, positive_value, read_cases
from pipelines.benchmarks.purchases import LABEL, NUMBERS, purchase_snapshots
from pipelines.benchmarks.tables import BenchmarkDataError
from tests.pipelines.desks import small_params

RNG = np.random.default_rng(0)
PARAMS = small_params()


def customers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    tenure, contract = rng.integers(0, 70, n), rng.choice(["monthly", "yearly"], n)
    odds = 1 - tenure / 20 + 1.5 * (contract == "monthly")
    return pd.DataFrame(
        {
            "customer": [f"c{seed}-{i}" for i in range(n)],
            "tenure": tenure.astype(str),
            "contract": contract,
            "charges": rng.normal(50, 10, n).round(2).astype(str),
            "gone?": np.where(rng.random(n) < 1 / (1 + np.exp(-odds)), "Yes", "No"),
        }
    )


def written(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    frame.to_csv(folder / name, index=False)
    return folder / name


def test_files_of_strangers_are_measured_and_the_figures_agree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipelines.benchmarks.churn.load_params", lambda: PARAMS)
    first = customers(500, 1)
    first.loc[0, "charges"] = " "
    train, test = written(tmp_path, "a.csv", first), written(tmp_path, "b.csv", customers(400, 2))
    found = run_files(train, test, "gone?", None, [], None, 0)
    assert found["left_out"] == ["customer"]
    assert found["positive"] == "Yes"
    low, high = found["auc_interval"]
    assert 0.65 < low < found["auc"] < high < 1
    assert found["brier"] < found["brier_of_base_rate"]
    assert found["calibration_error"] < 0.1
    assert found["precision_in_riskiest_tenth"] > found["positive_share"]
    assert "customer" in report(found)
    again = run_files(train, None, "gone?", 2, ["charges"], "No", 0)
    assert again["auc"] > 0.65
    assert again["left_out"] == ["customer", "charges"]


def test_test_labels_teach_nothing():
    frame = customers(400, 1)
    inputs, _ = inputs_of(frame, "gone?")
    train, test = (cases_of(part, "gone?", inputs, "Yes", "x") for part in (frame, customers(300, 2)))
    found = measure_split(train, test, "gone?", inputs, PARAMS, 0)
    other = test.assign(**{"gone?": RNG.permutation(test["gone?"])})
    again = measure_split(train, other, "gone?", inputs, PARAMS, 0)
    assert [row["mean_probability"] for row in again["reliability"]] == [
        row["mean_probability"] for row in found["reliability"]
    ]
    assert abs(again["auc"] - 0.5) < 0.1


def test_a_column_filled_in_afterwards_is_pointed_at():
    frame = customers(400, 1).assign(closed=lambda f: np.where(f["gone?"] == "Yes", "done", "open"))
    inputs, _ = inputs_of(frame, "gone?")
    cases = cases_of(frame, "gone?", inputs, "Yes", "x")
    assert suspicious_columns(cases, "gone?", inputs) == ["closed"]


@pytest.mark.parametrize(
    ("hazard", "values", "asked", "yes"),
    [
        ("words", ["No", "Yes"], None, "Yes"),
        ("numbers", ["0", "1"], None, "1"),
        ("asked for", ["stay", "go"], "go", "go"),
        ("which is yes?", ["stay", "go"], None, "--positive"),
        ("three values", ["0", "1", "2"], None, "two are needed"),
        ("one value", ["1"], None, "two are needed"),
        ("asked for what is not there", ["stay", "go"], "left", "no row has the label 'left'"),
    ],
)
def test_what_yes_is_is_never_guessed(hazard, values, asked, yes):
    if len(yes) < 5:
        assert positive_value(values, asked) == yes
    else:
        with pytest.raises(BenchmarkDataError, match=yes):
            positive_value(values, asked)


@pytest.mark.parametrize(
    ("hazard", "frame", "message"),
    [
        ("another label", customers(60, 1).rename(columns={"gone?": "gone"}), "lacks the column 'gone\\?'"),
        ("an empty label", customers(60, 1).assign(**{"gone?": ""}), "60 rows have an empty"),
        ("only names", customers(60, 1)[["customer", "gone?"]], "no column is left"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_name(hazard, frame, message, tmp_path):
    with pytest.raises(BenchmarkDataError, match=message):
        inputs_of(read_cases(written(tmp_path, "a.csv", frame), "gone?"), "gone?")


def purchases(*days: str) -> pd.DataFrame:
    day = pd.to_datetime([*days, "2025-01-01", "2025-12-31"], utc=True).as_unit("us")
    who = ["ann"] * len(days) + ["first", "last"]
    return pd.DataFrame({"customer": who, "day": day, "items": 1, "cents": 1000})


def ann(*days: str, month: str) -> dict:
    found = purchase_snapshots(purchases(*days), 90)
    mine = found[(found["account_id"] == "ann") & (found["as_of"] == pd.Timestamp(month, tz="UTC"))]
    return mine.iloc[0].to_dict() if len(mine) else {}


@pytest.mark.parametrize(
    ("hazard", "days", "month", "bought_no_more"),
    [
        ("a purchase in the horizon", ["2025-02-10", "2025-06-20"], "2025-05-01", 0),
        ("one on its last day", ["2025-02-10", "2025-07-29"], "2025-05-01", 0),
        ("one on the day after", ["2025-02-10", "2025-07-30"], "2025-05-01", 1),
        ("one on the snapshot's own day", ["2025-02-10", "2025-05-01"], "2025-05-01", 0),
        ("nobody yet", ["2025-06-20"], "2025-05-01", None),
    ],
)
def test_who_buys_no_more_is_counted_from_the_snapshot_on(hazard, days, month, bought_no_more):
    assert ann(*days, month=month).get(LABEL) == bought_no_more


def test_a_later_purchase_changes_no_earlier_feature():
    before = ann("2025-02-10", "2025-04-30", month="2025-05-01")
    after = ann("2025-02-10", "2025-04-30", "2025-05-01", "2025-07-01", month="2025-05-01")
    assert [before[name] for name in NUMBERS] == pytest.approx([after[name] for name in NUMBERS], nan_ok=True)
    assert before["purchase_days"] == 2
    assert before["days_since_purchase"] == pytest.approx(0, abs=1e-9)
    assert before["mean_gap_days"] == 79


def test_every_claim_finds_its_figure():
    frame = customers(300, 1)
    inputs, _ = inputs_of(frame, "gone?")
    cases = cases_of(frame, "gone?", inputs, "Yes", "x")
    found = {"set": "x", **measure_split(cases, cases, "gone?", inputs, PARAMS, 0)}
    assert {r.name for name in CLAIMS for r in results_of(name, found, 0)} >= {
        "churn.cdnow.auc",
        "churn.telco.auc",
    }
