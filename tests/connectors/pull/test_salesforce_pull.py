"""Salesforce: fields the user may see, locators that expire, rows that do not add up, tokens that end."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.pull import salesforce as client
from connectors.pull.command import EXIT_COMPLETE, EXIT_PUT_RIGHT, EXIT_RUN_AGAIN
from connectors.pull.errors import Refused
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import Salesforce
from tests.connectors.pull.stub import NOW, Answer, Request, status

EXPIRED = status(400, '[{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]')
USED_UP = status(403, '[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]')


@pytest.fixture
def salesforce(tmp_path: Path) -> Iterator[World]:
    desk = Salesforce()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        yield world


def test_custom_fields_come_without_being_named_anywhere(salesforce: World):
    salesforce.pull()
    assert salesforce.on_disk() == salesforce.desk.tickets


def test_an_expired_locator_goes_on_from_the_last_change(salesforce: World):
    salesforce.stub.fail(EXPIRED, at="/query/", after=2)
    outcome = salesforce.pull()
    assert "INVALID_QUERY_LOCATOR" in outcome.streams[0].notes[0]
    assert salesforce.versions_on_disk() == salesforce.versions_at_the_desk()


def test_a_missing_page_is_noticed_by_the_count_and_read_again(salesforce: World):
    assert isinstance(salesforce.desk, Salesforce)
    salesforce.desk.missing_page = 2
    outcome = salesforce.pull()
    assert (outcome.exit_status, outcome.streams[0].notes) == (EXIT_COMPLETE, [])
    assert salesforce.versions_on_disk() == salesforce.versions_at_the_desk()


def test_a_row_committed_after_it_was_stamped_is_found_by_the_next_pull(salesforce: World):
    salesforce.pull()
    salesforce.desk.tickets.append(salesforce.desk.ticket(99, NOW - timedelta(minutes=5)))
    salesforce.pull()
    assert salesforce.versions_on_disk() == salesforce.versions_at_the_desk()


def test_a_deleted_row_is_another_version_of_it(salesforce: World):
    salesforce.pull()
    case = salesforce.desk.tickets[3]
    salesforce.desk.change(case, NOW - timedelta(minutes=1))
    case["IsDeleted"] = True
    salesforce.pull()
    versions = [record["IsDeleted"] for record in salesforce.on_disk() if record["Id"] == case["Id"]]
    assert versions == [False, True]


def test_history_without_a_stamp_is_read_by_when_it_was_created(salesforce: World):
    created = "2026-02-27T10:00:00.000+0000"
    row = {"attributes": {"type": "CaseHistory"}, "Id": "017000000000001AAA", "CreatedDate": created}
    salesforce.desk.others["case_history"] = [row]
    salesforce.pull(only=("case_history",))
    assert salesforce.on_disk("case_history") == [row]
    assert salesforce.files[0].name == "case_history-20260227T100000Z-20260227T100000Z.jsonl"


def test_objects_that_the_user_may_not_see_do_not_stop_the_rest(salesforce: World):
    outcome = salesforce.pull(only=())
    assert outcome.exit_status == EXIT_COMPLETE
    missing = {one.stream for one in outcome.streams if not one.offered}
    assert missing == {"contacts", "users", "groups", "case_comments", "email_messages"}
    assert len(salesforce.on_disk()) == 23


def test_an_object_that_is_refused_is_an_error_but_the_rest_is_read(salesforce: World):
    refused = status(403, '[{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]')
    salesforce.stub.fail(refused, at="Account/describe")
    outcome = salesforce.pull(only=("accounts", "cases"))
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert "INSUFFICIENT_ACCESS" in outcome.errors[0]
    assert len(salesforce.on_disk()) == 23


def test_a_used_up_limit_ends_the_pull_without_asking_on(salesforce: World):
    salesforce.stub.fail(USED_UP, at="/query/", after=1)
    outcome = salesforce.pull()
    assert outcome.exit_status == EXIT_RUN_AGAIN
    assert len(salesforce.on_disk()) == 10
    salesforce.pull()
    assert salesforce.versions_on_disk() == salesforce.versions_at_the_desk()


def test_more_fields_than_an_address_holds_is_an_error_with_a_way_out(
    salesforce: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "MAX_QUERY_CHARACTERS", 50)
    outcome = salesforce.pull()
    assert "field-level security" in outcome.errors[0]


def test_a_place_of_the_next_rows_outside_the_api_is_not_followed(salesforce: World):
    answer = salesforce.desk.answer

    def elsewhere(request: Request) -> Answer:
        answered = answer(request)
        if "nextRecordsUrl" in answered.body:
            answered.body["nextRecordsUrl"] = "https://elsewhere.example/services/data/v62.0/query/01g"
        return answered

    salesforce.stub.answer = elsewhere
    assert "elsewhere.example" in salesforce.pull().errors[0]
    assert len(salesforce.stub.requests) == 2


CLIENT = {
    "FIRSTLINE_SALESFORCE_ACCESS_TOKEN": "",
    "FIRSTLINE_SALESFORCE_CLIENT_ID": "client",
    "FIRSTLINE_SALESFORCE_CLIENT_SECRET": "client-s3cret",
}


@pytest.fixture
def tokens(salesforce: World) -> list[str]:
    """Tokens that the desk hands out for client credentials; it accepts only the newest."""
    handed_out: list[str] = []
    listed = salesforce.desk.listed

    def answer(request: Request) -> Answer:
        if request.path == "/services/oauth2/token":
            if "client_secret=client-s3cret" not in request.body:
                return Answer({"error": "invalid_client"}, 400)
            handed_out.append(f"token-{len(handed_out)}")
            return Answer({"access_token": handed_out[-1], "instance_url": "https://acme.my.salesforce.com"})
        if request.headers["authorization"] != f"Bearer {handed_out[-1]}":
            return Answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired"}], 401)
        return listed(request)

    salesforce.stub.answer = answer
    return handed_out


def test_a_session_that_ends_in_the_middle_is_renewed(salesforce: World, tokens: list[str]):
    expired = status(401, '[{"errorCode": "INVALID_SESSION_ID"}]')
    salesforce.stub.fail(expired, at="/query/", after=1)
    assert salesforce.pull(environment=CLIENT).exit_status == EXIT_COMPLETE
    assert tokens == ["token-0", "token-1"]
    assert salesforce.versions_on_disk() == salesforce.versions_at_the_desk()


def test_a_wrong_client_secret_names_its_variable_and_not_its_value(salesforce: World, tokens: list[str]):
    wrong = {**CLIENT, "FIRSTLINE_SALESFORCE_CLIENT_SECRET": "wr0ng"}
    with pytest.raises(Refused, match="FIRSTLINE_SALESFORCE_CLIENT_SECRET") as refused:
        salesforce.pull(environment=wrong)
    assert "wr0ng" not in str(refused.value)
