"""All ways to run the desk on the same tickets with the same luck, and what each comes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.backtest.arms import Arm, Luck
from pipelines.backtest.figures import (
    Mask,
    Measured,
    brief,
    csat_by_issue,
    measured,
    over_seeds,
    ratio,
    summary,
)
from pipelines.backtest.simulation import Replay
from pipelines.backtest.world import World
from policy.desk_schema import Phase

FIFO, REPORTED, FIRSTLINE = "fifo", "reported_priority", "firstline"
MAIN = (Arm(FIFO, "fifo"), Arm(REPORTED, "reported_priority"), Arm(FIRSTLINE, "firstline"))
ROLLOUT = "rollout"
Figures = Callable[[Measured, Mask], dict[str, float | None]]


@dataclass(frozen=True)
class Comparison:
    """Replays by arm; a list of seeds each, in the same order. The side arms have the first seed alone."""

    world: World
    runs: Mapping[str, Sequence[Measured]]
    seeds: Sequence[int]


def months_of(world: World) -> list[str]:
    """The calendar months that are measured, oldest first."""
    return sorted({case.month for case in world.cases if case.counted})


def side_arms(world: World) -> list[Arm]:
    """Firstline held at each phase, and a rollout that goes one phase further every month."""
    phases: list[Phase] = ["intelligence"]
    if world.params.draft_saving_share:
        phases.append("assisted")
    steps = tuple(zip(months_of(world), world.params.rollout, strict=False))
    return [*(Arm(phase, "firstline", phase) for phase in phases), Arm(ROLLOUT, "firstline", None, steps)]


def compare(world: World, seeds: Sequence[int], arms: Sequence[Arm] = MAIN) -> Comparison:
    """Replay ``arms`` under every seed, and the side arms under the first."""
    runs: dict[str, list[Measured]] = {}
    for place, seed in enumerate(seeds):
        luck = Luck.draw(world, seed)
        for arm in (*arms, *(side_arms(world) if place == 0 and arms is MAIN else ())):
            fixed = world.params.fixed_cost_per_ticket if arm.discipline == "firstline" else 0.0
            lives = Replay(world, arm, luck).run()
            runs.setdefault(arm.name, []).append(measured(world, lives, luck, fixed))
    return Comparison(world, runs, seeds)


def report(found: Comparison) -> dict[str, Any]:
    """Everything measured, as plain numbers."""
    world = found.world
    counted = [case for case in world.cases if case.counted]
    groups = {
        "all": np.ones(len(counted), dtype=bool),
        "valuable": np.array([bool(case.valuable) for case in counted], dtype=bool),
        "low_priority": np.array(
            [case.ruling.situation.priority_level == "low" for case in counted], dtype=bool
        ),
    }
    agents = sum(len(team) for team in world.team_agents.values())
    weeks = world.window.hours / 168 * len(counted) / max(1, len(world.cases))
    month = np.array([case.month for case in counted])
    return {
        "replayed_from": f"{world.window.start:%Y-%m-%d}",
        "replayed_until": f"{world.window.end:%Y-%m-%d}",
        "tickets": len(counted),
        "tickets_of_valuable_accounts": int(groups["valuable"].sum()),
        "seeds": len(found.seeds),
        "agents": agents,
        "notes": list(world.notes),
        "arms": {
            arm: over_seeds([summary(run, groups["all"], agents, weeks) for run in runs])
            for arm, runs in found.runs.items()
        },
        "valuable": _group(found, groups["valuable"]),
        "low_priority": _group(found, groups["low_priority"]),
        "ratios_to_fifo": ratios(found, groups["valuable"]),
        "in_reach": in_reach(found, groups["valuable"]),
        "months": {
            name: {
                "tickets": int((month == name).sum()),
                "arms": _group(found, month == name, brief),
                "valuable": _group(found, (month == name) & groups["valuable"], brief),
            }
            for name in sorted(set(month.tolist()))
        },
        "csat_by_issue": {
            arm: csat_by_issue(found.runs[arm]) for arm in (FIFO, FIRSTLINE) if arm in found.runs
        },
        "teams": _teams(world),
        "estimated": _estimated(world),
        "assumed": world.params.model_dump(mode="json"),
    }


def _group(found: Comparison, mask: np.ndarray, figures: Figures = summary) -> dict[str, Any]:
    """The figures of the tickets in ``mask`` by arm; nothing without any."""
    if not mask.any():
        return {}
    return {arm: over_seeds([figures(run, mask) for run in runs]) for arm, runs in found.runs.items()}


def ratios(found: Comparison, valuable: np.ndarray) -> dict[str, Any]:
    """Firstline's and the customers' order beside first in, first out, each with its interval."""
    if FIFO not in found.runs or not valuable.any():
        return {}
    world, chosen = found.world, np.flatnonzero(valuable)
    counted = [case for case in world.cases if case.counted]
    accounts = np.array(
        [a.account_id if (a := counted[i].ruling.situation.account) else counted[i].ticket_id for i in chosen]
    )

    def against(arm: str, name: str, how: Any) -> dict[str, float | None]:
        mine, theirs = ([getattr(run, name)[chosen] for run in found.runs[which]] for which in (arm, FIFO))
        return ratio(mine, theirs, how, accounts, world.params.bootstrap, found.seeds[0])

    return {
        arm: {
            "valuable_first_response_median": against(arm, "response_hours", np.nanmedian),
            "valuable_first_response_mean": against(arm, "response_hours", np.nanmean),
            "valuable_breaches": against(arm, "late", np.nanmean),
            "valuable_first_response_breaches": against(arm, "first_late", np.nanmean),
        }
        for arm in (REPORTED, FIRSTLINE)
        if arm in found.runs
    }


def in_reach(found: Comparison, valuable: np.ndarray) -> dict[str, Any]:
    """Breaches of valuable accounts that an order of the queue can do something about.

    Of the rest, nobody of the team who solves it is there between the customer's words and the promise.
    """
    world = found.world
    counted = [case for case in world.cases if case.counted]
    reachable = np.zeros(len(counted), dtype=bool)
    for place, case in enumerate(counted):
        due = case.ruling.due.first_response_due_at
        if due is None or not valuable[place]:
            continue
        until = (due - world.window.start).total_seconds() / 3600
        agents = world.team_agents[case.right_queue]
        reachable[place] = any(((a.starts < until) & (a.ends > case.created_hours)).any() for a in agents)
    if not reachable.any():
        return {"share_of_valuable": None}
    shares = {
        arm: float(np.mean([np.nanmean(run.first_late[reachable]) for run in runs]))
        for arm, runs in found.runs.items()
    }
    fifo = shares.get(FIFO)
    return {
        "share_of_valuable": float(reachable.sum() / valuable.sum()),
        "first_response_breach_share": shares,
        "ratio_to_fifo": shares[FIRSTLINE] / fifo if fifo else None,
    }


def _teams(world: World) -> dict[str, Any]:
    found = {}
    for team, agents in world.team_agents.items():
        mine = [case for case in world.cases if case.right_queue == team]
        effort = float(np.mean([case.effort for case in mine])) if mine else 1.0
        found[team] = {
            "agents": len(agents),
            "staffed_hours_per_week": 168
            / world.window.hours
            * sum(
                float(
                    (np.minimum(a.ends, world.window.hours) - np.minimum(a.starts, world.window.hours)).sum()
                )
                for a in agents
            ),
            "tickets": len(mine),
            "hands_on_hours_per_ticket": world.hours_per_effort[team] * effort,
        }
    return found


def _estimated(world: World) -> dict[str, Any]:
    told, delays = world.rates.satisfaction, world.customer_delays
    return {
        "came_back_share": world.rates.back_otherwise,
        "confirmed_share": world.rates.confirmed_otherwise,
        "rated_share": world.rates.rated,
        "csat_points_per_wait_day": told.per_wait_day,
        "csat_points_per_handoff": told.per_handoff,
        "csat_effects_from": told.source,
        "first_answer_share": world.first_answer_share,
        "customer_answers_after_hours_median": float(np.median(delays)) if len(delays) else None,
        "questions_per_ticket": float(np.mean([case.questions for case in world.cases])),
    }
