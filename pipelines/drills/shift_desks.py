"""Desks for the bench of shifts: a company's first months train a release, the later ones are traffic.

One release is trained once and decides every scenario of its company in bulk, by the models and thresholds
that would serve. Some intents and a language that nobody had heard of while it learnt lie ready to arrive.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from models.intent import IntentModel
from models.priority import PriorityModel
from models.risk import ThresholdEvidence
from pipelines.artifacts import FEATURES, MODELS
from pipelines.drills.half_year import prepare
from pipelines.drills.half_year_company import Plan, found
from pipelines.drills.workspace import run_in
from pipelines.evaluation import may_automate
from pipelines.intent import OUT_OF_FOLD, read_thresholds
from pipelines.params import DemoCompanyParams
from pipelines.priority import priority_features
from pipelines.sentiment import CONTEXT

STAGES = ("ingest", "validate", "featurize", "intent", "sentiment", "priority")
WORDS = Path("words.parquet")
EVALUATED = timedelta(days=28)
"""The first weeks after it tell what the release gets wrong; traffic is drawn from the rest."""
QUICK: dict[str, dict[str, Any]] = {
    "intent": {"trials": 2, "blocks": 3, "encoder": "none"},
    "sentiment": {"trials": 1},
    "priority": {"trials": 1},
}


@dataclass(frozen=True)
class ShiftDesk:
    """A release and the traffic of its company.

    ``tickets``: a row a later ticket: features, ``intent_said`` and ``priority_said`` (what agents finally
    set, null where they never did), ``answered_after`` (time until then), ``agent_id``, ``unheard`` (about
    an intent or in a language that the release never met). ``expected_errors``: by field, the share that
    the release got wrong in the weeks before. ``released``: those intents.
    """

    seed: int
    intent: IntentModel
    priority: PriorityModel
    thresholds: dict[str, ThresholdEvidence]
    tickets: pd.DataFrame
    released: frozenset[str]
    expected_errors: dict[str, float]

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Every ticket decided as it arrived, in their order."""
        return self.decide(self.tickets)

    def decide(self, tickets: pd.DataFrame) -> pd.DataFrame:
        """``tickets`` with the columns intent, probability, priority and action of decisions about them."""
        said = self.intent.predict(tickets)
        told = tickets.assign(
            intent=pd.Series([p.intent for p in said], index=tickets.index, dtype="str"),
            probability=[float(p.probability) for p in said],
            out_of_scope=[p.out_of_scope for p in said],
        )
        automated = may_automate(told, self.thresholds)
        return told.assign(
            priority=self.priority.levels(told),
            action=pd.Series(automated, index=told.index).map({True: "auto_resolve", False: "assist"}),
        )


def plan_of(seed: int) -> Plan:
    """A company of average size: seven months before the release, five after it."""
    return Plan(
        DemoCompanyParams(seed=seed, accounts=1_400, months=12, tickets=27_000, end=date(2026, 7, 1)),
        base_months=7,
        released=("webhook_not_firing", "crm_sync_broken", "calendar_sync_broken", "api_rate_limit"),
        released_at=datetime(2026, 2, 1, tzinfo=UTC),
        languages=("pt",),
    )


def train(project: Path, plan: Plan) -> None:
    """Leave in the clone ``project`` a release trained on the base months of ``plan``, and all its tickets.

    Raises ``RuntimeError`` where a stage fails.
    """
    with TemporaryDirectory(prefix="firstline-shifts-") as folder:
        company = found(plan, Path(folder))
        later = (company.tables["tickets"]["created_at"] >= plan.opens).mean()
        split = {"split": {"calibration_share": 0.08, "evaluation_share": float(later)}}
        company.deliver(prepare(project, company, QUICK | split), plan.closes)
        company.words().to_parquet(project / WORDS)
        for stage in STAGES:
            run_in(project, f"pipelines.{stage}")


def read_desk(project: Path, plan: Plan) -> ShiftDesk:
    """The desk that ``train`` left in ``project``."""
    features = pd.read_parquet(project / FEATURES / "tickets.parquet")
    predictions = pd.read_parquet(project / OUT_OF_FOLD)
    tickets = priority_features(features, predictions, pd.read_parquet(project / CONTEXT))
    later = tickets[tickets["created_at"] >= plan.opens]
    words = pd.read_parquet(project / WORDS)
    for field in ("intent", "priority"):
        last = words[words["field"] == field].set_index("ticket_id")
        later = later.assign(**{f"{field}_said": later["ticket_id"].map(last["value"]).astype("str")})
        if field == "intent":
            told_at, agent = (later["ticket_id"].map(last[name]) for name in ("at", "agent_id"))
            later = later.assign(answered_after=told_at - later["created_at"], agent_id=agent)
    foreign = later["language"].isin(plan.languages)
    later = later.assign(unheard=later["intent_said"].isin(plan.released) | foreign)
    desk = ShiftDesk(
        plan.company.seed,
        IntentModel.load(project / MODELS / "intent"),
        PriorityModel.load(project / MODELS / "priority"),
        read_thresholds(project),
        later.reset_index(drop=True),
        frozenset(plan.released),
        {},
    )
    return _with_expected_errors(desk, plan.opens + EVALUATED)


def _with_expected_errors(desk: ShiftDesk, until: datetime) -> ShiftDesk:
    """The desk with what its release gets wrong in the weeks before ``until``, and only later tickets."""
    early = desk.tickets["created_at"] < until
    judged = desk.decide(desk.tickets[early & ~desk.tickets["unheard"]])
    errors = {}
    for field in ("intent", "priority"):
        told = judged[judged[f"{field}_said"].notna()]
        errors[field] = float((told[field] != told[f"{field}_said"]).mean())
    automated = judged[(judged["action"] == "auto_resolve") & judged["intent_said"].notna()]
    if len(automated):
        errors["automated"] = float((automated["intent"] != automated["intent_said"]).mean())
    rest = desk.tickets[~early].reset_index(drop=True)
    return replace(desk, tickets=rest, expected_errors=errors)
