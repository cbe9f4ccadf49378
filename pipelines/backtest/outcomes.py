"""What becomes of a ticket that was handled in some way: rates learnt from older tickets, effects stated.

Learnt only from tickets created and known before the replayed time. The effects of waiting and of a handoff
on satisfaction are taken from history where enough of it was rated (ordinary least squares, the ticket's
intent held fixed), else from ``params.yaml``; an effect that would reward waiting is taken for none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.params import BacktestParams

FEWEST_RATED = 200
SMOOTHING = 30.0
MOST_WAIT_DAYS = 14.0
NO_RATINGS = 4.0
"""Mean rating assumed where nobody ever rated."""


@dataclass(frozen=True)
class Satisfaction:
    """Mean rating (1 to 5) as a straight line: points by day until solved, by handoff, and if it came
    back.
    """

    by_issue: Mapping[str, float]
    otherwise: float
    per_wait_day: float
    per_handoff: float
    if_back: float
    spread: float
    usual_days: float
    usual_handoffs: float
    usual_back: float
    source: str

    def expected(self, issue: str | None, wait_days: float, handoffs: int, came_back: bool) -> float:
        """The mean rating of such a ticket, not yet cut to 1 to 5."""
        return (
            self.by_issue.get(issue or "", self.otherwise)
            + self.per_wait_day * (min(wait_days, MOST_WAIT_DAYS) - self.usual_days)
            + self.per_handoff * (handoffs - self.usual_handoffs)
            + self.if_back * (came_back - self.usual_back)
        )


@dataclass(frozen=True)
class OutcomeRates:
    """How often solved tickets come back, are confirmed and rated, by intent; and how they are rated."""

    back: Mapping[str, float]
    back_otherwise: float
    confirmed: Mapping[str, float]
    confirmed_otherwise: float
    rated: float
    satisfaction: Satisfaction

    def back_rate(self, issue: str | None) -> float:
        """Share of such tickets, solved by a person, that came back."""
        return self.back.get(issue or "", self.back_otherwise)

    def confirmed_rate(self, issue: str | None) -> float:
        """Share of such tickets that were confirmed, of those that did not come back."""
        return self.confirmed.get(issue or "", self.confirmed_otherwise)


def outcome_rates(tickets: pd.DataFrame, lives: pd.DataFrame, params: BacktestParams) -> OutcomeRates:
    """From older ``tickets`` (``ticket_id``, ``intent``, ``created_at``) and their ``lives`` as known in
    time.
    """
    solved = tickets.join(lives, on="ticket_id").dropna(subset=["solved_at"])
    stayed = solved[~solved["came_back"].astype(bool)]
    rated = solved["csat"].notna()
    return OutcomeRates(
        back=_rates(solved["came_back"].astype(float), solved["intent"]),
        back_otherwise=_mean(solved["came_back"].astype(float), params.assumed_back_share),
        confirmed=_rates(stayed["confirmed"].astype(float), stayed["intent"]),
        confirmed_otherwise=_mean(stayed["confirmed"].astype(float), 0.0),
        rated=_mean(rated.astype(float), 0.0),
        satisfaction=_satisfaction(solved[rated], params),
    )


def _satisfaction(rated: pd.DataFrame, params: BacktestParams) -> Satisfaction:
    score = rated["csat"].astype(float)
    days = (rated["solved_at"] - rated["created_at"]).dt.total_seconds() / 86_400
    days = days.clip(0, MOST_WAIT_DAYS)
    moves, back = rated["handoffs"].fillna(0).astype(float), rated["came_back"].astype(float)
    effects, source = (
        np.array([-params.wait_day_csat_points, -params.handoff_csat_points, 0.0]),
        "assumed",
    )
    causes = pd.DataFrame({"days": days, "handoffs": moves, "back": back})
    if len(rated) >= FEWEST_RATED:
        issue = rated["intent"].fillna("")
        within = causes - causes.groupby(issue).transform("mean")
        target = score - score.groupby(issue).transform("mean")
        fitted = np.linalg.lstsq(within.to_numpy(), target.to_numpy(), rcond=None)[0]
        effects, source = np.minimum(fitted, 0.0), f"history, {len(rated):,} ratings"
    usual = causes.mean().fillna(0.0).to_numpy() if len(rated) else np.zeros(3)
    left = score - causes.to_numpy() @ effects if len(rated) else score
    return Satisfaction(
        by_issue=_rates(score, rated["intent"]),
        otherwise=_mean(score, NO_RATINGS),
        per_wait_day=float(effects[0]),
        per_handoff=float(effects[1]),
        if_back=float(effects[2]),
        spread=float(left.std()) if len(rated) > 1 else 1.0,
        usual_days=float(usual[0]),
        usual_handoffs=float(usual[1]),
        usual_back=float(usual[2]),
        source=source,
    )


def _rates(values: pd.Series, issue: pd.Series) -> dict[str, float]:
    """The mean of each issue, drawn towards the mean of all by ``SMOOTHING`` tickets."""
    if values.empty:
        return {}
    grouped, overall = values.groupby(issue), float(values.mean())
    means = (grouped.sum() + SMOOTHING * overall) / (grouped.size() + SMOOTHING)
    return {str(name): float(mean) for name, mean in means.items()}


def _mean(values: pd.Series, otherwise: float) -> float:
    return float(values.mean()) if len(values) else otherwise
