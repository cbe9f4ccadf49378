"""Working time against a wall calendar, against pandas, and against a count of minutes.

The golden cases were written down by hand. ``pandas.tseries.offsets.CustomBusinessHour`` is an independent
implementation by others; it counts by the wall clock, so it is asked where no clock changes within hours. For
spans that a change of the clock cuts into, every minute is looked up on its own in the time zone database.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries.offsets import CustomBusinessHour

from policy.calendars import Pause, add_working_time, working_spans, working_time_between
from policy.desk_schema import WEEKDAYS, Calendar
from tests.policy.examples import ALWAYS_NEW_YORK, BERLIN, utc

FIVE_YEARS = (datetime(2024, 1, 1), datetime(2028, 12, 31))  # noqa: DTZ001
SUNDAYS = Calendar.model_validate({"time_zone": "Europe/Berlin", "hours": {"sunday": ["01:00-05:00"]}})
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo", "UTC")
moments = st.datetimes(*FIVE_YEARS, timezones=st.just(UTC))


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


@st.composite
def office_weeks(draw: st.DrawFn) -> Calendar:
    """The same hours (perhaps with a lunch break) on some weekdays, between 06:00 and 22:00."""
    opens, lunch, back, closes = sorted(
        draw(st.lists(st.integers(12, 44), min_size=4, max_size=4, unique=True))
    )
    spans = draw(st.sampled_from([[(opens, closes)], [(opens, lunch), (back, closes)]]))
    written = [f"{a // 2:02d}:{a % 2 * 30:02d}-{b // 2:02d}:{b % 2 * 30:02d}" for a, b in spans]
    days = draw(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
    holidays = draw(st.lists(st.dates(date(2024, 1, 1), date(2028, 12, 31)), max_size=8, unique=True))
    zone = draw(st.sampled_from(ZONES))
    return Calendar.model_validate(
        {"time_zone": zone, "hours": dict.fromkeys(days, written), "holidays": holidays}
    )


def by_pandas(calendar: Calendar, start: datetime, hours: int) -> datetime:
    """``start`` plus whole working hours as pandas counts them, by the wall clock of the calendar."""
    spans = next(iter(calendar.hours.values()))

    def clock(minute: int) -> str:
        return f"{minute // 60:02d}:{minute % 60:02d}"

    offset = CustomBusinessHour(
        n=hours,
        weekmask=" ".join(day[:3].title() for day in calendar.hours),
        holidays=list(calendar.holidays),
        start=[clock(opens) for opens, _ in spans],
        end=[clock(closes) for _, closes in spans],
    )
    zone = ZoneInfo(calendar.time_zone)
    local = pd.Timestamp(start.astimezone(zone).replace(tzinfo=None))
    return (local + offset).to_pydatetime().replace(tzinfo=zone).astimezone(UTC)


@settings(max_examples=150, deadline=None)
@given(office_weeks(), moments, st.integers(1, 60))
def test_pandas_counts_the_same_business_hours(calendar: Calendar, start: datetime, hours: int) -> None:
    start, instant = start.replace(microsecond=0), timedelta(microseconds=1)
    # work that ends at closing time ends, for pandas, when the desk opens again
    ours = add_working_time(calendar, start, timedelta(hours=hours) + instant) - instant
    assert ours == by_pandas(calendar, start, hours)


def minutes_open(calendar: Calendar, start: datetime, end: datetime, pauses: tuple[Pause, ...] = ()) -> int:
    """Minutes between two whole minutes that are open, each looked up on its own."""
    zone, count, moment = ZoneInfo(calendar.time_zone), 0, start
    while moment < end:
        local = moment.astimezone(zone)
        minute = local.hour * 60 + local.minute
        spans = calendar.hours.get(WEEKDAYS[local.weekday()], ())
        open_now = local.date() not in calendar.holidays and any(a <= minute < b for a, b in spans)
        count += open_now and not any(p.since <= moment < p.until for p in pauses)
        moment += timedelta(minutes=1)
    return count


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([SUNDAYS, BERLIN, ALWAYS_NEW_YORK]),
    st.sampled_from(["2026-03-28 12:00", "2026-10-24 12:00", "2026-03-07 12:00", "2026-10-31 12:00"]),
    st.integers(0, 1500),
    st.integers(0, 1500),
    st.lists(st.tuples(st.integers(0, 2500), st.integers(1, 900)), max_size=3),
)
def test_each_minute_around_a_change_of_the_clock_is_counted_once(
    calendar: Calendar, near: str, first: int, length: int, waits: list[tuple[int, int]]
) -> None:
    start = utc(near) + timedelta(minutes=first)
    end = start + timedelta(minutes=length)
    pauses = tuple(
        Pause(utc(near) + timedelta(minutes=a), utc(near) + timedelta(minutes=a + n)) for a, n in waits
    )
    counted = working_time_between(calendar, start, end, pauses)
    assert counted == timedelta(minutes=minutes_open(calendar, start, end, pauses))


@given(moments, st.timedeltas(timedelta(0), timedelta(hours=90)))
def test_adding_working_time_and_measuring_it_agree(start: datetime, amount: timedelta) -> None:
    due = add_working_time(BERLIN, start, amount)
    assert due >= start
    assert working_time_between(BERLIN, start, due) == amount


@given(moments, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_later_ticket_is_never_due_earlier(start: datetime, later: timedelta) -> None:
    eight = timedelta(hours=8)
    assert add_working_time(BERLIN, start, eight) <= add_working_time(BERLIN, start + later, eight)


@given(moments, st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 20_000)), max_size=5))
def test_a_pause_never_brings_a_due_time_forward_and_nothing_within_one_counts(
    start: datetime, waits: list[tuple[int, int]]
) -> None:
    pauses = [Pause(start + timedelta(minutes=a), start + timedelta(minutes=a + n)) for a, n in waits]
    amount = timedelta(hours=12)
    due = add_working_time(BERLIN, start, amount, pauses)
    assert due >= add_working_time(BERLIN, start, amount)
    spans = list(working_spans(BERLIN, start, due, pauses))
    assert sum((b - a for a, b in spans), timedelta()) == amount
    assert not any(a < p.until and p.since < b for a, b in spans for p in pauses)
    assert working_time_between(BERLIN, start, due, pauses[::-1]) == amount


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs moments with a time zone"):
        add_working_time(BERLIN, datetime(2026, 7, 1, 8), timedelta(hours=1))  # noqa: DTZ001
