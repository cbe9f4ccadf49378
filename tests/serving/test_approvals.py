"""An agent approves: what was suggested is done once, told to the helpdesk, and its outcome is watched."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pandas as pd
import pytest
import yaml
from sqlalchemy import insert, select

from features.schema import typed
from serving.decide import Judged, decide
from serving.feedback import accept_feedback
from serving.helpdesks import load_helpdesks
from serving.paths import record_of_path
from serving.requests import FeedbackRequest
from serving.senders import write_back
from serving.store import Store
from serving.tables import ledger, outbox, ticket_sources
from serving.tick import carry_out_pending
from tests.policy.examples import NOW, shipped_desk, situation
from tests.serving.sample import tickets
from tests.serving.tiny_release import DESK
from tests.serving.vendor_stub import vendor_stub

SECRETS = {
    "FIRSTLINE_ZENDESK_WEBHOOK_SECRET": "s",
    "FIRSTLINE_ZENDESK_EMAIL": "bot@desk.example",
    "FIRSTLINE_ZENDESK_API_TOKEN": "token",
}
QUEUES = {name: number for number, name in enumerate(yaml.safe_load(DESK.read_text())["queues"], start=1)}
LATER = NOW + timedelta(minutes=5)


def suggested(store: Store, ticket_id: str = "zendesk:4711", **changes: object) -> str:
    """A password reset that an agent is offered a reply for: not sure enough to be resolved."""
    asked = situation(**{"ticket_id": ticket_id, "intent_probability": 0.9, **changes})
    decision = decide(shipped_desk(), asked, Judged((), (), (), "none"), f"d-{ticket_id}")
    row = {"ticket_id": ticket_id, "contact_id": ticket_id, "created_at": NOW, "known_at": NOW}
    store.accept_decision(decision, "{}", "hash", tickets(row))
    return decision.decision_id


def says(store: Store, decision_id: str, verdict: str = "approve", key: str | None = None, **more) -> str:
    request = FeedbackRequest(decision_id=decision_id, verdict=verdict, agent_id="ann", **more)
    return accept_feedback(store, request, LATER, key)


def happened(store: Store, kind: str, at: datetime, ticket_id: str = "zendesk:4711") -> None:
    event = {"event_id": f"{ticket_id}-{kind}", "ticket_id": ticket_id, "kind": kind, "known_at": at}
    store.append("ticket_events", typed("ticket_events", pd.DataFrame([event | {"occurred_at": at}])))


def approved(store: Store) -> list[dict]:
    with store.reading() as connection:
        rows = connection.execute(select(outbox).where(outbox.c.kind == "approved")).mappings().all()
        kinds = list(connection.scalars(select(ledger.c.kind)))
    assert kinds.count("approved") == len(rows)
    return [dict(row) for row in rows]


def test_an_approved_reply_goes_out_once_however_often_and_by_whomever_it_is_approved(store, tmp_path):
    with vendor_stub() as stub:
        mapping = (DESK.parent.parent / "connectors" / "mappings" / "zendesk.yaml").resolve()
        told = {"mapping": str(mapping), "address": stub.address}
        told["write_back"] = {"queues": QUEUES, "ticket_prefix": "zendesk:"}
        path = tmp_path / "helpdesks.yaml"
        path.write_text(yaml.safe_dump({"zendesk": told}))
        execute = write_back(store, load_helpdesks(path, SECRETS), SECRETS)
        decision_id = suggested(store)
        with store.writing() as connection:
            connection.execute(insert(ticket_sources).values(ticket_id="zendesk:4711", vendor="zendesk"))
        carry_out_pending(store, execute, NOW)
        assert not any(call[2]["ticket"]["comment"]["public"] for call in stub.calls), "nothing unasked"
        routed = len(stub.calls)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: says(store, decision_id), range(4)))
        for minutes in (5, 6, 60):
            carry_out_pending(store, execute, NOW + timedelta(minutes=minutes))
        sent = [call[2]["ticket"] for call in stub.calls[routed:]]
    public = [ticket for ticket in sent if ticket["comment"]["public"]]
    assert [ticket["status"] for ticket in public] == ["solved"]
    assert "new password" in public[0]["comment"]["html_body"]
    assert "as an agent approved" in sent[0]["comment"]["html_body"]
    [action] = approved(store)
    assert action["status"] == "done"
    assert store.verify_ledger().intact


@pytest.mark.parametrize(
    ("changes", "said", "runs"),
    [
        pytest.param({}, [("approve", {})], True, id="approved"),
        pytest.param({}, [("approve", {"field": "intent"})], False, id="only the intent is right"),
        pytest.param({}, [("reject", {"reason": "wrong person"})], False, id="rejected"),
        pytest.param(
            {}, [("modify", {"field": "reply", "value": "Dear Anna"})], False, id="modified: kept as such"
        ),
        pytest.param(
            {},
            [("reject", {"reason": "wrong person"}), ("approve", {})],
            False,
            id="somebody said no before",
        ),
        pytest.param(
            {}, [("override", {"field": "priority", "value": "low"}), ("approve", {})], True,
            id="another priority is no objection to the reply",
        ),
        pytest.param({"intent_probability": 0.99}, [("approve", {})], False, id="resolved by the desk"),
        pytest.param({"intent_probability": 0.2}, [("approve", {})], False, id="left to a person"),
        pytest.param({}, [("approve", {"as_of": NOW + timedelta(days=1)})], False, id="a replayed desk"),
    ],
)  # fmt: skip
def test_what_runs(store, changes, said, runs):
    decision_id = suggested(store, **changes)
    for verdict, more in said:
        says(store, decision_id, verdict, **more)
    assert len(approved(store)) == runs
    assert len(store.feedback()) == len(said)


def test_a_ticket_that_was_solved_meanwhile_is_not_answered_again_and_a_reopened_one_is(store):
    decision_id = suggested(store)
    happened(store, "solved", NOW + timedelta(minutes=1))
    says(store, decision_id)
    assert approved(store) == []
    happened(store, "reopened", NOW + timedelta(minutes=2))
    says(store, decision_id)
    assert len(approved(store)) == 1


def test_an_approval_sent_again_with_its_key_changes_nothing(store):
    decision_id = suggested(store)
    assert len({says(store, decision_id, key="k") for _ in range(3)}) == 1
    assert (len(store.feedback()), len(approved(store))) == (1, 1)


def test_the_outcome_of_what_was_approved_is_watched_and_proves_the_path(store):
    as_of = NOW + timedelta(days=30)

    def record() -> tuple[int, int, int]:
        with store.reading() as connection:
            found = record_of_path(connection, "password_reset", None, 1.0, as_of)
        return found.successes, found.judged, found.silent

    for ticket_id in ("kept", "came back", "silent", "not approved"):
        decision_id = suggested(store, ticket_id)
        if ticket_id != "not approved":
            says(store, decision_id)
        happened(store, "solved", NOW + timedelta(minutes=10), ticket_id)
    happened(store, "confirmed", NOW + timedelta(hours=5), "kept")
    happened(store, "confirmed", NOW + timedelta(hours=5), "not approved")
    happened(store, "reopened", NOW + timedelta(hours=7), "came back")
    successes, judged, silent = record()
    assert (successes, judged) == (1, 2)
    assert silent == 1
