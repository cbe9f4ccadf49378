"""Golden cases of working time: written down by hand from a wall calendar, not computed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.desk_schema import Calendar
from policy.sla import add_working_time, breach_risk, due_times, working_time_between
from tests.policy.examples import NOW, shipped_desk, situation

BERLIN = Calendar.model_validate(
    {
        "time_zone": "Europe/Berlin",
        "hours": {
            "monday": ["09:00-12:00", "13:00-18:00"],
            "tuesday": ["09:00-18:00"],
            "wednesday": ["09:00-18:00"],
            "thursday": ["09:00-18:00"],
            "friday": ["09:00-16:00"],
        },
        "holidays": [date(2026, 12, 25)],
    }
)
ALWAYS_NEW_YORK = Calendar.model_validate(
    {
        "time_zone": "America/New_York",
        "hours": {
            day: ["00:00-24:00"]
            for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        },
    }
)
FIVE_YEARS = (datetime(2024, 1, 1), datetime(2028, 12, 31))  # noqa: DTZ001
SUNDAYS = Calendar.model_validate({"time_zone": "Europe/Berlin", "hours": {"sunday": ["01:00-05:00"]}})


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "end"),
    [
        pytest.param(BERLIN, "2026-07-01 08:00", 2, "2026-07-01 10:00", id="within one summer day"),
        pytest.param(BERLIN, "2026-01-14 09:00", 2, "2026-01-14 11:00", id="within one winter day"),
        pytest.param(BERLIN, "2026-07-01 03:00", 1, "2026-07-01 08:00", id="before opening"),
        pytest.param(BERLIN, "2026-07-01 17:30", 1, "2026-07-02 08:00", id="after closing"),
        pytest.param(BERLIN, "2026-07-06 09:00", 2, "2026-07-06 12:00", id="over the lunch break"),
        pytest.param(BERLIN, "2026-07-03 13:00", 2, "2026-07-06 08:00", id="over the weekend"),
        pytest.param(BERLIN, "2026-07-01 08:00", 8, "2026-07-01 16:00", id="ends exactly at closing"),
        pytest.param(BERLIN, "2026-12-24 16:00", 2, "2026-12-28 09:00", id="over a holiday and a weekend"),
        pytest.param(BERLIN, "2026-10-23 13:00", 2, "2026-10-26 09:00", id="clocks go back over the weekend"),
        pytest.param(
            BERLIN, "2026-03-27 14:00", 2, "2026-03-30 08:00", id="clocks go forward over the weekend"
        ),
        pytest.param(ALWAYS_NEW_YORK, "2026-03-08 05:00", 24, "2026-03-09 05:00", id="a day of 23 hours"),
        pytest.param(ALWAYS_NEW_YORK, "2026-11-01 04:00", 24, "2026-11-02 04:00", id="a day of 25 hours"),
        pytest.param(SUNDAYS, "2026-03-29 00:00", 3, "2026-03-29 03:00", id="open span loses an hour"),
        pytest.param(SUNDAYS, "2026-10-24 23:00", 5, "2026-10-25 04:00", id="open span gains an hour"),
        pytest.param(SUNDAYS, "2026-03-28 23:00", 4, "2026-04-05 00:00", id="lost hour is owed a week later"),
    ],
)
def test_working_time_of_the_wall_calendar(calendar: Calendar, start: str, hours: float, end: str) -> None:
    assert add_working_time(calendar, utc(start), timedelta(hours=hours)) == utc(end)


@given(
    st.datetimes(*FIVE_YEARS, timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(hours=90)),
)
def test_adding_working_time_and_measuring_it_agree(start: datetime, amount: timedelta) -> None:
    due = add_working_time(BERLIN, start, amount)
    assert due >= start
    assert working_time_between(BERLIN, start, due) == amount


@given(
    st.datetimes(*FIVE_YEARS, timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_a_later_ticket_is_never_due_earlier(start: datetime, later: timedelta) -> None:
    eight_hours = timedelta(hours=8)
    assert add_working_time(BERLIN, start, eight_hours) <= add_working_time(
        BERLIN, start + later, eight_hours
    )


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs moments with a time zone"):
        add_working_time(BERLIN, datetime(2026, 7, 1, 8), timedelta(hours=1))  # noqa: DTZ001


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


def test_breach_risk_rises_to_certainty_as_the_clock_runs() -> None:
    desk = shipped_desk()
    due = due_times(desk, "team", NOW)
    risks = [
        breach_risk(desk, situation(as_of=NOW + timedelta(hours=passed)), due)
        for passed in (0, 2, 6, 7.9, 8, 30)
    ]
    known = [risk for risk in risks if risk is not None]
    assert risks == sorted(known)
    assert risks[0] == pytest.approx(0.1353, abs=1e-4)  # exp(-8/4)
    assert risks[-2:] == [1.0, 1.0]
