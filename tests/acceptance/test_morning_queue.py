"""The morning queue, the main job: 847 unread tickets, triaged as a support lead expects."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.morning import PROMISES, Morning, triaged_morning


@pytest.fixture(scope="module")
def morning(worked_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    return triaged_morning(worked_desk, tmp_path_factory.mktemp("morning"), seed=1, vocabulary="original")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_morning_queue(morning: Morning, promise: Callable[[Morning], None]) -> None:
    promise(morning)
