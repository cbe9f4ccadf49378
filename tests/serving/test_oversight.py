"""What leads and agents ask over HTTP: reviews, incidents, and why a decision was made."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from features.rows import Rows
from models.explained import explained_intent
from models.release import load_release
from serving.http import Api
from serving.metrics import Metrics
from serving.moments import microseconds
from serving.replay import stored
from serving.requests import TriageRequest
from serving.review_draws import draw_due_weeks
from serving.settings import Settings, store_url
from serving.store import Store
from serving.tables import incidents
from serving.triage import TriageDesk, open_desk
from tests.policy.examples import shipped_desk
from tests.serving.sample import NOON, tickets

TODAY = datetime.now(UTC)
LAST_WEEK = TODAY - timedelta(days=7)


def serving(store: Store, state: Path) -> tuple[TriageDesk, TestClient, Path]:
    """A desk, its interface in development mode, and its state folder."""
    desk_settings = Settings(state=state, development=True, database_url=store._database.url)
    desk = open_desk(desk_settings)
    return desk, TestClient(Api(desk, desk_settings, Metrics()).app(), "http://127.0.0.1"), state


@pytest.fixture
def served(tmp_path, store, promote) -> Iterator[tuple[TriageDesk, TestClient, Path]]:
    """A desk with a trained release on every kind of database."""
    promote(store, tmp_path)
    found = serving(store, tmp_path)
    yield found
    found[0].store.close()


@pytest.fixture
def explaining(tmp_path, promote) -> Iterator[tuple[TriageDesk, TestClient, Path]]:
    """The same on SQLite alone: what is explained does not depend on the database."""
    store = Store(store_url(tmp_path))
    promote(store, tmp_path)
    found = serving(store, tmp_path)
    yield found
    found[0].store.close()
    store.close()


def triaged(desk: TriageDesk, number: int, at: datetime = NOON) -> str:
    body = f"Hello, I forgot the password of this login {number}."
    request = TriageRequest(
        ticket_id=f"T{number}", channel="email", subject="", body=body, account_id="A1", contact_id="C1"
    )
    return desk.triage(request, at).decision.decision_id


def test_a_stored_decision_says_what_its_models_made_of_it_in_words(explaining):
    desk, client, state = explaining
    decision_id = triaged(desk, 1)
    answer = client.get(f"/decisions/{decision_id}/explain").json()
    told = {model["model"]: model for model in answer["models"]}
    assert list(told) == ["intent", "sentiment", "priority", "churn"]
    assert "log odds" in answer["note"]
    strongest = told["intent"]["parts"][0]
    assert strongest["words"].endswith(strongest["about"]) or strongest["about"] in strongest["words"]
    with desk.store.reading() as connection:
        decision, inputs = stored(connection, decision_id)[:2]
    release = load_release(state / "releases" / decision.release)
    again = explained_intent(release.intent, Rows(inputs.features, 1))
    assert told["intent"]["said"] == again.said
    assert [part["log_odds"] for part in told["intent"]["parts"]] == [part.log_odds for part in again.parts]
    assert told["priority"]["said"].startswith(decision.priority.level)
    assert told["sentiment"]["parts"] == [], "signals alone: nothing was learnt that could be explained"
    assert told["churn"]["absent"] == "no churn risk was known"


def test_an_explanation_does_not_change_with_what_happens_later(explaining):
    desk, client, _ = explaining
    decision_id = triaged(desk, 1)
    before = client.get(f"/decisions/{decision_id}/explain").json()
    more = [{"ticket_id": f"L{n}", "contact_id": "C1"} for n in range(5)]
    desk.store.append("tickets", tickets(*more))
    assert client.get(f"/decisions/{decision_id}/explain").json() == before


def test_a_release_that_is_gone_explains_nothing_and_says_what_to_do(explaining):
    desk, client, state = explaining
    decision_id = triaged(desk, 1)
    rmtree(state / "releases")
    answer = client.get(f"/decisions/{decision_id}/explain")
    assert answer.status_code == 409
    assert "put its folder back" in answer.json()["error"]["fix"]
    assert client.get("/decisions/none/explain").status_code == 404


def test_reviews_come_in_pages_and_a_look_takes_one_out(served):
    desk, client, _ = served
    for number in range(3):
        triaged(desk, number, LAST_WEEK)
    rules = shipped_desk().reviews.model_copy(
        update={"cases": shipped_desk().reviews.cases.model_copy(update={"assist": 3, "human": 3})}
    )
    with desk.store.writing() as connection:
        assert draw_due_weeks(connection, shipped_desk().model_copy(update={"reviews": rules}), TODAY) == 3
    first = client.get("/reviews?limit=2").json()
    second = client.get("/reviews", params={"limit": 2, "cursor": first["next"]}).json()
    assert ([len(first["cases"]), len(second["cases"])], second["next"]) == ([2, 1], None)
    ids = [case["decision_id"] for case in first["cases"] + second["cases"]]
    assert len(set(ids)) == 3
    assert all(case["probability"] == 1.0 for case in first["cases"])
    look = {
        "decision_id": ids[0],
        "reviewer": "lea",
        "verdicts": [{"field": name, "verdict": "right"} for name in ("intent", "action")],
    }
    said = [client.post("/reviews", json=look, headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert said[0] == said[1]
    assert client.post("/reviews", json=look).status_code == 409
    assert [c["decision_id"] for c in client.get("/reviews").json()["cases"]] == ids[1:]
    assert [(s["open"], s["done"]) for s in client.get("/reviews").json()["intents"]] == [(2, 1)]
    assert client.get("/reviews?cursor=bm9wZQ==").status_code == 404


def test_overdue_reviews_are_told_in_the_queue_and_in_the_metrics(served):
    desk, client, _ = served
    long_ago = TODAY - timedelta(days=30)
    triaged(desk, 1, long_ago)
    assert client.get("/queue").json()["warnings"] == []
    with desk.store.writing() as connection:
        draw_due_weeks(connection, shipped_desk(), long_ago + timedelta(days=7))
    [warning] = client.get("/queue").json()["warnings"]
    assert warning.startswith("1 weekly reviews of password_reset not done, due since")
    assert "firstline_reviews_overdue 1.0" in client.get("/metrics").text


def test_incidents_come_newest_first_in_pages(served):
    desk, client, _ = served
    with desk.store.writing() as connection:
        for n in range(5):
            opened = microseconds(NOON + timedelta(hours=n // 2))  # two at the same moment
            row = dict.fromkeys(incidents.c.keys(), 9) | {
                "incident_id": f"i{n}", "topic": "sync", "evidence": "9 accounts within 1 h",
                "opened_at": opened, "last_at": opened, "closed_at": None,
            }  # fmt: skip
            connection.execute(insert(incidents).values(**row))
    seen, cursor = [], {}
    while cursor is not None:
        page = client.get("/incidents", params={"limit": 2, **cursor}).json()
        seen += [incident["incident_id"] for incident in page["incidents"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert seen == ["i4", "i3", "i2", "i1", "i0"]
    assert page["incidents"][0]["evidence"] == "9 accounts within 1 h"
    assert page["incidents"][0]["closed_at"] is None
