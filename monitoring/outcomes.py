"""What became of the decided tickets, as far as it is known by now: pure functions on decisions and events.

Silence counts neither for nor against. A ticket that was never solved has no last queue yet.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from features.labels import confirmed, final_labels
from monitoring.quality import corrections
from monitoring.rates import Rate
from policy.metrics import Handled, csat_by_issue

OUTCOME_KINDS = (
    "solved",
    "reopened",
    "confirmed",
    "csat",
    "queue_set",
    "intent_set",
    "priority_set",
    "retracted",
)
"""The events that outcomes are read from."""


NOTHING = Rate(0, 0)


@dataclass(frozen=True)
class Rating:
    """Mean rating of one issue (1 worst, 5 best) and how many customers gave one."""

    mean: float
    ratings: int


@dataclass(frozen=True)
class Outcomes:
    """What became of the tickets of one window."""

    automated_held: Rate = NOTHING
    """Automatic resolutions that the customer confirmed, of those that they confirmed or came back from, or
    that somebody corrected."""
    automated_silent: int = 0
    """Automatic resolutions of which nobody said anything."""
    routed_right: Rate = NOTHING
    """Tickets whose queue was also the last one, of the tickets solved by now."""
    csat: Mapping[str, Rating] = field(default_factory=dict)
    seconds_to_decision: Mapping[str, float] = field(default_factory=dict)
    """From the customer's words to the decision: p50, p95."""

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "automated_held": self.automated_held.record(),
            "automated_silent": self.automated_silent,
            "routed_right": self.routed_right.record(),
            "csat": {issue: asdict(rating) for issue, rating in self.csat.items()},
            "seconds_to_decision": dict(self.seconds_to_decision),
        }


def outcomes(decisions: pd.DataFrame, events: pd.DataFrame, feedback: pd.DataFrame) -> Outcomes:
    """What became of ``decisions`` (``monitoring.quality.DECISION_COLUMNS``, and created_at where known).

    ``events``: canonical ``ticket_events`` of their tickets, known by now; what was known before the
    decision counts for nothing.
    """
    later = after_decision(decisions, events)
    said = corrections(decisions, feedback)
    good = success(decisions, later, feedback)
    automated = (decisions["action"] == "auto_resolve").to_numpy()
    known = good[automated].dropna()
    return Outcomes(
        automated_held=Rate(int(known.sum()), len(known)),
        automated_silent=int(automated.sum()) - len(known),
        routed_right=_routed_right(decisions, later, said),
        csat=_ratings(decisions, later),
        seconds_to_decision=_seconds(decisions),
    )


def after_decision(decisions: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Those of ``events`` that became known after the ticket was decided."""
    decided_at = decisions.drop_duplicates("ticket_id", keep="last").set_index("ticket_id")["at"]
    at = decided_at.reindex(events["ticket_id"]).set_axis(events.index)
    return events[(events["known_at"] > at).to_numpy(dtype=bool)]


def success(decisions: pd.DataFrame, later: pd.DataFrame, feedback: pd.DataFrame) -> pd.Series:
    """By row of ``decisions``: 1 where what was decided held, 0 where it did not, null where nobody said.

    It held where the customer confirmed, or rated 4 or 5, and did not come back; it did not where they came
    back, rated 1 or 2, or where somebody rejected or corrected the decision.
    """
    ticket = decisions["ticket_id"]
    by_word = ticket.map(confirmed(later)).astype("float64")
    rating = ticket.map(last_ratings(later))
    by_rating = pd.Series(
        [float(r >= 4) if r == r and r != 3 else None for r in rating], index=decisions.index, dtype="float64"
    )
    told = feedback[feedback["decision_id"].isin(decisions["decision_id"])]
    said = corrections(decisions, told)
    last = told.sort_values("at", kind="stable").groupby("decision_id")["verdict"].last()
    wrong = {*said.loc[said["changed"], "decision_id"], *last.index[last.isin(["reject", "override"])]}
    held = by_word.fillna(by_rating)
    held = held.mask((by_word == 0) | (by_rating == 0), 0.0)
    return held.mask(decisions["decision_id"].isin(wrong), 0.0)


def last_ratings(events: pd.DataFrame) -> pd.Series:
    """The last rating, 1 to 5, of each ticket that has one."""
    ratings = final_labels(events, "csat", actor_kinds=("customer",))
    return pd.to_numeric(ratings, errors="coerce").dropna()


def _routed_right(decisions: pd.DataFrame, later: pd.DataFrame, said: pd.DataFrame) -> Rate:
    solved = decisions["ticket_id"].isin(later.loc[later["kind"] == "solved", "ticket_id"])
    moved_to = final_labels(later, "queue_set")
    corrected = said[said["changed"] & (said["field"] == "queue")].set_index("ticket_id")["value"]
    done = decisions[solved]
    last = done["ticket_id"].map(moved_to).fillna(done["queue"])
    stayed = (last == done["queue"]) & ~done["ticket_id"].isin(corrected.index)
    return Rate(int(stayed.sum()), len(done))


def _ratings(decisions: pd.DataFrame, later: pd.DataFrame) -> dict[str, Rating]:
    rating = decisions["ticket_id"].map(last_ratings(later))
    rated = decisions[rating.notna()]
    handled = [
        Handled(t, None if pd.isna(issue) else issue, at, csat=int(stars))
        for t, issue, at, stars in zip(
            rated["ticket_id"], rated["intent"], rated["at"], rating.dropna(), strict=True
        )
    ]
    return {issue: Rating(mean, count) for issue, (mean, count) in csat_by_issue(handled).items()}


def _seconds(decisions: pd.DataFrame) -> dict[str, float]:
    if "created_at" not in decisions:
        return {}
    waited = (decisions["at"] - decisions["created_at"]).dt.total_seconds().dropna()
    return {f"p{q}": round(float(waited.quantile(q / 100)), 3) for q in (50, 95)} if len(waited) else {}
