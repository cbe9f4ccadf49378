"""How often off-policy intervals cover the simulator's truth: logs of one desk, another desk's truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from pipelines.backtest.alternatives import accounts_of, csat_shift
from pipelines.backtest.arms import Arm, Luck
from pipelines.backtest.off_policy import Estimate, Logged, Target, off_policy
from pipelines.backtest.outcomes import OutcomeRates, Satisfaction
from pipelines.backtest.roster import Agent, Window
from pipelines.backtest.rulings import ruled
from pipelines.backtest.simulation import Replay
from pipelines.backtest.verdicts import handled
from pipelines.backtest.world import Case, World, worths_of
from pipelines.params import BacktestParams
from policy.desk import Desk, load_desk
from policy.metrics import Handled
from policy.resolution import PathRecord
from policy.situation import AccountFacts, Situation

Direction = Literal["stricter", "looser"]
HOLD_OUT_SHARE = 0.25
START = datetime(2026, 1, 5, tzinfo=UTC)
DESK = Path("policy/desk.yaml")
THRESHOLDS = {"stricter": (0.95, 0.985), "looser": (0.97, 0.96)}
"""The threshold under which the log was made, and the one that is asked about."""
INTENT = "password_reset"


@dataclass(frozen=True)
class Coverage:
    """Of ``runs`` intervals, how many covered the truth, and how wide they were on average."""

    runs: int
    covered: int
    mean_width: float
    truth: float


def trials(
    direction: Direction, tickets: int, runs: int, truth_runs: int, seed: int, desk: Desk | None = None
) -> dict[str, Coverage]:
    """Make ``runs`` logs under one threshold and ask each about another; the truth is ``truth_runs`` long.

    A share of ``HOLD_OUT_SHARE`` of what may be automated is answered by people, so that both is seen. Looser
    rules automate what no log ever saw automated: there the interval has to allow for everything.
    """
    logged, asked = THRESHOLDS[direction]
    now, then = made_up_worlds(desk or load_desk(DESK), tickets, (logged, asked), seed)
    plain, held_out = Arm("target", "firstline"), Arm("log", "firstline", hold_out_share=HOLD_OUT_SHARE)
    truths = [_figures(_run(then, plain, 1_000_000 + seed + n)) for n in range(truth_runs)]
    shift = csat_shift(now, held_out, then, plain, [seed + 2_000_000 + n for n in range(3)])
    target = Target(np.array([case.ruling.action == "auto_resolve" for case in then.cases]), shift)
    found: dict[str, list[Estimate]] = {"csat": [], "came_back": []}
    for n in range(runs):
        for name, estimate in off_policy(_log(now, held_out, seed + n), target).items():
            found[name].append(estimate)
    return {
        name: _coverage(estimates, float(np.mean([truth[name] for truth in truths])))
        for name, estimates in found.items()
    }


def _coverage(estimates: Sequence[Estimate], truth: float) -> Coverage:
    spans = [(each.low, each.high) for each in estimates if each.low is not None and each.high is not None]
    covered = sum(low <= truth <= high for low, high in spans)
    return Coverage(len(estimates), covered, float(np.mean([high - low for low, high in spans])), truth)


def _run(world: World, arm: Arm, seed: int) -> list[Handled]:
    luck = Luck.draw(world, seed)
    return handled(world, Replay(world, arm, luck).run(), luck)


def _figures(tickets: Sequence[Handled]) -> dict[str, float]:
    return {
        "csat": float(np.mean([t.csat for t in tickets if t.csat is not None])),
        "came_back": float(np.mean([t.outcome == "recontacted" for t in tickets if t.outcome != "open"])),
    }


def _log(world: World, arm: Arm, seed: int) -> Logged:
    tickets = _run(world, arm, seed)
    may = np.array([case.ruling.action == "auto_resolve" for case in world.cases])
    return Logged(
        automated=np.array([ticket.automated for ticket in tickets]),
        automatic_chance=np.where(may, 1 - HOLD_OUT_SHARE, 0.0),
        came_back=np.array(
            [np.nan if t.outcome == "open" else float(t.outcome == "recontacted") for t in tickets]
        ),
        csat=np.array([np.nan if t.csat is None else float(t.csat) for t in tickets]),
        accounts=accounts_of(world),
    )


def made_up_worlds(desk: Desk, tickets: int, thresholds: Sequence[float], seed: int) -> list[World]:
    """The same tickets of one queue under each threshold; four in five wrong automatic answers come back."""
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.uniform(0, tickets / 4, tickets))
    probability = rng.uniform(0.9, 1.0, tickets)
    understood = rng.random(tickets) < probability
    questions = rng.poisson(0.3, tickets)
    window = Window(START, START + timedelta(hours=tickets / 4 + 1), 500.0)
    rates = OutcomeRates(
        {}, 0.15, {}, 0.3, 0.5, Satisfaction({}, 4.0, -0.1, -0.3, -1.2, 0.8, 1.0, 0.1, 0.1, "")
    )
    params = BacktestParams(warm_up_days=0, wrong_answer_back_share=0.8, automatic_csat_points=-0.2)
    agents = [
        Agent(f"agent {n}", desk.intents[INTENT].queue, (), (), np.array([0.0]), np.array([1e6]))
        for n in range(3)
    ]
    worlds = []
    for threshold in thresholds:
        cases = [
            _case(desk, n, hours[n], probability[n], bool(understood[n]), int(questions[n]), threshold)
            for n in range(tickets)
        ]
        team = desk.intents[INTENT].queue
        worlds.append(
            World(
                desk, window, cases, worths_of(cases, window), {team: agents}, {team: 0.4}, rates,
                np.array([2.0, 8.0, 20.0]), 0.3, params,
            )
        )  # fmt: skip
    return worlds


def _case(
    desk: Desk, n: int, hours: float, probability: float, understood: bool, questions: int, threshold: float
) -> Case:
    at, queue = START + timedelta(hours=float(hours)), desk.intents[INTENT].queue
    situation = Situation(
        ticket_id=str(n),
        created_at=at,
        as_of=at,
        channel="email",
        subject="Password",
        body="Please send me a link for a new password.",
        language=desk.automation.languages[0],
        language_confidence=1.0,
        intent=INTENT,
        intent_probability=float(probability),
        out_of_scope=False,
        sentiment="asking",
        frustration=0.0,
        frustration_signals=(),
        priority_level="normal",
        priority_score=0.4,
        account=AccountFacts(f"account {n % 97}", contract_value_cents=1_000_000, renewal_in_days=200.0),
        automation_threshold=threshold,
        automation_evidence="made up",
        path=PathRecord(confirmed=90, recontacted=10),
        path_success=0.8,
    )
    return Case(
        ticket_id=str(n),
        created_hours=float(hours),
        month=f"{at:%Y-%m}",
        issue=INTENT,
        understood=understood,
        first_queue=queue,
        right_queue=queue,
        claimed_level=1,
        questions=questions,
        early_answer=False,
        effort=1.0,
        valuable=False,
        served_by=frozenset(),
        ruling=ruled(desk, situation),
    )
