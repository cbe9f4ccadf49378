"""How good the decisions were, as far as people told us: pure functions on decisions and their feedback.

Silence is not approval, and it is not a complaint either. So every override rate is given twice: among the
decisions somebody answered (too high where people answer only what is wrong), and among all decisions (too
low where people correct nothing). The truth lies between; only the second can prove harm.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.schema import TIME_DTYPE
from monitoring.rates import Rate

OVERRIDABLE = ("intent", "priority", "queue", "sentiment")
"""The fields of a decision that an agent can set to another value."""
ANSWERED_BY = ("intent",)
"""The fields that an automatic answer follows from."""

DECISION_COLUMNS = {
    "decision_id": "str",
    "ticket_id": "str",
    "at": TIME_DTYPE,
    "release": "str",
    "action": "str",
    "intent": "str",
    "probability": "float64",
    "priority": "str",
    "queue": "str",
    "sentiment": "str",
}
FEEDBACK_COLUMNS = {
    "decision_id": "str",
    "at": TIME_DTYPE,
    "verdict": "str",
    "field": "str",
    "value": "str",
    "reason": "str",
    "agent_id": "str",
}


@dataclass(frozen=True)
class OverrideRate:
    """Overrides of one field among the decisions somebody answered, and among all decisions."""

    answered: Rate
    all: Rate


@dataclass(frozen=True)
class Calibration:
    """Stated against found correctness of the intent, among decisions whose intent somebody answered."""

    stated_probability: float | None
    right: Rate

    @property
    def overconfident(self) -> bool:
        """Whether the stated probability lies above what the answers allow (one-sided 95 %)."""
        return self.stated_probability is not None and self.stated_probability > self.right.upper()


@dataclass(frozen=True)
class Quality:
    """What people's answers say about one window of decisions."""

    decisions: int
    answered: int
    overrides: Mapping[str, OverrideRate]
    calibration: Calibration
    automated_wrong: OverrideRate
    """Automatic resolutions that somebody rejected, or whose intent somebody corrected: another priority does
    not make an answer wrong."""

    def record(self) -> dict[str, Any]:
        """The quality as JSON values."""

        def both(rate: OverrideRate) -> dict[str, Any]:
            return {"answered": rate.answered.record(), "all": rate.all.record()}

        return {
            "decisions": self.decisions,
            "answered": self.answered,
            "overrides": {field: both(rate) for field, rate in self.overrides.items()},
            "intent_calibration": {
                **asdict(self.calibration),
                "right": self.calibration.right.record(),
                "overconfident": self.calibration.overconfident,
            },
            "automated_wrong": both(self.automated_wrong),
        }


def corrections(decisions: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    """What people last said of each field of a decision.

    One row a decision and field: decision_id, ticket_id, field, decided, value (null: rejected without
    saying what is right), changed, and at, reason, agent_id, verdict of the feedback. An approval confirms
    the field it names, or every field where it names none; a correction outweighs it. Feedback on decisions
    that are not in ``decisions`` is left out.
    """
    decided = decisions.melt(
        id_vars=["decision_id", "ticket_id"],
        value_vars=list(OVERRIDABLE),
        var_name="about",
        value_name="decided",
    )
    pairs = feedback.merge(decided, on="decision_id")
    approves, named = pairs["verdict"] == "approve", pairs["field"] == pairs["about"]
    confirmed = pairs[approves & (named | pairs["field"].isna()) & pairs["decided"].notna()]
    corrected = pairs[~approves & named]
    last = (
        pd.concat([confirmed.assign(value=confirmed["decided"], weight=0), corrected.assign(weight=1)])
        .sort_values(["weight", "at"], kind="stable")
        .drop_duplicates(["decision_id", "about"], keep="last")
    )
    last = last.assign(field=last["about"], changed=(last["value"] != last["decided"]).astype(bool))
    columns = ["decision_id", "ticket_id", "field", "decided", "value", "changed"]
    return (
        last[[*columns, "at", "reason", "agent_id", "verdict"]]
        .sort_values(["at", "decision_id", "field"], kind="stable")
        .reset_index(drop=True)
    )


def quality(decisions: pd.DataFrame, feedback: pd.DataFrame) -> Quality:
    """Override rates by field, calibration of the intent and wrong automatic resolutions of one window."""
    known = feedback[feedback["decision_id"].isin(decisions["decision_id"])]
    answered = int(known["decision_id"].nunique())
    corrected = corrections(decisions, known)
    overrides = {}
    for name in OVERRIDABLE:
        changed = int(corrected.loc[corrected["field"] == name, "changed"].sum())
        overrides[name] = OverrideRate(Rate(changed, answered), Rate(changed, len(decisions)))
    return Quality(
        decisions=len(decisions),
        answered=answered,
        overrides=overrides,
        calibration=_calibration(decisions, corrected),
        automated_wrong=_automated_wrong(decisions, known, corrected),
    )


def _calibration(decisions: pd.DataFrame, corrected: pd.DataFrame) -> Calibration:
    intents = corrected[corrected["field"] == "intent"].merge(
        decisions[["decision_id", "probability"]], on="decision_id"
    )
    stated = float(intents["probability"].mean()) if len(intents) else None
    return Calibration(stated, Rate(int((~intents["changed"]).sum()), len(intents)))


def _automated_wrong(
    decisions: pd.DataFrame, feedback: pd.DataFrame, corrected: pd.DataFrame
) -> OverrideRate:
    automated = set(decisions.loc[decisions["action"] == "auto_resolve", "decision_id"])
    about_answer = feedback[feedback["field"].isna() | feedback["field"].isin(ANSWERED_BY)]
    last_verdict = about_answer.sort_values("at", kind="stable").groupby("decision_id")["verdict"].last()
    wrong = set(last_verdict[last_verdict.isin(["reject", "override"])].index)
    wrong |= set(corrected.loc[corrected["changed"] & corrected["field"].isin(ANSWERED_BY), "decision_id"])
    answered = automated & set(last_verdict.index)
    hits = len(automated & wrong)
    return OverrideRate(Rate(hits, len(answered)), Rate(hits, len(automated)))


def freshness(newest_known_at: Mapping[str, datetime | None], now: datetime) -> dict[str, float | None]:
    """Hours since each table last learned something; ``None`` for an empty table."""
    return {
        table: round((now - at).total_seconds() / 3600, 2) if at is not None else None
        for table, at in sorted(newest_known_at.items())
    }
