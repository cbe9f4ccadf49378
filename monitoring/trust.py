"""Whose corrections are learnt from at once, and which are held back for a person to look at. Pure.

Silent poisoning needs weight or unseen contradiction, so an agent has neither: at most a share of the labels
of one export is theirs; what two agents say differently of one ticket waits; and an agent who corrects far
more than everybody else, provably, is held back as a whole. Nothing held back is lost.
"""

from dataclasses import dataclass

import pandas as pd

from monitoring.rates import Rate

SAID = "they said different things of the same ticket"
CAP = "more than one agent's share of the labels"


@dataclass(frozen=True)
class TrustLimits:
    """How much one agent may weigh, and how much evidence it takes to distrust one."""

    most_share: float = 0.25
    """Of the labels of one export by one agent; of few agents, each may have two equal shares."""
    always_allowed: int = 50
    min_answers: int = 20
    tolerated_excess: float = 0.15
    """Corrections beyond everybody else's share that may be due to harder tickets."""
    confidence: float = 0.95
    """One-sided, of all agents together (Bonferroni)."""


def held_back(labels: pd.DataFrame, decided: pd.DataFrame, limits: TrustLimits = TrustLimits()) -> pd.Series:
    """Why each label is held back, null where it is not; index as ``labels``.

    ``labels``: canonical ``ticket_events`` of feedback, oldest first. ``decided``: ticket_id, kind, decided;
    a row for each field of a ticket that was decided.
    """
    reasons = pd.Series(None, index=labels.index, dtype="object")
    suspects = outliers(labels, decided, limits)
    for agent, found in suspects.items():
        reasons[labels["actor_id"] == agent] = found
    reasons[reasons.isna() & contradicted(labels)] = SAID
    kept = labels[reasons.isna()]
    agents = max(1, kept["actor_id"].nunique())
    share = min(1.0, max(limits.most_share, 2 / agents))
    most = max(limits.always_allowed, int(share * len(kept)))
    place = kept.groupby("actor_id").cumcount()
    reasons[place.index[place >= most]] = CAP
    return reasons


def outliers(
    labels: pd.DataFrame, decided: pd.DataFrame, limits: TrustLimits = TrustLimits()
) -> dict[str, str]:
    """Agents who provably correct much more than all the others together, each with the figures."""
    told = labels.merge(decided, on=["ticket_id", "kind"])
    changed = (told["value"] != told["decided"]).astype(bool)
    answers = changed.groupby(told["actor_id"]).agg(["sum", "count"])
    found = {}
    confidence = 1 - (1 - limits.confidence) / max(1, len(answers))
    for agent, (hits, count) in answers.iterrows():
        others = Rate(int(answers["sum"].sum() - hits), int(answers["count"].sum() - count))
        own = Rate(int(hits), int(count))
        if min(own.trials, others.trials) < limits.min_answers:
            continue
        if own.lower(confidence) > others.upper(limits.confidence) + limits.tolerated_excess:
            found[str(agent)] = f"corrected {own} answers, the others {others}"
    return found


def contradicted(labels: pd.DataFrame) -> pd.Series:
    """Labels of a field of a ticket of which different agents last said different things."""
    about = [labels["ticket_id"], labels["kind"]]
    last = labels.groupby([*about, labels["actor_id"]])["value"].transform("last")
    return last.groupby(about).transform("nunique") > 1
