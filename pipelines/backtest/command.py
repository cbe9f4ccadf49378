"""``firstline backtest``: the whole comparison with as many seeds as wanted, or a what-if."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.backtest.alternatives import from_history, replay_both
from pipelines.backtest.compare import FIFO, FIRSTLINE
from pipelines.backtest.page import PAGE, table, write_page
from pipelines.backtest.recorded import judge, read_history, world_of
from pipelines.backtest.settings import changed
from pipelines.backtest.stage import replay_history, seeds_of
from pipelines.backtest.wording import FIGURES, in_words
from pipelines.params import load_params
from pipelines.results import Result, record_results
from policy.desk import load_desk

BARS = {"valuable_first_response_ratio_vs_fifo": 0.7, "valuable_breach_ratio_vs_fifo": 0.5}


def run(seeds: int | None) -> dict[str, Any]:
    """Replay everything, write the page, and return the figures."""
    params = load_params()
    found = replay_history(read_history(), params, params.backtest, seeds_of(params, seeds))
    write_page(PAGE, found)
    return found


def what_if(settings: Sequence[str], seeds: int | None) -> dict[str, Any]:
    """Firstline by today's rules beside ``settings``; nothing is written."""
    params, history = load_params(), read_history()
    new = changed(settings, params.release.desk, history.thresholds, params.backtest)
    sizes = {"most_tickets": new.params.most_tickets, "warm_up_days": new.params.warm_up_days}
    own = params.backtest.model_copy(update=sizes)
    judged = judge(load_desk(params.release.desk), history, own)
    others = judge(new.desk, history, new.params, new.thresholds) if new.rulings_differ else judged
    now, then = world_of(history, judged, own), world_of(history, others, new.params)
    luck = seeds_of(params, seeds)
    return {
        "settings": list(settings),
        "seeds": len(luck),
        "replayed": replay_both(now, then, luck),
        "from_history": {
            "now": from_history(history, now, luck[:1]),
            "what_if": from_history(history, then, luck[:1]),
        },
        "notes": list(then.notes),
    }


def text(found: Mapping[str, Any]) -> str:
    """The figures for the terminal."""
    return _what_if_text(found) if "settings" in found else table(found) + f"\nwrote {PAGE}"


def _what_if_text(found: Mapping[str, Any]) -> str:
    width = max(len(said) for said, _ in FIGURES.values()) + 2
    lines = [f"what if {', '.join(found['settings'])}; {found['seeds']} seeds"]
    for group, told in found["replayed"].items():
        lines.append(
            f"-- {group} tickets{'':<{width - len(group) - 11}}{'now':>14}{'what if':>14}   difference (95 %)"
        )
        for name, (said, unit) in FIGURES.items():
            if name in told["now"]:
                values = [in_words(told[which][name]["value"], unit) for which in ("now", "what_if")]
                lines.append(
                    f"{said:<{width}}{values[0]:>14}{values[1]:>14}   {_span(told['difference'][name], unit)}"
                )
    lines.append("-- by what the recorded history itself says, 95 % (off-policy)")
    for name, said, unit in (("csat", "satisfaction, 1 to 5", "points"), ("came_back", "came back", "%")):
        for which in ("now", "what_if"):
            told = found["from_history"][which][name]
            span = f"{in_words(told['low'], unit)} to {in_words(told['high'], unit)}"
            lines.append(
                f"{said + ', ' + which.replace('_', ' '):<{width}}{span}; {told['tried_share']:.1%} of the "
                "tickets were treated so before, the rest may end as badly or as well as possible"
            )
    return "\n".join([*lines, *(f"note: {note}" for note in found["notes"])])


def _span(told: Mapping[str, Any], unit: str) -> str:
    if told["value"] is None:
        return "unknown"
    sign = "+" if told["value"] > 0 else ""
    if told["low"] is None:
        return f"{sign}{in_words(told['value'], unit)}"
    between = f"{in_words(told['low'], unit)} to {in_words(told['high'], unit)}"
    return f"{sign}{in_words(told['value'], unit)} ({between})"


def record(found: Mapping[str, Any]) -> None:
    """Put the bars and what stands beside them into ``docs/results.json``. Raises ``ValueError`` without
    them.
    """
    if not found.get("ratios_to_fifo", {}).get(FIRSTLINE):
        raise ValueError("no account is known to be valuable: there is nothing to record")
    record_results(results(found))


def results(found: Mapping[str, Any]) -> list[Result]:
    """The figures of a replay as entries of ``docs/results.json``."""
    ratios, arms = found["ratios_to_fifo"][FIRSTLINE], found["arms"]
    command = f"firstline backtest --seeds {found['seeds']} --record"
    data = f"demo company, {found['tickets']:,} evaluation tickets, {found['seeds']} seeds"
    reach = found["in_reach"]

    def one(
        name: str,
        told: Mapping[str, Any],
        unit: str,
        beside: str,
        note: str,
        bar: str = "",
        met: bool | None = None,
    ) -> Result:
        return Result(
            name=f"backtest.{name}",
            value=round(told["value"], 4),
            unit=unit,
            reference=beside,
            target=bar,
            met=met,
            command=command,
            data=data,
            note=note,
            low=None if told["low"] is None else round(told["low"], 4),
            high=None if told["high"] is None else round(told["high"], 4),
        )

    first, late = ratios["valuable_first_response_median"], ratios["valuable_breaches"]
    mean, ours, fifo = ratios["valuable_first_response_mean"], arms[FIRSTLINE], arms[FIFO]
    low, limit = found["low_priority"], found["assumed"]["longest_wait_days"]
    cost = ours["cost_per_resolution"]["value"] / fifo["cost_per_resolution"]["value"]
    found_results = [
        one(
            "valuable_first_response_ratio_vs_fifo",
            first,
            "of the median",
            "first in, first out",
            f"By the mean {mean['value']:.3f} ({mean['low']:.3f} to {mean['high']:.3f}).",
            "<= 0.7",
            first["value"] <= BARS["valuable_first_response_ratio_vs_fifo"],
        ),
        one(
            "valuable_breach_ratio_vs_fifo",
            late,
            "of the share",
            "first in, first out",
            f"For {1 - reach['share_of_valuable']:.1%} of these tickets nobody of the team is there before "
            "the promise is broken, whatever the order; among the others late first answers are "
            f"{reach['ratio_to_fifo']:.3f} of first in, first out.",
            "<= 0.5",
            late["value"] <= BARS["valuable_breach_ratio_vs_fifo"],
        ),
        one(
            "routing_accuracy",
            ours["routing_accuracy"],
            "of first queues",
            f"the desk itself {fifo['routing_accuracy']['value']:.3f}",
            "The queue recorded at the end is taken as right.",
        ),
        one(
            "automation_rate",
            ours["automation_rate"],
            "of all tickets, not come back",
            "",
            "Outcomes by stated assumptions.",
        ),
        one(
            "cost_per_resolution_ratio",
            {"value": cost, "low": None, "high": None},
            "of the cost",
            "first in, first out",
            "Hands-on time at its price, and Firstline's own cost a ticket.",
        ),
    ]
    if low:
        wait = low[FIRSTLINE]["longest_wait_days"]
        found_results.append(
            one(
                "low_priority_longest_wait_days",
                wait,
                "days",
                f"first in, first out {low[FIFO]['longest_wait_days']['value']:.1f}",
                "Mean over the seeds of the longest wait for a first answer.",
                f"<= {limit:g}",
                wait["value"] <= limit,
            )
        )
    return found_results
