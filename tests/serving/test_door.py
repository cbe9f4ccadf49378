"""Nobody comes in without a key that is valid, may do it, and does not do it too often."""

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from serving.door import allowed_hosts, host_of
from serving.http import Api
from serving.keys import ROLES, KeyRing, all_keys, new_key, revoke_key
from serving.limits import Buckets, retry_after
from serving.metrics import Metrics
from serving.releases import Releases
from serving.run import CannotServe, check_door
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

TICKET = {"ticket_id": "1", "channel": "email", "body": "I forgot my password."}
REASONS = {"verdict": "approve", "agent_id": "ann"}
LOOK = {
    "decision_id": "none",
    "reviewer": "lea",
    "verdicts": [{"field": "intent", "verdict": "right"}, {"field": "action", "verdict": "right"}],
}
MAY = [
    ("POST", "/triage", TICKET, {"helpdesk", "admin"}),
    ("POST", "/triage_batch", {"tickets": [TICKET]}, {"helpdesk", "admin"}),
    ("POST", "/events", {"agents": [{"agent_id": "ann"}]}, {"helpdesk", "admin"}),
    ("POST", "/feedback", {"decision_id": "none", **REASONS}, {"helpdesk", "agent", "lead", "admin"}),
    ("POST", "/outcomes", {"ticket_id": "none", "kind": "confirmed"}, {"helpdesk", "agent", "lead", "admin"}),
    ("GET", "/queue", None, {"agent", "lead", "ops", "admin"}),
    ("GET", "/tickets/none/context", None, {"agent", "lead", "admin"}),
    ("GET", "/decisions/none", None, set(ROLES)),
    ("GET", "/decisions/none/replay", None, {"lead", "ops", "admin"}),
    ("GET", "/decisions/none/explain", None, {"agent", "lead", "ops", "admin"}),
    ("GET", "/incidents", None, {"agent", "lead", "ops", "admin"}),
    ("GET", "/reviews", None, {"lead", "admin"}),
    ("POST", "/reviews", LOOK, {"lead", "admin"}),
    ("GET", "/metrics", None, {"ops", "admin"}),
]


@pytest.fixture
def settings(tmp_path):
    return Settings(state=tmp_path, hosts="desk.example", pointer_check_seconds=0.001)


@pytest.fixture
def client(store, settings):
    desk = TriageDesk(store, Releases(store, settings.releases, DESK, 60))
    api = Api(desk, settings, Metrics()).app()
    return TestClient(api, "http://desk.example", raise_server_exceptions=False)


def key_for(store: Store, role: str, rate: float = 1000.0) -> str:
    with store.writing() as connection:
        return new_key(connection, f"a {role}", role, NOON, rate)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Idempotency-Key": secrets.token_hex(8)}


def test_every_role_may_do_what_it_must_and_nothing_else(client, store):
    keys = {role: key_for(store, role) for role in ROLES}
    for method, path, body, allowed in MAY:
        for role, key in keys.items():
            answer = client.request(method, path, json=body, headers=bearer(key))
            assert (answer.status_code != 403) == (role in allowed), (role, path, answer.text)


def test_every_guarded_route_is_in_that_table(client):
    document = client.get("/openapi.json").json()
    guarded = {
        path
        for path, operations in document["paths"].items()
        for one in operations.values()
        if one["security"]
    }
    tried = {
        path.replace("none", "{ticket_id}" if "tickets" in path else "{decision_id}") for _, path, *_ in MAY
    }
    assert guarded <= tried, "say in MAY who may use the new route"


KEYS_THAT_ARE_NONE = {
    "nothing": lambda key: {},
    "another scheme": lambda key: {"Authorization": f"Basic {key}"},
    "half a key": lambda key: {"Authorization": f"Bearer {key[:20]}"},
    "another secret": lambda key: {"Authorization": f"Bearer {key[:-4]}AAAA"},
    "another's id": lambda key: {"Authorization": f"Bearer fl_{'0' * 12}_{key.split('_', 2)[2]}"},
    "the stored hash": lambda key: {"Authorization": "Bearer " + "0" * 64},
    "no word of Latin": lambda key: {"Authorization": "Bearer fl_\u00e4_\u00fc".encode("latin-1")},
}


