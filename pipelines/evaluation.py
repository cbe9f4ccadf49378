"""Judging the models on the newest tickets: every figure with the simple baselines beside it."""

from collections.abc import Mapping
from datetime import datetime
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from models.metrics import (
    accuracy,
    auc,
    auc_interval,
    coverage_at_precision,
    expected_calibration_error,
    macro_f1,
)
from models.risk import ThresholdEvidence, clopper_pearson_lower, required_probability
from policy.desk import Desk
from policy.priority import rule_priority
from policy.situation import AccountFacts, Situation

FEWEST_TICKETS = 30
"""A slice smaller than this is not reported: its figure would be noise."""
SLICED_BY = ("language", "channel", "plan", "true_intent")


def intent_report(said: pd.DataFrame, labels: pd.Series, commonest: str) -> dict[str, Any]:
    """How ``said`` (intent, probability, baseline_intent) agrees with ``labels``.

    Rows without a label are left out. ``commonest``: the majority class of training. ``gain_over_linear`` has
    a 90 % interval for the paired difference.
    """
    told = labels.notna()
    said, labels = said[told], labels[told]
    if len(said) < 1:
        return {"tickets": 0}
    right, linear = (said["intent"] == labels).to_numpy(), (said["baseline_intent"] == labels).to_numpy()
    probability = said["probability"].to_numpy(dtype=float)
    gain = right.astype(float) - linear
    margin = 1.645 * float(gain.std()) / sqrt(len(gain))
    return {
        "tickets": len(said),
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(labels, said["intent"].fillna("")),
        "expected_calibration_error": expected_calibration_error(probability, right),
        "coverage_at_95": coverage_at_precision(probability, right, 0.95),
        "coverage_at_99": coverage_at_precision(probability, right, 0.99),
        "linear_accuracy": float(linear.mean()),
        "majority_accuracy": float((labels == commonest).mean()),
        "gain_over_linear": {
            "mean": float(gain.mean()),
            "low": float(gain.mean()) - margin,
            "high": float(gain.mean()) + margin,
        },
    }


def intent_by_language(said: pd.DataFrame, labels: pd.Series, automated: np.ndarray) -> dict[str, Any]:
    """``intent_report`` of each language (ISO 639-1) with enough tickets, and what is unread and automated.

    ``unread_share``: tickets of which nothing is said, because nobody can read them.
    """
    commonest = str(labels.dropna().value_counts().idxmax()) if labels.notna().any() else ""
    found = {}
    for language, part in said[labels.notna()].groupby("language", sort=True):
        if len(part) >= FEWEST_TICKETS:
            found[str(language)] = {
                **intent_report(part, labels[part.index], commonest),
                "unread_share": float(part["intent"].isna().mean()),
                "automated_share": float(automated[said.index.get_indexer(part.index)].mean()),
            }
    return found


def out_of_scope_report(said: pd.DataFrame, labels: pd.Series, known: set[str]) -> dict[str, Any]:
    """How many tickets of unknown intents are recognised, and how many of known ones are refused."""
    told = labels.notna()
    refused, unknown = (
        said.loc[told, "out_of_scope"].to_numpy(dtype=bool),
        ~labels[told].isin(known).to_numpy(),
    )
    return {
        "unknown_tickets": int(unknown.sum()),
        "recognised_share": float(refused[unknown].mean()) if unknown.any() else None,
        "false_alarm_share": float(refused[~unknown].mean()) if (~unknown).any() else None,
        "doubt_auc": auc(unknown, 1 - said.loc[told, "probability"].to_numpy(dtype=float)),
    }


def may_automate(said: pd.DataFrame, thresholds: Mapping[str, ThresholdEvidence]) -> np.ndarray:
    """Which predictions reach the threshold proven for their intent and, where ``said`` has it, language."""
    languages = said["language"] if "language" in said else [None] * len(said)
    needed = required_probability(thresholds, said["intent"], languages)
    return ((said["probability"] >= needed) & ~said["out_of_scope"]).to_numpy(dtype=bool)


def automation_report(
    said: pd.DataFrame, labels: pd.Series, thresholds: Mapping[str, ThresholdEvidence], confidence: float
) -> dict[str, Any]:
    """Share of tickets above their intent's threshold, and how many of these are right by ``labels``."""
    chosen = may_automate(said, thresholds)
    judged = chosen & labels.notna().to_numpy()
    right = (said["intent"] == labels).to_numpy()[judged]
    return {
        "share": float(chosen.mean()) if len(chosen) else 0.0,
        "judged": int(judged.sum()),
        "precision": float(right.mean()) if len(right) else None,
        "precision_lower_bound": clopper_pearson_lower(int(right.sum()), len(right), confidence),
    }


def intent_slices(said: pd.DataFrame, labels: pd.Series, automated: np.ndarray) -> pd.DataFrame:
    """Accuracy, and precision where automated, by each ``SLICED_BY``: one row per value with enough tickets.

    ``automated``: see ``may_automate``. Tickets without a label are left out.
    """
    cases = said.assign(right=said["intent"] == labels, automated=automated, true_intent=labels)[
        labels.notna()
    ]
    rows = []
    for dimension in [name for name in SLICED_BY if name in cases]:
        for value, part in cases.groupby(dimension, sort=True):
            if len(part) >= FEWEST_TICKETS:
                chosen = part[part["automated"]]
                figures = (len(part), part["right"].mean(), part["automated"].mean(), chosen["right"].mean())
                rows.append((dimension, str(value), *figures))
    columns = ["dimension", "value", "tickets", "accuracy", "automated_share", "automated_precision"]
    return pd.DataFrame(rows, columns=columns)


