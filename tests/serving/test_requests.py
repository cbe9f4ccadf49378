"""Whatever is posted: a decision, or an error that names the thing, what was found and the fix."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serving.http import Api
from serving.metrics import Metrics
from serving.requests import TriageRequest, parsed
from serving.settings import Settings
from serving.triage import open_desk

GOOD = {"ticket_id": "1", "channel": "email", "subject": "Hello", "body": "I forgot my password."}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    chosen = Settings(state=tmp_path_factory.mktemp("state"), development=True)
    desk = open_desk(chosen)
    app = Api(desk, chosen, Metrics()).app()
    yield TestClient(app, "http://127.0.0.1:3000", raise_server_exceptions=False), desk
    desk.store.close()


@pytest.fixture
def client(opened):
    return opened[0]


def body(**changes) -> bytes:
    return json.dumps({k: v for k, v in {**GOOD, **changes}.items() if v is not ...}).encode()


REFUSED = {
    "not JSON": (b"{", 400, "body"),
    "nothing": (b"", 400, "body"),
    "not UTF-8": (b'{"ticket_id": "\xff"}', 400, "body"),
    "half a character": (b'{"ticket_id": "\\ud800"}', 400, "body"),
    "nested without end": (b"[" * 100_000, 400, "body"),
    "a list": (b"[]", 422, "body"),
    "a word": (b'"hello"', 422, "body"),
    "no ticket_id": (body(ticket_id=...), 422, "ticket_id"),
    "no channel": (body(channel=...), 422, "channel"),
    "a number for a ticket_id": (body(ticket_id=1), 422, "ticket_id"),
    "an empty ticket_id": (body(ticket_id=""), 422, "ticket_id"),
    "an endless ticket_id": (body(ticket_id="x" * 256), 422, "ticket_id"),
    "an unknown channel": (body(channel="pigeon"), 422, "channel"),
    "a list for a body": (body(body=["a"]), 422, "body"),
    "an unknown field": (body(bodi="x"), 422, "bodi"),
    "an unknown priority": (body(requested_priority="now!"), 422, "requested_priority"),
    "a time without zone": (body(created_at="2026-01-01T00:00:00"), 422, "created_at"),
    "a time before computers": (body(created_at="0001-01-01T00:00:00Z"), 422, "created_at"),
    "a time after everything": (body(created_at="9999-12-31T23:59:59Z"), 422, "created_at"),
    "a handle of no kind": (body(contact_handle="ann"), 422, "contact_handle"),
    "a megabyte": (body(body="x" * 2**20), 413, "body"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_by_name(client, what):
    content, status, thing = REFUSED[what]
    answer = client.post("/triage", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["thing"]) == (status, thing)
    assert all(answer.json()["error"][part] for part in ("thing", "found", "fix"))


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "application/vnd.bentoml+pickle", None]
)
def test_other_content_types_are_refused(client, kind):
    answer = client.post("/triage", content=body(), headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["error"]["thing"]) == (415, "content type")


def test_a_body_without_declared_length_is_cut_off_at_the_limit(client):
    def endless():
        for _ in range(100):
            yield b" " * 65536

    answer = client.post("/triage", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/triage", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/decisions/none", 404),
        ("GET", "/queue?limit=0", 422),
        ("GET", "/queue?limit=-1", 422),
        ("GET", "/queue?limit=all", 422),
        ("GET", "/queue?limit=%C2%B2", 422),
        ("GET", "/queue?limit=99999999999999999999", 422),
    ],
)
def test_every_error_has_one_form(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"thing", "found", "fix"}


PEOPLE_WRITE = {
    "nothing at all": ("", ""),
    "no subject and no body": (None, None),
    "only spaces": ("   ", "\n\t"),
    "a script never seen": ("ᐃᓄᒃᑎᑐᑦ", "ᖃᓄᐃᑉᐱᑦ ᐅᓪᓛᒃᑯᑦ"),
    "emoji": ("🔥", "🔥🔥🔥"),
    "markup": ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    "a NUL and control characters": ("a\x00b", "\x01\x02\x1b[31m"),
    "right to left": ("\u202eevil", "نسيت كلمة المرور"),
    "as much as fits": ("long", "word " * 50_000),
    "one endless word": ("long", "x" * 250_000),
}


@pytest.mark.parametrize("what", PEOPLE_WRITE)
def test_whatever_a_person_writes_reaches_a_person(client, what):
    subject, text = PEOPLE_WRITE[what]
    answer = client.post("/triage", json={**GOOD, "ticket_id": what, "subject": subject, "body": text})
    assert answer.status_code == 200
    decision = answer.json()
    assert (decision["action"], decision["release"]) == ("human", "none")
    assert "no release" in decision["degraded"]
    assert client.get(f"/decisions/{decision['decision_id']}").json() == decision


def test_answers_are_never_taken_for_a_page(client):
    answer = client.post("/triage", json={**GOOD, "ticket_id": "<b>bold</b>"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unexpected_failure_tells_no_more_than_its_kind(opened, monkeypatch, capsys):
    client, desk = opened

    def fails(*_):
        raise RuntimeError("Ann Smith <ann@x.example> wrote")

    monkeypatch.setattr(desk, "triage", fails)
    answer = client.post("/triage", json=GOOD)
    assert (answer.status_code, answer.json()["error"]["found"]) == (500, "RuntimeError")
    assert "ann@x.example" not in answer.text + capsys.readouterr().out


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(TriageRequest.model_fields)), JSON_VALUES))
@settings(max_examples=80, deadline=None)
def test_no_body_is_answered_with_a_server_error(opened, content):
    answer = opened[0].post("/triage", json=content)
    assert answer.status_code in (200, 403, 409, 422)


def test_the_same_request_written_differently_is_the_same():
    one = b'{"ticket_id": "1", "channel": "email", "created_at": "2026-01-01T01:00:00+01:00"}'
    other = b'{"channel":"email","created_at":"2026-01-01T01:00:00.000+01:00","ticket_id":"1","subject":null}'
    assert parsed(TriageRequest, one).body_hash == parsed(TriageRequest, other).body_hash
    assert parsed(TriageRequest, one).created_at == datetime(2026, 1, 1, tzinfo=UTC)
