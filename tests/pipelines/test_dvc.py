"""The pipeline as DVC runs it: nothing redone without cause, one number per metric, experiments work."""

import json
import shutil
from pathlib import Path

import pytest

from tests.project import run_module


@pytest.fixture(scope="module")
def desk(worked_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the worked desk that may be changed."""
    return Path(shutil.copytree(worked_desk, tmp_path_factory.mktemp("dvc") / "desk"))


def test_a_second_repro_has_nothing_to_do(worked_desk: Path) -> None:
    assert "Data and pipelines are up to date" in run_module(worked_desk, "dvc", "repro").stdout


def test_metrics_and_plots_can_be_shown(worked_desk: Path) -> None:
    shown = json.loads(run_module(worked_desk, "dvc", "metrics", "show", "--json").stdout)
    assert "artifacts/metrics/evaluate.json" in next(iter(shown.values()))["data"]
    assert "reliability" in run_module(worked_desk, "dvc", "plots", "show", "--json").stdout


def test_an_experiment_with_other_parameters_runs_and_leaves_the_rest_alone(desk: Path) -> None:
    done = run_module(desk, "dvc", "exp", "run", "-S", "churn.trials=1", "churn")
    assert "Running stage 'churn'" in done.stdout
    assert "Running stage 'intent'" not in done.stdout
    assert "churn.trials" in run_module(desk, "dvc", "params", "diff", "--targets", "params.yaml").stdout
