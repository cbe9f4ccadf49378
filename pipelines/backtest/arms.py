"""A way to run the desk, the luck of a replay, and what happens to one ticket in it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from pipelines.backtest.world import Case, World
from policy.desk_schema import Phase
from policy.phases import RIGHTS, Action, allowed_action

Discipline = Literal["fifo", "reported_priority", "firstline"]
MOST_VISITS = 8


@dataclass(frozen=True)
class Arm:
    """One way to run the desk. ``phases``: by month, the most that may happen; others: as ``desk.yaml`` says.

    ``hold_out_share``: tickets that may be resolved automatically and are answered by a person all the same.
    """

    name: str
    discipline: Discipline
    phase: Phase | None = None
    phases: tuple[tuple[str, Phase], ...] = ()
    hold_out_share: float = 0.0

    def action(self, case: Case, held_out: bool) -> Action:
        """What happens with the ticket."""
        if self.discipline != "firstline":
            return "human"
        phase = dict(self.phases).get(case.month, self.phase)
        chosen: Action = case.ruling.action
        if phase is not None:
            chosen = allowed_action(RIGHTS[phase], chosen)
        return "assist" if chosen == "auto_resolve" and held_out else chosen


@dataclass(frozen=True)
class Luck:
    """The luck of every ticket under one seed: rows are tickets, columns visits where there are several."""

    work: np.ndarray
    delay_hours: np.ndarray
    back: np.ndarray
    confirmed: np.ndarray
    rated: np.ndarray
    score: np.ndarray
    misread: np.ndarray
    held_out: np.ndarray

    @classmethod
    def draw(cls, world: World, seed: int) -> "Luck":
        """The luck of all tickets of ``world``."""
        rng, n = np.random.default_rng(seed), len(world.cases)
        spread = world.params.handling_spread
        delays = world.customer_delays if len(world.customer_delays) else np.array([24.0])
        return cls(
            work=rng.lognormal(-(spread**2) / 2, spread, (n, MOST_VISITS + 1)),
            delay_hours=rng.choice(delays, (n, MOST_VISITS + 1)),
            back=rng.random(n),
            confirmed=rng.random(n),
            rated=rng.random(n),
            score=rng.normal(0, 1, n),
            misread=rng.random(n),
            held_out=rng.random(n),
        )


@dataclass
class Life:
    """What happens to one ticket in one replay. Hours count from the start of the replay."""

    turns: list[tuple[float, str, str]] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    hands_on_hours: float = 0.0
    paused_hours: float = 0.0
    visits: int = 0
    automated: bool = False
    back: bool = False
    misread: bool = False
    """Answered automatically, and not what was asked."""
    agent: str | None = None
    chosen: Action = "human"
