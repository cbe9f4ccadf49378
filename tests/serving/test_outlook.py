"""What will become of a ticket: read from its form as training read it, or not said and named as missing."""

import json
from datetime import timedelta

import pandas as pd
import pytest

from features.opening import OPENING_FEATURES, opening_columns, opening_facts
from features.repeats import same_intent_repeats
from features.rows import Rows
from features.schema import completed, typed
from features.ticket import ticket_features
from models.outcomes import OutcomeModels
from models.release import write_release
from models.risk import ThresholdEvidence
from serving.opening import filed_with
from serving.releases import Releases
from serving.replay import loaded_release, replay, stored
from serving.requests import Opening, TriageRequest
from serving.settings import Settings
from serving.triage import TriageDesk
from tests.models.test_outcomes import opened
from tests.serving.sample import NOON, tickets
from tests.serving.tiny_release import DESK

FORM = {"queue": "billing", "priority": "x", "note": "y", "intent": "x", "agent_id": "x"}
ACCOUNT = {"account_id": "A1", "known_at": NOON, "plan": "enterprise", "contract_value_cents": 1_234_567}
AT = NOON + timedelta(hours=1)


@pytest.fixture(scope="module")
def models() -> OutcomeModels:
    return OutcomeModels.fit(opened(600, 1), opened(200, 2), seed=0)


@pytest.fixture
def desk(bundle, models, store, tmp_path):
    """A desk whose release has outcome models that read every form field, and one enterprise account."""
    folder, _ = bundle
    members = {name: folder / name for name in ("intent", "sentiment", "priority")}
    members |= {"churn": folder.parent / "bundle-members" / "churn", "outcomes": tmp_path / "outcomes"}
    models.save(members["outcomes"])
    proof = {"password_reset": ThresholdEvidence(0.5, 100, 0, 0.97)}
    release = write_release(tmp_path / "new", members, DESK, proof, {}, "none", {})
    (tmp_path / "releases").mkdir()
    (tmp_path / "new").rename(tmp_path / "releases" / release)
    store.set_pointer("champion", release, "test", "trained", NOON)
    store.append("accounts", typed("accounts", pd.DataFrame([ACCOUNT])))
    return TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 60))


def asked(**changes) -> TriageRequest:
    plain = {"ticket_id": "1", "channel": "email", "body": "please reset the password for my account"}
    return TriageRequest.model_validate({**plain, "account_id": "A1", "contact_id": "C1", **changes})


def events(*rows: dict) -> pd.DataFrame:
    plain = {"ticket_id": "1", "known_at": AT, "occurred_at": AT, "actor_kind": "agent", "actor_id": "x"}
    return typed("ticket_events", pd.DataFrame([{**plain, **row} for row in rows]))


def form_as_events() -> pd.DataFrame:
    told = [("queue_set", "billing", None), ("priority_set", "x", None), ("intent_set", "x", None)]
    rows = [{"event_id": f"e{kind}", "kind": kind, "value": value} for kind, value, _ in told]
    return events(*rows, {"event_id": "e", "kind": "note", "text": "y"})


def test_served_outlook_is_the_offline_one_bit_for_bit(desk, models):
    decision = desk.triage(asked(opening=FORM), AT).decision
    ticket = tickets({"ticket_id": "1", "known_at": AT, "created_at": AT, "subject": None}).assign(
        body=asked().body
    )
    history = completed({"accounts": typed("accounts", pd.DataFrame([ACCOUNT])), "tickets": ticket.iloc[:0]})
    intents = pd.Series([decision.intent.name], dtype="str")
    nothing = pd.DataFrame({"ticket_id": [], "intent": [], "known_at": []}).astype(
        {"ticket_id": "str", "intent": "str", "known_at": ticket["known_at"].dtype}
    )
    row = pd.concat(
        [
            ticket[["account_id"]],
            ticket_features(ticket, history),
            opening_facts(ticket, form_as_events()),
            same_intent_repeats(ticket, intents, history, nothing),
        ],
        axis=1,
    ).assign(intent=intents, frustration=decision.sentiment.frustration)
    (offline,) = models.predict(row)
    assert decision.sla.breach_risk_from == "model"
    assert decision.sla.breach_risk == offline.sla_missed
    assert decision.route.reassignment_risk == offline.reassigned
    assert not [part for part in decision.degraded if "outcome" in part]


