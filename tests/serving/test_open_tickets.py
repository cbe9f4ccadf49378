"""The queue while the clocks run, and what the clock escalates: once, whoever looks and however often."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from features.schema import typed
from policy.situation import Situation
from serving.decide import Judged, decide
from serving.decision import Decision
from serving.settings import Settings, store_url
from serving.store import Store
from serving.tables import ledger
from serving.tick import desk_in_force, escalate_all_deadlines, tick
from tests.policy.examples import NOW, shipped_desk, situation
from tests.serving.sample import tickets

NOBODY = Judged((), (), (), "none")


def decided(store: Store, ticket_id: str, **changes: object) -> Decision:
    """A stored decision about a ticket of plan enterprise (first response in an hour, resolution in 12)."""
    asked: Situation = situation(**{"ticket_id": ticket_id, "plan": "enterprise", **changes})
    decision = decide(shipped_desk(), asked, NOBODY, f"d-{ticket_id}")
    row = tickets({"ticket_id": ticket_id, "created_at": asked.created_at, "known_at": asked.created_at})
    return store.accept_decision(decision, "{}", "hash", row)


def happened(store: Store, ticket_id: str, kind: str, at: datetime, actor_kind: str = "agent") -> None:
    event = {"event_id": f"{ticket_id}-{kind}-{at:%d%H%M}", "ticket_id": ticket_id, "kind": kind}
    row = {**event, "actor_kind": actor_kind, "known_at": at, "occurred_at": at}
    store.append("ticket_events", typed("ticket_events", pd.DataFrame([row])))


def after(**passed: float) -> datetime:
    return NOW + timedelta(**passed)


def sent(store: Store) -> list[str]:
    actions: list[str] = []
    tick(store, shipped_desk(), lambda action: actions.append(action.action_id), after(days=400))
    return actions


@pytest.mark.parametrize("hours", [0, 0.5, 1, 7, 300])
@pytest.mark.parametrize(
    "changes", [{}, {"account": None}, {"repeats_30d": 3, "body": "GDPR: delete my data"}]
)
def test_a_place_worked_out_from_the_record_is_the_place_decided_anew(store, hours, changes):
    decided(store, "1", **changes)
    now = after(hours=hours)
    [entry] = store.open_queue(now, 10)
    asked = replace(situation(**{"ticket_id": "1", "plan": "enterprise", **changes}), as_of=now)
    anew = decide(shipped_desk(), asked, NOBODY, "d-1").queue.model_dump(mode="json")
    queue = entry.record["queue"]
    assert queue["value_at_risk"] == pytest.approx(anew["value_at_risk"])
    assert set(queue["reasons"]) == set(anew["reasons"])
    assert {term["name"]: term["amount"] for term in queue["terms"]} == pytest.approx(
        {term["name"]: term["amount"] for term in anew["terms"]}
    )


@given(st.floats(0, 1), st.integers(0, 5), st.integers(0, 90_000_000), st.floats(0, 90), st.booleans())
def test_the_terms_on_the_record_add_up_to_the_value_at_risk(
    frustration: float, repeats: int, cents: int, waited_days: float, legal: bool
) -> None:
    asked = situation(
        frustration=frustration,
        repeats_30d=repeats,
        contract_value_cents=cents,
        as_of=NOW + timedelta(days=waited_days),
        body="We will take legal action" if legal else "Hello",
    )
    queue = decide(shipped_desk(), asked, NOBODY, "d").queue
    assert sum(term.amount for term in queue.terms) == pytest.approx(queue.value_at_risk)
    assert all(term.amount > 0 for term in queue.terms)
    assert all(term.reason for term in queue.terms if term.name != "any_ticket")


def test_a_short_promise_overtakes_a_long_one_while_the_clocks_run(store):
    decided(store, "annoyed", plan="starter", frustration=0.4)
    decided(store, "promised", plan="enterprise", frustration=0.0)
    orders = [[e.ticket_id for e in store.open_queue(after(minutes=m), 9)] for m in (0, 60)]
    assert orders == [["annoyed", "promised"], ["promised", "annoyed"]]


def test_an_answered_ticket_waits_no_longer_and_its_place_stands_still(store):
    decided(store, "answered")
    decided(store, "silent")
    happened(store, "answered", "reply", after(minutes=30))
    values = {
        hours: {
            e.ticket_id: e.record["queue"]["value_at_risk"] for e in store.open_queue(after(hours=hours), 9)
        }
        for hours in (2, 20)
    }
    assert values[2]["silent"] > values[2]["answered"]
    assert values[20]["answered"] == pytest.approx(values[2]["answered"])
    happened(store, "answered", "reply", after(hours=21), "customer")
    [again] = [e for e in store.open_queue(after(hours=24), 9) if e.ticket_id == "answered"]
    assert again.record["queue"]["value_at_risk"] > values[20]["answered"]


def test_a_solved_ticket_leaves_the_queue_and_a_reopened_one_comes_back(store):
    decided(store, "1")
    happened(store, "1", "solved", after(hours=1))
    assert store.open_queue(after(hours=2), 9) == []
    happened(store, "1", "reopened", after(hours=3), "customer")
    assert [entry.ticket_id for entry in store.open_queue(after(hours=4), 9)] == ["1"]


@pytest.mark.parametrize(
    ("said", "hours", "escalated"),
    [
        pytest.param([], 0.79, [], id="time left"),
        pytest.param([], 0.8, ["first_response"], id="about to be broken"),
        pytest.param([], 5, ["first_response"], id="broken while nobody ticked"),
        pytest.param([], 9.6, ["first_response", "resolution"], id="both"),
        pytest.param([("reply", 0.5, "agent")], 48, [], id="answered, and the customer is asked"),
        pytest.param([("reply", 0.5, "customer")], 2, ["first_response"], id="only the customer wrote"),
        pytest.param(
            [("reply", 0.5, "agent"), ("reply", 20, "customer")],
            29.2,
            ["resolution"],
            id="asked, and answered",
        ),
        pytest.param([("solved", 0.5, "agent")], 48, [], id="solved"),
    ],
)
def test_a_promise_about_to_be_broken_is_escalated_once(store, said, hours, escalated):
    decided(store, "1")
    for kind, at, who in said:
        happened(store, "1", kind, after(hours=at), who)
    done: list[tuple[str, object]] = []
    for minutes in (0, 1, 600):
        tick(
            store,
            shipped_desk(),
            lambda action: done.append((action.kind, action.payload.get("promise"))),
            after(hours=hours, minutes=0 if not escalated else minutes),
        )
    promises = [promise for kind, promise in done if kind == "deadline"]
    assert [promise for promise in promises if promise in escalated] == escalated
    assert len(promises) == len(set(promises))


def test_the_escalation_says_what_is_due_and_is_in_the_ledger(store):
    decision = decided(store, "1")
    assert escalate_all_deadlines(store, shipped_desk(), after(minutes=50)) == 1
    actions = {}
    tick(store, shipped_desk(), lambda action: actions.update({action.kind: action}), after(minutes=51))
    assert actions["deadline"].payload == {
        "ticket_id": "1",
        "queue": decision.route.queue,
        "agent": decision.route.agent,
        "promise": "first_response",
        "due_at": after(hours=1).isoformat(),
        "used_share": 0.8333,
        "reason": "83% of the working time for the first response is used up, "
        "it is due at 2026-07-01 09:00 UTC",
    }
    with store.reading() as connection:
        kinds = list(connection.scalars(select(ledger.c.kind).order_by(ledger.c.seq)))
    assert kinds[:2] == ["decision", "deadline"]
    assert store.verify_ledger().intact


def test_replicas_that_tick_at_the_same_moment_escalate_once(tmp_path):
    url = store_url(tmp_path / "state")
    replicas = [Store(url) for _ in range(4)]
    for number in range(6):
        decided(replicas[0], str(number))
    with ThreadPoolExecutor(4) as pool:
        counts = list(
            pool.map(lambda s: escalate_all_deadlines(s, shipped_desk(), after(minutes=55)), replicas)
        )
    assert sum(counts) == 6
    assert sum(action.endswith(":first_response") for action in sent(replicas[0])) == 6
    assert replicas[0].verify_ledger().intact
    for replica in replicas:
        replica.close()


def test_the_rules_of_the_serving_release_are_in_force_and_broken_ones_are_passed_over(store, tmp_path):
    settings = Settings(state=tmp_path / "state")
    assert desk_in_force(store, settings).deadlines.escalate_at_share == 0.8
    shipped = settings.desk.read_text(encoding="utf-8")
    for name, text in (
        ("good", shipped.replace("escalate_at_share: 0.8", "escalate_at_share: 0.5")),
        ("bad", "a: 1"),
    ):
        (settings.releases / name).mkdir(parents=True)
        (settings.releases / name / "desk.yaml").write_text(text, encoding="utf-8")
    store.set_pointer("last_good", "good", "test", "works", NOW)
    store.set_pointer("champion", "bad", "test", "does not", NOW)
    assert desk_in_force(store, settings).deadlines.escalate_at_share == 0.5
