"""Zendesk: expired cursors, the second that fills a page, identities beside users, products not bought."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.pull.command import EXIT_COMPLETE
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import Zendesk, iso
from tests.connectors.pull.stub import NOW, the_page_before


@pytest.fixture
def zendesk(tmp_path: Path) -> Iterator[World]:
    desk = Zendesk()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        yield world


def events(count: int, step: timedelta = timedelta(minutes=5)) -> list[dict[str, object]]:
    begin = NOW - timedelta(hours=5)
    return [
        {"id": i, "ticket_id": 1, "timestamp": int((begin + step * i).timestamp()), "child_events": []}
        for i in range(count)
    ]


def test_an_expired_cursor_is_replaced_by_the_last_change_and_nothing_is_lost_or_twice(zendesk: World):
    zendesk.pull()
    zendesk.desk.is_expired = True
    zendesk.desk.now = zendesk.time.moment = NOW + timedelta(hours=3)
    zendesk.desk.tickets.append(zendesk.desk.ticket(99, NOW + timedelta(hours=1)))
    before = len(zendesk.stub.requests)
    outcome = zendesk.pull()
    assert outcome.exit_status == EXIT_COMPLETE
    assert "had expired" in outcome.streams[0].notes[0]
    assert len(zendesk.stub.requests) - before == 2, "it read everything again"
    assert zendesk.versions_on_disk() == zendesk.versions_at_the_desk()


def test_the_last_minute_is_left_for_the_next_pull(zendesk: World):
    fresh = zendesk.desk.ticket(99, NOW - timedelta(seconds=20))
    zendesk.desk.tickets.append(fresh)
    zendesk.pull()
    assert "99" not in dict(zendesk.versions_on_disk())
    zendesk.desk.now = zendesk.time.moment = NOW + timedelta(minutes=5)
    zendesk.pull()
    assert "99" in dict(zendesk.versions_on_disk())


def test_a_start_that_zendesk_would_refuse_as_too_recent_is_not_asked_for(zendesk: World):
    outcome = zendesk.pull(since=iso(NOW - timedelta(seconds=30)))
    assert (outcome.exit_status, zendesk.stub.requests) == (EXIT_COMPLETE, [])


def test_ten_requests_a_minute_are_kept_by_waiting_not_by_being_refused(zendesk: World):
    zendesk.desk.fill(80)
    zendesk.pull()
    assert len(zendesk.stub.requests) == 21
    assert sum(zendesk.time.slept) == pytest.approx(120)


def test_time_based_pages_overlap_and_every_event_is_written_once(zendesk: World):
    zendesk.desk.others["ticket_events"] = events(23)
    zendesk.pull(only=("ticket_events",))
    assert sorted(record["id"] for record in zendesk.on_disk("ticket_events")) == list(range(23))
    assert zendesk.stub.requests[0].query["include"] == "comment_events"


def test_a_time_based_page_sent_twice_is_not_stepped_over(zendesk: World):
    zendesk.desk.others["ticket_events"] = events(23)
    zendesk.stub.fail(the_page_before, at="ticket_events", after=2)
    outcome = zendesk.pull(only=("ticket_events",))
    assert outcome.streams[0].notes == []
    assert sorted(record["id"] for record in zendesk.on_disk("ticket_events")) == list(range(23))


def test_a_second_with_more_events_than_a_page_is_stepped_over_and_said(zendesk: World):
    """Time-based exports cannot go on within a second (github.com/PostHog/posthog/pull/59215)."""
    zendesk.desk.others["ticket_events"] = [*events(9, step=timedelta(0)), *events(14)[9:]]
    outcome = zendesk.pull(only=("ticket_events",))
    assert outcome.exit_status == EXIT_COMPLETE
    assert "cannot show the rest" in outcome.streams[0].notes[0]
    assert {record["id"] for record in zendesk.on_disk("ticket_events")} >= {9, 10, 11, 12, 13}


def test_identities_that_come_beside_users_are_written_into_their_user(zendesk: World):
    created = iso(NOW - timedelta(days=3))
    user = {"id": 7, "role": "end-user", "created_at": created, "updated_at": created}
    identity = {"id": 1, "user_id": 7, "type": "email", "value": "ada@acme.example"}
    zendesk.desk.others |= {"users": [user, {**user, "id": 8}], "identities": [identity]}
    zendesk.pull(only=("users",))
    assert zendesk.on_disk("users") == [
        {**user, "identities": [identity]},
        {**user, "id": 8, "identities": []},
    ]


def test_a_help_centre_that_was_not_bought_does_not_stop_the_rest(zendesk: World):
    outcome = zendesk.pull(only=())
    offered = {one.stream: one.offered for one in outcome.streams}
    assert outcome.exit_status == EXIT_COMPLETE
    assert [name for name, is_offered in offered.items() if not is_offered] == ["articles"]
    assert "not offered" in outcome.streams[list(offered).index("articles")].notes[0]
