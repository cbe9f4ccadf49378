"""The morning queue, the main job: 847 unread tickets, triaged by the service as a support lead expects."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.morning import PROMISES, Morning, served_morning


@pytest.fixture(scope="module")
def morning(worked_desk: Path) -> Morning:
    return served_morning(worked_desk)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_the_morning_queue(morning: Morning, promise: Callable[[Morning], None]) -> None:
    promise(morning)
