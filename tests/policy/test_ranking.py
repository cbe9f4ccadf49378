"""The order of the queue: what matters more is served first, and the usual traffic does not drown it."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.escalation import escalations
from policy.ranking import Rank, renewal_share, value_at_risk
from policy.situation import AccountFacts, Situation, Surge
from policy.sla import due_times
from tests.policy.examples import ACCOUNT, NOW, shipped_desk, situation

amounts = st.integers(0, 5_000_000_00)
days = st.floats(0, 700)
shares = st.floats(0, 1)


def rank(asked: Situation, waited: timedelta = timedelta()) -> Rank:
    desk = shipped_desk()
    due = due_times(desk, asked.account.plan if asked.account else None, asked.created_at)
    return value_at_risk(desk, asked, due, escalations(desk, asked), asked.created_at + waited)


def value(**changes: Any) -> float:
    return rank(situation(**changes)).value_at_risk


@given(amounts, amounts, days, st.integers(0, 5), shares)
def test_more_contract_value_never_ranks_lower(
    one: int, more: int, renewal: float, repeats: int, frustration: float
) -> None:
    rest = {"renewal_in_days": renewal, "repeats_30d": repeats, "frustration": frustration}
    low, high = sorted((one, more))
    assert value(contract_value_cents=low, **rest) <= value(contract_value_cents=high, **rest)


@given(days, days, amounts)
def test_a_nearer_renewal_never_ranks_lower(one: float, other: float, contract: int) -> None:
    near, far = sorted((one, other))
    assert value(renewal_in_days=near, contract_value_cents=contract) >= value(
        renewal_in_days=far, contract_value_cents=contract
    )


@given(st.integers(0, 30), amounts, shares)
def test_one_more_repeat_ranks_higher(repeats: int, contract: int, frustration: float) -> None:
    rest = {"contract_value_cents": contract, "frustration": frustration}
    assert value(repeats_30d=repeats + 1, **rest) >= value(repeats_30d=repeats, **rest)
    if repeats < 8:
        assert value(repeats_30d=repeats + 1, **rest) > value(repeats_30d=repeats, **rest)


@given(shares, shares, amounts)
def test_more_frustration_churn_risk_or_priority_never_ranks_lower(
    one: float, other: float, contract: int
) -> None:
    low, high = sorted((one, other))
    for name in ("frustration", "churn_risk", "priority_score"):
        assert value(**{name: low, "contract_value_cents": contract}) <= value(
            **{name: high, "contract_value_cents": contract}
        )


@given(st.integers(0, 400), st.integers(1, 400))
def test_waiting_always_moves_a_ticket_up_so_that_nobody_waits_for_ever(hours: int, more: int) -> None:
    asked = situation()
    assert (
        rank(asked, timedelta(hours=hours + more)).value_at_risk
        > rank(asked, timedelta(hours=hours)).value_at_risk
    )


def test_the_lowest_ticket_overtakes_the_highest_in_bounded_time() -> None:
    lowest = situation(contract_value_cents=0, frustration=0.0, priority_score=0.0, churn_risk=0.0)
    urgent = situation(contract_value_cents=10_000_000, frustration=0.8, priority_score=1.0)
    assert rank(lowest, timedelta(days=60)).value_at_risk > rank(urgent).value_at_risk


@pytest.mark.parametrize(("days_left", "share"), [(48, 0.5), (44, 0.8808), (0, 1.0), (-20, 1.0), (1e9, 0.0)])
def test_the_share_being_decided_follows_the_renewal_window(days_left: float, share: float) -> None:
    assert renewal_share(shipped_desk().ranking, days_left) == pytest.approx(share, abs=1e-4)


def test_unknown_value_is_neutral_and_said_so() -> None:
    nobody = rank(situation(account=None))
    nothing = rank(situation(account=AccountFacts("A-0", contract_value_cents=0, renewal_in_days=30.0)))
    assert nobody.value_at_risk > nothing.value_at_risk
    assert "contract of 15,000 a year (assumed: value unknown), renewal date unknown" in nobody.reasons
    assert "assumed" not in " ".join(nothing.reasons)


def test_reasons_name_what_counts_and_leave_out_what_does_not() -> None:
    reasons = rank(situation(repeats_30d=3, frustration=0.9, churn_risk=0.0)).reasons
    assert reasons[0].startswith("contract of 12,000 a year, renews in 200 days")
    assert reasons[1:3] == ("reported 4 times in 30 days", "frustration 90%")
    assert not any("churn" in reason or "incident" in reason for reason in reasons)


def usual_ticket(chance: random.Random, number: int) -> Situation:
    """One of a night's usual tickets: mostly small and calm, some angry, urgent or of large accounts."""
    size = chance.choices((3_000, 12_000, 45_000, 160_000), weights=(35, 35, 22, 8))[0]
    angry, outage = chance.random() < 0.18, chance.random() < 0.06
    renewal, contract = chance.uniform(1, 365), int(size * chance.lognormvariate(0, 0.4) * 100)
    if contract >= 25_000_000 and renewal <= 45:
        renewal += 90  # the three that are looked for are the only ones of their kind
    return situation(
        ticket_id=f"U-{number}",
        plan=chance.choice(("starter", "team", "business", "enterprise")),
        contract_value_cents=contract if chance.random() < 0.95 else None,
        renewal_in_days=renewal,
        churn_risk=chance.betavariate(1, 9),
        repeats_30d=chance.choices((0, 1, 2), weights=(88, 10, 2))[0],
        frustration=chance.uniform(0.6, 1.0) if angry else chance.uniform(0.0, 0.3),
        sentiment="frustrated" if angry else "asking",
        priority_level="urgent" if outage else "normal",
        priority_score=chance.uniform(0.85, 1.0) if outage else chance.uniform(0.1, 0.7),
        intent="service_outage" if outage else "invite_user",
        surge=Surge(20, 25, 0.3) if outage else Surge(),
        created_at=NOW - timedelta(hours=chance.uniform(0, 14)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_large_renewals_and_the_fourth_report_come_first_in_847_tickets(seed: int) -> None:
    chance = random.Random(seed)
    queue = [usual_ticket(chance, number) for number in range(843)]
    queue += [
        situation(
            ticket_id=f"R-{days_left}",
            contract_value_cents=cents,
            renewal_in_days=days_left,
            priority_score=0.2,
        )
        for cents, days_left in ((26_000_000, 44.0), (31_000_000, 30.0), (48_000_000, 12.0))
    ]
    capitals = {"repeats_30d": 3, "frustration": 0.85, "sentiment": "frustrated", "priority_score": 0.5}
    queue.append(situation(ticket_id="FOURTH", contract_value_cents=900_000, **capitals))
    first_ten = sorted(queue, key=lambda asked: -rank(replace(asked, as_of=NOW)).value_at_risk)[:10]
    assert {"R-44.0", "R-30.0", "R-12.0", "FOURTH"} <= {asked.ticket_id for asked in first_ten}


def test_an_account_is_not_mistaken_for_worthless_when_only_its_renewal_is_unknown() -> None:
    unknown, far = replace(ACCOUNT, renewal_in_days=None), replace(ACCOUNT, renewal_in_days=300.0)
    assert rank(situation(account=unknown)).value_at_risk > rank(situation(account=far)).value_at_risk
