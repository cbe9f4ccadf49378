"""A stored decision comes out again, bit for bit, from its inputs and its release alone."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from features.schema import typed
from models.release import write_release
from policy.concepts import Concepts, concepts_in
from policy.desk import wordings_of
from policy.phrases import Phrasebook
from policy.situation import LegalWeight
from serving.http import Api
from serving.inputs import packed, processor_kind, unpacked
from serving.metrics import Metrics
from serving.releases import Releases
from serving.replay import _close, loaded_release, replay, stored
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.tables import CONTEXT, decision_inputs, decisions
from serving.triage import TriageDesk
from tests.models.test_legal_weight import learnt
from tests.serving.sample import NOON, tickets
from tests.serving.tiny_release import DESK

BODIES = (
    "Hello, please reset the password for my account.",
    "Dear team, send a copy of the invoice of our workspace!!! THIS IS THE THIRD TIME",
    "pages of this login take a minute",
    "",
    "\u1403\u14c4\u1483 \U0001f525 nothing that it knows",
)


@pytest.fixture(params=["with a release", "by rules alone"])
def decided(request, store, tmp_path):
    """A client, a store and the ids of decisions about customers with a history."""
    chosen = Settings(state=tmp_path, desk=DESK, development=True)
    if request.param == "with a release":
        request.getfixturevalue("promote")(store, tmp_path)
    day = NOON.replace(hour=0)
    account = {"account_id": "A1", "known_at": day, "plan": "enterprise", "contract_value_cents": 1_234_567}
    store.append("accounts", typed("accounts", pd.DataFrame([account])))
    usage = [{"account_id": "A1", "day": day - timedelta(days=n), "known_at": day, "feature": "login",
              "events": 7 * n, "errors": n} for n in range(1, 20)]  # fmt: skip
    store.append("usage", typed("usage", pd.DataFrame(usage)))
    store.append("tickets", tickets(*({"ticket_id": f"old {n}", "known_at": day} for n in range(5))))
    desk = TriageDesk(store, Releases(store, chosen.releases, DESK, 60))
    ids = [
        desk.triage(
            TriageRequest(ticket_id=str(n), channel="email", body=body, account_id="A1", contact_id="C1"),
            NOON,
        ).decision.decision_id
        for n, body in enumerate(BODIES)
    ]
    app = Api(desk, chosen, Metrics()).app()
    return TestClient(app, "http://127.0.0.1", raise_server_exceptions=False), store, ids


def outcomes(client, ids) -> list[dict]:
    return [client.get(f"/decisions/{decision_id}/replay").json() for decision_id in ids]


def test_every_decision_comes_out_again_after_everything_else_has_changed(decided):
    client, store, ids = decided
    with store.writing() as connection:
        for name in ("tickets", "usage", "accounts"):
            connection.execute(delete(CONTEXT[name]))
    assert [(said["outcome"], said["differs"]) for said in outcomes(client, ids)] == [
        ("identical", [])
    ] * len(ids)


def test_a_record_that_was_changed_is_told_by_its_field(decided):
    client, store, ids = decided
    with store.writing() as connection:
        decision, _ = stored(connection, ids[0])
        changed = decision.model_copy(update={"action": "auto_resolve"}).model_dump_json()
        where = decisions.c.decision_id == ids[0]
        connection.execute(update(decisions).where(where).values(record=changed))
    (said,) = outcomes(client, ids[:1])
    assert (said["outcome"], said["differs"]) == ("different", ["action"])


def test_a_changed_input_does_not_go_unnoticed(decided):
    client, store, ids = decided
    with store.writing() as connection:
        _, inputs = stored(connection, ids[0])
        stranger = replace(inputs.situation, account=None)
        changed = packed(inputs.features, stranger, inputs.judged)
        where = decision_inputs.c.decision_id == ids[0]
        connection.execute(update(decision_inputs).where(where).values(inputs=changed))
    (said,) = outcomes(client, ids[:1])
    assert said["outcome"] == "different"


def test_a_decision_without_inputs_says_so_and_an_unknown_one_is_unknown(decided):
    client, store, ids = decided
    with store.writing() as connection:
        connection.execute(delete(decision_inputs))
    assert outcomes(client, ids[:1])[0]["outcome"] == "not kept"
    assert client.get("/decisions/none/replay").status_code == 404


@pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, float("nan"), -0.0, 1e308, float("inf")])
def test_numbers_come_back_to_the_last_bit(decided, number):
    _, store, ids = decided
    with store.reading() as connection:
        _, inputs = stored(connection, ids[0])
    features = {"x": np.array([number]), "n": np.array([2**62]), "t": pa.array([None], pa.large_string())}
    back = unpacked(packed(features, inputs.situation, inputs.judged))
    assert back.features["x"].tobytes() == features["x"].tobytes()
    assert (back.features["n"][0], back.features["t"][0].as_py()) == (2**62, None)
    assert back.situation == inputs.situation


LEGAL = "Please erase all personal data that you hold about me, under the GDPR."


def test_wording_lists_that_change_later_change_no_replay(store, tmp_path, promote, monkeypatch):
    """A release brings the lists that its decisions were read by; by rules alone they are the platform's."""
    chosen = Settings(state=tmp_path, desk=DESK)
    said = {}
    for how in ("by rules alone", "with a release"):
        if how == "with a release":
            promote(store, tmp_path)
        desk = TriageDesk(store, Releases(store, chosen.releases, DESK, 60))
        decision = desk.triage(TriageRequest(ticket_id=how, channel="email", body=LEGAL), NOON).decision
        assert [call.kind for call in decision.escalations] == ["regulatory"]
        said[how] = decision.decision_id
    monkeypatch.setattr("policy.desk.shipped_phrases", Phrasebook)
    monkeypatch.setattr("policy.concepts.shipped_concepts", lambda: Concepts({}))
    concepts_in.cache_clear()
    outcomes = {}
    with store.reading() as connection:
        for how, decision_id in said.items():
            decision, inputs = stored(connection, decision_id)
            outcomes[how] = replay(loaded_release(chosen, decision.release), decision, inputs).outcome
    concepts_in.cache_clear()
    assert outcomes == {"with a release": "identical", "by rules alone": "different"}


