"""The release that serves against the one before it, on the same tickets: what each got wrong of them.

The release before is asked about the tickets that its successor decided. Comparing its own last weeks instead
would compare times: in a drift, a cure looks worse than what it cured, because the world became harder.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from monitoring.rates import Rate
from monitoring.verdict import AUTOMATED, Limits, Verdict


class SameTickets(NamedTuple):
    """One field of the same answered decisions: what the serving release got wrong, and the one before."""

    ours: Rate
    before: Rate

    def is_worse(self, confidence: float, tolerated: float) -> bool:
        """Whether ours is surely wrong more often, by more than ``tolerated``."""
        return self.ours.lower(confidence) > self.before.upper(confidence) + tolerated

    def is_better(self, confidence: float) -> bool:
        """Whether ours is surely wrong less often."""
        return self.ours.upper(confidence) < self.before.lower(confidence)


def same_tickets(said: pd.DataFrame, instead: pd.DataFrame) -> dict[str, SameTickets]:
    """Both releases by field, where people said what is right.

    ``said``: ``monitoring.quality.corrections`` of decisions of the release that serves. ``instead``: by
    ``decision_id``, a column a field: what the release before would have said; other decisions are left out.
    """
    found = {}
    for field in [name for name in said["field"].unique() if name in instead]:
        rows = said[(said["field"] == field) & said["value"].notna()]
        rows = rows[rows["decision_id"].isin(instead.index)]
        theirs = rows["decision_id"].map(instead[field])
        wrong_before = int((theirs.astype(object) != rows["value"].astype(object)).sum())
        found[str(field)] = SameTickets(
            Rate(int(rows["changed"].sum()), len(rows)), Rate(wrong_before, len(rows))
        )
    return found


def judge_successor(same: Mapping[str, SameTickets], release_before: str, limits: Limits) -> Verdict | None:
    """RETRAIN where a release is proven worse than the one before it; ``None`` where it is not.

    Needs only ``min_answered`` answers: the old release is at hand, so going back is cheap. The bounds are
    those of two separate shares, though the tickets are the same: too wide rather than too narrow.
    """
    confidence = _confidence(same, limits)
    worse = [
        f"{field} wrong in {pair.ours} answered decisions, {pair.before} by the release before"
        for field, pair in same.items()
        if pair.ours.trials >= limits.min_answered and pair.is_worse(confidence, limits.tolerated_loss)
    ]
    if not worse:
        return None
    return Verdict("RETRAIN", "; ".join(worse), worse_than=release_before, cause="harm")


def yardstick(
    own: Mapping[str, float], before: Mapping[str, float], same: Mapping[str, SameTickets], limits: Limits
) -> dict[str, float]:
    """By field, the share of errors that a release is held to.

    Its own at evaluation where it is proven better than the release before on the same tickets. Else no more
    than that one was held to: a successor that ties with a release gone wrong must not excuse what is wrong.
    """
    confidence = _confidence(same, limits)
    better = {field for field, pair in same.items() if pair.is_better(confidence)}
    held = dict(own)
    for field in [name for name in own if name in before]:
        if ("intent" if field == AUTOMATED else field) not in better:
            held[field] = min(own[field], before[field])
    return held


def _confidence(same: Mapping[str, SameTickets], limits: Limits) -> float:
    return 1 - (1 - limits.confidence) / (2 * max(1, len(same)))
