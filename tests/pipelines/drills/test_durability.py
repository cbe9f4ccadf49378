"""The short form of the kill drill, and a counter that must see what is missing or doubled."""

from pathlib import Path

from pipelines.drills.durability import Toll, figures, kill_under_load
from pipelines.drills.load import Kept, Told
from serving.settings import Settings
from serving.store import open_store
from serving.tables import decisions, feedback, outbox

TICKETS = [
    {"ticket_id": "t", "channel": "email", "subject": "Password", "body": "Please reset the password."}
]


def test_nothing_answered_is_lost_or_doubled_when_the_service_is_killed_under_load(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    toll = kill_under_load(settings, TICKETS, kills=3, seed=1, log=tmp_path / "service.log")
    assert toll.kills == 3
    assert len(toll.told.decisions) > 10
    assert len(toll.told.feedback) > 10
    assert toll.kept == Kept(lost=0, duplicated=0, is_chain_intact=True)
    assert all(figure.met for figure in figures(toll) if figure.name != "durability.kills")

    store = open_store(settings)  # and the count sees damage
    for table in (decisions, feedback, outbox):
        with store.writing() as connection:
            one = connection.exec_driver_sql(f"SELECT min(rowid) FROM {table.name}").scalar()
            connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE rowid = {one}")
    toll.kept = Kept.of(store, toll.told)
    store.close()
    assert toll.kept.lost >= 3
    assert not toll.kept.is_chain_intact
    assert not any(figure.met for figure in figures(toll) if figure.name == "durability.lost")


def test_another_answer_to_the_same_request_counts_as_doubled() -> None:
    toll = Toll(200, Told(contradictions=1), Kept(lost=0, duplicated=1, is_chain_intact=True))
    assert [figure.met for figure in figures(toll)] == [True, True, False]
