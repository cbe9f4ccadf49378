"""Tickets of a replay as ``policy.metrics`` measures them, with the customer's verdict drawn."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from pipelines.backtest.arms import Life, Luck
from pipelines.backtest.outcomes import MOST_WAIT_DAYS
from pipelines.backtest.world import Case, World
from policy.metrics import Handled
from policy.sla import Turn


def handled(world: World, lives: Sequence[Life], luck: Luck) -> list[Handled]:
    """Each counted ticket as ``policy.metrics`` measures it, with the customer's verdict drawn by
    ``luck``.
    """
    return [
        _handled(world, place, case, lives[place], luck)
        for place, case in enumerate(world.cases)
        if case.counted
    ]


def _handled(world: World, place: int, case: Case, life: Life, luck: Luck) -> Handled:
    moment, rates = world.window.moment, world.rates
    turns = tuple(Turn(moment(at), kind, who) for at, kind, who in life.turns)
    solved = [at for at, kind, _ in life.turns if kind == "solved"]
    is_over = bool(solved) and life.turns[-1][1] == "solved"
    confirmed_at: datetime | None = None
    csat: int | None = None
    if is_over:
        delay = float(luck.delay_hours[place, 0])
        if not (life.back or life.misread) and luck.confirmed[place] < rates.confirmed_rate(case.issue):
            confirmed_at = moment(solved[-1] + delay)
        if luck.rated[place] < rates.rated:
            csat = rating(world, place, case, life, luck, solved[-1])
    return Handled(
        ticket_id=case.ticket_id,
        issue=case.issue,
        created_at=case.ruling.situation.created_at,
        turns=turns,
        queues=tuple(life.queues),
        automated=life.automated,
        confirmed_at=confirmed_at,
        csat=csat,
        handling_hours=life.hands_on_hours,
    )


def rating(world: World, place: int, case: Case, life: Life, luck: Luck, solved_hours: float) -> int:
    """The customer's rating, 1 to 5."""
    told = world.rates.satisfaction
    days = min((solved_hours - case.created_hours) / 24, MOST_WAIT_DAYS)
    mean = told.expected(case.issue, days, len(life.queues) - 1, life.back or life.misread)
    mean += world.params.automatic_csat_points * (life.automated and not (life.back or life.misread))
    return int(np.clip(round(mean + told.spread * float(luck.score[place])), 1, 5))
