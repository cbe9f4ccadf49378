"""What became of a ticket: silence is never a success, and coming back outweighs what was said before."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.resolution import SUCCESSES, Aftermath, PathRecord, path_record, resolution_of
from tests.policy.examples import NOW


def day(number: float | None) -> datetime | None:
    return None if number is None else NOW + timedelta(days=number)


@pytest.mark.parametrize(
    ("solved", "confirmed", "back", "used", "outcome"),
    [
        pytest.param(None, None, None, None, "open", id="not solved"),
        pytest.param(None, 1, None, 1, "open", id="confirmed by mistake before it was solved"),
        pytest.param(0, None, None, None, "silent", id="no word"),
        pytest.param(0, 1, None, None, "confirmed", id="the customer said so"),
        pytest.param(0, None, None, 1, "usage_verified", id="the product shows it"),
        pytest.param(0, 1, None, 1, "confirmed", id="said and shown"),
        pytest.param(0, None, 2, None, "recontacted", id="came back"),
        pytest.param(0, 1, 2, 3, "recontacted", id="confirmed, used, and came back all the same"),
        pytest.param(0, 1, 14.01, None, "confirmed", id="came back long after: another matter"),
        pytest.param(0, None, 30, None, "silent", id="came back long after a silence"),
        pytest.param(0, -1, None, -1, "silent", id="what was said before the solution is not about it"),
    ],
)
def test_the_outcome_of_one_ticket(solved, confirmed, back, used, outcome) -> None:
    assert resolution_of(Aftermath(day(solved), day(confirmed), day(back), day(used))) == outcome


def test_silence_is_no_success_however_much_of_it_there_is() -> None:
    silent = [Aftermath(NOW)] * 1000
    assert path_record(silent) == PathRecord(silent=1000)
    assert (path_record(silent).successes, path_record(silent).judged) == (0, 0)


moments = st.none() | st.integers(-5, 30)


@given(st.lists(st.tuples(moments, moments, moments, moments), max_size=30))
def test_every_solved_ticket_is_counted_once(facts: list[tuple[int | None, ...]]) -> None:
    aftermaths = [Aftermath(*(day(at) for at in row)) for row in facts]
    record = path_record(aftermaths)
    assert record.judged + record.silent == sum(a.solved_at is not None for a in aftermaths)
    assert record.successes == sum(resolution_of(a) in SUCCESSES for a in aftermaths)
