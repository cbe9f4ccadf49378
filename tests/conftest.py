"""Fixtures shared by all rooms."""

from pathlib import Path

import pytest
from filelock import FileLock

from tests.project import copy_of_project, run_module

MIDDLE_SIZED = {"accounts": 500, "months": 9, "tickets": 12_000}
FEW_TRIALS = {"trials": 2}


@pytest.fixture(scope="session")
def worked_desk(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A copy of the project after `dvc repro`, promotion and backfill on a company of middle size.

    Made once and shared by all test workers: treat it as read-only.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder, finished = shared / "worked_desk", shared / "worked_desk.finished"
    with FileLock(shared / "worked_desk.lock"):
        if not finished.exists():
            copy_of_project(
                folder,
                {
                    "demo_company": MIDDLE_SIZED,
                    "intent": FEW_TRIALS,
                    "sentiment": FEW_TRIALS,
                    "priority": FEW_TRIALS,
                    "churn": FEW_TRIALS,
                },
            )
            for module in (
                ("pipelines.demo_company",),
                ("dvc", "add", "--quiet", "data"),
                ("dvc", "repro"),
                ("firstline", "promote"),
                ("firstline", "backfill"),
            ):
                run_module(folder, *module)
            finished.touch()
    return folder
