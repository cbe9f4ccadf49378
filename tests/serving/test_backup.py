"""A backup is whole or refused, and what it brings back is what there was."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from serving import checkpoints
from serving.backup import BackupError, back_up, restore
from serving.settings import Settings
from serving.store import Store
from serving.tables import metadata
from tests.serving.sample import NOON, tickets
from tests.serving.stores import new_database


def contents(store) -> dict:
    with store.reading() as connection:
        return {
            t.name: sorted(map(tuple, connection.execute(select(t))), key=str) for t in metadata.sorted_tables
        }


@pytest.fixture
def filled(store, database_url, tmp_path):
    chosen = Settings(state=tmp_path / "lived", database_url=database_url)
    store.append("tickets", tickets({"ticket_id": "1", "body": "Ünïcode \u2603"}))
    store.set_pointer("champion", "r1", "ann", "because", NOON)
    (chosen.releases / "r1").mkdir(parents=True)
    (chosen.releases / "r1" / "manifest.json").write_text("{}")
    private, _ = checkpoints.new_keys()
    key = checkpoints.private_key({checkpoints.PRIVATE_KEY: private})
    with store.reading() as connection:
        checkpoints.append_checkpoint(connection, chosen.checkpoints, key, NOON)
    return chosen


@pytest.fixture
def elsewhere(filled, tmp_path, request) -> Settings:
    """Settings of an installation of the same kind where nothing is yet."""
    state = tmp_path / "restored"
    if filled.database_url.startswith("sqlite"):
        return Settings(state=state)
    return Settings(state=state, database_url=new_database(request.getfixturevalue("postgres")))


def test_everything_comes_back_as_it_was(filled, elsewhere, store, tmp_path):
    before = contents(store)
    folder = back_up(filled, tmp_path / "backups", NOON)
    store.set_pointer("champion", "r2", "ann", "after the backup", NOON)
    assert restore(elsewhere, folder) == 1
    back = Store(elsewhere.database_url)
    assert contents(back) == before
    back.close()
    assert (elsewhere.releases / "r1" / "manifest.json").read_text() == "{}"
    assert elsewhere.checkpoints.read_bytes() == filled.checkpoints.read_bytes()


def test_a_damaged_backup_brings_nothing_back(filled, elsewhere, tmp_path):
    folder = back_up(filled, tmp_path / "backups", NOON)
    (stored,) = folder.glob("store.*")
    stored.write_bytes(stored.read_bytes()[:-10])
    with pytest.raises(BackupError, match="not as it was backed up"):
        restore(elsewhere, folder)
    assert not elsewhere.releases.exists()


def test_nothing_that_is_there_is_overwritten(filled, tmp_path):
    folder = back_up(filled, tmp_path / "backups", NOON)
    with pytest.raises(BackupError, match="is there already"):
        restore(filled, folder)
    with pytest.raises(BackupError, match="is there already"):
        back_up(filled, tmp_path / "backups", NOON)
    assert back_up(filled, tmp_path / "backups", NOON + timedelta(seconds=1)).is_dir()


def test_a_folder_that_is_no_backup_is_refused(tmp_path):
    with pytest.raises(BackupError, match="no readable manifest"):
        restore(Settings(state=tmp_path / "new"), tmp_path)
    with pytest.raises(BackupError, match="no store"):
        back_up(Settings(state=tmp_path / "nothing"), tmp_path / "backups", NOON)
