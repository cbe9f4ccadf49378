"""What is pushed is known from then on, once, and never takes away what was known before."""

import json
from datetime import timedelta

import pandas as pd
import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from features.schema import typed
from serving.events import EventsRequest, OutcomeRequest, accept_events, accept_outcome
from serving.http import Api
from serving.metrics import Metrics
from serving.problems import Problem
from serving.releases import Releases
from serving.settings import Settings
from serving.triage import TriageDesk
from tests.serving.sample import NOON, tickets
from tests.serving.tiny_release import DESK

SECOND = timedelta(seconds=1)


def tell(store, at=NOON, key=None, **rows):
    return accept_events(
        store, EventsRequest.model_validate_json(json.dumps(rows)), at, key or str((at, rows))
    )


def known(store, table, at=NOON + SECOND, account="A1", contact="C1"):
    return store.history_for(account, contact, at)[table]


def test_a_usage_row_is_known_from_now_on_and_not_a_moment_before(store):
    tell(store, usage=[{"account_id": "A1", "day": "2026-06-01T09:30:00Z", "feature": "login", "events": 3}])
    assert known(store, "usage", NOON).empty
    (row,) = known(store, "usage", NOON + timedelta(microseconds=1)).to_dict("records")
    assert (row["events"], row["day"]) == (3, pd.Timestamp("2026-06-01", tz="UTC"))


def test_uses_of_one_day_add_up_and_none_is_lost(store):
    row = {"account_id": "A1", "day": "2026-06-01T00:00:00Z", "feature": "login", "events": 3}
    tell(store, key="one", usage=[row, row, {**row, "errors": 1}])
    tell(store, key="two", usage=[row])  # in the same microsecond
    usage = known(store, "usage")
    assert (usage["events"].sum(), usage["errors"].sum(), len(usage)) == (12, 1, 2)


def test_the_same_push_again_counts_once_and_another_under_its_key_is_refused(store):
    row = {"account_id": "A1", "day": "2026-06-01T00:00:00Z", "feature": "login", "events": 3}
    first = tell(store, key="k", usage=[row])
    assert tell(store, at=NOON + SECOND, key="k", usage=[row]) == first
    with pytest.raises(Problem, match="other events"):
        tell(store, key="k", usage=[{**row, "events": 4}])
    assert known(store, "usage", NOON + 2 * SECOND)["events"].tolist() == [3]


def test_a_change_of_an_account_leaves_what_it_does_not_name(store):
    before = {"account_id": "A1", "known_at": NOON - SECOND, "plan": "basic", "seats": 5, "owner": "ann"}
    store.append("accounts", typed("accounts", pd.DataFrame([before])))
    tell(store, accounts=[{"account_id": "A1", "plan": "gold"}])
    versions = known(store, "accounts")
    assert versions["plan"].tolist() == ["basic", "gold"]
    assert versions["seats"].tolist() == [5, 5]
    assert versions["owner"].tolist() == ["ann", "ann"]


def test_a_field_said_to_be_nothing_is_emptied(store):
    request = EventsRequest.model_validate(
        {"accounts": [{"account_id": "A1", "plan": "gold", "owner": "ann"}]}
    )
    accept_events(store, request, NOON, "one")
    request = EventsRequest.model_validate({"accounts": [{"account_id": "A1", "owner": None}]})
    accept_events(store, request, NOON, "two")
    newest = known(store, "accounts").iloc[-1]
    assert (newest["plan"], pd.isna(newest["owner"])) == ("gold", True)


def test_changes_of_one_moment_are_all_kept_in_the_order_they_came(store):
    for number in range(5):
        tell(store, key=str(number), accounts=[{"account_id": "A1", "plan": f"plan {number}"}])
    assert known(store, "accounts")["plan"].tolist() == [f"plan {number}" for number in range(5)]


def test_a_clock_set_back_an_hour_does_not_bury_a_change(store):
    tell(store, accounts=[{"account_id": "A1", "plan": "old"}])
    tell(store, at=NOON - timedelta(hours=1), accounts=[{"account_id": "A1", "plan": "new"}])
    assert known(store, "accounts")["plan"].tolist() == ["old", "new"]


def test_a_contact_that_is_pushed_is_found_by_its_handle(store):
    tell(store, contacts=[{"contact_id": "C7", "account_id": "A1", "handles": ["email:new@x.example"]}])
    from serving.people import person

    with store.reading() as connection:
        assert person(connection, None, "email:new@x.example", NOON + SECOND).contact_id == "C7"


def test_an_event_of_a_clock_a_little_ahead_happened_now(store):
    store.append("tickets", tickets({"ticket_id": "1"}))
    event = {"event_id": "e1", "ticket_id": "1", "kind": "solved"}
    tell(store, ticket_events=[{**event, "occurred_at": (NOON + timedelta(minutes=2)).isoformat()}])
    assert known(store, "ticket_events", NOON + 5 * SECOND)["occurred_at"].tolist() == [pd.Timestamp(NOON)]


