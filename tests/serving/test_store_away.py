"""The store goes away and comes back: nobody is told what is not stored, and nobody restarts anything."""

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text
from starlette.testclient import TestClient

from serving.http import Api
from serving.keys import new_key
from serving.metrics import Metrics
from serving.releases import Releases
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.stores import new_database
from tests.serving.tiny_release import DESK

RECOVERY_SECONDS = 30


@pytest.fixture
def away(postgres, migrated_database):
    """A PostgreSQL store, and a switch that throws everybody out of it and lets them in again."""
    url = new_database(postgres, migrated_database)
    name = make_url(url).database
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")

    def switch(is_away: bool) -> None:
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {not is_away}"))
            if is_away:
                gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                connection.execute(text(gone))

    yield url, switch
    admin.dispose()


def test_nothing_is_acknowledged_while_the_store_is_away_and_it_comes_back_by_itself(away, tmp_path):
    url, switch = away
    store = Store(url)
    with store.writing() as connection:
        key = new_key(connection, "x", "admin", datetime.now(UTC), 1000.0)
    chosen = Settings(state=tmp_path, database_url=url, hosts="desk.example", pointer_check_seconds=0.01)
    app = Api(TriageDesk(store, Releases(store, tmp_path, DESK, 0.01)), chosen, Metrics()).app()
    client = TestClient(app, "http://desk.example", raise_server_exceptions=False)
    client.headers["Authorization"] = f"Bearer {key}"
    ticket = {"channel": "email", "body": "I forgot my password."}
    assert client.post("/triage", json={"ticket_id": "before", **ticket}).status_code == 200

    switch(True)
    for _ in range(3):
        answer = client.post("/triage", json={"ticket_id": "meanwhile", **ticket})
        assert (answer.status_code, answer.json()["error"]["thing"]) == (503, "store")
        assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200

    switch(False)
    deadline = time.monotonic() + RECOVERY_SECONDS
    while (answer := client.post("/triage", json={"ticket_id": "meanwhile", **ticket})).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    assert store.decisions()["ticket_id"].tolist() == ["before", "meanwhile"]
    assert store.verify_ledger().intact
    store.close()
