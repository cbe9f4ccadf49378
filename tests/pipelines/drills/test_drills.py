"""Drills: a figure that is published must come from what was measured, and a missed bar must show."""

from pathlib import Path

import pytest

from pipelines.drill import DRILLS, run_drills
from pipelines.drills import asof_engine, demo_run

JUDGED = {
    "intent": {
        "truth": {
            "accuracy": 0.85,
            "linear_accuracy": 0.84,
            "majority_accuracy": 0.1,
            "expected_calibration_error": 0.02,
        },
        "automation": {"truth": {"share": 0.4, "precision": 0.94}},
    },
    "priority": {"truth": {"macro_f1": 0.6, "rules_macro_f1": 0.4, "claimed_macro_f1": 0.3}},
    "sentiment": {
        "truth": {"macro_f1": 0.9, "majority_macro_f1": 0.25},
        "languages": {
            "de": {"tickets": 40, "macro_f1": 0.7, "majority_macro_f1": 0.2, "frustrated_auc": 0.9},
            "pt": {"tickets": 31, "macro_f1": 0.6, "majority_macro_f1": 0.2, "frustrated_auc": None},
        },
    },
    "outcomes": {"sla_missed": {"auc": 0.8, "happened_share": 0.3}, "reassigned": {"auc": None}},
    "churn": {"auc": 0.64, "logistic_auc": 0.6, "recency_auc": 0.5, "auc_low": 0.6, "auc_high": 0.7},
}


def test_a_broken_promise_of_precision_is_recorded_as_missed() -> None:
    figures = {figure.name: figure for figure in demo_run.model_figures(JUDGED)}
    assert figures["risk.demo_true_precision"].met is False
    assert (figures["churn.demo.auc"].low, figures["churn.demo.auc"].high) == (0.6, 0.7)
    assert "linear 0.840" in figures["intent.demo.accuracy"].reference
    assert figures["sentiment.demo.de.frustrated_auc"].value == 0.9
    named = {name for name in figures if name.startswith(("outcomes", "sentiment.demo.pt"))}
    assert named == {"outcomes.demo.sla_missed_auc", "sentiment.demo.pt.macro_f1"}, (
        "no figure without a value"
    )


def test_the_engine_is_timed_only_where_it_agrees_with_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asof_engine, "FACTS", 5_000)
    monkeypatch.setattr(asof_engine, "QUESTIONS", 500)
    (figure,) = asof_engine.measure()
    assert figure.value > 0


def test_an_unknown_drill_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=f"'spoon'; there are {', '.join(DRILLS)}"):
        run_drills("spoon")


def test_a_drill_without_its_data_says_so_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FIRSTLINE_DATASETS", str(tmp_path))
    assert run_drills("benchmarks") == 1
    assert "FIRSTLINE_DATASETS" in capsys.readouterr().out
