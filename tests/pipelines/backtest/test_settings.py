"""What may be asked with ``--set``, and what is refused before anything is replayed."""

from pathlib import Path

import pytest

from models.risk import ThresholdEvidence
from pipelines.backtest.settings import SettingError, changed
from pipelines.params import BacktestParams
from policy.desk import DeskError, load_desk

DESK = Path(__file__).parents[3] / "policy" / "desk.yaml"
PROVEN = {
    "password_reset": ThresholdEvidence(0.97, 140, 1, 0.96, {"de": ThresholdEvidence(0.9, 90, 0, 0.96)}),
    "change_plan": ThresholdEvidence(None, 59, 9, 0.75),
}


def settle(*settings: str):
    return changed(settings, DESK, PROVEN, BacktestParams())


def test_nothing_set_is_todays_desk_and_needs_no_new_rulings():
    found = settle()
    assert found.desk == load_desk(DESK)
    assert not found.rulings_differ


def test_each_kind_of_name_changes_its_own_thing():
    found = settle(
        "automation.min_probability=0.99",
        "intents.export_data.phase=assisted",
        "thresholds.password_reset=0.995",
        "backtest.busy_share=0.7",
    )
    assert found.desk.automation.min_probability == 0.99
    assert found.desk.intents["export_data"].phase == "assisted"
    assert found.thresholds["password_reset"].of("de").threshold == 0.995
    assert found.thresholds["change_plan"].threshold is None
    assert found.params.busy_share == 0.7
    assert found.rulings_differ


def test_parameters_alone_need_no_new_rulings():
    assert not settle("backtest.handoff_hours=1").rulings_differ


@pytest.mark.parametrize(("written", "threshold"), [("thresholds=0.98", 0.98), ("thresholds=none", None)])
def test_all_thresholds_can_be_set_at_once(written, threshold):
    assert {each.threshold for each in settle(written).thresholds.values()} == {threshold}


@pytest.mark.parametrize(
    ("written", "error", "says"),
    [
        ("automation.min_probability", SettingError, "write NAME=VALUE"),
        ("automaton.min_probability=0.97", SettingError, "did you mean 'automation'"),
        ("thresholds.pasword_reset=0.9", SettingError, "did you mean 'password_reset'"),
        ("thresholds=1.5", SettingError, "a probability from 0 to 1"),
        ("backtest.busy=0.5", SettingError, "no 'busy' here"),
        ("backtest.busy_share=2", SettingError, "less than 1"),
        ("rankin=1", SettingError, "did you mean 'ranking'"),
        ("automation.min_probability=0.9", DeskError, "0.95"),
        ("intents.export_data.queue=exports", DeskError, "exports"),
        ("ranking.goodwil=3", DeskError, "did you mean 'goodwill'"),
        ("automation.min_probability={", SettingError, "not readable as YAML"),
    ],
)
def test_what_means_nothing_or_breaks_a_rule_is_refused_by_name(written, error, says):
    with pytest.raises(error, match=says):
        settle(written)
