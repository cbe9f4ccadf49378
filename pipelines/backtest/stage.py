"""Stage backtest: replay the newest history under three ways to run the desk, and say what each comes to."""

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipelines.artifacts import write_metrics, write_plot
from pipelines.backtest.compare import FIFO, FIRSTLINE, MAIN, compare, report
from pipelines.backtest.page import PAGE, write_page
from pipelines.backtest.recorded import History, NothingToReplay, judge, read_history, world_of
from pipelines.params import BacktestParams, Params, load_params
from pipelines.tracking import record_run
from policy.desk import load_desk

NAME = "backtest"


def seeds_of(params: Params, number: int | None = None) -> list[int]:
    """The seeds of ``number`` replays (default: as ``params`` say); more replays start with the same ones."""
    return [params.seed + n for n in range(number or params.backtest.seeds)]


def replay_history(
    history: History, params: Params, backtest: BacktestParams, seeds: Sequence[int]
) -> dict[str, Any]:
    """The report of all main arms. Raises ``NothingToReplay`` without tickets newer than the models."""
    desk = load_desk(params.release.desk)
    world = world_of(history, judge(desk, history, backtest), backtest)
    return report(compare(world, seeds))


def month_points(found: dict[str, Any]) -> pd.DataFrame:
    """By month and way to run the desk: hours until valuable accounts are answered, promises broken to them.

    All accounts where none is known to be valuable.
    """
    arms = [arm.name for arm in MAIN]
    rows = []
    for month, told in found.get("months", {}).items():
        figures = told["valuable"] or told["arms"]
        for what in ("first_response_hours_median", "breach_share"):
            rows.append((month, what, *(figures[arm][what]["value"] for arm in arms)))
    return pd.DataFrame(rows, columns=["month", "figure", *arms])


def headline(found: dict[str, Any]) -> str:
    """The figures people ask for first, in one line."""
    if "absent" in found:
        return f"left out: {found['absent']}"
    ours, fifo = found["arms"][FIRSTLINE], found["arms"][FIFO]
    parts = [f"{found['tickets']:,} tickets, {found['seeds']} seeds"]
    told = found["ratios_to_fifo"].get(FIRSTLINE)
    if told:
        first, late = told["valuable_first_response_median"]["value"], told["valuable_breaches"]["value"]
        parts.append(
            f"valuable accounts wait {_times(first)} and break {_times(late)} of first in, first out"
        )
    hours = fifo["hands_on_hours"]["value"] - ours["hands_on_hours"]["value"]
    parts.append(f"{hours:,.0f} hands-on hours saved, {ours['automation_rate']['value']:.1%} automated")
    return "; ".join(parts)


def _times(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.2f}"


def main() -> None:
    """Replay, and write metrics, the points of the plots and the page."""
    params, started = load_params(), time.perf_counter()
    try:
        found = replay_history(read_history(), params, params.backtest, seeds_of(params))
    except NothingToReplay as reason:
        found = {"absent": str(reason)}
    points = month_points(found)
    for figure, name in (("first_response_hours_median", "response"), ("breach_share", "breaches")):
        write_plot(f"backtest_{name}", points[points["figure"] == figure].drop(columns="figure"))
    written = write_metrics(NAME, found)
    write_page(PAGE, written)
    used = {"seed": params.seed, "backtest": params.backtest.model_dump(mode="json")}
    record_run(NAME, used, {name: written.get(name, {}) for name in ("ratios_to_fifo", "valuable")})
    print(f"backtest: {headline(written)}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
