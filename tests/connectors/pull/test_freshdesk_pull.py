"""Freshdesk: pages that shift while tickets change, the 300th page, deleted tickets, lists read whole."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.pull import freshdesk as client
from connectors.pull.command import EXIT_COMPLETE, EXIT_PUT_RIGHT
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import Freshdesk, iso
from tests.connectors.pull.stub import NOW, Answer, Request, content


@pytest.fixture
def freshdesk(tmp_path: Path) -> Iterator[World]:
    desk = Freshdesk()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        yield world


@pytest.mark.parametrize("is_inclusive", [True, False], ids=["since inclusive", "since exclusive"])
def test_whether_updated_since_includes_its_second_makes_no_difference(freshdesk: World, is_inclusive: bool):
    assert isinstance(freshdesk.desk, Freshdesk)
    freshdesk.desk.is_since_inclusive = is_inclusive
    same_second = [freshdesk.desk.ticket(i, NOW - timedelta(hours=20)) for i in range(4, 10)]
    freshdesk.desk.tickets[3:9] = same_second
    freshdesk.pull()
    assert freshdesk.versions_on_disk() == freshdesk.versions_at_the_desk()


def test_tickets_that_change_between_two_pages_push_no_other_off_the_list(freshdesk: World):
    """By page number, each change of a ticket on page one would pull the first of page two onto page one."""
    answer = freshdesk.desk.answer
    asked = 0

    def with_changes(request: Request) -> Answer:
        nonlocal asked
        answered = answer(request)
        if request.path.endswith("/tickets"):
            freshdesk.desk.change(freshdesk.desk.tickets[asked], NOW - timedelta(minutes=30 - asked))
            asked += 1
        return answered

    freshdesk.stub.answer = with_changes
    freshdesk.pull()
    assert {id for id, _ in freshdesk.versions_on_disk()} == {
        id for id, _ in freshdesk.versions_at_the_desk()
    }
    freshdesk.stub.answer = answer
    freshdesk.pull()
    assert set(freshdesk.versions_on_disk()) >= set(freshdesk.versions_at_the_desk())


def test_tickets_older_than_the_default_thirty_days_are_listed(freshdesk: World):
    freshdesk.desk.tickets.insert(0, freshdesk.desk.ticket(77, NOW - timedelta(days=900)))
    freshdesk.pull()
    assert freshdesk.versions_on_disk() == freshdesk.versions_at_the_desk()


def test_no_request_goes_beyond_the_last_page_freshdesk_serves(
    freshdesk: World, monkeypatch: pytest.MonkeyPatch
):
    """More tickets than 300 pages hold, and one second that fills several pages."""
    monkeypatch.setattr(client, "LAST_PAGE", 3)
    assert isinstance(freshdesk.desk, Freshdesk)
    freshdesk.desk.last_page = 3
    bulk = [freshdesk.desk.ticket(100 + i, NOW - timedelta(hours=10, minutes=30)) for i in range(12)]
    freshdesk.desk.tickets += bulk
    assert freshdesk.pull().exit_status == EXIT_COMPLETE
    assert freshdesk.versions_on_disk() == freshdesk.versions_at_the_desk()


def test_a_second_that_fills_every_page_is_an_error_that_names_it(
    freshdesk: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "LAST_PAGE", 2)
    freshdesk.desk.tickets += [freshdesk.desk.ticket(100 + i, NOW - timedelta(minutes=40)) for i in range(40)]
    outcome = freshdesk.pull()
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert iso(NOW - timedelta(minutes=40)) in outcome.errors[0]


def test_an_empty_page_in_between_ends_this_pull_and_the_next_brings_the_rest(freshdesk: World):
    freshdesk.stub.fail(content("[]"), at=freshdesk.desk.path, after=2)
    freshdesk.pull()
    assert len(freshdesk.on_disk()) < 23
    freshdesk.pull()
    assert freshdesk.versions_on_disk() == freshdesk.versions_at_the_desk()


def test_a_list_that_ignores_updated_since_does_not_go_on_for_ever(freshdesk: World):
    answer = freshdesk.desk.answer

    def without_since(request: Request) -> Answer:
        request.query["updated_since"] = "1970-01-01T00:00:00Z"
        return answer(request)

    freshdesk.stub.answer = without_since
    outcome = freshdesk.pull()
    assert "another page than the one asked for" in outcome.errors[0]


def test_a_ticket_is_written_with_all_pages_of_its_conversations(freshdesk: World):
    notes = [{"id": i, "ticket_id": 3, "body_text": f"note {i}"} for i in range(230)]
    freshdesk.desk.others["conversations"] = notes
    freshdesk.pull()
    (third,) = [record for record in freshdesk.on_disk() if record["id"] == 3]
    assert third["conversations"] == notes


def test_a_ticket_deleted_while_it_is_fetched_is_kept_as_it_was_listed(freshdesk: World):
    answer = freshdesk.desk.answer
    gone = "/api/v2/tickets/3/conversations"
    freshdesk.stub.answer = lambda request: Answer({}, 404) if request.path == gone else answer(request)
    assert freshdesk.pull().exit_status == EXIT_COMPLETE
    assert freshdesk.versions_on_disk() == freshdesk.versions_at_the_desk()


def test_deleted_tickets_come_in_files_that_the_mapping_of_tickets_reads(freshdesk: World):
    deleted = {**freshdesk.desk.ticket(500, NOW - timedelta(days=2)), "deleted": True}
    freshdesk.desk.others["deleted"] = [deleted]
    freshdesk.pull(only=("tickets_deleted", "tickets_spam"))
    assert [path.name[:16] for path in freshdesk.files] == ["tickets_deleted-"]
    assert freshdesk.on_disk("tickets_deleted") == [deleted]


def test_lists_without_a_time_are_read_whole_and_only_changes_are_written(freshdesk: World):
    changed = iso(NOW - timedelta(days=400))
    companies = [{"id": i, "name": f"Company {i}", "updated_at": changed} for i in range(12)]
    freshdesk.desk.others["companies"] = companies
    freshdesk.pull(only=("companies",))
    companies[4]["updated_at"] = iso(NOW)
    outcome = freshdesk.pull(only=("companies",))
    assert (outcome.streams[0].records, outcome.streams[0].repeated) == (1, 11)
    assert len(freshdesk.on_disk("companies")) == 13


def test_contacts_are_asked_for_since_the_last_pull_began(freshdesk: World):
    freshdesk.pull(only=("contacts",))
    freshdesk.pull(only=("contacts",))
    asked = [request.query["_updated_since"] for request in freshdesk.stub.requests]
    assert asked == ["1970-01-01T00:00:00Z", iso(NOW - timedelta(minutes=10) + timedelta(seconds=1))]


def test_ratings_of_a_plan_without_surveys_do_not_stop_the_rest(freshdesk: World):
    outcome = freshdesk.pull(only=())
    assert outcome.exit_status == EXIT_COMPLETE
    assert [one.stream for one in outcome.streams if not one.offered] == ["satisfaction_ratings"]


def test_articles_are_found_in_folders_of_folders(freshdesk: World):
    at = {"created_at": iso(NOW - timedelta(days=9)), "updated_at": iso(NOW - timedelta(days=9))}
    freshdesk.desk.others |= {
        "categories": [{"id": 3, **at}, {"id": 5, **at}],
        "categories/3/folders": [{"id": 4, **at}],
        "folders/4/articles": [{"id": i, "title": f"Article {i}", **at} for i in range(12)],
        "folders/4/subfolders": [{"id": 6, **at}],
        "folders/6/articles": [{"id": 12, "title": "Deep down", **at}],
    }
    outcome = freshdesk.pull(only=("articles",))
    assert (outcome.exit_status, outcome.streams[0].notes) == (EXIT_COMPLETE, [])
    assert [record["id"] for record in freshdesk.on_disk("articles")] == list(range(13))
    assert freshdesk.pull(only=("articles",)).streams[0].repeated == 13


def test_a_contact_deleted_while_the_list_is_read_hides_no_other(freshdesk: World):
    changed = iso(NOW - timedelta(days=400))
    contacts = [{"id": i, "updated_at": changed} for i in range(12)]
    freshdesk.desk.others["contacts"] = contacts
    answer = freshdesk.desk.answer

    def deleting(request: Request) -> Answer:
        answered = answer(request)
        if len(freshdesk.stub.requests) == 1:
            freshdesk.desk.others["contacts"] = contacts[1:]
        return answered

    freshdesk.stub.answer = deleting
    freshdesk.pull(only=("contacts",))
    assert sorted(record["id"] for record in freshdesk.on_disk("contacts")) == list(range(12))
