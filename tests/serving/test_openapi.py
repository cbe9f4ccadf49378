"""The OpenAPI document describes what really happens: schemathesis tries to prove it wrong."""

from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from serving.http import Api
from serving.keys import new_key
from serving.metrics import Metrics
from serving.releases import Releases
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.tiny_release import DESK

EXAMPLES = 8
MEANING = {"/events", "/feedback", "/outcomes", "/reviews"}
"""Bodies whose fields depend on each other or on the clock, which no schema says: 422 is an answer."""
PATHS = (
    "/webhooks/{vendor}",
    "/triage",
    "/triage_batch",
    "/events",
    "/feedback",
    "/outcomes",
    "/queue",
    "/tickets/{ticket_id}/context",
    "/decisions/{decision_id}",
    "/decisions/{decision_id}/replay",
    "/decisions/{decision_id}/explain",
    "/reviews",
    "/incidents",
    "/healthz",
    "/readyz",
    "/metrics",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The OpenAPI schema of a running interface, and a key that may do everything."""
    folder = tmp_path_factory.mktemp("openapi")
    store = Store(f"sqlite:///{folder}/s.db")
    with store.writing() as connection:
        key = new_key(connection, "schemathesis", "admin", datetime.now(UTC), 1e6)
    chosen = Settings(state=folder, hosts="testserver", strangers_per_second=1e6)
    app = Api(TriageDesk(store, Releases(store, folder, DESK, 60)), chosen, Metrics()).app()
    yield schemathesis.openapi.from_asgi("/openapi.json", app), key
    store.close()


def test_every_route_is_tried(served):
    schema, _ = served
    assert {operation.ok().path for operation in schema.get_all_operations()} == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_no_request_is_answered_otherwise_than_the_document_says(served, path):
    schema, key = served
    operations = [o.ok() for o in schema.get_all_operations() if o.ok().path == path]

    @given(case=st.one_of([operation.as_strategy() for operation in operations]))
    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    def agrees(case):
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        positive = case.meta.generation.mode.is_positive
        if path in MEANING and positive and answer.status_code == 422:
            assert set(answer.json()["error"]) == {"thing", "found", "fix"}
            return
        case.validate_response(answer)

    agrees()
