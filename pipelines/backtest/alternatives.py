"""What if the rules were others: both replayed with the same luck, and what recorded outcomes say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pipelines.backtest.arms import Arm, Life, Luck
from pipelines.backtest.compare import FIFO, FIRSTLINE
from pipelines.backtest.figures import Measured, measured, over_seeds, summary
from pipelines.backtest.history import lives
from pipelines.backtest.off_policy import Logged, Target, off_policy
from pipelines.backtest.recorded import History
from pipelines.backtest.simulation import Replay
from pipelines.backtest.world import World

NOW, THEN = Arm(FIRSTLINE, "firstline"), Arm("what_if", "firstline")


def replay_both(now: World, then: World, seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of all and of valuable tickets under both, and their differences with 95 % intervals."""
    found: dict[str, list[Measured]] = {"now": [], "what_if": []}
    for seed in seeds:
        for name, world in (("now", now), ("what_if", then)):
            luck = Luck.draw(world, seed)
            run = Replay(world, NOW, luck).run()
            found[name].append(measured(world, run, luck, world.params.fixed_cost_per_ticket))
    counted = [case for case in now.cases if case.counted]
    groups = {
        "all": np.ones(len(counted), dtype=bool),
        "valuable": np.array([bool(case.valuable) for case in counted], dtype=bool),
    }
    report: dict[str, Any] = {}
    for group, mask in groups.items():
        if mask.any():
            told = {name: [summary(run, mask) for run in runs] for name, runs in found.items()}
            report[group] = {
                **{name: over_seeds(each) for name, each in told.items()},
                "difference": over_seeds(
                    [_minus(a, b) for a, b in zip(told["what_if"], told["now"], strict=True)],
                    least=-float("inf"),
                ),
            }
    return report


def _minus(ours: Mapping[str, float | None], theirs: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        name: None if value is None or (other := theirs[name]) is None else value - other
        for name, value in ours.items()
    }


def from_history(history: History, world: World, seeds: Sequence[int]) -> dict[str, Any]:
    """What the recorded outcomes of the replayed tickets say about ``world``'s rules, by ``off_policy``."""
    counted = np.array([case.counted for case in world.cases])
    ids = [case.ticket_id for case, chosen in zip(world.cases, counted, strict=True) if chosen]
    ever = lives(history.tables["ticket_events"]).reindex(ids)
    over = ever["solved_at"].notna().to_numpy()
    automated = ever["automated"].eq(True).to_numpy(dtype=bool)
    log = Logged(
        automated=automated,
        automatic_chance=automated.astype(float),
        came_back=np.where(over, ever["came_back"].eq(True).to_numpy(dtype=float), np.nan),
        csat=ever["csat"].to_numpy(dtype=float),
        accounts=accounts_of(world)[counted],
    )
    target = Target(
        np.array([case.ruling.action == "auto_resolve" for case in world.cases])[counted],
        csat_shift(world, Arm(FIFO, "fifo"), world, NOW, seeds)[counted],
    )
    return {name: asdict(estimate) for name, estimate in off_policy(log, target).items()}


def accounts_of(world: World) -> np.ndarray:
    """Whose each ticket is; a ticket of nobody known is its own."""
    return np.array(
        [
            account.account_id if (account := case.ruling.situation.account) else case.ticket_id
            for case in world.cases
        ]
    )


def csat_shift(now: World, before: Arm, then: World, after: Arm, seeds: Sequence[int]) -> np.ndarray:
    """Points by which ratings change because tickets wait and move otherwise: two replays, the same luck."""
    told, shifts = now.rates.satisfaction, []
    for seed in seeds:
        luck = Luck.draw(now, seed)
        old, new = Replay(now, before, luck).run(), Replay(then, after, luck).run()
        days = _wait_days(then, new) - _wait_days(now, old)
        moves = np.array([len(b.queues) - len(a.queues) for a, b in zip(old, new, strict=True)])
        by_people = np.array([not (a.automated or b.automated) for a, b in zip(old, new, strict=True)])
        shift = told.per_wait_day * days + told.per_handoff * moves
        shifts.append(np.where(by_people, np.nan_to_num(shift), 0.0))
    return np.mean(shifts, axis=0)


def _wait_days(world: World, found: Sequence[Life]) -> np.ndarray:
    """Days until the last solution; not a number for what stays open."""
    ends = [[at for at, kind, _ in life.turns if kind == "solved"][-1:] for life in found]
    return np.array(
        [
            (end[0] - case.created_hours) / 24 if end else np.nan
            for case, end in zip(world.cases, ends, strict=True)
        ]
    )