def rule_levels(features: pd.DataFrame, desk: Desk) -> np.ndarray:
    """The level that the desk's own rules give each ticket: the baseline a company has without a model."""
    return np.array(
        [rule_priority(desk, situation_of(row))[0] for row in features.to_dict("records")], dtype=object
    )


def situation_of(row: Mapping[Any, Any]) -> Situation:
    """What policy needs to know, from one row of ticket features, repeats, intent and frustration."""

    def number(name: str) -> float | None:
        return None if pd.isna(row[name]) else float(row[name])

    def count(name: str) -> int:
        return int(number(name) or 0)

    def word(name: str) -> str | None:
        return None if pd.isna(row[name]) else str(row[name])

    def cents(name: str) -> int | None:
        return None if pd.isna(row[name]) else int(row[name])

    created: datetime = row["created_at"].to_pydatetime()
    account_id = word("account_id")
    account = account_id and AccountFacts(
        account_id,
        plan=word("plan"),
        status=word("status"),
        segment=word("segment"),
        contract_value_cents=cents("contract_value_cents"),
        lifetime_value_cents=cents("lifetime_value_cents"),
        seats=count("seats"),
        renewal_in_days=number("renewal_in_days"),
        usage_change=number("usage_change_28d"),
        errors_7d=count("usage_errors_7d"),
        tickets_90d=count("account_tickets_90d"),
        open_tickets=count("account_open_tickets"),
        last_csat=number("account_csat_last"),
    )
    return Situation(
        ticket_id=str(row["ticket_id"]),
        created_at=created,
        as_of=created,
        channel=word("channel") or "email",
        subject=word("subject") or "",
        body=word("body") or "",
        language=word("language") or "und",
        language_confidence=number("language_confidence") or 0.0,
        intent=word("intent"),
        intent_probability=1.0,
        out_of_scope=False,
        sentiment=row["state"],
        frustration=number("frustration") or 0.0,
        frustration_signals=(),
        priority_level="normal",
        priority_score=0.5,
        account=account or None,
        repeats_30d=count("same_intent_contact_30d"),
        failed_logins_24h=count("failed_logins_24h"),
    )


def sentiment_report(said: pd.DataFrame, labels: pd.Series) -> dict[str, Any]:
    """Agreement of ``state`` and ``frustration`` with labelled states, beside the commonest state."""
    told = labels.notna()
    if not told.any():
        return {"tickets": 0}
    said, labels = said[told], labels[told]
    return {
        "tickets": len(said),
        "accuracy": accuracy(labels, said["state"]),
        "macro_f1": macro_f1(labels, said["state"]),
        "frustrated_auc": auc((labels == "frustrated").to_numpy(), said["frustration"].to_numpy(dtype=float)),
        "majority_macro_f1": macro_f1(labels, [labels.value_counts().idxmax()] * len(labels)),
    }


def sentiment_by_language(said: pd.DataFrame, labels: pd.Series) -> dict[str, Any]:
    """``sentiment_report`` of each language (ISO 639-1) with enough labelled tickets."""
    told = said[labels.notna()]
    return {
        str(language): sentiment_report(part, labels[part.index])
        for language, part in told.groupby("language", sort=True)
        if len(part) >= FEWEST_TICKETS
    }


def churn_report(
    snapshots: pd.DataFrame,
    risk: np.ndarray,
    left: np.ndarray,
    churned_at: pd.Series,
    seed: int,
    team_capacity: int,
) -> dict[str, Any]:
    """AUC with a 95 % interval over accounts, and what the success team would have made of it.

    ``team_capacity``: accounts that it can look after a month, the riskiest first. ``churned_at``: by account
    id. ``lead_days_median``: from the first month in which a leaver was among them, to the day it left.
    """
    by_risk = pd.Series(-risk, snapshots.index).groupby(snapshots["as_of"])
    called = (by_risk.rank(method="first") <= team_capacity).to_numpy()
    leaving = snapshots[(left > 0) & called]
    first = leaving.groupby("account_id")["as_of"].min()
    lead = (churned_at.reindex(first.index) - first).dt.total_seconds() / 86_400
    leavers = snapshots.loc[left > 0, "account_id"].nunique()
    interval = auc_interval(left, risk, snapshots["account_id"].to_numpy(dtype=str), seed)
    return {
        "snapshots": len(snapshots),
        "leavers": int(leavers),
        "auc": auc(left, risk),
        "auc_low": interval[0] if interval else None,
        "auc_high": interval[1] if interval else None,
        "expected_calibration_error": expected_calibration_error(risk, left),
        "brier": float(np.mean((risk - left) ** 2)),
        "brier_of_base_rate": float(left.mean() * (1 - left.mean())),
        "team_capacity": team_capacity,
        "precision_at_capacity": float(left[called].mean()) if called.any() else None,
        "leaving_share": float(left.mean()),
        "seen_at_capacity_share": len(first) / leavers if leavers else None,
        "lead_days_median": float(lead.median()) if len(lead) else None,
    }
