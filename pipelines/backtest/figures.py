"""What a replay comes to, by the definitions of ``policy.metrics``; and the same over many seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from pipelines.backtest.arms import Life, Luck
from pipelines.backtest.verdicts import handled
from pipelines.backtest.world import World
from policy import metrics
from policy.desk_schema import WEEKDAYS, Calendar
from policy.metrics import Handled
from policy.sla import plan_of

Mask = np.ndarray


@dataclass(frozen=True)
class Measured:
    """One replay, ticket by ticket: durations in hours (not a number: never), promises broken, what was
    spent.

    ``first_late`` and ``late`` (either promise) are not a number where nothing was promised.
    """

    tickets: Sequence[Handled]
    response_hours: np.ndarray
    wait_days: np.ndarray
    resolution_hours: np.ndarray
    first_late: np.ndarray
    late: np.ndarray
    staffed_hours: float
    cost_per_hour: float
    fixed_cost_per_ticket: float


@lru_cache(maxsize=1)
def around_the_clock() -> Calendar:
    """The calendar of customers who were promised nothing: their own clock."""
    day: tuple[tuple[int, int], ...] = ((0, 24 * 60),)
    return Calendar(time_zone="UTC", hours=dict.fromkeys(WEEKDAYS, day))


def measured(world: World, lives: Sequence[Life], luck: Luck, fixed_cost_per_ticket: float) -> Measured:
    """Measure the counted tickets of one replay."""
    tickets, desk = handled(world, lives, luck), world.desk
    counted = [case for case in world.cases if case.counted]
    rows = []
    for ticket, case in zip(tickets, counted, strict=True):
        account = case.ruling.situation.account
        plan = plan_of(desk, account.plan if account else None)
        calendar = desk.calendars[plan.calendar] if plan else around_the_clock()
        answer = metrics.first_response_hours(ticket, calendar)
        answered = ticket.first_response_at
        waited = (answered - ticket.created_at).total_seconds() / 86_400 if answered else None
        first_late = late = np.nan
        if plan is not None:
            first_late = float(answer is None or answer > plan.first_response_hours)
            solution = metrics.desk_resolution_hours(ticket, calendar)
            late = float(bool(first_late) or solution is None or solution > plan.resolution_hours)
        rows.append((answer, waited, metrics.resolution_hours(ticket), first_late, late))
    response, waited_days, solution_hours, first_lates, lates = np.array(rows, dtype=float).reshape(-1, 5).T
    share = sum(c.counted for c in world.cases) / max(1, len(world.cases))
    return Measured(
        tickets,
        response,
        waited_days,
        solution_hours,
        first_lates,
        lates,
        staffed_hours=world.staffed_hours() * share,
        cost_per_hour=world.params.agent_cost_per_hour,
        fixed_cost_per_ticket=fixed_cost_per_ticket,
    )


def brief(found: Measured, mask: Mask) -> dict[str, float | None]:
    """The few figures that are told month by month, of the tickets in ``mask``."""
    tickets = [ticket for ticket, chosen in zip(found.tickets, mask, strict=True) if chosen]
    return {
        "tickets": float(len(tickets)),
        "first_response_hours_median": _finite(np.nanmedian, found.response_hours[mask]),
        "breach_share": _finite(np.nanmean, found.late[mask]),
        "automation_rate": metrics.automation_rate(tickets),
        "hands_on_hours": float(sum(ticket.handling_hours for ticket in tickets)),
    }


def summary(found: Measured, mask: Mask, agents: int = 0, weeks: float = 0.0) -> dict[str, float | None]:
    """The figures of the tickets in ``mask``; ``agents`` and ``weeks`` are of the whole desk, else 0."""
    tickets = [ticket for ticket, chosen in zip(found.tickets, mask, strict=True) if chosen]
    fixed = found.fixed_cost_per_ticket * len(tickets)
    by_people = sum(not ticket.automated or ticket.handling_hours > 0 for ticket in tickets)
    figures = brief(found, mask) | {
        "first_response_hours_mean": _finite(np.nanmean, found.response_hours[mask]),
        "longest_wait_days": _finite(np.nanmax, found.wait_days[mask]),
        "unanswered": float(np.isnan(found.response_hours[mask]).sum()),
        "resolution_hours_median": _finite(np.nanmedian, found.resolution_hours[mask]),
        "first_response_breach_share": _finite(np.nanmean, found.first_late[mask]),
        "breaches": float(np.nansum(found.late[mask])),
        "first_contact_resolution": metrics.first_contact_resolution(tickets),
        "known_resolution_rate": metrics.known_resolution_rate(tickets),
        "came_back_share": _finite(np.mean, np.array([t.outcome == "recontacted" for t in tickets])),
        "csat_mean": _finite(np.mean, np.array([t.csat for t in tickets if t.csat is not None])),
        "routing_accuracy": metrics.routing_accuracy(tickets),
        "handoffs_per_100": _finite(np.mean, 100.0 * np.array([metrics.handoffs(t) for t in tickets])),
        "cost_per_resolution": metrics.cost_per_resolution(tickets, found.cost_per_hour, fixed),
        "cost_per_closed_ticket": metrics.cost_per_closed_ticket(tickets, found.cost_per_hour, fixed),
    }
    if agents and weeks:
        figures["agent_utilisation"] = metrics.utilisation(tickets, found.staffed_hours)
        figures["tickets_per_agent_and_week"] = by_people / agents / weeks
        hours = figures["hands_on_hours"] or 0.0
        figures["tickets_per_hands_on_hour"] = len(tickets) / hours if hours else None
    return figures


def _finite(figure: Callable[[np.ndarray], Any], values: np.ndarray) -> float | None:
    if not len(values) or (values.dtype.kind == "f" and np.isnan(values).all()):
        return None
    return float(figure(values))


def over_seeds(
    runs: Sequence[Mapping[str, float | None]], least: float = 0.0
) -> dict[str, dict[str, float | None]]:
    """Mean of each figure over the seeds, with the 95 % interval of that mean (Student's t).

    ``least``: what no figure can be below; differences have no such bound.
    """
    found = {}
    for name in runs[0]:
        values = [float(value) for run in runs if (value := run.get(name)) is not None]
        found[name] = _interval(values, least)
    return found


def _interval(values: Sequence[float], least: float) -> dict[str, float | None]:
    if not values:
        return {"value": None, "low": None, "high": None}
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"value": mean, "low": None, "high": None}
    margin = float(student_t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return {"value": mean, "low": max(least, mean - margin), "high": mean + margin}


def ratio(
    ours: Sequence[np.ndarray],
    theirs: Sequence[np.ndarray],
    figure: Callable[[np.ndarray], float],
    accounts: np.ndarray,
    draws: int,
    seed: int,
) -> dict[str, float | None]:
    """``figure`` of ours by that of theirs over all seeds, with a 95 % interval over seeds and accounts.

    Each array is one seed's replay, a value a ticket, the same tickets in all; ``accounts``: whose they are.
    The interval draws seeds and accounts with replacement, the same in both (percentile bootstrap).
    """
    mine, other = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    if not mine.size:
        return {"value": None, "low": None, "high": None}

    def quotient(a: np.ndarray, b: np.ndarray) -> float | None:
        below = figure(b)
        return float(figure(a) / below) if np.isfinite(below) and below > 0 else None

    rng, (codes, names) = np.random.default_rng(seed), pd.factorize(pd.Series(accounts))
    rows_of = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    found = []
    for _ in range(draws):
        runs = rng.integers(0, len(mine), len(mine))
        rows = np.concatenate([rows_of[i] for i in rng.integers(0, len(names), len(names))])
        value = quotient(mine[np.ix_(runs, rows)].ravel(), other[np.ix_(runs, rows)].ravel())
        if value is not None:
            found.append(value)
    low, high = np.percentile(found, [2.5, 97.5]).tolist() if found else (None, None)
    return {"value": quotient(mine.ravel(), other.ravel()), "low": low, "high": high}


def csat_by_issue(runs: Iterable[Measured]) -> dict[str, dict[str, float]]:
    """Mean rating and number of ratings a replay, by issue."""
    found: dict[str, list[tuple[float, int]]] = {}
    for run in runs:
        for issue, rated in metrics.csat_by_issue(run.tickets).items():
            found.setdefault(issue, []).append(rated)
    return {
        issue: {
            "csat_mean": sum(m * n for m, n in each) / sum(n for _, n in each),
            "ratings": sum(n for _, n in each) / len(each),
        }
        for issue, each in sorted(found.items())
    }
