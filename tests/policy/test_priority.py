"""Priority by rules: every circumstance raises it, nothing the customer claims does."""

from typing import Any

import pytest

from policy.priority import rule_priority
from policy.situation import Surge
from tests.policy.examples import shipped_desk, situation

CIRCUMSTANCES: list[dict[str, Any]] = [
    {"surge": Surge(9, 12, 0.1)},
    {"repeats_30d": 3},
    {"frustration": 0.9},
    {"failed_logins_24h": 6},
    {"contract_value_cents": 30_000_000},
    {"renewal_in_days": 20.0},
    {"churn_risk": 0.9},
]


@pytest.mark.parametrize("changes", CIRCUMSTANCES)
def test_every_circumstance_raises_the_score_and_is_a_reason(changes: dict[str, Any]) -> None:
    usual, raised = (
        rule_priority(shipped_desk(), situation()),
        rule_priority(shipped_desk(), situation(**changes)),
    )
    assert raised[1] > usual[1]
    assert len(raised[2]) >= len(usual[2])
    assert raised[2] != usual[2]


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"intent": "feature_request", "frustration": 0.0}, "low"),
        ({"intent": "invite_user"}, "normal"),
        ({"intent": "password_reset"}, "high"),
        ({"intent": "service_outage"}, "urgent"),
        ({"intent": "invite_user", "repeats_30d": 3, "frustration": 0.9}, "high"),
        ({"intent": None}, "normal"),
        ({"intent": "a label of another desk"}, "normal"),
    ],
)
def test_levels(changes: dict[str, Any], level: str) -> None:
    found, score, reasons = rule_priority(shipped_desk(), situation(**changes))
    assert found == level
    assert 0 <= score <= 1
    assert reasons


def test_the_score_stays_in_bounds_when_everything_is_wrong_at_once() -> None:
    everything = {"intent": "service_outage"} | {
        key: v for change in CIRCUMSTANCES for key, v in change.items()
    }
    assert rule_priority(shipped_desk(), situation(**everything))[:2] == ("urgent", 1.0)


def test_shouting_in_the_text_is_not_evidence() -> None:
    loud = situation(subject="URGENT!!!", body="CRITICAL EMERGENCY NOW")
    assert rule_priority(shipped_desk(), loud) == rule_priority(shipped_desk(), situation())