EVENT = {"event_id": "e", "ticket_id": "1"}
USE = {"account_id": "A1", "feature": "login", "events": 1, "day": "2026-06-01T00:00:00Z"}
TOMORROW = "2026-06-02T12:00:00Z"
BROKEN = {
    "an event from the future": ("ticket_events", {**EVENT, "kind": "solved", "occurred_at": TOMORROW}),
    "a score of six": ("ticket_events", {**EVENT, "kind": "csat", "value": "6"}),
    "fewer than no uses": ("usage", {**USE, "events": -1}),
    "a day to come": ("usage", {**USE, "day": TOMORROW}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_row_that_breaks_the_contract_is_refused_and_nothing_of_its_push_is_kept(store, what):
    table, row = BROKEN[what]
    with pytest.raises(Problem) as refused:
        tell(store, **{"accounts": [{"account_id": "A1", "plan": "gold"}], table: [row]})
    assert refused.value.status == 422
    assert known(store, "accounts").empty


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"tickets": [{"ticket_id": "1"}]},
        {"usage": [{"account_id": "A1"}]},
        {"agents": [{"agent_id": "a", "known_at": TOMORROW}]},
    ],
)
def test_what_is_no_push_is_refused(rows):
    with pytest.raises(ValidationError):
        EventsRequest.model_validate(rows)


def test_an_outcome_is_kept_once_and_reaches_the_ticket(store):
    store.append("tickets", tickets({"ticket_id": "1"}))
    request = OutcomeRequest(ticket_id="1", kind="csat", value="2")
    ids = {accept_outcome(store, request, NOON + SECOND * n, None) for n in range(3)}
    (event,) = known(store, "ticket_events", NOON + 5 * SECOND).to_dict("records")
    assert (len(ids), event["kind"], event["value"], event["actor_kind"]) == (1, "csat", "2", "customer")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"kind": "csat"}, 422),
        ({"kind": "confirmed", "value": "3"}, 422),
        ({"kind": "reopened", "ticket_id": "9"}, 404),
    ],
)
def test_an_outcome_that_says_nothing_is_refused(store, said, status):
    store.append("tickets", tickets({"ticket_id": "1"}))
    with pytest.raises(Problem) as refused:
        accept_outcome(store, OutcomeRequest(**{"ticket_id": "1", **said}), NOON, None)
    assert refused.value.status == status


@pytest.fixture
def client(store, tmp_path):
    desk = TriageDesk(store, Releases(store, tmp_path, DESK, 60))
    app = Api(desk, Settings(state=tmp_path, development=True), Metrics()).app()
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False)


def test_a_batch_decides_each_ticket_for_itself(client):
    one = {"ticket_id": "1", "channel": "email", "body": "Hello"}
    asked = {"tickets": [one, {**one, "ticket_id": "2"}, {**one, "body": "Changed"}, one]}
    results = client.post("/triage_batch", json=asked).json()["results"]
    assert [result["status"] for result in results] == [200, 200, 409, 200]
    assert results[0]["decision"] == results[3]["decision"]
    assert results[2]["error"]["thing"] == "ticket_id"


def test_the_queue_is_read_page_by_page_without_gap_or_repeat(client):
    for number in range(7):
        client.post("/triage", json={"ticket_id": str(number), "channel": "email", "body": f"Hello {number}"})
    whole = client.get("/queue").json()["decisions"]
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = client.get("/queue", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen, cursor = seen + page["decisions"], page["next"]
        client.post("/triage", json={"ticket_id": f"new {len(seen)}", "channel": "email", "body": "Urgent!"})
    assert [d["ticket_id"] for d in seen] == [d["ticket_id"] for d in whole]


@pytest.mark.parametrize(
    "cursor", ["", "x", "bm9wZQ==", "WzEsIC0xXQ==", "WzFd", "WzEsICIxIl0=", "W3RydWUsIDFd"]
)
def test_a_cursor_that_was_never_given_is_refused(client, cursor):
    assert client.get("/queue", params={"cursor": cursor}).status_code == 404


def test_whoever_takes_a_ticket_sees_what_was_said_decided_and_done(client):
    decision = client.post("/triage", json={"ticket_id": "a/b", "channel": "email", "body": "Hello"}).json()
    client.post("/outcomes", json={"ticket_id": "a/b", "kind": "reopened"})
    found = client.get("/tickets/a%2Fb/context")
    if found.status_code == 200:
        assert found.json()["decision_id"] == decision["decision_id"]
        assert [event["kind"] for event in found.json()["events"]] == ["reopened"]
    assert client.get("/tickets/none/context").status_code == 404
