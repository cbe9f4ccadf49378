"""What policy would have decided about each ticket of the past, as of the moment it came in.

The same functions as in the service, on the predictions that earlier stages wrote for tickets newer than all
that the models learnt from. Nothing that became known after a ticket was created reaches its ruling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from models.risk import ThresholdEvidence
from pipelines.backtest.proofs import PathProofs
from pipelines.evaluation import situation_of
from policy.desk import Desk
from policy.escalation import EscalationCall, escalations
from policy.gates import action, gates
from policy.phases import Action
from policy.priority import rule_priority
from policy.ranking import Rank, value_at_risk
from policy.routing import route
from policy.situation import Situation, Surge
from policy.sla import SlaTargets, due_times

BASELINE_DAYS = 28
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Ruling:
    """What policy decided when the ticket came in."""

    situation: Situation
    escalations: tuple[EscalationCall, ...]
    queue: str
    rank: Rank
    due: SlaTargets
    action: Action
    vetoes: tuple[str, ...]
    """Gates that did not hold."""


def situations(
    tickets: pd.DataFrame,
    surges: Sequence[Surge],
    thresholds: Mapping[str, ThresholdEvidence],
    proofs: PathProofs,
) -> list[Situation]:
    """One per row of ``tickets``: features, ``intent``, ``probability``, ``out_of_scope``, ``churn_risk``,
    ``priority_level``, ``priority_score`` (missing without a model: the desk's rules decide)."""
    return [
        _situation(row, surge, thresholds, proofs)
        for row, surge in zip(tickets.to_dict("records"), surges, strict=True)
    ]


def _situation(
    row: Mapping[Any, Any], surge: Surge, thresholds: Mapping[str, ThresholdEvidence], proofs: PathProofs
) -> Situation:
    told = situation_of(row)
    account = told.account
    if account is not None and not pd.isna(row["churn_risk"]):
        account = replace(account, churn_risk=float(row["churn_risk"]))
    proof = thresholds.get(told.intent) if told.intent else None
    proof = proof.of(told.language) if proof is not None else None
    path = proofs.as_of(told.intent, told.created_at)
    scored = not pd.isna(row["priority_score"])
    return replace(
        told,
        account=account,
        contact_id=None if pd.isna(row["contact_id"]) else str(row["contact_id"]),
        intent_probability=0.0 if pd.isna(row["probability"]) else float(row["probability"]),
        out_of_scope=told.intent is None or bool(row["out_of_scope"]),
        surge=surge,
        priority_level=row["priority_level"] if scored else "normal",
        priority_score=float(row["priority_score"]) if scored else 0.5,
        automation_threshold=proof.threshold if proof is not None else None,
        automation_evidence=_evidence(proof),
        path=path.record if path is not None else None,
        path_success=path.lower_bound if path is not None else None,
        degraded=() if scored else ("no priority model",),
    )


def _evidence(proof: ThresholdEvidence | None) -> str:
    if proof is None or proof.threshold is None:
        return ""
    return f"{proof.errors} errors in {proof.n} held-out tickets: precision at least {proof.lower_bound:.3f}"


def ruled(desk: Desk, situation: Situation) -> Ruling:
    """Everything policy says of one ticket at the moment it came in, in the order of the service."""
    if situation.degraded:
        level, score, _ = rule_priority(desk, situation)
        situation = replace(situation, priority_level=level, priority_score=score)
    calls = tuple(escalations(desk, situation))
    plan = situation.account.plan if situation.account else None
    due = due_times(desk, plan, situation.created_at)
    checks = gates(desk, situation, calls)
    return Ruling(
        situation=situation,
        escalations=calls,
        queue=route(desk, situation, calls, ()).queue,
        rank=value_at_risk(desk, situation, due, calls, situation.created_at),
        due=due,
        action=action(desk, situation, checks),
        vetoes=tuple(check.name for check in checks if not check.passed),
    )


def surges_at(tickets: pd.DataFrame, chosen: np.ndarray) -> list[Surge]:
    """How often the predicted intent of each of ``chosen`` (positions) was reported before it.

    ``tickets``: all of the history in order of ``created_at``, with ``intent`` as predicted and
    ``account_id``. Only tickets created before the one in question count.
    """
    seconds = (tickets["created_at"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy()
    found: dict[int, Surge] = {}
    wanted = np.zeros(len(tickets), dtype=bool)
    wanted[chosen] = True
    account = tickets["account_id"].where(tickets["account_id"].notna(), tickets["ticket_id"])
    who = pd.factorize(account)[0]
    for rows in tickets.groupby("intent").indices.values():
        rows = np.sort(rows)
        at = seconds[rows]
        asked = rows[wanted[rows]]
        ends = np.searchsorted(at, seconds[asked], side="left")
        days = np.searchsorted(at, seconds[asked] - _DAY_SECONDS, side="left")
        months = np.searchsorted(at, seconds[asked] - _DAY_SECONDS * (1 + BASELINE_DAYS), side="left")
        for row, end, day, month in zip(asked, ends, days, months, strict=True):
            found[int(row)] = Surge(
                accounts_24h=len(set(who[rows[day:end]].tolist())),
                tickets_24h=int(end - day),
                baseline_per_day=float(day - month) / BASELINE_DAYS,
            )
    return [found.get(int(row), Surge()) for row in chosen]


def churn_risks(tickets: pd.DataFrame, snapshots: pd.DataFrame, risk: np.ndarray) -> pd.Series:
    """The account's risk by its newest monthly snapshot not later than the ticket; missing without one."""
    known = snapshots[["account_id", "as_of"]].assign(churn_risk=risk).sort_values("as_of", kind="stable")
    asked = tickets[["account_id", "created_at"]].assign(row=np.arange(len(tickets)))
    asked = asked.dropna(subset=["account_id"]).sort_values("created_at", kind="stable")
    joined = pd.merge_asof(
        asked, known, left_on="created_at", right_on="as_of", by="account_id", direction="backward"
    )
    return joined.set_index("row")["churn_risk"].reindex(np.arange(len(tickets))).set_axis(tickets.index)
