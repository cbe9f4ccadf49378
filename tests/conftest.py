"""Fixtures shared by all rooms: desks that a whole pipeline run has made, shared by all test workers."""

from pathlib import Path

import pytest
from filelock import FileLock

from tests.project import copy_of_project, run_module

FEW = {"trials": 2}
QUICK_INTENT = {**FEW, "blocks": 3, "encoder": "none"}
QUICK_MODELS = {"intent": QUICK_INTENT, "sentiment": FEW, "priority": FEW, "churn": FEW}
MIDDLE_SIZED = {"accounts": 1_200, "months": 12, "tickets": 20_000}


def _worked(folder: Path, company: dict[str, int], vocabulary: str) -> Path:
    """A copy of the project after `dvc repro`, promotion and backfill, made once."""
    finished = folder.with_suffix(".finished")
    with FileLock(folder.with_suffix(".lock")):
        if not finished.exists():
            copy_of_project(folder, {"demo_company": company, **QUICK_MODELS})
            run_module(folder, "pipelines.demo_company", "--vocabulary", vocabulary)
            for module in (
                ("dvc", "add", "--quiet", "data"),
                ("dvc", "repro"),
                ("firstline", "promote"),
                ("firstline", "backfill"),
            ):
                run_module(folder, *module)
            finished.touch()
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all test workers of this run see."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def worked_desk(shared_folder: Path) -> Path:
    """The demo company at middle size, from raw exports to a promoted release. Treat it as read-only."""
    return _worked(shared_folder / "worked_desk", MIDDLE_SIZED, "original")


@pytest.fixture(scope="session")
def other_worked_desk(shared_folder: Path) -> Path:
    """Another company (seed) that says everything in synonyms, likewise. Treat it as read-only.

    At full size: with half the tickets there is too little evidence to prove that any of its password resets
    may be automated, which is a right answer, but not the one that the morning queue asks about.
    """
    return _worked(shared_folder / "other_worked_desk", {"seed": 23}, "synonyms")
