"""How often the backtest's off-policy intervals cover the simulator's truth, over hundreds of logs."""

from pipelines.backtest.coverage import Direction, trials
from pipelines.results import Result

TICKETS, RUNS, TRUTH_RUNS, SEED = 600, 200, 400, 1
DIRECTIONS: tuple[Direction, ...] = ("stricter", "looser")
BAR = 0.9


def measure() -> list[Result]:
    """The share of intervals that cover, the worse of stricter and looser rules, for both figures."""
    found = {direction: trials(direction, TICKETS, RUNS, TRUTH_RUNS, SEED) for direction in DIRECTIONS}
    results = []
    for name, words in (("csat", "mean satisfaction"), ("came_back", "share of tickets that come back")):
        by_direction = {direction: told[name] for direction, told in found.items()}
        share = min(each.covered / each.runs for each in by_direction.values())
        said = "; ".join(
            f"{direction} rules: {each.covered} of {each.runs}, mean width {each.mean_width:.3f}"
            for direction, each in by_direction.items()
        )
        results.append(
            Result(
                name=f"backtest.off_policy_coverage_{name}",
                value=round(share, 4),
                unit=f"of 95 % intervals for the {words}",
                reference="the simulator's truth",
                target=f">= {BAR}",
                met=share >= BAR,
                command="firstline drill --only off_policy",
                data=f"made-up desk, {TICKETS} tickets, {RUNS} logs each, truth from {TRUTH_RUNS} replays",
                note=f"{said}.",
            )
        )
    return results
