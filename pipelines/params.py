"""``params.yaml``, parsed and checked: unknown keys and impossible values are refused before work starts."""

from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.split import Cuts, ticket_cuts

PARAMS_FILE = Path("params.yaml")


class ParamsError(ValueError):
    """``params.yaml`` holds something the pipeline does not know or cannot use."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DemoCompanyParams(_Section):
    """Size and seed of the simulated company; ``end`` is the first moment after its history (UTC)."""

    seed: int = Field(ge=0)
    accounts: int = Field(ge=10)
    months: int = Field(ge=3)
    tickets: int = Field(ge=200)
    end: date


class IngestParams(_Section):
    """Which folder under ``data/`` is read, through which mapping, and how much may be rejected."""

    source: str
    mapping: Path
    max_quarantined_share: float = Field(ge=0, lt=1)
    phone_region: str = Field(default="", pattern="^([A-Z]{2})?$")
    """Country (ISO 3166) of phone numbers without a country code; empty: their digits alone count."""


class SplitParams(_Section):
    """Shares of tickets by time: the newest evaluate, those before them calibrate, the rest trains.

    ``most_evaluation_tickets``: however long the history, no more than these evaluate. Nothing is learnt of
    them, so with years of history a share is months in which a new kind of ticket stays unknown.
    """

    calibration_share: float = Field(gt=0, lt=0.5)
    evaluation_share: float = Field(gt=0, lt=0.5)
    most_evaluation_tickets: int | None = Field(default=None, ge=200)

    def cuts(self, created_at: pd.Series) -> Cuts:
        """Where calibration and evaluation begin. Raises ``ValueError`` without any ticket."""
        return ticket_cuts(
            created_at, self.calibration_share, self.evaluation_share, self.most_evaluation_tickets
        )


class IntentParams(_Section):
    """Intent model: rarest label learnt, candidates ranked, time blocks of its evidence, Optuna trials.

    ``encoder``: the installed sentence encoder (``models.sentences``) beside n-grams, or n-grams alone.
    ``encoder_languages``: texts that are surely in another language get no embedding; empty means all.
    ``hold_out_share``: of the tickets, at random, is never learnt from and judges alone. ``label_weights``:
    whether labels from feedback count for all the tickets of their kind that nobody answered.
    """

    min_examples: int = Field(ge=2)
    candidates: int = Field(ge=2, le=20)
    blocks: int = Field(ge=2)
    trials: int = Field(ge=1)
    max_training_tickets: int = Field(ge=100)
    encoder: Literal["installed", "none"]
    encoder_languages: tuple[str, ...]
    hold_out_share: float = Field(default=0.0, ge=0, le=0.2)
    label_weights: bool = False


class TrialsParams(_Section):
    """Optuna trials of one model."""

    trials: int = Field(ge=1)


class ChurnParams(TrialsParams):
    """Churn model: how many days ahead it looks, and how many accounts the success team can call a month."""

    horizon_days: int = Field(ge=1)
    team_capacity: int = Field(ge=1)


class LegalWeightParams(_Section):
    """Model of legal weight: examples learnt from, evenly chosen of more; memory grows with their square."""

    most_examples: int = Field(default=8000, ge=100)


class RiskParams(_Section):
    """Automatic resolution: precision promised, and the confidence of its one-sided lower bound."""

    confidence: float = Field(ge=0.5, lt=1)
    precision: float = Field(ge=0.95, lt=1)


class ReleaseParams(_Section):
    """Which desk policy goes into the release."""

    desk: Path


class LoopParams(_Section):
    """What `firstline tick` may do by itself; days between retrainings; days a new release is on trial."""

    promotion: Literal["automatic", "by_hand"] = "by_hand"
    cool_down_days: int = Field(default=14, ge=0)
    probation_days: int = Field(default=14, ge=0)


class BacktestParams(_Section):
    """The replay of the newest history (docs/backtest.md); what history does not record is assumed here.

    ``seeds``: replays, each with its own luck. ``most_tickets``: of the evaluation tickets, the newest so
    many. ``warm_up_days``: replayed from an empty desk, not measured. ``rollout``: the phase of each month
    of a rollout; later months have the desk's own phases. ``busy_share``: of their hours, how much people
    are busy when tickets start where the desk put them; hands-on time follows from it unless
    ``handling_hours`` gives it. ``first_answer_share``: of the time in work, when the first answer goes out,
    where history does not tell. ``handling_spread``: standard deviation of the logarithm of hands-on time.
    ``handoff_hours``: hands-on time of passing a ticket on. ``handoff_csat_points``,
    ``wait_day_csat_points``: points of satisfaction (1 to 5) lost by a handoff and by a day until solved,
    where too few ratings tell. ``wrong_answer_back_share``: of automatic answers to something else than was
    asked, how many come back. ``automatic_back_ratio``: of right ones, relative to a person's.
    ``automatic_csat_points``: satisfaction with them, beside a person's. ``draft_saving_share``: hands-on
    time that a drafted reply saves. ``agent_cost_per_hour``, ``fixed_cost_per_ticket``: currency units; the
    second for Firstline alone. ``longest_wait_days``: nobody may wait longer for an answer. ``bootstrap``:
    draws of accounts for intervals.
    """

    seeds: int = Field(default=3, ge=1)
    most_tickets: int = Field(default=5500, ge=20)
    warm_up_days: float = Field(default=7, ge=0)
    rollout: tuple[Literal["intelligence", "assisted", "selective", "proactive"], ...] = (
        "intelligence",
        "assisted",
        "selective",
    )
    busy_share: float = Field(default=0.85, gt=0, lt=1)
    handling_hours: float | None = Field(default=None, gt=0)
    assumed_handling_hours: float = Field(default=0.5, gt=0)
    most_handling_hours: float = Field(default=4, gt=0)
    first_answer_share: float = Field(default=0.2, gt=0, le=1)
    handling_spread: float = Field(default=0.6, ge=0)
    handoff_hours: float = Field(default=0.2, ge=0)
    handoff_csat_points: float = Field(default=0.2, ge=0)
    wait_day_csat_points: float = Field(default=0.1, ge=0)
    assumed_back_share: float = Field(default=0.08, ge=0, le=1)
    wrong_answer_back_share: float = Field(default=0.9, ge=0, le=1)
    automatic_back_ratio: float = Field(default=1.0, ge=0)
    automatic_csat_points: float = 0.0
    draft_saving_share: float = Field(default=0.0, ge=0, lt=1)
    agent_cost_per_hour: float = Field(default=35, ge=0)
    fixed_cost_per_ticket: float = Field(default=0.05, ge=0)
    longest_wait_days: float = Field(default=14, gt=0)
    bootstrap: int = Field(default=100, ge=20)


class Params(_Section):
    """All of ``params.yaml``."""

    seed: int = Field(ge=0)
    demo_company: DemoCompanyParams
    ingest: IngestParams
    split: SplitParams
    intent: IntentParams
    sentiment: TrialsParams
    priority: TrialsParams
    churn: ChurnParams
    risk: RiskParams
    release: ReleaseParams
    legal_weight: LegalWeightParams = LegalWeightParams()
    loop: LoopParams = LoopParams()
    backtest: BacktestParams = BacktestParams()


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check the parameters. Raises ``ParamsError`` naming each offending key."""
    if not path.exists():
        raise ParamsError(f"{path} not found: run this from the project's root")
    try:
        return Params.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']} (found {e['input']!r})" for e in error.errors()
        )
        raise ParamsError(f"{path}: {problems}") from error
