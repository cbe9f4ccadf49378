"""Fixtures shared by all rooms: desks that a whole pipeline run has made, shared by all test workers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.interrupted_demo import run_interrupted_demo
from tests.project import ROOT, copy_of_project, run_module, run_python

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
    "legal_weight": {"most_examples": 300},
}
LONG_MODULES = (
    "test_another_morning_queue",
    "test_morning_queue",
    "test_bring_your_own_data",
    "test_half_year",
    "test_dvc",
    "test_durability",
    "test_deployments",
    "test_ticket",
    "test_soak",
    "test_monitor",
    "test_service",
    "test_pull",
)
"""Test modules that take longest, started first, so that no worker is left alone with one at the end."""


@pytest.hookimpl(trylast=True)  # after the tests have been shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules first, everything else in the order it has."""
    order = {name: place for place, name in enumerate(LONG_MODULES)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """``folder`` as ``make`` leaves it; the first test worker that asks makes it, the others wait."""
    finished = folder.with_suffix(".finished")
    with FileLock(folder.with_suffix(".lock")):
        if not finished.exists():
            make(folder)
            finished.touch()
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all test workers of this run see."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def worked_desk(shared_folder: Path) -> Path:
    """The demo company after `make demo`, which was interrupted once. Treat it as read-only."""
    return _once(shared_folder / "worked_desk", lambda folder: run_interrupted_demo(folder, QUICK_MODELS))


@pytest.fixture(scope="session")
def other_worked_desk(shared_folder: Path) -> Path:
    """A smaller company (another seed) that says everything in synonyms, released. Treat it as read-only.

    With half the tickets there would be too little evidence to prove that password resets may be automated,
    which is a right answer, but not the one that the morning queue asks about.
    """
    return _once(shared_folder / "other_worked_desk", _other_company)


def _other_company(folder: Path) -> None:
    company = {"seed": 23, "accounts": 1_500, "tickets": 30_000}
    copy_of_project(folder, {"demo_company": company, **QUICK_MODELS})
    run_module(folder, "pipelines.demo_company", "--vocabulary", "synonyms")
    run_python(folder, str(ROOT / "tests" / "stages.py"))
