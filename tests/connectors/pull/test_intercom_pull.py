"""Intercom: conversations whole, searches by calendar day, scrolls that expire, counts that do not add up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.pull.command import EXIT_COMPLETE
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import Intercom
from tests.connectors.pull.stub import NOW, Answer, Request, status

EXPIRED = status(404, '{"type": "error.list", "errors": [{"code": "not_found"}]}')


@pytest.fixture
def intercom(tmp_path: Path) -> Iterator[World]:
    desk = Intercom()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        yield world


def test_conversations_are_written_with_their_parts(intercom: World):
    intercom.pull()
    parts = [record["conversation_parts"]["total_count"] for record in intercom.on_disk()]
    assert parts == [1] * 23


def test_a_conversation_is_retrieved_once_a_version_not_once_a_pull(intercom: World):
    intercom.pull()
    intercom.desk.change(intercom.desk.tickets[0], NOW - timedelta(minutes=10))
    intercom.pull()
    assert len(intercom.stub.asked(r"/conversations/\d+$")) == 24
    assert len(intercom.on_disk()) == 24


def test_a_conversation_that_changes_between_search_and_retrieval_is_written_once(intercom: World):
    answer = intercom.desk.answer

    def changing(request: Request) -> Answer:
        if request.path == "/conversations/4":
            intercom.desk.change(intercom.desk.tickets[3], NOW - timedelta(minutes=30))
        return answer(request)

    intercom.stub.answer = changing
    intercom.pull()
    assert intercom.versions_on_disk() == intercom.versions_at_the_desk()


def test_a_conversation_deleted_after_the_search_is_kept_as_it_was_listed(intercom: World):
    answer = intercom.desk.answer
    gone = "/conversations/4"
    intercom.stub.answer = lambda request: Answer({}, 404) if request.path == gone else answer(request)
    assert intercom.pull().exit_status == EXIT_COMPLETE
    assert intercom.versions_on_disk() == intercom.versions_at_the_desk()


def test_an_expired_cursor_in_the_middle_goes_on_from_the_last_change(intercom: World):
    intercom.stub.fail(EXPIRED, at=intercom.desk.path, after=3)
    outcome = intercom.pull()
    assert "had expired" in outcome.streams[0].notes[0]
    assert intercom.versions_on_disk() == intercom.versions_at_the_desk()


def test_a_page_that_leaves_out_what_the_search_counted_is_read_again(intercom: World):
    assert isinstance(intercom.desk, Intercom)
    intercom.desk.left_out_once = {"3", "17"}
    outcome = intercom.pull()
    assert outcome.streams[0].notes == []
    assert intercom.versions_on_disk() == intercom.versions_at_the_desk()


def test_what_is_counted_twice_and_never_sent_is_said(intercom: World):
    answer = intercom.desk.answer

    def counting_one_more(request: Request) -> Answer:
        answered = answer(request)
        if request.path == "/conversations/search":
            answered.body["total_count"] += 1
        return answered

    intercom.stub.answer = counting_one_more
    outcome = intercom.pull()
    assert outcome.exit_status == EXIT_COMPLETE
    assert outcome.streams[0].notes == ["conversations: 24 were counted, 23 were sent, twice"]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_contacts_are_found_although_searches_know_only_calendar_days(intercom: World, zone: str):
    assert isinstance(intercom.desk, Intercom)
    intercom.desk.zone = zone
    contacts = [
        {"id": f"c{i:02}", "updated_at": int((NOW - timedelta(hours=90 - i)).timestamp())} for i in range(60)
    ]
    intercom.desk.others["contacts"] = contacts[:40]
    intercom.pull(only=("contacts",))
    intercom.desk.others["contacts"] = contacts
    outcome = intercom.pull(only=("contacts",))
    assert outcome.streams[0].records == 20
    assert sorted(record["id"] for record in intercom.on_disk("contacts")) == [one["id"] for one in contacts]


def test_a_scroll_that_expires_is_begun_again(intercom: World):
    companies = [{"id": str(i), "updated_at": 1_700_000_000 + i} for i in range(12)]
    intercom.desk.others["companies"] = companies
    intercom.stub.fail(EXPIRED, at="/companies/scroll", after=2)
    outcome = intercom.pull(only=("companies",))
    assert outcome.exit_status == EXIT_COMPLETE
    assert intercom.on_disk("companies") == companies


def test_admins_and_teams_are_written_and_the_version_of_the_api_is_asked_for(intercom: World):
    intercom.desk.others |= {
        "admins": [{"id": "1", "name": "Ada"}],
        "teams": [{"id": "9", "name": "Billing"}],
    }
    assert intercom.pull(only=("admins", "teams")).exit_status == EXIT_COMPLETE
    assert intercom.on_disk("admins") + intercom.on_disk("teams") == [
        {"id": "1", "name": "Ada"},
        {"id": "9", "name": "Billing"},
    ]
    assert intercom.stub.requests[0].headers["intercom-version"] == "2.15"
    assert intercom.pull(only=("admins",)).streams[0].records == 0, "unchanged lists are not written again"


def test_a_reset_time_is_waited_for_where_there_is_no_retry_after(intercom: World):
    reset = str(int(NOW.timestamp()) + 8)
    intercom.stub.fail(status(429, "{}", X_RateLimit_Reset=reset), at=intercom.desk.path)
    intercom.pull()
    assert intercom.time.slept == [pytest.approx(7.0)]


def test_articles_are_read_page_by_page(intercom: World):
    articles = [{"id": str(i), "title": f"Article {i}", "updated_at": 1_700_000_000 - i} for i in range(12)]
    intercom.desk.others["articles"] = articles
    assert intercom.pull(only=("articles",)).exit_status == EXIT_COMPLETE
    assert intercom.on_disk("articles") == articles
    assert intercom.pull(only=("articles",)).streams[0].records == 0