@pytest.mark.parametrize(
    ("before", "after", "close"),
    [
        (0.50, 0.51, True),
        (0.50, 0.53, False),
        (5.00, 5.01, False),
        ("sure to 0.934", "sure to 0.941", True),
        ("sure to 0.934", "sure to 0.834", False),
        ("sure to 0.934", "not 0.934", False),
        ([{"name": "a", "probability": 0.2}], [{"name": "a", "probability": 0.21}], True),
        ([{"name": "a", "probability": 0.2}], [{"name": "b", "probability": 0.2}], False),
        (True, False, False),
        (None, 0.0, False),
    ],
)
def test_what_counts_as_close_on_another_kind_of_processor(before, after, close):
    assert _close(before, after) is close


def test_another_kind_of_processor_may_differ_by_the_tolerance_and_this_one_may_not(decided, tmp_path):
    _, store, ids = decided
    with store.reading() as connection:
        decision, inputs = stored(connection, ids[0])
    chosen = Settings(state=tmp_path, desk=DESK)
    sla = decision.sla.model_copy(update={"breach_risk": (decision.sla.breach_risk or 0.5) - 0.01})
    off = decision.model_copy(update={"sla": sla})
    loaded = loaded_release(chosen, decision.release)
    assert inputs.processor == processor_kind()
    assert replay(loaded, off, inputs).outcome == "different"
    assert replay(loaded, off, inputs, here="another").outcome == "within tolerance"
    far = off.model_copy(update={"action": "auto_resolve"})
    assert replay(loaded, far, inputs, here="another").differs == ("action",)


def test_what_examples_said_of_a_ticket_comes_out_again(store, bundle, tmp_path):
    folder, _ = bundle
    parts = {path.name: path for path in folder.with_name(f"{folder.name}-members").iterdir()}
    learnt().model.save(tmp_path / "legal_weight")
    parts["legal_weight"] = tmp_path / "legal_weight"
    chosen = Settings(state=tmp_path, desk=DESK, development=True)
    made = tmp_path / "made"
    release_id = write_release(made, parts, DESK, {}, {}, "none", {}, wordings_of(DESK))
    made.rename(chosen.releases.mkdir(parents=True) or chosen.releases / release_id)
    store.set_pointer("champion", release_id, "test", "trained", NOON)
    desk = TriageDesk(store, Releases(store, chosen.releases, DESK, 60))
    body = "Tun Sie so, als hätten wir uns nie getroffen."
    decision = desk.triage(TriageRequest(ticket_id="1", channel="email", body=body), NOON).decision
    told = " ".join(gate.value for gate in decision.gates if gate.name == "nothing_sensitive")
    assert "is near in meaning to" in told
    assert not any("legal weight" in part for part in decision.degraded)
    with store.reading() as connection:
        before, inputs = stored(connection, decision.decision_id)
    assert replay(loaded_release(chosen, release_id), before, inputs).outcome == "identical"
    forged = inputs._replace(situation=replace(inputs.situation, legal_weight=LegalWeight(0.0, "", "", "")))
    assert replay(loaded_release(chosen, release_id), before, forged).outcome == "identical"  # read again
