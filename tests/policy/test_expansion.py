"""An account that may want more: the relationship manager hears of it with evidence, the customer never."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.live.decided import decided
from policy.desk import Desk
from policy.escalation import escalations
from policy.situation import Situation
from serving.decide import Judged, decide
from serving.decision import Decision
from serving.records import _action_of
from tests.policy.examples import CALM_RESET, shipped_desk, situation

FULL = {"seats": 50, "active_people_28d": 45}
GROWN = {"uses_28d": 900, "usage_growth": 0.62}


def without_expansion(desk: Desk) -> Desk:
    return desk.model_copy(update={"expansion": None})


def decision(desk: Desk, asked: Situation) -> Decision:
    return decide(desk, asked, Judged((), (), (), "none"), "d-1")


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        pytest.param({}, None, id="a usual account"),
        pytest.param(FULL, "45 people used the product in 28 days, 50 seats are paid for", id="seats full"),
        pytest.param(FULL | {"active_people_28d": 44}, None, id="seats not quite full"),
        pytest.param(FULL | {"seats": None}, None, id="seats unknown"),
        pytest.param(FULL | {"active_people_28d": None}, None, id="people unknown"),
        pytest.param(
            GROWN, "use of the product grew by 62% in 28 days against the 56 before, to 900 uses", id="grown"
        ),
        pytest.param(GROWN | {"usage_growth": 0.49}, None, id="hardly grown"),
        pytest.param(GROWN | {"uses_28d": 199}, None, id="grown from next to nothing"),
        pytest.param(GROWN | {"status": "churned"}, None, id="an account that left"),
        pytest.param({"account": None, "body": "We need more seats."}, None, id="nobody's account"),
        pytest.param(
            {"body": "We need 20 more seats."}, 'the text asks about more ("more seats")', id="asks, en"
        ),
        pytest.param({"body": "Wir brauchen drei weitere Lizenzen."}, "asks about more", id="asks, de"),
        pytest.param(
            {"body": "Nous voulons passer à la formule supérieure."}, "asks about more", id="asks, fr"
        ),
        pytest.param({"body": "Queremos ampliar el límite de la API."}, "asks about more", id="asks, es"),
        pytest.param({"body": "Quanto custam mais 10 licenças por favor?"}, "asks about more", id="asks, pt"),
        pytest.param({"body": "Please cancel 10 more seats."}, None, id="wants less"),
        pytest.param({"body": "Wir brauchen keine weiteren Lizenzen."}, None, id="wants no more"),
        pytest.param({"body": "I have no free seats, where do I see that?"}, None, id="only a question"),
    ],
)
def test_what_speaks_for_an_expansion(changes: dict[str, Any], evidence: str | None) -> None:
    calls = [c for c in escalations(shipped_desk(), situation(**changes)) if c.kind == "account"]
    assert [(c.queue, c.internal) for c in calls] == ([("relationship", True)] if evidence else [])
    assert evidence is None or evidence in calls[0].reason


def test_all_evidence_is_told_together_and_to_the_owner() -> None:
    [call] = escalations(
        shipped_desk(), situation(**FULL, **GROWN, owner="lea", body="Can we get more seats?")
    )
    assert (call.agent, call.reason.count(";")) == ("lea", 2)


def test_an_account_at_risk_is_told_as_that_and_nothing_else() -> None:
    [call] = escalations(
        shipped_desk(), situation(**FULL, churn_risk=0.8, contract_value_cents=15_000_000, owner="lea")
    )
    assert (call.internal, call.agent) == (False, "lea")
    assert "churn risk" in call.reason


def test_a_desk_that_does_not_want_to_know_is_not_told() -> None:
    assert escalations(without_expansion(shipped_desk()), situation(**FULL, **GROWN)) == []


signals = st.fixed_dictionaries(
    {
        "seats": st.sampled_from([None, 50]),
        "active_people_28d": st.sampled_from([None, 49]),
        "uses_28d": st.sampled_from([None, 4321]),
        "usage_growth": st.sampled_from([None, 1.37]),
        "body": st.sampled_from([CALM_RESET.body, "New password please. We also want to buy more seats."]),
        "intent_probability": st.sampled_from([0.2, 0.7, 0.99]),
        "intent": st.sampled_from(["password_reset", "change_plan", "data_deletion_request"]),
        "frustration": st.sampled_from([0.1, 0.9]),
        "articles": st.sampled_from([(), (("a", "Plans", "Our plans are on the page about plans."),)]),
    }
)


def visible(made: Decision) -> dict[str, Any]:
    """Everything of a decision that a customer or their helpdesk may come to see."""
    told = decided(made.model_dump(mode="json"))
    return {
        "reply": made.suggestion,
        "sent": _action_of(made).payload,
        "note": told.note,
        "tags": told.labels,
        "fields": told.fields,
        "reasons": told.reasons,
        "summary": made.context.summary,
        "follow_ups": made.follow_ups,
        "route": made.route,
        "gates": made.gates,
        "action": made.action,
        "place": made.queue,
    }


@settings(max_examples=40)
@given(signals)
def test_nothing_that_a_customer_may_see_shows_the_signal_and_nothing_else_changes(
    changes: dict[str, Any],
) -> None:
    asked = situation(**changes)
    desk = shipped_desk()
    with_it, without = decision(desk, asked), decision(without_expansion(desk), asked)
    assert visible(with_it) == visible(without)
    shown = str(visible(with_it)) + json.dumps(_action_of(with_it).payload)
    for words in ("may want more", "seats are paid", "asks about more", "grew by", "4,321", "137%"):
        assert words not in shown
    kept = [call for call in with_it.escalations if not call.internal]
    assert kept == without.escalations
    assert len(with_it.escalations) - len(kept) <= 1


def test_a_signal_does_not_keep_a_ticket_from_being_resolved() -> None:
    made = decision(shipped_desk(), situation(**FULL, **GROWN))
    assert made.action == "auto_resolve"
    assert [call.internal for call in made.escalations] == [True]
