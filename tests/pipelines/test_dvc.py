"""The pipeline as DVC runs it: nothing redone without cause, one number per metric, experiments work."""

import hashlib
import json
import shutil
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from tests.project import copy_of_project, run_module

TINY = {"demo_company": {"accounts": 30, "months": 3, "tickets": 300}}
HASHED_STAGES = ("ingest", "validate", "features")


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


def hashed_outputs(project: Path, stage: dict[str, list[str]]) -> dict[str, str]:
    """SHA-256 of every file that DVC would hash as an output of ``stage``."""
    outputs = [project / name for name in (*stage.get("outs", []), *stage.get("metrics", []))]
    files = [file for output in outputs for file in (output.rglob("*") if output.is_dir() else [output])]
    return {
        str(file.relative_to(project)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


def test_nothing_that_changes_by_itself_is_in_a_hashed_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once here and once in another process, which hashes strings otherwise: the same bytes."""
    project = copy_of_project(tmp_path / "project", TINY)
    stages = yaml.safe_load((project / "dvc.yaml").read_text("utf-8"))["stages"]
    monkeypatch.chdir(project)
    run_module(project, "pipelines.demo_company")
    for stage in (stages[name] for name in HASHED_STAGES):
        module = stage["cmd"].removeprefix("python -m ")
        import_module(module).main()
        once = hashed_outputs(project, stage)
        assert once
        run_module(project, module)
        assert hashed_outputs(project, stage) == once
