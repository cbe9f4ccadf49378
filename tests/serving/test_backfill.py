"""The store is filled once from the tables on disk, whole, and never twice."""

from datetime import timedelta

import pandas as pd
import pytest

from features.schema import typed
from features.tables import write_tables
from serving import backfill as backfilling
from serving.backfill import backfill
from serving.context import rows_in
from tests.serving.sample import NOON, tickets


@pytest.fixture
def folder(tmp_path):
    days = [NOON.replace(hour=0) - timedelta(days=d) for d in (0, 120, 121)]
    usage = pd.DataFrame({"day": days, "known_at": NOON, "account_id": "A1", "feature": "login", "events": 1})
    written = {
        "tickets": tickets(*({"ticket_id": str(i)} for i in range(25))),
        "usage": typed("usage", usage),
    }
    write_tables(tmp_path / "tables", written)
    return tmp_path / "tables"


def quiet(_table: str, _done: int, _rows: int) -> None:
    """No progress."""


def test_everything_arrives_and_usage_only_as_far_back_as_features_look(store, folder, monkeypatch):
    monkeypatch.setattr(backfilling, "BATCH_ROWS", 10)
    seen: list[tuple[str, int, int]] = []
    added = backfill(store, folder, lambda *step: seen.append(step))
    assert (added["tickets"], added["usage"]) == (25, 2)
    assert [step for step in seen if step[0] == "tickets"] == [("tickets", n, 25) for n in (10, 20, 25)]


def test_a_second_backfill_of_the_same_files_does_nothing(store, folder):
    backfill(store, folder, quiet)
    assert backfill(store, folder, quiet) == {}


def test_new_files_add_only_what_is_new(store, folder):
    backfill(store, folder, quiet)
    write_tables(folder, {"tickets": tickets(*({"ticket_id": str(i)} for i in range(27)))})
    assert {name: new for name, new in backfill(store, folder, quiet).items() if new} == {"tickets": 2}


def test_an_interrupted_backfill_is_finished_by_the_next(store, folder, monkeypatch):
    monkeypatch.setattr(backfilling, "BATCH_ROWS", 10)

    def interrupted(table: str, done: int, _rows: int) -> None:
        if (table, done) == ("tickets", 20):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(store, folder, interrupted)
    assert backfill(store, folder, quiet)["tickets"] == 5
    with store.reading() as connection:
        assert rows_in(connection)["tickets"] == 25


def test_a_missing_folder_says_what_to_run(store, tmp_path):
    with pytest.raises(FileNotFoundError, match="dvc repro ingest"):
        backfill(store, tmp_path / "nowhere", quiet)
