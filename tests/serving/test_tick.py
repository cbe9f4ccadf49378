"""The clock: an action that nobody carries out is a promise broken, one carried out twice is worse."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from serving.outbox import CLAIM, FIRST_PAUSE, Action, GiveUp, claim, put
from serving.tables import outbox
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

    assert carry_out_pending(store, fails, NOON) == 0
    done: list[str] = []
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON) == 0, "too soon"
    later = NOON + FIRST_PAUSE
    assert carry_out_pending(store, lambda action: done.append(action.action_id), later) == 1
    assert done == ["a1"]


def test_an_action_whose_replica_died_is_taken_over(store):
    with store.writing() as connection:
        put(connection, Action("a1", "d1", NOON, "route", {}))
        assert claim(connection, "a1", NOON) is not None
    done: list[str] = []
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON) == 0, "another has it"
    assert carry_out_pending(store, lambda action: done.append(action.action_id), NOON + CLAIM) == 1


def test_replicas_that_tick_at_once_share_the_actions(store):
    with store.writing() as connection:
        for number in range(30):
            put(connection, Action(f"a{number}", "d1", NOON, "route", {}))
    done: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: carry_out_pending(store, lambda a: done.append(a.action_id), NOON), range(4)))
    assert sorted(done) == sorted(f"a{number}" for number in range(30))


def test_what_can_never_be_done_is_left_to_a_person_at_once(store):
    with store.writing() as connection:
        put(connection, Action("a1", "d1", NOON, "route", {}))

    def refused(_action: Action) -> None:
        raise GiveUp("status 403")

    carry_out_pending(store, refused, NOON)
    with store.reading() as connection:
        row = connection.execute(select(outbox.c.status, outbox.c.problem)).one()
    assert tuple(row) == ("failed", "status 403")
