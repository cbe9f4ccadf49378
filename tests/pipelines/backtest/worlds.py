"""Small desks to replay: a few tickets, a few people, everything else fixed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.backtest.outcomes import OutcomeRates, Satisfaction
from pipelines.backtest.roster import Agent, Window
from pipelines.backtest.rulings import Ruling, ruled
from pipelines.backtest.world import Case, World, worths_of
from pipelines.params import BacktestParams
from policy.desk import Desk
from tests.policy.examples import shipped_desk, situation

ROOT = Path(__file__).parents[3]
START = datetime(2026, 6, 1, tzinfo=UTC)
PARAMS = BacktestParams(handling_spread=0.0, handling_hours=1.0, handoff_hours=0.5, warm_up_days=0)
NEVER_BACK = OutcomeRates(
    back={},
    back_otherwise=0.0,
    confirmed={},
    confirmed_otherwise=0.5,
    rated=0.5,
    satisfaction=Satisfaction({}, 4.0, -0.1, -0.2, -1.0, 0.5, 1.0, 0.2, 0.1, "assumed"),
)


def ruling(hours: float, desk: Desk | None = None, **changes: Any) -> Ruling:
    """What policy says of the calm password reset with ``changes``, ``hours`` after the start."""
    at = START + timedelta(hours=hours)
    return ruled(desk or shipped_desk(), situation(created_at=at, as_of=at, **changes))


def case(
    ticket_id: str,
    hours: float,
    *,
    facts: dict[str, Any] | None = None,
    desk: Desk | None = None,
    **changes: Any,
) -> Case:
    """A ticket of the access team that needs an hour and no question; by default for people only."""
    told = {"ticket_id": ticket_id, "out_of_scope": False, "automation_threshold": None} | (facts or {})
    mine = ruling(hours, desk, **told)
    plain = Case(
        ticket_id=ticket_id,
        created_hours=hours,
        month=f"{START + timedelta(hours=hours):%Y-%m}",
        issue="password_reset",
        understood=True,
        first_queue="access",
        right_queue="access",
        claimed_level=1,
        questions=0,
        early_answer=False,
        effort=1.0,
        valuable=(mine.situation.account.contract_value_cents or 0) >= 10_000_000
        if mine.situation.account
        else None,
        served_by=frozenset(),
        ruling=mine,
    )
    return replace(plain, **changes)


def agent(name: str, team: str = "access", spans: Sequence[tuple[float, float]] = ((0.0, 2000.0),)) -> Agent:
    """Somebody who is there in ``spans`` (hours after the start)."""
    edges = np.array(spans, dtype=float)
    return Agent(name, team, ("password_reset",), ("en",), edges[:, 0], edges[:, 1])


def world(
    cases: Sequence[Case],
    agents: Sequence[Agent],
    *,
    hours: float = 400.0,
    desk: Desk | None = None,
    params: BacktestParams = PARAMS,
    rates: OutcomeRates = NEVER_BACK,
) -> World:
    """The world of ``cases`` and ``agents``; a usual ticket needs an hour."""
    window = Window(START, START + timedelta(hours=hours), 1000.0)
    ordered = sorted(cases, key=lambda each: each.created_hours)
    teams: dict[str, list[Agent]] = {}
    for each in agents:
        teams.setdefault(each.team, []).append(each)
    return World(
        desk=desk or shipped_desk(),
        window=window,
        cases=ordered,
        worths=worths_of(ordered, window),
        team_agents=teams,
        hours_per_effort=dict.fromkeys(teams, 1.0),
        rates=rates,
        customer_delays=np.array([5.0]),
        first_answer_share=0.25,
        params=params,
    )
