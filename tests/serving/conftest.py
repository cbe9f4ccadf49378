import shutil
from pathlib import Path

import pytest

from serving.store import Store
from tests.serving.sample import NOON
from tests.serving.stores import (
    database_url,
    empty_database_url,
    migrated_database,
    migrated_file,
    postgres,
)
from tests.serving.tiny_release import write_tiny_release

__all__ = ["database_url", "empty_database_url", "migrated_database", "migrated_file", "postgres"]


@pytest.fixture
def store(database_url):
    opened = Store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> tuple[Path, str]:
    """A trained release: its folder and its id."""
    folder = tmp_path_factory.mktemp("release") / "bundle"
    return folder, write_tiny_release(folder)


@pytest.fixture
def promote(bundle):
    """Copies the trained release into a state folder and points the champion at it; returns its id."""

    def promoted(store: Store, state: Path, pointer: str = "champion") -> str:
        folder, release_id = bundle
        shutil.copytree(folder, state / "releases" / release_id, dirs_exist_ok=True)
        store.set_pointer(pointer, release_id, "test", "trained", NOON)
        return release_id

    return promoted
