"""What agents say is kept, once, and only about what exists."""

from datetime import timedelta

import pytest

from serving.feedback import CORRECTABLE, accept_feedback
from serving.problems import Problem
from serving.requests import FeedbackRequest, TriageRequest
from serving.settings import Settings
from serving.triage import open_desk
from tests.serving.sample import NOON

LATER = NOON + timedelta(hours=1)


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    desk = open_desk(Settings(state=tmp_path_factory.mktemp("state")))
    request = TriageRequest(ticket_id="1", channel="email", body="Hello")
    yield desk.store, desk.triage(request, NOON).decision.decision_id
    desk.store.close()


def said(decision_id: str, verdict: str = "override", **more: object) -> FeedbackRequest:
    return FeedbackRequest(decision_id=decision_id, verdict=verdict, agent_id="ann", **more)


def test_feedback_is_kept_with_its_reason_and_in_the_ledger(decided):
    store, decision_id = decided
    before = store.verify_ledger().entries
    given = said(decision_id, field="intent", value="refund_request", reason="read it")
    feedback_id = accept_feedback(store, given, LATER)
    row = store.feedback().set_index("feedback_id").loc[feedback_id]
    assert row[["decision_id", "verdict", "field", "value", "reason", "agent_id"]].tolist() == [
        decision_id, "override", "intent", "refund_request", "read it", "ann",
    ]  # fmt: skip
    assert row["at"] == LATER
    check = store.verify_ledger()
    assert (check.entries, check.intact) == (before + 1, True)


def test_an_override_leaves_the_decision_as_it_was(decided):
    store, decision_id = decided
    before = store.decision(decision_id)
    accept_feedback(store, said(decision_id, field="priority", value="urgent"), LATER)
    assert store.decision(decision_id) == before


@pytest.mark.parametrize("field", CORRECTABLE)
def test_every_field_can_be_overridden(decided, field):
    store, decision_id = decided
    value = (CORRECTABLE[field] or ("anything",))[0]
    assert accept_feedback(store, said(decision_id, field=field, value=value), LATER)


def test_a_replayed_desk_says_when_it_was_said(decided):
    store, decision_id = decided
    moment = NOON + timedelta(days=40)
    feedback_id = accept_feedback(store, said(decision_id, field="queue", value="x", as_of=moment), LATER)
    assert store.feedback().set_index("feedback_id").loc[feedback_id, "at"] == moment


REFUSED = {
    "an unknown decision": ({"decision_id": "d404", "verdict": "approve"}, 404, "decision_id"),
    "an unknown field": ({"field": "mood", "value": "x"}, 422, "field"),
    "a rejection without a reason": ({"verdict": "reject"}, 422, "reason"),
    "an override of nothing": ({}, 422, "field"),
    "an override to nothing": ({"field": "intent"}, 422, "value"),
    "an approval that changes": ({"verdict": "approve", "field": "intent", "value": "x"}, 422, "value"),
    "no such priority": ({"field": "priority", "value": "asap"}, 422, "value of priority"),
    "no such sentiment": ({"field": "sentiment", "value": "sad"}, 422, "value of sentiment"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_feedback_about_nothing_is_refused(decided, what):
    store, decision_id = decided
    given, status, thing = REFUSED[what]
    before = len(store.feedback())
    with pytest.raises(Problem) as refused:
        accept_feedback(store, said(**{"decision_id": decision_id, **given}), LATER)
    assert (refused.value.status, refused.value.error["thing"]) == (status, thing)
    assert len(store.feedback()) == before


def test_feedback_sent_twice_with_one_key_is_kept_once(decided):
    store, decision_id = decided
    before = len(store.feedback())
    ids = {accept_feedback(store, said(decision_id, "approve"), LATER, "key") for _ in range(3)}
    assert len(ids) == 1
    assert len(store.feedback()) == before + 1
    with pytest.raises(Problem) as refused:
        accept_feedback(store, said(decision_id, "reject", reason="no"), LATER, "key")
    assert refused.value.status == 409
