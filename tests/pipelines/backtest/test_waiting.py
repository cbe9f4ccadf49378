"""The order of a line is policy's own ranking, at every moment."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.backtest.waiting import RunningLine, StandingLine, worth_over_time
from policy.ranking import as_clocks_run, waited_by
from tests.pipelines.backtest.worlds import START, ruling


@given(
    created=st.floats(0, 500),
    promised=st.one_of(st.none(), st.floats(0.1, 300)),
    paused=st.floats(0, 100),
    entered=st.floats(0, 400),
    later=st.floats(0, 900),
    frustration=st.floats(0, 1),
)
def test_the_worth_of_a_waiting_ticket_is_policys_value_at_any_later_moment(
    created, promised, paused, entered, later, frustration
):
    rank = ruling(created, frustration=frustration).rank
    at = START + timedelta(hours=created)
    due = None if promised is None else at + timedelta(hours=promised + paused)
    entered = created + paused + entered
    found = worth_over_time(rank, at, due, paused, entered, START).at(entered + later)
    moment = START + timedelta(hours=entered + later)
    wanted = as_clocks_run(rank, waited_by(at, due, moment, timedelta(hours=paused))).value_at_risk
    assert found == pytest.approx(wanted, rel=1e-6)


def test_a_running_line_reranks_when_somebody_is_free_and_not_when_a_ticket_comes():
    slow = worth_over_time(ruling(0).rank, START, None, 0.0, 0.0, START)
    steep = worth_over_time(ruling(0).rank, START, START + timedelta(hours=10), 0.0, 0.0, START)
    line = RunningLine[str]()
    line.put("no promise", (), slow)
    line.put("promised", (), steep)
    assert line.take(0.0) == "no promise"
    line.put("no promise", (), slow)
    assert line.take(9.0) == "promised"
    with pytest.raises(ValueError, match="needs the worth"):
        line.put("nothing known", (), None)


def test_a_standing_line_keeps_its_order_and_equals_wait_their_turn():
    line = StandingLine[str]()
    for name, key in (("b", (0.0, 2.0)), ("a", (0.0, 1.0)), ("c", (0.0, 2.0)), ("claims", (-3.0, 9.0))):
        line.put(name, key, None)
    assert [line.take(0.0) for _ in range(len(line))] == ["claims", "a", "b", "c"]