@pytest.mark.parametrize("what", KEYS_THAT_ARE_NONE)
def test_without_a_valid_key_nothing_is_told(client, store, what):
    headers = KEYS_THAT_ARE_NONE[what](key_for(store, "admin"))
    answer = client.post("/triage", json=TICKET, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert store.decisions().empty


def test_a_key_is_rotated_without_a_refused_request(client, store):
    old = key_for(store, "helpdesk")
    assert client.post("/triage", json=TICKET, headers=bearer(old)).status_code == 200
    new = key_for(store, "helpdesk")
    assert [client.post("/triage", json=TICKET, headers=bearer(k)).status_code for k in (old, new)] == [
        200,
        200,
    ]
    with store.writing() as connection:
        revoke_key(connection, old.split("_")[1], NOON)
    assert client.post("/triage", json=TICKET, headers=bearer(new)).status_code == 200
    assert client.post("/triage", json=TICKET, headers=bearer(old)).status_code == 401


def test_the_store_holds_no_key_that_could_be_used(store):
    key = key_for(store, "admin")
    with store.reading() as connection:
        (kept,) = all_keys(connection)
    assert key.split("_", 2)[2] not in str(kept)
    with pytest.raises(ValueError, match="no valid key"), store.writing() as connection:
        revoke_key(connection, "nobody", NOON)


def test_known_keys_stay_valid_while_the_store_is_away(store, tmp_path):
    key = key_for(store, "agent")
    ring = KeyRing(store, check_seconds=0)
    ring.refresh()
    with store.writing() as connection:
        connection.execute(text("ALTER TABLE api_keys RENAME TO moved_away"))
    ring.refresh()
    assert ring.find(key) is not None


def test_a_moment_other_than_now_needs_an_admin(client, store):
    asked = {**TICKET, "as_of": "2026-01-01T00:00:00Z"}
    helpdesk, admin = (bearer(key_for(store, role)) for role in ("helpdesk", "admin"))
    assert client.post("/triage", json=asked, headers=helpdesk).json()["error"]["thing"] == "as_of"
    batch = client.post("/triage_batch", json={"tickets": [asked]}, headers=helpdesk).json()
    assert [result["status"] for result in batch["results"]] == [403]
    assert client.post("/triage", json=asked, headers=admin).status_code == 200
    said = {"decision_id": "none", **REASONS, "as_of": "2026-01-01T00:00:00Z"}
    statuses = [client.post("/feedback", json=said, headers=key).status_code for key in (helpdesk, admin)]
    assert statuses == [403, 404]


def test_a_key_that_calls_too_often_is_told_when_to_come_back(client, store):
    key = bearer(key_for(store, "agent", rate=2.0))
    statuses = [client.get("/decisions/none", headers=key) for _ in range(6)]
    assert [answer.status_code for answer in statuses[:4]] == [404] * 4
    assert statuses[-1].status_code == 429
    assert int(statuses[-1].headers["retry-after"]) >= 1
    other = bearer(key_for(store, "agent"))
    assert client.get("/decisions/none", headers=other).status_code == 404, "one key does not stop another"


def test_guessing_keys_is_slowed_down(client):
    answers = [client.get("/decisions/none", headers=bearer(f"fl_{i}_x")).status_code for i in range(20)]
    assert (answers[0], answers[-1]) == (401, 429)


def test_a_bucket_fills_at_its_rate_and_never_beyond_its_burst():
    clock = iter([0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 100.0, 100.0, 100.0, 100.0, 100.0])
    buckets = Buckets(clock=lambda: next(clock))
    waits = [buckets.wait_seconds("a", 2.0) for _ in range(12)]
    assert waits == [0, 0, 0, 0, 0.5, 0, 0.5, 0, 0, 0, 0, 0.5]
    assert [retry_after(wait) for wait in (0.0, 0.5, 1.2)] == ["1", "1", "2"]


def test_a_clock_that_is_set_back_locks_nobody_out():
    clock = iter([1000.0, 0.0, 0.0, 0.5])
    buckets = Buckets(clock=lambda: next(clock))
    assert [buckets.wait_seconds("a", 1.0) for _ in range(4)] == [0, 0, 1.0, 0.5]


def test_strangers_without_end_fill_no_memory():
    buckets = Buckets(clock=lambda: 0.0, size=100)
    for number in range(1000):
        buckets.wait_seconds(number, 1.0)
    assert len(buckets._levels) == 100


HOSTS = {
    "desk.example": True,
    "DESK.example:443": True,
    "127.0.0.1:3000": True,
    "[::1]:3000": True,
    "evil.example": False,
    "desk.example.evil.example": False,
    "": False,
    "[::1": True,
}


@pytest.mark.parametrize("host", HOSTS)
def test_only_a_request_that_is_meant_for_us_is_answered(settings, host):
    assert (host_of(host) in allowed_hosts(settings)) == HOSTS[host]


def test_a_request_for_another_host_is_refused_before_anything_else(client):
    for path in ("/healthz", "/openapi.json", "/queue"):
        answer = client.get(path, headers={"Host": "rebound.example"})
        assert (answer.status_code, answer.json()["error"]["thing"]) == (421, "Host")


def test_every_answer_carries_the_security_headers(client):
    for path in ("/healthz", "/queue", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


def test_development_mode_is_loud_and_refused_on_other_addresses(tmp_path, capsys):
    chosen = Settings(state=tmp_path, development=True)
    check_door(chosen, "127.0.0.1")
    assert "DEVELOPMENT MODE" in capsys.readouterr().err
    for address in ("0.0.0.0", "192.168.1.5", "::"):
        with pytest.raises(CannotServe, match="must not listen"):
            check_door(chosen, address)
    assert allowed_hosts(Settings(state=tmp_path, development=True, hosts="desk.example")) == {
        "localhost", "127.0.0.1", "::1"
    }  # fmt: skip


def test_a_service_that_nobody_could_use_does_not_start(store, tmp_path):
    chosen = Settings(state=tmp_path, database_url=store._database.url)
    with pytest.raises(CannotServe, match="firstline keys new"):
        check_door(chosen, "127.0.0.1")
    key = key_for(store, "helpdesk")
    check_door(chosen, "127.0.0.1")
    with store.writing() as connection:
        revoke_key(connection, key.split("_")[1], NOON + timedelta(hours=1))
    with pytest.raises(CannotServe, match="no API key is valid"):
        check_door(chosen, "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "role", "rate"),
    [("x", "king", 1.0), ("", "admin", 1.0), ("x", "admin", 0.0), ("x", "admin", -1.0)],
)
def test_a_key_that_means_nothing_is_not_made(store, name, role, rate):
    with pytest.raises(ValueError, match=r"role|name|second"), store.writing() as connection:
        new_key(connection, name, role, NOON, rate)
