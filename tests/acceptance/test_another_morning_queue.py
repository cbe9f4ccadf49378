"""The same promises for another company (seed), another morning, and other words for everything.

A smaller company of this seed was among those on which the demo desk's ranking weights were chosen.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.morning import PROMISES, Morning, triaged_morning


@pytest.fixture(scope="module")
def morning(other_worked_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    folder = tmp_path_factory.mktemp("other_morning")
    return triaged_morning(other_worked_desk, folder, seed=2, vocabulary="synonyms")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_another_morning_queue(morning: Morning, promise: Callable[[Morning], None]) -> None:
    promise(morning)
