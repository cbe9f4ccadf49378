"""The same promises for another company (seed), another morning, and other words for everything.

No company of this seed and no morning of this one were looked at when the demo desk was set up.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.morning import PROMISES, Morning, triaged_morning


@pytest.fixture(scope="module")
def morning(other_worked_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    folder = tmp_path_factory.mktemp("other_morning")
    return triaged_morning(other_worked_desk, folder, seed=11, vocabulary="synonyms")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_another_morning_queue(morning: Morning, promise: Callable[[Morning], None]) -> None:
    promise(morning)
