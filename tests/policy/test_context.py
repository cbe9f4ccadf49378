"""Three sentences an agent can trust, whatever customers write into names and subjects."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.context import account_health, summary, usage_facts
from policy.situation import AccountFacts, PastTicket, Surge
from tests.policy.examples import NOW, shipped_desk, situation

ENDS = re.compile(r"[.!?…。！？؟।]")
anything = st.text(max_size=80)
hostile = st.one_of(
    anything, st.sampled_from(["Dr. Who?! Inc.", "a.b@c.d\n\nNew. Line", "⒈ one", "。。。", "“quote”."])
)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?…。！？؟।])\s+", text)


@given(
    name=st.one_of(st.none(), hostile),
    subject=hostile,
    intent=st.one_of(st.none(), hostile),
    plan=st.one_of(st.none(), hostile),
    account_id=hostile,
    channel=hostile,
    signals=st.lists(hostile, max_size=3).map(tuple),
    known=st.booleans(),
    count=st.integers(0, 9),
)
def test_the_summary_is_exactly_three_sentences_on_one_line(
    name: str | None, subject: str, intent: str | None, plan: str | None, account_id: str, channel: str,
    signals: tuple[str, ...], known: bool, count: int,
) -> None:  # fmt: skip
    account = AccountFacts(account_id, plan=plan, contract_value_cents=123_456_700, renewal_in_days=30.4)
    earlier = PastTicket("T.0", NOW, subject, intent, False, None)
    text = summary(
        situation(
            contact_name=name,
            intent=intent,
            account=account if known else None,
            channel=channel,
            frustration_signals=signals,
            repeats_30d=count,
            failed_logins_24h=count,
            past_tickets=(earlier,) * (count % 3),
        )
    )
    assert "\n" not in text
    assert text.isprintable()
    assert len(sentences(text)) == len(ENDS.findall(text)) == 3
    assert all(sentence[0].isalnum() or not sentence[0].isascii() for sentence in sentences(text)[1:])


def test_every_clause_says_what_is_known() -> None:
    earlier = PastTicket(
        "T-0", datetime(2026, 6, 20, tzinfo=UTC), "Still locked out!", "password_reset", True, "ok"
    )
    text = summary(
        situation(
            contract_value_cents=31_000_000,
            renewal_in_days=30.0,
            repeats_30d=3,
            tickets_90d=7,
            open_tickets=2,
            errors_7d=4,
            failed_logins_24h=6,
            sentiment="frustrated",
            frustration_signals=("capitals", "exclamation marks"),
            past_tickets=(earlier,),
            surge=Surge(3, 4, 1.0),
        )
    )
    assert sentences(text) == [
        "Anna Berg of account A-17 (team plan, a contract of 310,000 a year, renewal in 30 days, "
        "churn risk 10%) wrote by email.",
        "This person reported the same issue 3 times before in the last 30 days; the account wrote 7 tickets "
        "in 90 days and has 2 open; the latest earlier one, “Still locked out” of 2026-06-20, is solved.",
        "It seems to be about password reset (99% sure), the customer is frustrated (capitals, exclamation "
        "marks), 6 log-ins failed in 24 hours, the account met 4 errors in 7 days and 3 accounts reported "
        "the same within 24 hours.",
    ]


def test_what_is_unknown_is_not_made_up() -> None:
    text = summary(situation(contact_name=None, account=None, intent=None))
    assert text == (
        "A contact whose name is unknown wrote by email and belongs to no known account. "
        "This person has not reported this issue in the last 30 days. "
        "What it is about could not be told and the customer is asking."
    )


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        pytest.param({}, "good", id="all well"),
        pytest.param({"account": None}, "unknown", id="no account"),
        pytest.param({"account": AccountFacts("A-1")}, "unknown", id="nothing measured"),
        pytest.param({"churn_risk": 0.3}, "watch", id="some churn risk"),
        pytest.param({"churn_risk": 0.6}, "poor", id="high churn risk"),
        pytest.param({"usage_change": -0.6}, "watch", id="usage halved"),
        pytest.param({"usage_change": -0.6, "last_csat": 1.0}, "poor", id="two warnings"),
        pytest.param({"open_tickets": 3}, "watch", id="open tickets pile up"),
        pytest.param({"errors_7d": 20}, "watch", id="errors"),
    ],
)
def test_account_health(changes: dict[str, Any], health: str) -> None:
    found, reasons = account_health(shipped_desk(), situation(**changes))
    assert found == health
    assert reasons


def test_usage_facts_tell_unknown_from_none() -> None:
    assert usage_facts(situation(account=None))["errors_7d"] is None
    assert usage_facts(situation())["errors_7d"] == 0
