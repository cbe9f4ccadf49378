"""Each kind of escalation: its trigger, just short of it, its queue."""

from typing import Any

import pytest

from policy.escalation import escalations, is_surge
from policy.situation import AccountFacts, Surge
from tests.policy.examples import CALM_RESET, shipped_desk, situation

BIG = {"contract_value_cents": 15_000_000}


def called(**changes: Any) -> list[tuple[str, str]]:
    return [(call.kind, call.queue) for call in escalations(shipped_desk(), situation(**changes))]


def test_a_usual_ticket_is_not_escalated() -> None:
    assert escalations(shipped_desk(), CALM_RESET) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"intent": "webhook_not_firing"}, [("technical", "integrations")], id="specialists keep it"
        ),
        pytest.param({"intent": "data_loss"}, [("technical", "engineering")], id="engineering"),
        pytest.param({"intent": "data_loss", "intent_probability": 0.49}, [], id="technical but unsure"),
        pytest.param({"intent": "data_loss", "out_of_scope": True}, [], id="technical but out of scope"),
        pytest.param({"intent": "no such label"}, [], id="label of another desk"),
        pytest.param(
            {"intent": "security_report"}, [("regulatory", "compliance")], id="legal weight by intent"
        ),
        pytest.param(
            {"surge": Surge(5, 6, 1.0)}, [("crisis", "engineering")], id="five accounts, six times the usual"
        ),
        pytest.param(
            {"surge": Surge(1, 1, 1.0, "incident:sync:1")}, [("crisis", "engineering")], id="open incident"
        ),
        pytest.param({"surge": Surge(4, 60, 1.0)}, [], id="one loud customer is no crisis"),
        pytest.param({"surge": Surge(20, 24, 8.0)}, [], id="many, but usual for this issue"),
        pytest.param(
            {"churn_risk": 0.5, "contract_value_cents": 4_000_000},
            [("account", "relationship")],
            id="risk x value",
        ),
        pytest.param({"churn_risk": 0.5, "contract_value_cents": 3_999_900}, [], id="risk x value too small"),
        pytest.param({"churn_risk": 0.49, **BIG}, [], id="valuable but not at risk"),
        pytest.param(
            {"frustration": 0.6, **BIG}, [("account", "relationship")], id="frustrated and valuable"
        ),
        pytest.param({"frustration": 0.9}, [], id="frustrated, not valuable"),
        pytest.param({"repeats_30d": 2, **BIG}, [("account", "relationship")], id="third report, valuable"),
        pytest.param({"account": None, "frustration": 1.0}, [], id="no account known"),
        pytest.param(
            {"intent": "service_outage", "surge": Surge(9, 9, 0.0), "frustration": 0.9, **BIG}
            | {"body": "Restore it or we take legal action"},
            [
                ("regulatory", "compliance"),
                ("crisis", "engineering"),
                ("technical", "engineering"),
                ("account", "relationship"),
            ],
            id="all four, the one that decides first",
        ),
    ],
)
def test_what_is_escalated_and_where(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert called(**changes) == expected


def test_reasons_carry_their_numbers() -> None:
    reasons = [
        call.reason
        for call in escalations(shipped_desk(), situation(surge=Surge(9, 12, 0.4), churn_risk=0.8, **BIG))
    ]
    assert reasons == [
        "9 accounts wrote 12 tickets about one issue within 24 hours, where 0.4 a day are usual",
        "churn risk 80% on a contract of 150,000 a year",
    ]


def test_an_unknown_contract_value_is_assumed_and_said_so() -> None:
    desk = shipped_desk()
    rules = desk.escalation.model_copy(update={"churn_value_at_risk": 10_000.0})
    lower = desk.model_copy(update={"escalation": rules})
    asked = situation(account=AccountFacts("A-9", churn_risk=0.9))
    [call] = escalations(lower, asked)
    assert call.reason == "churn risk 90% on a contract of 15,000 a year (assumed, value unknown)"


def test_a_rare_issue_needs_more_than_a_multiple_of_nothing() -> None:
    assert not is_surge(shipped_desk(), Surge(accounts_24h=5, tickets_24h=1, baseline_per_day=0.0))
    assert is_surge(shipped_desk(), Surge(accounts_24h=5, tickets_24h=5, baseline_per_day=0.0))
