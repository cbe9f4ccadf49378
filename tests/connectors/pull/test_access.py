"""Where credentials may go, how long a refusal is waited out, and how a page is judged."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.pull.access import checked_address
from connectors.pull.clock import Pace
from connectors.pull.errors import PullError
from connectors.pull.stream import ById, moment, settled
from connectors.pull.vendor import secret
from connectors.pull.wire import told_to_wait_seconds
from tests.connectors.pull.stub import NOW, HeldClock

NOW_UNIX = NOW.timestamp()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://acme.zendesk.com", "https://acme.zendesk.com"),
        ("https://acme.zendesk.com/", "https://acme.zendesk.com"),
        ("acme.zendesk.com", "https://acme.zendesk.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_that_credentials_may_go_to(given: str, used: str):
    assert checked_address("zendesk", given) == used


@pytest.mark.parametrize(
    "given",
    [
        "http://acme.zendesk.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://acme.zendesk.com",
        "https://ops:s3cret@acme.zendesk.com",
        "https://acme.zendesk.com/api?token=s3cret",
        "https://",
        "",
    ],
)
def test_an_address_that_credentials_must_not_go_to(given: str):
    with pytest.raises(PullError) as refused:
        checked_address("zendesk", given)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "93"}, 93.0),
        ({"retry-after": "0"}, 1.0),
        ({"retry-after": "0.5"}, 1.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 1.0),
        ({"retry-after": "soon"}, 60.0),
        ({"retry-after": "-5"}, 60.0),
        ({"x-ratelimit-reset": str(NOW_UNIX + 8)}, 8.0),
        ({"x-ratelimit-reset": "tomorrow"}, 60.0),
        ({}, 60.0),
    ],
)
def test_how_long_a_refusal_asks_to_wait(headers: dict[str, str], seconds: float):
    assert told_to_wait_seconds(headers, NOW_UNIX) == pytest.approx(seconds)


def test_a_pace_lets_a_burst_through_and_then_waits():
    time, pace = HeldClock(), Pace(requests=3, seconds=10.0)
    for _ in range(7):
        pace.wait(time.clock())
    assert time.slept == [10.0, 10.0]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T13:00:00+01:00", NOW),
        ("2026-03-01T12:00:00.000+0000", NOW),
        (int(NOW_UNIX), NOW),
        (str(int(NOW_UNIX)), NOW),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("99999999999999999999", None),
    ],
)
def test_the_moments_that_vendors_write(value: object, found: datetime | None):
    assert moment(value) == found


def test_records_are_told_apart_by_version_and_those_without_one_by_content():
    by = ById()
    same = {"id": 1, "updated_at": "2026-03-01T12:00:00Z"}
    keys = [
        by(record).key("tickets")
        for record in (
            same,
            {**same, "subject": "the same version"},
            {**same, "updated_at": "2026-03-01T12:00:01Z"},
            {"id": 1},
            {"id": 1, "name": "no time"},
            {"name": "no id"},
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5
    assert by(same).key("tickets") != by(same).key("users")


def test_a_record_that_changed_while_it_was_listed_does_not_say_how_far_the_list_was_read():
    hours = [NOW + timedelta(hours=i) for i in range(20)]
    assert settled([*hours[:-1], datetime(2030, 1, 1, tzinfo=UTC)]) == hours[17]
    assert settled([NOW, NOW + timedelta(days=9)]) == NOW
    assert settled([NOW]) is None
    assert settled([]) is None


@pytest.mark.parametrize("value", ["abc\ndef", "t\u00f6ken", "a\x00b"])
def test_a_credential_with_odd_characters_is_refused_by_the_name_of_its_variable(value: str):
    with pytest.raises(PullError, match="FIRSTLINE_X") as refused:
        secret({"FIRSTLINE_X": value}, "FIRSTLINE_X")
    assert value not in str(refused.value)
