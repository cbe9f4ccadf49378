"""An intent that breaks its promise loses its automation by itself, once; only a person gives it back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from features.schema import typed
from serving.budgets import demote_where_exhausted, demotions, reinstate
from serving.decide import Judged, decide
from serving.records import Feedback
from serving.settings import store_url
from serving.store import Store
from serving.tables import ledger
from tests.policy.examples import NOW, shipped_desk, situation
from tests.serving.sample import tickets

DESK = shipped_desk()
LATER = NOW + timedelta(days=30)


def resolved(store: Store, number: int, at: datetime = NOW, **changes: object) -> str:
    """A password reset that the desk resolved by itself (unless ``changes`` keep it from that)."""
    ticket_id = f"T{number}"
    asked = situation(ticket_id=ticket_id, created_at=at, as_of=at, **changes)
    decision = decide(DESK, asked, Judged((), (), (), "none"), f"d-{ticket_id}")
    row = {"ticket_id": ticket_id, "created_at": at, "known_at": at, "contact_id": f"C{number}"}
    store.accept_decision(decision, "{}", "hash", tickets(row))
    return decision.decision_id


def reviewed(store: Store, decision_id: str, verdict: str, minute: int, field: str | None = None) -> None:
    at = NOW + timedelta(days=1, minutes=minute)
    value = "x" if verdict in ("override", "modify") else None
    given = Feedback(f"{decision_id}-{minute}", decision_id, at, verdict, field, value, None, "ann")
    store.add_feedback(given)


def happened(store: Store, number: int, kind: str, days: float) -> None:
    at = NOW + timedelta(days=days)
    event = {"event_id": f"{kind}{number}", "ticket_id": f"T{number}", "kind": kind}
    row = pd.DataFrame([{**event, "known_at": at, "occurred_at": at}])
    store.append("ticket_events", typed("ticket_events", row))


def judge(store: Store, at: datetime = LATER) -> dict[str, str]:
    with store.writing() as connection:
        return dict(demote_where_exhausted(connection, DESK, at))


def kinds(store: Store) -> list[str]:
    with store.reading() as connection:
        return [
            k for k in connection.scalars(select(ledger.c.kind).order_by(ledger.c.seq)) if k != "decision"
        ]


@pytest.mark.parametrize(
    ("verdict", "field", "demoted"),
    [
        pytest.param("reject", None, True, id="rejected"),
        pytest.param("override", "intent", True, id="another intent"),
        pytest.param("override", "action", True, id="should not have been automatic"),
        pytest.param("approve", None, False, id="approved"),
        pytest.param("modify", "reply", False, id="only worded otherwise"),
    ],
)
def test_reviews_refute_the_promise_that_the_intent_is_right(store, verdict, field, demoted):
    for number in range(8):
        reviewed(store, resolved(store, number), verdict, number, field)
    found = judge(store)
    assert (set(found) == {"password_reset"}) == demoted
    if demoted:
        assert "intent right: 8 of 8 wrong where at most 5% may be" in found["password_reset"]


def test_the_first_word_of_a_review_counts_and_tickets_that_people_answered_do_not(store):
    for number in range(8):
        decision_id = resolved(store, number)
        reviewed(store, decision_id, "approve", number)
        reviewed(store, decision_id, "reject", 100 + number)
    for number in range(8, 16):
        reviewed(store, resolved(store, number, intent_probability=0.9), "reject", number)
    assert judge(store) == {}


def test_resolutions_that_come_back_refute_the_promise_that_the_issue_is_resolved(store):
    for number in range(20):
        resolved(store, number)
        happened(store, number, "solved", 0.1)
        happened(store, number, "reopened" if number % 10 else "confirmed", 1 + number / 100)
    assert "issue resolved: 18 of 20 wrong where at most 50% may be" in judge(store)["password_reset"]


def test_silence_and_a_fair_share_of_returns_demote_nobody(store):
    for number in range(40):
        resolved(store, number)
        happened(store, number, "solved", 0.1)
        if number < 20:
            happened(store, number, "reopened" if number % 2 else "confirmed", 1 + number / 100)
    assert judge(store) == {}


def test_a_demotion_is_written_down_once_and_lifted_by_a_person_only(store):
    for number in range(8):
        reviewed(store, resolved(store, number), "reject", number)
    assert set(judge(store)) == {"password_reset"}
    assert judge(store) == {}
    with store.reading() as connection:
        assert "8 of 8 wrong" in demotions(connection)["password_reset"]
    with store.writing() as connection:
        reinstate(connection, "password_reset", "lea", "the model was retrained", LATER)
    assert judge(store) == {}
    with store.reading() as connection:
        assert demotions(connection) == {}
    assert [kind for kind in kinds(store) if kind != "feedback"] == ["demotion", "reinstatement"]
    assert store.verify_ledger().intact


def test_what_was_never_demoted_cannot_be_reinstated(store):
    with store.writing() as connection, pytest.raises(KeyError, match="demoted intents: none"):
        reinstate(connection, "password_reset", "lea", "just so", LATER)


def test_replicas_that_judge_at_the_same_moment_demote_once(tmp_path):
    url = store_url(tmp_path / "state")
    replicas = [Store(url) for _ in range(4)]
    for number in range(8):
        reviewed(replicas[0], resolved(replicas[0], number), "reject", number)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(judge, replicas))
    assert sum(len(each) for each in found) == 1
    assert kinds(replicas[0]).count("demotion") == 1
    for replica in replicas:
        replica.close()
