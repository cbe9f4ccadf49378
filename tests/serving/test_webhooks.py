"""A helpdesk's push: trusted only when signed, kept before it is acknowledged, decided once, told of once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from sqlalchemy import select
from starlette.testclient import TestClient

from serving.chores import Chores
from serving.deliveries import accept_delivery
from serving.helpdesks import HelpdeskError, load_helpdesks
from serving.http import Api
from serving.metrics import Metrics
from serving.problems import Problem
from serving.releases import Releases
from serving.settings import Settings
from serving.tables import deliveries, outbox
from serving.triage import TriageDesk
from tests.serving.pushes import COMPOSITE, LOGIN, PUSHES, SECRET, zendesk_body, zendesk_signed
from tests.serving.tiny_release import DESK
from tests.serving.vendor_stub import composite, vendor_stub

QUEUES = {name: number for number, name in enumerate(yaml.safe_load(DESK.read_text())["queues"], start=1)}
ENVIRONMENT = {
    f"FIRSTLINE_{vendor.upper()}_{name}": value
    for vendor, push in PUSHES.items()
    for name, value in (*push.credentials.items(), ("WEBHOOK_SECRET", SECRET))
}
event, signed = zendesk_body, zendesk_signed


@pytest.fixture
def stub():
    with vendor_stub() as running:
        yield running


@pytest.fixture
def helpdesks(tmp_path, stub):
    mappings = (DESK.parent.parent / "connectors" / "mappings").resolve()
    told = {
        vendor: {
            "mapping": f"{mappings}/{vendor}.yaml",
            "address": stub.address,
            "write_back": {"queues": QUEUES, **push.write_back},
        }
        for vendor, push in PUSHES.items()
    }
    for push in PUSHES.values():
        stub.bodies |= {path: list(bodies) for path, bodies in push.answers.items()}
    path = tmp_path / "helpdesks.yaml"
    path.write_text(yaml.safe_dump(told))
    return load_helpdesks(path, ENVIRONMENT)


@pytest.fixture
def desk(store, tmp_path):
    return TriageDesk(store, Releases(store, tmp_path, DESK, 60))


@pytest.fixture
def client(desk, tmp_path, helpdesks):
    app = Api(desk, Settings(state=tmp_path, hosts="desk.example"), Metrics(), helpdesks).app()
    return TestClient(app, "http://desk.example", raise_server_exceptions=False)


@pytest.fixture
def chores(desk, helpdesks, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Chores(desk, helpdesks)


def post(client, body: bytes, headers: dict[str, str] | None = None, vendor: str = "zendesk"):
    told = PUSHES[vendor].signed(body) if headers is None else headers
    return client.post(f"/webhooks/{vendor}", content=body, headers=told)


def of_the_outbox(desk):
    with desk.store.reading() as connection:
        return connection.execute(select(outbox.c.status, outbox.c.problem)).one()


@pytest.mark.parametrize("vendor", PUSHES)
def test_a_pushed_ticket_is_kept_then_decided_then_told_to_the_helpdesk(client, chores, stub, desk, vendor):
    push = PUSHES[vendor]
    answer = post(client, push.body, vendor=vendor)
    assert (answer.status_code, answer.json()["new"]) == (200, True)
    with desk.store.reading() as connection:
        assert connection.scalar(select(deliveries.c.body)) == push.body.decode(), "durable as it came"
    assert desk.store.decisions().empty, "acknowledged before it is worked on"
    now = datetime.now(UTC)
    chores.once(now)
    (ticket_id,) = desk.store.decisions()["ticket_id"]
    assert ticket_id.endswith(push.ticket)
    assert tuple((method, path) for method, path, *_ in stub.calls) == push.told
    assert tuple(stub.asked) == push.asked
    assert all(authorization.startswith(push.authorization) for *_, authorization in stub.calls)
    said = json.dumps([body for _, _, body, _ in stub.calls])
    assert desk.store.decisions()["decision_id"].item() in said, "the note names its decision"
    assert chores.once(now + timedelta(hours=2)) == 0


@pytest.mark.parametrize("vendor", PUSHES)
def test_a_vendor_that_fails_for_now_is_told_everything_once(client, chores, stub, desk, vendor):
    """Each call in turn fails twice, and the delivery is pushed again each time: nothing doubles."""
    push = PUSHES[vendor]
    stub.statuses = [status for _ in push.told for status in (429, 500, 200)]
    now = datetime.now(UTC)
    for hours in range(2 * len(push.told) + 1):
        assert post(client, push.body, vendor=vendor).status_code == 200
        chores.once(now + timedelta(hours=hours))
    assert tuple((method, path) for method, path, *_ in stub.calls) == push.told
    assert len(desk.store.decisions()) == 1
    assert of_the_outbox(desk).status == "done"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (composite(400, "UNABLE_TO_LOCK_ROW"), "pending"),
        (composite(403, "REQUEST_LIMIT_EXCEEDED"), "pending"),
        (composite(500, "UNKNOWN_EXCEPTION"), "pending"),
        (composite(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), "failed"),
    ],
)
def test_a_composite_request_that_was_rolled_back_is_not_taken_for_done(
    client, chores, stub, desk, said, status
):
    """Salesforce answers it with 200: what became of it stands in the parts."""
    stub.bodies[COMPOSITE] = [said, composite(204)]
    post(client, PUSHES["salesforce"].body, vendor="salesforce")
    now = datetime.now(UTC)
    chores.once(now)
    assert (of_the_outbox(desk).status, stub.calls) == (status, [])
    chores.once(now + timedelta(minutes=1))
    assert len(stub.calls) == (1 if status == "pending" else 0)


def test_an_access_token_that_ran_out_is_renewed_and_kept(client, chores, stub):
    stub.statuses = [401]
    post(client, PUSHES["salesforce"].body, vendor="salesforce")
    chores.once(datetime.now(UTC))
    assert [authorization for *_, authorization in stub.calls] == ["Bearer second"]
    assert stub.asked == [LOGIN, LOGIN]


def test_a_vendor_that_cannot_log_us_in_for_now_is_told_later(client, chores, stub, desk):
    stub.bodies[LOGIN] = [{"error": "no token in here"}]
    stub.logins = 503
    post(client, PUSHES["salesforce"].body, vendor="salesforce")
    now = datetime.now(UTC)
    chores.once(now)
    assert of_the_outbox(desk).status == "pending"


def test_a_vendor_s_wish_to_wait_is_heeded(client, chores, stub):
    stub.statuses, stub.headers = [429], {"Retry-After": "600"}
    post(client, event())
    now = datetime.now(UTC)
    chores.once(now)
    chores.once(now + timedelta(minutes=9))
    assert stub.calls == [], "the first pause of our own would be 5 seconds"
    chores.once(now + timedelta(minutes=11))
    assert len(stub.calls) == 2


def test_tags_that_a_freshdesk_ticket_has_are_kept(client, chores, stub):
    post(client, PUSHES["freshdesk"].body, vendor="freshdesk")
    chores.once(datetime.now(UTC))
    assert stub.calls[0][2]["tags"] == ["theirs", "people"]


def test_a_delivery_that_comes_again_has_no_effect(client, chores, stub, desk):
    body = event()
    answers = [post(client, body).json() for _ in range(3)]
    assert [answer["new"] for answer in answers] == [True, False, False]
    chores.once(datetime.now(UTC))
    post(client, body)
    chores.once(datetime.now(UTC))
    assert len(desk.store.decisions()) == 1
    assert len(stub.calls) == 2


def test_a_later_reading_of_a_decided_ticket_changes_nothing(client, chores, desk):
    post(client, event())
    chores.once(datetime.now(UTC))
    later = json.loads(event(subject="Password, again")) | {"id": "evt-2"}
    post(client, json.dumps(later).encode())
    chores.once(datetime.now(UTC))
    assert len(desk.store.decisions()) == 1
    with desk.store.reading() as connection:
        assert set(connection.scalars(select(deliveries.c.status))) == {"done"}


UNTRUSTED = {
    "another secret": lambda push: push.signed(push.body, secret="guessed:it"),
    "no signature": lambda _push: {"Content-Type": "application/json"},
}
UNSIGNED = {
    "another body": lambda body: signed(body + b" "),
    "recorded six minutes ago": lambda body: signed(body, datetime.now(UTC) - timedelta(minutes=6)),
    "from the future": lambda body: signed(body, datetime.now(UTC) + timedelta(minutes=6)),
}


def refused(client, desk, body, headers, vendor):
    answer = post(client, body, headers, vendor)
    assert (answer.status_code, answer.json()["error"]["thing"]) == (401, "signature")
    assert SECRET not in answer.text
    with desk.store.reading() as connection:
        assert connection.execute(select(deliveries)).first() is None


@pytest.mark.parametrize("what", UNTRUSTED)
def test_what_no_vendor_sent_is_refused(client, desk, what):
    for vendor, push in PUSHES.items():
        refused(client, desk, push.body, UNTRUSTED[what](push), vendor)


@pytest.mark.parametrize("what", UNSIGNED)
def test_what_the_vendor_did_not_sign_just_now_is_refused(client, desk, what):
    refused(client, desk, event(), UNSIGNED[what](event()), "zendesk")


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 422), (b"{", 422), (b'{"type": "x", "detail": 1}', 422)]
)
def test_a_signed_body_of_another_shape_is_refused(client, body, status):
    assert post(client, body).status_code == status


def test_a_helpdesk_that_is_not_connected_is_unknown(desk, tmp_path):
    app = Api(desk, Settings(state=tmp_path, hosts="desk.example"), Metrics(), {}).app()
    assert TestClient(app, "http://desk.example").post("/webhooks/intercom", json={}).status_code == 404


def test_a_helpdesk_without_a_secret_is_believed_nothing(tmp_path, helpdesks, store):
    unset = load_helpdesks(tmp_path / "helpdesks.yaml", {})["zendesk"]
    body = event()
    with pytest.raises(Problem, match="no secret"):
        accept_delivery(store, unset, signed(body, secret=""), body, datetime.now(UTC))


def test_a_retry_goes_on_after_the_call_that_was_acknowledged(client, chores, stub):
    stub.statuses = [200, 503]
    post(client, event())
    now = datetime.now(UTC)
    chores.once(now)
    assert len(stub.calls) == 1, "the note is there, the tags are not"
    chores.once(now + timedelta(minutes=1))
    assert [path for _, path, *_ in stub.calls] == [
        "/api/v2/tickets/4711.json",
        "/api/v2/tickets/4711/tags.json",
    ]


def test_a_refusal_of_the_vendor_is_left_to_a_person_by_name(client, chores, stub, desk):
    stub.statuses = [403]
    post(client, event())
    chores.once(datetime.now(UTC))
    status, problem = of_the_outbox(desk)
    assert status == "failed"
    assert "zendesk: PUT /api/v2/tickets/4711.json" in problem
    assert "403" in problem


def test_a_ticket_that_came_another_way_is_told_to_nobody(desk, chores, stub):
    from serving.requests import TriageRequest

    desk.triage(TriageRequest(ticket_id="1", channel="email", body="Hello"), datetime.now(UTC))
    chores.once(datetime.now(UTC))
    assert stub.calls == []


WRONG_FILES = {
    "no file": (None, "there is no file"),
    "no helpdesk": ("jira: {mapping: x.yaml}", "no helpdesk"),
    "no mapping": ("zendesk: {}", "mapping"),
    "half a write-back": ("zendesk: {mapping: m.yaml, address: 'https://a.example'}", "together"),
    "a list": ("- zendesk", "items"),
    "an address that is not encrypted": (
        "zendesk: {mapping: MAPPING, address: 'http://a.example', write_back: {queues: {}}}", "encrypted"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG_FILES)
def test_a_file_that_connects_nothing_is_refused_by_name(tmp_path, what):
    content, said = WRONG_FILES[what]
    path = tmp_path / "file.yaml"
    mapping = (DESK.parent.parent / "connectors" / "mappings" / "zendesk.yaml").resolve()
    if content is not None:
        path.write_text(content.replace("MAPPING", str(mapping)))
    with pytest.raises(HelpdeskError, match=said):
        load_helpdesks(path, {})
