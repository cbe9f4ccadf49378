"""The monitor as drills ask it: the same verdict, of frames instead of a store."""

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from monitoring.feedback import feedback_labels
from monitoring.quality import corrections, quality
from monitoring.response import Standing, response_to
from monitoring.rise import strongest_rise
from monitoring.successor import judge_successor, same_tickets, yardstick
from monitoring.verdict import Limits, Verdict, judge, settled
from monitoring.window import LONGEST_WINDOW, recent
from pipelines.drill import Drill
from pipelines.drills import real_drift_run, shifts
from pipelines.drills.real_drift import Desk, Look, Monitor
from pipelines.drills.shifts import Watch
from pipelines.params import LoopParams


def drills() -> dict[str, Drill]:
    """The drills that need the monitor itself."""
    return {
        "shifts": lambda: shifts.measure(new_watch),
        "real_drift": lambda: real_drift_run.measure(new_monitor),
    }


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


def new_monitor(loop: LoopParams) -> Monitor:
    """A monitor of a desk with releases that follow each other, and what ``firstline tick`` makes of it.

    As ``monitoring.monitor.observe`` and ``firstline.acting.look_and_act`` do, without inputs and outcomes.
    """
    limits = Limits()
    last: Verdict | None = None
    yardsticks: dict[str, dict[str, float]] = {}

    def look(now: datetime, desk: Desk) -> Look:
        nonlocal last
        champion, made, feedback = desk.champion, desk.decisions, desk.feedback
        own = made[made["release"] == champion.name]
        seen = quality(recent(own, now, least=limits.min_decisions), feedback)
        said = corrections(own, feedback)
        held_to = yardsticks.setdefault(champion.name, champion.expected_errors)
        same = {}
        if desk.last_good is not None:
            lately = said[said["decision_id"].isin(recent(own, now, LONGEST_WINDOW)["decision_id"])]
            same = same_tickets(lately, desk.instead)
            held_to = yardstick(champion.expected_errors, yardsticks[desk.last_good], same, limits)
            yardsticks[champion.name] = held_to
        labels = feedback_labels(feedback[feedback["at"] > champion.since], made)
        found = judge(
            seen,
            (),
            labels["ticket_id"].nunique(),
            limits=limits,
            expected_errors=held_to,
            rise=strongest_rise(own, said) if len(own) else None,
            learnt=champion.learnt,
        )
        if desk.last_good is not None:
            found = judge_successor(same, desk.last_good, limits) or found
        last = settled(replace(found, release=champion.name), last, now, limits)
        standing = Standing(champion.since, retrained_at=desk.retrained_at)
        days = timedelta(days=loop.cool_down_days), timedelta(days=loop.probation_days)
        return Look(last.state, last.cause, last.reason, response_to(last, standing, now, *days).step)

    return look
