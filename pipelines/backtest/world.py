"""The world that a replay takes place in: tickets, people, and what policy would have said of each ticket."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.backtest.outcomes import OutcomeRates
from pipelines.backtest.roster import Agent, Window, assumed_agents, teams
from pipelines.backtest.rulings import Ruling
from pipelines.backtest.waiting import Worth, worth_over_time
from pipelines.params import BacktestParams
from policy.desk import Desk

LEAST_HANDLING_HOURS = 1 / 60


@dataclass(frozen=True)
class Case:
    """One ticket of the past: what the world knows of it, and what policy would have decided.

    ``first_queue``: where the desk put it; ``right_queue``: where it ended. ``issue``: the intent it was
    filed under in the end, the predicted one where nobody filed it; ``understood``: whether the prediction
    was that (``None``: nobody filed it). ``questions``: how often the customer had to answer before it was
    solved. ``early_answer``: whether the desk answered once more than it had to, first to say that it is at
    it.
    """

    ticket_id: str
    created_hours: float
    month: str
    issue: str | None
    understood: bool | None
    first_queue: str
    right_queue: str
    claimed_level: int
    questions: int
    early_answer: bool
    effort: float
    valuable: bool | None
    served_by: frozenset[str]
    ruling: Ruling
    counted: bool = True
    """Created after the warm-up."""


@dataclass(frozen=True)
class World:
    """Everything that is the same in every replay. ``hours_per_effort``: by team."""

    desk: Desk
    window: Window
    cases: Sequence[Case]
    worths: Sequence[Worth]
    team_agents: Mapping[str, Sequence[Agent]]
    hours_per_effort: Mapping[str, float]
    rates: OutcomeRates
    customer_delays: np.ndarray
    first_answer_share: float
    """Share of the hands-on time of the first visit after which an early answer goes out."""
    params: BacktestParams
    notes: Sequence[str] = ()
    """What was missing or assumed, in words."""

    def staffed_hours(self) -> float:
        """Hours of presence of everybody within the replayed time."""
        end = self.window.hours
        return sum(
            float((np.minimum(a.ends, end) - np.minimum(a.starts, end)).sum())
            for team in self.team_agents.values()
            for a in team
        )


def staffed(
    desk: Desk, cases: Sequence[Case], agents: Sequence[Agent], window: Window, params: BacktestParams
) -> tuple[dict[str, list[Agent]], list[str]]:
    """The agents of every team that gets tickets; people are assumed where nobody is on record."""
    known, notes = teams(agents), []
    needed: dict[str, int] = {}
    for case in cases:
        for queue in {case.first_queue, case.right_queue, case.ruling.queue}:
            needed[queue] = needed.get(queue, 0) + (queue == case.right_queue)
    found: dict[str, list[Agent]] = {}
    for team, tickets in sorted(needed.items()):
        found[team] = known.get(team, [])
        if not found[team]:
            one = assumed_agents(desk, team, 1, window)
            hours = max(1.0, one[0].staffed_hours * params.busy_share)
            number = max(1, math.ceil(tickets * params.assumed_handling_hours / hours))
            found[team] = assumed_agents(desk, team, number, window)
            notes.append(f"nobody on record works in {team}: {number} assumed")
    return found, notes


def hours_per_effort(
    cases: Sequence[Case],
    team_agents: Mapping[str, Sequence[Agent]],
    rates: OutcomeRates,
    window: Window,
    params: BacktestParams,
) -> dict[str, float]:
    """Hands-on hours of a ticket of usual effort, by team.

    Hands-on time is in no helpdesk's export. Either ``handling_hours`` says it, or it is what keeps the team
    busy for ``busy_share`` of its hours when tickets start where the desk put them.
    """
    end, found = window.hours, {}
    for team, agents in team_agents.items():
        effort = sum(c.effort * (1 + rates.back_rate(c.issue)) for c in cases if c.right_queue == team)
        if params.handling_hours is not None or not effort:
            found[team] = params.handling_hours or params.assumed_handling_hours
            continue
        staffed_hours = sum(
            float((np.minimum(a.ends, end) - np.minimum(a.starts, end)).sum()) for a in agents
        )
        passing_on = params.handoff_hours * sum(
            c.first_queue == team and c.right_queue != team for c in cases
        )
        hours = (params.busy_share * staffed_hours - passing_on) / effort
        found[team] = min(max(hours, LEAST_HANDLING_HOURS), params.most_handling_hours)
    return found


def worths_of(cases: Sequence[Case], window: Window) -> list[Worth]:
    """The value at risk of every ticket from its creation on, until somebody answers it."""
    return [
        worth_over_time(
            case.ruling.rank,
            case.ruling.situation.created_at,
            case.ruling.due.first_response_due_at,
            0.0,
            case.created_hours,
            window.start,
        )
        for case in cases
    ]
