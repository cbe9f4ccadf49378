"""``make drill``: run every drill, record its figures in ``docs/results.json``, and say what was missed."""

import time
from collections.abc import Callable, Mapping

from pipelines.benchmarks.tables import BenchmarkDataError
from pipelines.drills import (
    asof_engine,
    demo_run,
    durability,
    half_year,
    large_file,
    monitor_size,
    mutations,
    off_policy,
    promotion,
    public_sets,
    real_run,
    replay,
    soak,
)
from pipelines.results import Result, record_results
from pipelines.service_process import ServiceNotReady

Drill = Callable[[], list[Result]]
DRILLS: dict[str, Drill] = {
    "asof": asof_engine.measure,
    "demo": demo_run.measure,
    "real_run": real_run.measure,
    "durability": durability.measure,
    "replay": replay.measure,
    "mutations": mutations.measure,
    "soak": soak.measure,
    "promotion": promotion.measure,
    "half_year": half_year.measure,
    "large_file": large_file.measure,
    "monitor_size": monitor_size.measure,
    "off_policy": off_policy.measure,
    "benchmarks": public_sets.measure,
}


def run_drills(only: str | None = None, more: Mapping[str, Drill] | None = None) -> int:
    """Run all drills or one; the exit status is 1 if a drill could not run. Missed targets are recorded.

    ``more``: drills of what this room may not import. Raises ``ValueError`` for the name of a drill that does
    not exist.
    """
    drills = DRILLS | dict(more or {})
    if only is not None and only not in drills:
        raise ValueError(f"no drill is called {only!r}; there are {', '.join(drills)}")
    failed = []
    for name in [only] if only else list(drills):
        print(f"== drill {name}", flush=True)
        started = time.monotonic()
        try:
            results = drills[name]()
        except (RuntimeError, FileNotFoundError, ServiceNotReady, BenchmarkDataError) as error:
            print(f"== drill {name} could not run: {error}")
            failed.append(name)
            continue
        record_results(results)
        for result in results:
            verdict = {True: "met", False: "MISSED", None: "no bar"}[result.met]
            print(f"   {result.name} = {result.value:.4g} {result.unit} ({result.target or '-'}: {verdict})")
        print(f"== drill {name}: {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0
