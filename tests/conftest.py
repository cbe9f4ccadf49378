"""Fixtures shared by all rooms: desks that a whole pipeline run has made, shared by all test workers."""

from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.project import copy_of_project, run_module

settings.register_profile(
    "machine of any speed", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("machine of any speed")

FEW = {"trials": 2}
QUICK_INTENT = {**FEW, "blocks": 3, "encoder": "none"}
SHORT_REPLAY = {"seeds": 1, "most_tickets": 1200, "bootstrap": 20}
QUICK_MODELS = {
    "intent": QUICK_INTENT,
    "sentiment": FEW,
    "priority": FEW,
    "churn": FEW,
    "backtest": SHORT_REPLAY,
}
WHOLE_RUNS = ("test_another_morning_queue", "test_morning_queue", "test_demo", "test_bring_your_own_data")
"""Test modules that take minutes: started first, so that no worker is left alone with one at the end."""


@pytest.hookimpl(trylast=True)  # after the tests have been shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first, everything else in the order it has."""
    order = {name: place for place, name in enumerate(WHOLE_RUNS)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def _worked(folder: Path, company: dict[str, int], vocabulary: str, *stages: str) -> Path:
    """A copy of the project after `dvc repro` (of ``stages``), promotion and backfill, made once."""
    finished = folder.with_suffix(".finished")
    with FileLock(folder.with_suffix(".lock")):
        if not finished.exists():
            copy_of_project(folder, {"demo_company": company, **QUICK_MODELS})
            run_module(folder, "pipelines.demo_company", "--vocabulary", vocabulary)
            for module in (
                ("dvc", "add", "--quiet", "data"),
                ("dvc", "repro", *stages),
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
    """The demo company, from raw exports to a promoted release. Treat it as read-only."""
    return _worked(shared_folder / "worked_desk", {}, "original")


@pytest.fixture(scope="session")
def other_worked_desk(shared_folder: Path) -> Path:
    """Another company (seed) that says everything in synonyms, likewise. Treat it as read-only.

    Both have full size: with half the tickets there is too little evidence to prove that password resets may
    be automated, which is a right answer, but not the one that the morning queue asks about.
    """
    return _worked(shared_folder / "other_worked_desk", {"seed": 23}, "synonyms", "release")
