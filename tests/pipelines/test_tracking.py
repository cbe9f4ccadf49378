"""MLflow and DVC must tell the same story."""

import json
import os
from pathlib import Path

import optuna
import pytest
import yaml

from pipelines.benchmarks.tracked import keep_run
from pipelines.tracking import (
    REGISTERED_MODEL,
    TrackingError,
    client,
    flattened,
    mirror_pointers,
    numbers,
    record_run,
    register_release,
    version_of,
)
from pipelines.tuning import boosting_settings, tune, tuning_metrics

STAGES = ("intent", "sentiment", "priority", "churn", "evaluate", "release")


def parabola(trial: optuna.Trial) -> float:
    return (boosting_settings(trial)["learning_rate"] - 0.1) ** 2


def pruned_at_last(trial: optuna.Trial) -> float:
    trial.report(0.5, 20)
    if trial.number == 2:
        raise optuna.TrialPruned
    return parabola(trial)


def latest_run(tracker, stage: str):
    (experiment,) = tracker.search_experiments(filter_string="name = 'firstline'")
    return tracker.search_runs([experiment.experiment_id], f"tags.stage = '{stage}'", max_results=1)[0]


def nested_in(tracker, run_id: str) -> list:
    experiment = tracker.get_run(run_id).info.experiment_id
    return tracker.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")


def test_params_and_metrics_of_dvc_and_mlflow_agree(worked_desk: Path):
    tracker = client(worked_desk / "state")
    params = yaml.safe_load((worked_desk / "params.yaml").read_text("utf-8"))
    lock = yaml.safe_load((worked_desk / "dvc.lock").read_text("utf-8"))["stages"]
    for stage in STAGES:
        run = latest_run(tracker, stage)
        written = json.loads((worked_desk / f"artifacts/metrics/{stage}.json").read_text("utf-8"))
        assert run.data.metrics == numbers(written), stage
        recorded = {k: v for k, v in run.data.params.items() if not k.startswith("best.")}
        in_file = {k: str(v) for k, v in flattened(params).items()}
        assert recorded == {k: in_file.get(k, v) for k, v in recorded.items()}, stage
        locked = flattened(lock[stage]["params"]["params.yaml"])
        assert recorded["seed"] == str(locked["seed"])


def test_every_trial_is_kept(worked_desk: Path):
    tracker = client(worked_desk / "state")
    for stage in ("intent", "priority"):
        run = latest_run(tracker, stage)
        told = json.loads((worked_desk / f"artifacts/metrics/{stage}.json").read_text("utf-8"))["tuning"]
        trials = nested_in(tracker, run.info.run_id)
        assert len(trials) == told["trials"]
        assert sum(trial.data.tags["trial"] == "pruned" for trial in trials) == told["pruned"]
        losses = [trial.data.metrics["loss"] for trial in trials if "loss" in trial.data.metrics]
        assert min(losses) == pytest.approx(told["best_loss"], abs=1e-6)


def test_the_registry_mirrors_the_pointer_that_serves(worked_desk: Path):
    tracker = client(worked_desk / "state")
    released = json.loads((worked_desk / "artifacts/metrics/release.json").read_text("utf-8"))["release"]
    version = tracker.get_model_version_by_alias(REGISTERED_MODEL, "champion")
    assert version.tags["release_id"] == released
    assert [path.name for path in (worked_desk / "state/releases").iterdir()] == [released]


def test_a_run_is_recorded_whole_and_a_release_registered_once(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    study = tune(pruned_at_last, trials=3, seed=1)
    note = tmp_path / "note.txt"
    note.write_text("hello", encoding="utf-8")
    metrics = {"a": {"b": 0.5}, "n": 3, "reason": "words are no metric"}
    run_id = record_run("stage", {"x": {"y": 1}}, metrics, [note], study, tmp_path / "state")
    tracker = client(tmp_path / "state")
    run = tracker.get_run(run_id)
    assert {k: run.data.metrics[k] for k in ("a.b", "n")} == {"a.b": 0.5, "n": 3.0}
    assert run.data.params["x.y"] == "1"
    assert sorted(trial.info.run_name for trial in nested_in(tracker, run_id)) == [
        f"stage trial {number}" for number in range(3)
    ]
    trials = {trial.info.run_name: trial for trial in nested_in(tracker, run_id)}
    assert "learning_rate" in trials["stage trial 0"].data.params
    assert all(trial.data.metrics["loss_by_round"] == 0.5 for trial in trials.values())
    assert ["loss" in trials[f"stage trial {n}"].data.metrics for n in range(3)] == [True, True, False]
    assert trials["stage trial 2"].info.status == "KILLED"
    assert run.info.status == "FINISHED"
    monkeypatch.setenv("FIRSTLINE_STATE", str(tmp_path / "state"))
    kept = tracker.get_run(keep_run({"set": "a.csv", "seed": 3, "test": {"accuracy": 0.5}}, study) or "none")
    assert (kept.data.tags["stage"], kept.data.params["set"]) == ("benchmark intent", "a.csv")
    assert kept.data.metrics["test.accuracy"] == 0.5
    assert len(nested_in(tracker, kept.info.run_id)) == 3
    first = register_release(run_id, "0123456789ab", "r1", tmp_path / "state")
    assert register_release(run_id, "0123456789ab", "r1", tmp_path / "state") == first
    mirror_pointers({"champion": "0123456789ab"}, tmp_path / "state")
    assert (
        tracker.get_model_version_by_alias(REGISTERED_MODEL, "champion").tags["release_id"] == "0123456789ab"
    )
    assert version_of(tracker, "nothing") is None
    with pytest.raises(TrackingError, match="release ffffffffffff is not in the MLflow registry"):
        mirror_pointers({"champion": "ffffffffffff"}, tmp_path / "state")


def test_nothing_phones_home_and_nothing_is_unpickled(tmp_path):
    client(tmp_path)
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_tuning_is_reproducible_and_never_worse_than_the_defaults():
    once, again = tune(parabola, trials=6, seed=3), tune(parabola, trials=6, seed=3)
    assert [t.params for t in once.trials] == [t.params for t in again.trials]
    report = tuning_metrics(once)
    assert report["best_loss"] <= report["default_loss"]
    assert report["trials"] == 6
