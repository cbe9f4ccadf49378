"""The clock: an action that nobody carries out is a promise broken, one carried out twice is worse."""

from datetime import UTC, datetime, timedelta

import pytest

from serving.outbox import Action, put
from serving.tick import BATCH, carry_out_pending

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_every_pending_action_is_carried_out_once_and_oldest_first(store):
    numbers = range(BATCH + 7)
    with store.writing() as connection:
        for number in reversed(numbers):
            action = Action(
                f"a{number:03d}", "d1", NOON + timedelta(seconds=number), "route", {"queue": "access"}
            )
            put(connection, action)
    done: list[str] = []
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON) == len(numbers)
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON) == 0
    assert done == [f"a{number:03d}" for number in numbers]


def test_an_action_whose_executor_fails_stays_pending(store):
    with store.writing() as connection:
        put(connection, Action("a1", "d1", NOON, "route", {}))

    def fails(_action: Action) -> None:
        raise ConnectionError("the vendor is away")

    with pytest.raises(ConnectionError):
        carry_out_pending(store, fails, NOON)
    done: list[str] = []
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON) == 1
    assert done == ["a1"]
