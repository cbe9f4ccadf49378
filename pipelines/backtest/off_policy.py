"""What other rules would do to satisfaction and to tickets that come back, from what happened under these.

Tickets that were treated as the other rules would treat them count, weighted by how likely that was (inverse
propensity weights, self-normalised: Hajek 1971; Swaminathan & Joachims 2015, "The self-normalized estimator
for counterfactual learning"). What nobody was ever treated like cannot be learnt: such tickets enter the
interval with the worst and the best that is possible (Manski 1990, "Nonparametric bounds on treatment
effects"). That queues are longer or shorter under other rules shifts each rating by its slope times what two
replays differ by.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

CONFIDENCE = 0.95
WORST_RATING, BEST_RATING = 1.0, 5.0


@dataclass(frozen=True)
class Estimate:
    """A figure under other rules with its 95 % interval.

    ``tried_share``: of the tickets, how many could have been treated as the other rules would.
    """

    value: float | None
    low: float | None
    high: float | None
    tried_share: float


@dataclass(frozen=True)
class Logged:
    """What happened, one entry a ticket. ``automatic_chance``: with which probability it was to be resolved
    automatically; ``came_back`` and ``csat`` are not a number where unknown."""

    automated: np.ndarray
    automatic_chance: np.ndarray
    came_back: np.ndarray
    csat: np.ndarray
    accounts: np.ndarray


@dataclass(frozen=True)
class Target:
    """The other rules. ``csat_shift``: points by which waiting and handoffs change the rating of each
    ticket.
    """

    automated: np.ndarray
    csat_shift: np.ndarray


def off_policy(log: Logged, target: Target) -> dict[str, Estimate]:
    """``csat`` (mean of the rated, 1 to 5) and ``came_back`` (share of solved tickets) under ``target``."""
    chance = np.where(target.automated, log.automatic_chance, 1 - log.automatic_chance)
    tried = chance > 0
    weight = np.zeros(len(chance))
    same = (log.automated == target.automated) & tried
    weight[same] = 1 / chance[same]
    untried = float((~tried).mean()) if len(tried) else 0.0
    return {
        "csat": _estimate(
            log.csat + target.csat_shift, weight, log.accounts, untried, WORST_RATING, BEST_RATING
        ),
        "came_back": _estimate(log.came_back, weight, log.accounts, untried, 0.0, 1.0),
    }


def _estimate(
    reward: np.ndarray, weight: np.ndarray, accounts: np.ndarray, untried: float, worst: float, best: float
) -> Estimate:
    known = ~np.isnan(reward) & (weight > 0)
    if not known.any():
        return Estimate(None, worst, best, 1 - untried)
    reward, weight = reward[known], weight[known]
    mean = float((weight * reward).sum() / weight.sum())
    influence = pd.Series(weight * (reward - mean)).groupby(accounts[known]).sum()
    margin = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * float(np.sqrt((influence**2).sum()) / weight.sum())
    return Estimate(
        value=mean,
        low=max(worst, (1 - untried) * max(worst, mean - margin) + untried * worst),
        high=min(best, (1 - untried) * min(best, mean + margin) + untried * best),
        tried_share=1 - untried,
    )
