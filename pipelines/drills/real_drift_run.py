"""The replay of real drift as a drill and as a command: figures, a plot by week, and a page to read."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pipelines.datasets import dataset_folder
from pipelines.drills.real_drift import Monitor, Replayed, replay
from pipelines.drills.real_drift_page import write_page
from pipelines.drills.real_drift_story import Story, story
from pipelines.drills.real_stream import Source, read_stream
from pipelines.params import LoopParams, Params, load_params
from pipelines.results import Result

COMMAND = "firstline drill --only real_drift"
PAGE = Path("docs/real-drift.md")
BASE_DAYS = 365
"""How much history the first release learns from, unless somebody says otherwise."""
QUICK = {"encoder": "none", "trials": 2}
"""Intents by n-grams alone: some forty trainings fit into minutes."""
MOST_EVALUATION_TICKETS = 2_000
"""To judge challengers by; a share of years of history would be months of tickets that nobody learns from."""
NewMonitor = Callable[[LoopParams], Monitor]


def run(
    source: Source, new_monitor: NewMonitor, params: Params, base_days: int = BASE_DAYS
) -> tuple[Replayed, Story]:
    """Read ``source`` and replay it from ``base_days`` after its first ticket.

    Raises ``RuntimeError`` where nothing comes after that, or nothing can be learnt before, and what
    ``read_stream`` raises.
    """
    stream = read_stream(source)
    created = stream.tickets["created_at"]
    opens = (created.iloc[0].floor("D") + timedelta(days=base_days)).to_pydatetime()
    if created.iloc[-1] < opens + timedelta(days=7):
        raise RuntimeError(
            f"{source.folder} ends on {created.iloc[-1]:%Y-%m-%d}, and the replay would open on "
            f"{opens:%Y-%m-%d}: give a smaller --base-days"
        )
    replayed = replay(stream, opens, params, new_monitor(params.loop))
    if replayed.judged.empty:
        raise RuntimeError(f"no ticket since {opens:%Y-%m-%d} has a final intent: nothing to judge by")
    return replayed, story(replayed)


def replay_to_page(
    source: Source, new_monitor: NewMonitor, params: Params, base_days: int, page: Path, command: str
) -> tuple[Replayed, Story]:
    """``run``, and what came of it as a page."""
    replayed, told = run(source, new_monitor, params, base_days)
    write_page(replayed, told, page, command)
    return replayed, told


def quick(params: Params) -> Params:
    """``params`` with ``QUICK`` intents and no more than ``MOST_EVALUATION_TICKETS``, else as it serves."""
    intent = params.intent.model_copy(update=QUICK)
    split = params.split.model_copy(update={"most_evaluation_tickets": MOST_EVALUATION_TICKETS})
    return params.model_copy(update={"intent": intent, "split": split})


def measure(new_monitor: NewMonitor) -> list[Result]:
    """Replay Thunderbird's forum, write ``docs/real-drift.md`` and its plot, and return the figures."""
    taxonomy = dataset_folder("sumo_taxonomy") / "topic_to_top.json"
    mapping = Path("connectors/mappings/sumo_thunderbird.yaml")
    source = Source("sumo_thunderbird", dataset_folder("sumo_thunderbird"), mapping, (taxonomy,))
    found = replay_to_page(source, new_monitor, quick(load_params()), BASE_DAYS, PAGE, COMMAND)
    return figures(*found)


def figures(replayed: Replayed, told: Story) -> list[Result]:
    """The figures for ``docs/results.json``."""
    mean, low, high = told.gain
    note = (
        f"accuracy {told.on:.3f} with the loop, {told.off:.3f} with the first release for ever, over "
        f"{told.labelled:,} labelled tickets in {len(replayed.weeks)} weeks; {replayed.retrained} "
        f"retrainings, {replayed.promoted} promoted; n-grams alone, {MOST_EVALUATION_TICKETS:,} newest "
        "tickets to judge by, every other limit as it serves; the interval takes tickets as independent"
    )
    results = [
        _result("accuracy_gain", mean, "", "> 0", low > 0, note, (low, high)),
        _result("misroutings_avoided", told.saved, "tickets", "", None, "labelled tickets named right, net"),
    ]
    if told.begins is not None:
        name, begins = "weeks_to_notice", f"{told.begins:%Y-%m-%d}"
        bar = f"new labels were a tenth of a week's from {begins} on; the monitor looked once a week"
        if told.noticed is None:
            results.append(_result(name, len(replayed.weeks), "weeks", "", False, f"never noticed; {bar}"))
        else:
            weeks = (told.noticed - told.begins).days / 7
            results.append(_result(name, weeks, "weeks", "", None, bar))
    return results


def _result(
    name: str,
    value: float,
    unit: str,
    target: str,
    met: bool | None,
    note: str,
    bounds: tuple[float, float] | None = None,
) -> Result:
    low, high = (None, None) if bounds is None else (round(bounds[0], 4), round(bounds[1], 4))
    return Result(
        f"loop.thunderbird.{name}",
        round(value, 4),
        unit,
        "the first release for ever, same tickets",
        target,
        met,
        COMMAND,
        "sumo_thunderbird",
        note,
        low,
        high,
    )
