"""Looking back at the right time, by what was decided."""

from datetime import timedelta

import pytest

from policy.follow_up import follow_ups
from policy.gates import Action
from tests.policy.examples import NOW, shipped_desk, situation


@pytest.mark.parametrize(
    ("action", "intent", "expected"),
    [
        ("auto_resolve", "password_reset", [("confirmation", 0), ("check_in", 4), ("usage_check", 24)]),
        ("auto_resolve", "invoice_copy", [("confirmation", 0), ("check_in", 24), ("usage_check", 72)]),
        ("assist", "password_reset", [("confirmation", 0), ("check_in", 48)]),
        ("human", None, [("confirmation", 0), ("check_in", 48)]),
    ],
)
def test_follow_ups_by_action(action: Action, intent: str | None, expected: list[tuple[str, int]]) -> None:
    calls = follow_ups(shipped_desk(), situation(intent=intent), action)
    assert [(call.kind, (call.due_at - NOW) / timedelta(hours=1)) for call in calls] == expected


def test_the_usage_check_names_the_feature_that_proves_success() -> None:
    assert follow_ups(shipped_desk(), situation(), "auto_resolve")[-1].reason == "expected: 'login' in use"
