"""The examples of the documentation, run as they are printed, against a running service with keys."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from pipelines.service_process import running_service
from policy.desk import load_desk
from serving.client import FirstlineClient
from serving.keys import new_key
from serving.review_draws import draw_due_weeks
from serving.settings import Settings
from serving.store import Store
from tests.serving.tiny_release import DESK

EXAMPLES = Path("docs/examples")
SECRET = "an example's secret"
SAYS = {
    "triage": '"decision_id"',
    "triage_batch": '"status":200',
    "events": '"rows":2',
    "outcomes": '"event_id"',
    "feedback": '"feedback_id"',
    "queue": '"next":null',
    "context": '"ticket_id":"T-1"',
    "decision": '"ticket_id":"T-1"',
    "replay": '"outcome":"identical"',
    "explain": '"model":"intent"',
    "reviews": '"week"',
    "review": '"review_id"',
    "incidents": '"incidents":[]',
    "webhook": '"new":true',
    "healthz": '"alive"',
    "readyz": '"ready":true',
    "metrics": "firstline_http_requests_total",
}
"""Example -> what its answer holds, in an order in which each finds what it needs."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    helpdesks = state / "helpdesks.yaml"
    mapping = (DESK.parent.parent / "connectors" / "mappings" / "zendesk.yaml").resolve()
    helpdesks.write_text(yaml.safe_dump({"zendesk": {"mapping": str(mapping)}}))
    chosen = Settings(state=state, helpdesks=helpdesks)
    store = Store(chosen.database_url)
    with store.writing() as connection:
        key = new_key(connection, "examples", "admin", datetime.now(UTC))
    store.close()
    secret = {"FIRSTLINE_ZENDESK_WEBHOOK_SECRET": SECRET}
    with running_service(chosen, state / "log", secret, key=key) as service:
        url = f"http://127.0.0.1:{service.settings.port}"
        drawn_last_week(service.client, chosen)
        yield {**os.environ, **secret, "FIRSTLINE_URL": url, "FIRSTLINE_KEY": key}
        assert key not in (state / "log").read_text()
        assert SECRET not in (state / "log").read_text()


def drawn_last_week(client: FirstlineClient, chosen: Settings) -> None:
    """A decision of last week that leadership is to look at."""
    now = datetime.now(UTC)
    asked = {"ticket_id": "W-1", "channel": "email", "body": "I forgot my password."}
    client.triage(asked | {"as_of": (now - timedelta(days=7)).isoformat()})
    store = Store(chosen.database_url)
    with store.writing() as connection:
        assert draw_due_weeks(connection, load_desk(DESK), now) == 1
    store.close()


def test_every_curl_example_does_what_it_says(environment):
    assert {path.stem for path in EXAMPLES.glob("*.sh")} == set(SAYS)
    for name, said in SAYS.items():
        done = subprocess.run(
            ["bash", "-eu", str(EXAMPLES / f"{name}.sh")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert said in done.stdout, (name, done.stdout[:500], done.stderr[:500])


def test_the_python_example_does_what_it_says(environment):
    command = [sys.executable, "-m", "docs.examples.client"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True True"