@pytest.mark.parametrize(
    ("opening", "named"),
    [
        (None, "no opening_intent, opening_queue, opening_priority, opening_note, opened_by"),
        ({**FORM, "queue": None}, "no opening_queue"),
    ],
)
def test_without_fields_that_training_always_had_the_models_are_not_asked_and_it_is_named(
    desk, opening, named
):
    decision = desk.triage(asked(opening=opening), AT).decision
    assert f"{named}: outcome models not asked" in decision.degraded
    assert decision.sla.breach_risk_from == "estimate"
    assert decision.route.reassignment_risk is None


def test_what_a_helpdesk_pushed_with_the_ticket_is_its_form_and_what_came_later_is_not(desk):
    early = form_as_events().assign(known_at=AT - timedelta(seconds=1))
    late = events({"event_id": "z", "kind": "queue_set", "value": "engineering"}).assign(
        known_at=AT + timedelta(seconds=1)
    )
    for frame in (early, late):
        desk.store.append("ticket_events", frame.astype(typed("ticket_events", frame).dtypes))
    pushed = desk.triage(asked(), AT).decision
    said = desk.triage(asked(ticket_id="2", opening=FORM, contact_id="C9"), AT).decision
    assert pushed.sla.breach_risk_from == "model"
    assert pushed.route.reassignment_risk == said.route.reassignment_risk


def test_a_decision_with_an_outlook_replays_to_the_bit(desk, tmp_path):
    decision = desk.triage(asked(opening=FORM), AT).decision
    with desk.store.reading() as connection:
        record, inputs = stored(connection, decision.decision_id)
    loaded = loaded_release(Settings(state=tmp_path, desk=DESK), decision.release)
    assert replay(loaded, record, inputs).outcome == "identical"


@pytest.mark.parametrize(
    "form",
    [FORM, {"queue": "billing"}, {"agent_id": "x"}, {"note": "y"}, {}, {"priority": "x", "agent_id": "x"}],
)
def test_a_form_means_the_same_in_a_request_and_in_a_history_of_events(form):
    kinds = {"queue": "queue_set", "priority": "priority_set", "intent": "intent_set"}
    by = {"actor_kind": "agent" if "agent_id" in form else "customer", "actor_id": form.get("agent_id")}
    rows = [{"kind": kinds[k], "value": v} for k, v in form.items() if k in kinds]
    rows += [{"kind": "note", "text": form.get("note")}] if {"note", "agent_id"} & form.keys() else []
    told = [{"event_id": f"e{place}", **row, **by} for place, row in enumerate(rows)]
    frame = events(*told) if told else events({"event_id": "0"}).iloc[:0]
    ticket = tickets({"ticket_id": "1", "known_at": AT, "created_at": AT})
    offline = opening_facts(ticket, frame).iloc[0]
    asked_for = Rows.of(ticket)
    filed = filed_with(asked_for, Opening.model_validate(form), Rows({}, 0))
    served = {name: column[0].as_py() for name, column in opening_columns(asked_for, filed).items()}
    assert served == {name: None if pd.isna(offline[name]) else offline[name] for name in OPENING_FEATURES}


def test_a_request_says_nothing_else_in_its_form():
    with pytest.raises(ValueError, match="extra"):
        asked(opening={"final_queue": "billing"})
    kept = json.loads(asked(opening={"queue": "a"}).text)["opening"]
    assert {name: value for name, value in kept.items() if value is not None} == {"queue": "a"}
