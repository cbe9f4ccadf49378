"""Promises: when they are due, when their clock stands still, and how likely they are to be broken."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.sla import (
    Turn,
    breach_risk,
    due_times,
    first_response_clock,
    resolution_clock,
    waiting_for_customer,
)
from tests.policy.examples import NOW, shipped_desk, situation, utc


def turns(*written: str) -> list[Turn]:
    """``"2026-07-01 09:00 reply agent"`` as a turn."""
    parts = [line.rsplit(" ", 2) for line in written]
    return [Turn(utc(at), kind, actor) for at, kind, actor in parts]


def test_plans_promise_what_the_desk_says_and_unknown_plans_the_default() -> None:
    desk = shipped_desk()
    assert due_times(desk, "enterprise", NOW).first_response_due_at == NOW + timedelta(hours=1)
    assert due_times(desk, "team", NOW).first_response_due_at == utc("2026-07-01 16:00")
    assert (
        due_times(desk, "no such plan", NOW) == due_times(desk, None, NOW) == due_times(desk, "starter", NOW)
    )


def test_without_a_default_plan_nothing_is_promised_to_unknown_customers() -> None:
    desk = shipped_desk().model_copy(update={"default_plan": None})
    due = due_times(desk, None, NOW)
    assert (due.first_response_due_at, due.resolution_due_at) == (None, None)
    assert breach_risk(desk, situation(account=None), due) is None
    assert first_response_clock(desk, None, NOW, [], NOW) is None
    assert resolution_clock(desk, None, NOW, [], NOW) is None


# plan enterprise: around the clock, first response in 1 hour, resolution in 12
@pytest.mark.parametrize(
    ("said", "due"),
    [
        pytest.param([], "2026-07-01 20:00", id="nothing said yet"),
        pytest.param(["2026-07-01 09:00 reply agent"], "2026-07-01 20:00", id="a wait that still lasts"),
        pytest.param(
            ["2026-07-01 09:00 reply agent", "2026-07-01 12:00 reply customer"],
            "2026-07-01 23:00",
            id="three hours of waiting",
        ),
        pytest.param(
            [
                "2026-07-01 09:00 reply agent",
                "2026-07-01 11:00 reply agent",
                "2026-07-01 12:00 reply customer",
            ],
            "2026-07-01 23:00",
            id="a reminder does not start the wait anew",
        ),
        pytest.param(
            ["2026-07-01 09:00 reply customer", "2026-07-01 12:00 reply customer"],
            "2026-07-01 20:00",
            id="a customer who adds something makes nobody wait",
        ),
        pytest.param(
            ["2026-07-01 10:00 solved agent", "2026-07-03 10:00 reopened customer"],
            "2026-07-03 20:00",
            id="solved and reopened: the two days between do not count",
        ),
        pytest.param(["2026-07-01 09:00 note agent"], "2026-07-01 20:00", id="notes are not replies"),
    ],
)
def test_the_resolution_waits_for_the_customer(said: list[str], due: str) -> None:
    targets = due_times(shipped_desk(), "enterprise", NOW, turns(*said))
    assert targets.resolution_due_at == utc(due)
    assert targets.first_response_due_at == NOW + timedelta(hours=1)


def test_the_clock_stands_still_while_waiting_and_the_due_time_moves_on() -> None:
    said = turns("2026-07-01 14:00 reply agent")
    seen = [
        resolution_clock(shipped_desk(), "enterprise", NOW, said, NOW + timedelta(hours=hours))
        for hours in (6, 30, 300)
    ]
    assert [clock and clock.used_share for clock in seen] == [0.5, 0.5, 0.5]
    assert [clock and clock.due_at for clock in seen] == [NOW + timedelta(hours=h) for h in (12, 36, 306)]
    assert seen[1] is not None
    assert (seen[1].waiting_since, seen[1].breached) == (utc("2026-07-01 14:00"), False)


@pytest.mark.parametrize(
    ("said", "met_at", "breached"),
    [
        pytest.param([], None, True, id="never answered"),
        pytest.param(["2026-07-01 08:59 reply agent"], "2026-07-01 08:59", False, id="in time"),
        pytest.param(["2026-07-01 09:00 reply agent"], "2026-07-01 09:00", False, id="on the minute"),
        pytest.param(["2026-07-01 09:01 reply agent"], "2026-07-01 09:01", True, id="too late"),
        pytest.param(["2026-07-01 08:30 reply customer"], None, True, id="the customer's own words"),
        pytest.param(["2026-07-01 08:30 reply model"], "2026-07-01 08:30", False, id="resolved by the desk"),
        pytest.param(
            ["2026-07-01 08:30 solved system"], "2026-07-01 08:30", False, id="solved without a word"
        ),
    ],
)
def test_who_answers_keeps_the_promise_of_a_first_response(
    said: list[str], met_at: str | None, breached: bool
) -> None:
    clock = first_response_clock(shipped_desk(), "enterprise", NOW, turns(*said), NOW + timedelta(hours=5))
    assert clock is not None
    assert (clock.met_at, clock.breached) == (utc(met_at) if met_at else None, breached)


def test_a_solved_ticket_stays_kept_and_a_reopened_one_runs_again() -> None:
    solved = turns("2026-07-01 19:00 solved agent")
    reopened = [*solved, *turns("2026-07-02 19:00 reopened customer")]
    kept = resolution_clock(shipped_desk(), "enterprise", NOW, solved, NOW + timedelta(days=9))
    again = resolution_clock(shipped_desk(), "enterprise", NOW, reopened, NOW + timedelta(days=9))
    assert kept is not None
    assert again is not None
    assert (kept.met_at, kept.breached) == (utc("2026-07-01 19:00"), False)
    assert (again.met_at, again.breached) == (None, True)
    assert again.due_at == utc("2026-07-02 20:00")


steps = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.sampled_from(["reply", "solved", "reopened", "note"]),
        st.sampled_from(["agent", "customer", "system"]),
    ),
    max_size=8,
)


@given(steps, st.integers(0, 4000), st.integers(1, 2000))
def test_a_clock_never_runs_backwards_and_waits_never_overlap(
    said: list[tuple[int, str, str]], first: int, more: int
) -> None:
    at, conversation = NOW, list[Turn]()
    for minutes, kind, actor in said:
        at += timedelta(minutes=minutes)
        conversation.append(Turn(at, kind, actor))

    def used(moment: datetime) -> float:
        known = [turn for turn in conversation if turn.at < moment]
        clock = first_response_clock(shipped_desk(), "business", NOW, known, moment)
        assert clock is not None
        return clock.used_share

    assert used(NOW + timedelta(minutes=first)) <= used(NOW + timedelta(minutes=first + more))
    waits = waiting_for_customer(conversation, at + timedelta(days=1))
    assert all(one.until <= other.since for one, other in pairwise(waits))
    assert all(wait.since < wait.until for wait in waits)


def test_breach_risk_rises_to_certainty_as_the_clock_runs_and_says_it_is_an_estimate() -> None:
    desk = shipped_desk()
    due = due_times(desk, "team", NOW)
    risks = [
        breach_risk(desk, situation(as_of=NOW + timedelta(hours=passed)), due)
        for passed in (0, 2, 6, 7.9, 8, 30)
    ]
    values = [risk[0] for risk in risks if risk is not None]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.1353, abs=1e-4)  # exp(-8/4)
    assert values[-2:] == [1.0, 1.0]
    assert {risk[1] for risk in risks if risk is not None} == {"estimate"}


def test_an_outcome_models_word_goes_before_the_estimate_until_the_time_is_over() -> None:
    desk = shipped_desk()
    due = due_times(desk, "team", NOW)
    assert breach_risk(desk, situation(breach_risk=0.4), due) == (0.4, "model")
    late = situation(breach_risk=0.4, as_of=NOW + timedelta(hours=9))
    assert breach_risk(desk, late, due) == (1.0, "model")
