"""The replay drill in short: what it counts as identical was computed again, and what was changed shows."""

import pytest
from sqlalchemy import update

from pipelines.drills.replay import DECISIONS, Replayed, decide, figures, replay_all
from serving.decision import Decision
from serving.settings import Settings
from serving.store import Store
from serving.tables import decisions

BODIES = ("I forgot my password", "send the invoice again", "delete my data under the GDPR", "")
TICKETS = [
    {"ticket_id": str(n), "channel": "email", "body": f"{body} {n}"} for n, body in enumerate(BODIES * 9)
]


@pytest.fixture
def decided(tmp_path):
    """A store of decisions by rules alone; those of a release are in tests/serving/test_replay.py."""
    settings = Settings(state=tmp_path)
    assert decide(settings, TICKETS) == len(TICKETS)
    store = Store(settings.database_url)
    yield settings, store
    store.close()


def test_every_decision_is_tried_and_comes_out_as_it_was(decided):
    settings, store = decided
    assert replay_all(settings).outcomes == {"identical": len(TICKETS)}
    with store.writing() as connection:
        row = connection.execute(decisions.select().limit(1)).one()
        record = Decision.model_validate_json(row.record)
        changed = record.model_copy(update={"action": "auto_resolve"}).model_dump_json()
        where = decisions.c.decision_id == row.decision_id
        connection.execute(update(decisions).where(where).values(record=changed))
    found = replay_all(settings)
    assert found.outcomes == {"identical": len(TICKETS) - 1, "different": 1}
    assert found.differs == {"action": 1}


@pytest.mark.parametrize(
    ("identical", "different", "met"), [(DECISIONS, 0, True), (DECISIONS - 1, 1, False), (5, 0, False)]
)
def test_one_decision_that_differs_misses_the_bar(identical, different, met):
    found = Replayed()
    found.outcomes.update(identical=identical, different=different)
    tried, same = figures(found)
    assert (tried.value, same.value, same.met) == (identical + different, identical, met)
