"""How right the decisions were over all tickets, though only some were answered: inverse propensity weights.

People answer what reaches them: of what was resolved automatically they see little, so a plain average speaks
for the hard tickets only. Each answer therefore counts for all decisions of its stratum (action and band of
confidence) that nobody answered: 1 / (answered share of the stratum), the estimator of Horvitz and Thompson
(1952) as normalised by Hajek (1971), which is post-stratification here. It is unbiased where within a stratum
answering is chance; in the random hold-out (``features.hold_out``) a desk makes sure of it by answering all.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import pandas as pd

from monitoring.quality import corrections

BANDS = (0.0, 0.5, 0.8, 0.95)
"""Lower edges of the bands of the stated probability."""
MOST_WEIGHT = 50.0
_Z = 1.959964


@dataclass(frozen=True)
class Estimate:
    """Share of decisions whose field was right, over all decisions in strata that somebody answered.

    ``plain`` is the share among the answered alone. ``covered``: share of the decisions in those strata.
    """

    field: str
    answered: int
    share: float | None
    low: float
    high: float
    plain: float | None
    covered: float

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return dict(self.__dict__)


def strata(decisions: pd.DataFrame) -> pd.Series:
    """The stratum of each decision: its action and the band of the stated probability."""
    edges = [*BANDS, float("inf")]
    band = pd.cut(decisions["probability"].fillna(0.0), edges, right=False, labels=[str(b) for b in BANDS])
    return decisions["action"] + " from " + band.astype("str")


def answer_weights(decisions: pd.DataFrame, answered: pd.Series) -> pd.Series:
    """For each decision, what an answer to it stands for: decisions of its stratum per answered one.

    ``answered``: whether each decision was. At most ``MOST_WEIGHT``; null in a stratum without answers.
    """
    share = answered.astype("float64").groupby(strata(decisions)).transform("mean")
    return (1 / share.where(share > 0)).clip(upper=MOST_WEIGHT)


def estimated_right(decisions: pd.DataFrame, feedback: pd.DataFrame, field: str = "intent") -> Estimate:
    """The share of decisions whose ``field`` was right, with its 95 % interval (stratified, normal)."""
    said = corrections(decisions, feedback)
    changes: pd.Series = said[said["field"] == field].set_index("decision_id")["changed"]
    changed = decisions["decision_id"].map(changes)
    cases = pd.DataFrame({"stratum": strata(decisions), "right": 1 - changed.astype("float64")})
    groups = cases.groupby("stratum")["right"].agg(["size", "count", "mean"])
    heard = groups[groups["count"] > 0]
    if heard.empty:
        return Estimate(field, 0, None, 0.0, 1.0, None, 0.0)
    part = heard["size"] / heard["size"].sum()
    share = float((part * heard["mean"]).sum())
    smoothed = (heard["mean"] * heard["count"] + 2) / (heard["count"] + 4)  # Agresti and Coull (1998)
    unseen = 1 - heard["count"] / heard["size"]
    variance = float((part**2 * smoothed * (1 - smoothed) / heard["count"] * unseen).sum())
    margin = _Z * sqrt(variance)
    return Estimate(
        field,
        int(heard["count"].sum()),
        share,
        max(0.0, share - margin),
        min(1.0, share + margin),
        float(cases["right"].mean()),
        float(heard["size"].sum() / len(decisions)),
    )
