"""Whoever edits, removes, inserts or reorders what was recorded is found out."""

import pytest
from sqlalchemy import text

from tests.serving.sample import NOON

TAMPERING = {
    "content edited": ("UPDATE pointer_moves SET release_id = 'evil' WHERE move_id = 2", "edited after"),
    "content removed": ("DELETE FROM pointer_moves WHERE move_id = 2", "recorded but gone"),
    "content inserted": (
        "INSERT INTO pointer_moves VALUES (99, 'champion', 'evil', 'eve', 'because', 0)",
        "no ledger entry",
    ),
    "entry edited": ("UPDATE ledger SET subject = '1' WHERE seq = 2", "entry 2 was edited"),
    "entry removed": ("DELETE FROM ledger WHERE seq = 2", "entry 2 is missing"),
    "entry moved to the front": ("UPDATE ledger SET seq = 0 WHERE seq = 3", "does not follow"),
    "digest forged with the content": (
        "UPDATE ledger SET digest = (SELECT digest FROM ledger WHERE seq = 1) WHERE seq = 2",
        "entry 2 was edited",
    ),
}


@pytest.fixture
def recorded(store):
    for release in ("r1", "r2", "r3", "r4"):
        store.set_pointer("champion", release, "ann", "because", NOON)
    return store


def test_an_untouched_ledger_verifies(recorded):
    check = recorded.verify_ledger()
    assert (check.entries, check.problems) == (4, ())


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_detected(recorded, how):
    statement, found = TAMPERING[how]
    with recorded.writing() as connection:
        connection.execute(text(statement))
    check = recorded.verify_ledger()
    assert not check.intact
    assert any(found in problem for problem in check.problems), check.problems
