"""The monitor as the bench of shifts asks it: the same verdict, of frames instead of a store."""

from datetime import datetime

import pandas as pd

from monitoring.quality import corrections, quality
from monitoring.rise import strongest_rise
from monitoring.verdict import Limits, Verdict, judge, settled
from monitoring.window import LONGEST_WINDOW, recent
from pipelines.drill import Drill
from pipelines.drills import shifts
from pipelines.drills.shifts import Watch


def drills() -> dict[str, Drill]:
    """The drills that need the monitor itself."""
    return {"shifts": lambda: shifts.measure(new_watch)}


def new_watch(decisions: pd.DataFrame, feedback: pd.DataFrame, expected_errors: dict[str, float]) -> Watch:
    """A monitor of one release's whole history, that remembers its last verdict as the store does.

    ``feedback``: at most one piece of each field of a decision, so that what had been said by a moment is
    what had come by then of all that was ever said.
    """
    limits = Limits()
    said = corrections(decisions, feedback)
    last: Verdict | None = None

    def watch(now: datetime) -> tuple[str, str]:
        nonlocal last
        made = decisions[decisions["at"] <= now]
        window = recent(made[made["at"] > now - 2 * LONGEST_WINDOW], now, least=limits.min_decisions)
        heard = feedback[(feedback["at"] <= now) & (feedback["at"] > now - 2 * LONGEST_WINDOW)]
        found = judge(
            quality(window, heard),
            (),
            limits=limits,
            expected_errors=expected_errors,
            rise=strongest_rise(made, said[said["at"] <= now]),
        )
        last = settled(found, last, now, limits)
        return last.state, last.reason

    return watch
