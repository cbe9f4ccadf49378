"""A helpdesk's push: trusted only when signed, kept before it is acknowledged, decided once, told of once."""

import base64
import hashlib
import hmac
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
from tests.serving.tiny_release import DESK
from tests.serving.vendor_stub import vendor_stub

SECRET = "a signing secret"
ENVIRONMENT = {
    "FIRSTLINE_ZENDESK_WEBHOOK_SECRET": SECRET,
    "FIRSTLINE_ZENDESK_EMAIL": "bot@desk.example",
    "FIRSTLINE_ZENDESK_API_TOKEN": "token",
}
QUEUES = {name: number for number, name in enumerate(yaml.safe_load(DESK.read_text())["queues"], start=1)}
TICKET = {
    "id": "4711",
    "subject": "Password",
    "description": "I forgot my password.",
    "requester_id": "9",
    "organization_id": "5",
    "created_at": "2026-06-01T11:59:00Z",
    "updated_at": "2026-06-01T11:59:00Z",
    "via": {"channel": "email"},
}


def event(**changes) -> bytes:
    told = {"id": "evt-1", "type": "zen:event-type:ticket.created", "time": "2026-06-01T11:59:00Z",
            "detail": {**TICKET, **changes}, "event": {}}  # fmt: skip
    return json.dumps(told | {"id": f"evt-{changes.get('id', '4711')}"}).encode()


def signed(body: bytes, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    said = (at or datetime.now(UTC)).isoformat()
    mac = hmac.new(secret.encode(), said.encode() + body, hashlib.sha256).digest()
    return {
        "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": said,
        "Content-Type": "application/json",
    }


@pytest.fixture
def stub():
    with vendor_stub() as running:
        yield running


@pytest.fixture
def helpdesks(tmp_path, stub):
    mapping = DESK.parent.parent / "connectors" / "mappings" / "zendesk.yaml"
    told = {"zendesk": {"mapping": str(mapping.resolve()), "address": stub.address,
                        "write_back": {"queues": QUEUES, "tags": {"action:human": "people"}}}}  # fmt: skip
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


def post(client, body: bytes, headers: dict[str, str] | None = None):
    return client.post(
        "/webhooks/zendesk", content=body, headers=signed(body) if headers is None else headers
    )


def test_a_pushed_ticket_is_kept_then_decided_then_told_to_the_helpdesk(client, chores, stub, desk):
    body = event()
    answer = post(client, body)
    assert (answer.status_code, answer.json()["new"]) == (200, True)
    with desk.store.reading() as connection:
        assert connection.execute(select(deliveries.c.body)).scalar() == body.decode(), "durable as it came"
    assert desk.store.decisions().empty, "acknowledged before it is worked on"
    now = datetime.now(UTC)
    chores.once(now)
    (ticket_id,) = desk.store.decisions()["ticket_id"]
    assert ticket_id.endswith("4711")
    assert [(method, path) for method, path, *_ in stub.calls] == [
        ("PUT", "/api/v2/tickets/4711.json"),
        ("PUT", "/api/v2/tickets/4711/tags.json"),
    ]
    assert stub.calls[0][2]["ticket"]["group_id"] in QUEUES.values()
    assert stub.calls[0][3].startswith("Basic ")
    assert chores.once(now + timedelta(hours=2)) == 0


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
    "another secret": lambda body: signed(body, secret="guessed"),
    "another body": lambda body: signed(body + b" "),
    "recorded six minutes ago": lambda body: signed(body, datetime.now(UTC) - timedelta(minutes=6)),
    "from the future": lambda body: signed(body, datetime.now(UTC) + timedelta(minutes=6)),
    "no signature": lambda body: {"Content-Type": "application/json"},
}


@pytest.mark.parametrize("what", UNTRUSTED)
def test_what_the_vendor_did_not_sign_just_now_is_refused(client, desk, what):
    body = event()
    answer = post(client, body, UNTRUSTED[what](body))
    assert (answer.status_code, answer.json()["error"]["thing"]) == (401, "signature")
    assert SECRET not in answer.text
    with desk.store.reading() as connection:
        assert connection.execute(select(deliveries)).first() is None


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 422), (b"{", 422), (b'{"type": "x", "detail": 1}', 422)]
)
def test_a_signed_body_of_another_shape_is_refused(client, body, status):
    assert post(client, body).status_code == status


def test_a_helpdesk_that_is_not_connected_is_unknown(client):
    assert client.post("/webhooks/intercom", json={}).status_code == 404


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
    with desk.store.reading() as connection:
        status, problem = connection.execute(select(outbox.c.status, outbox.c.problem)).one()
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
