"""The loop really goes round: a month of the half-year drill, in this process and with quick models.

The desk is called directly instead of over HTTP, and the stages run one after the other without DVC.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from firstline.acting import look_and_act
from monitoring.feedback_export import main as export_feedback
from pipelines import retrain
from pipelines.drills.half_year import Replay, prepare
from pipelines.drills.half_year_company import Plan, found
from pipelines.params import DemoCompanyParams
from pipelines.promote import CHAMPION, promote
from serving.backfill import main as backfill
from serving.decision import Decision
from serving.feedback import accept_feedback
from serving.requests import FeedbackRequest, TriageRequest
from serving.settings import Settings
from serving.triage import TriageDesk, open_desk
from tests.project import copy_of_project
from tests.stages import run_stages

PLAN = Plan(
    DemoCompanyParams(seed=92, accounts=150, months=3, tickets=2700, end=date(2026, 7, 1)),
    base_months=2,
    released=(
        "password_reset",
        "dashboard_how_to",
        "invoice_copy",
        "feature_request",
        "payment_failed",
        "report_wrong_numbers",
        "account_locked",
    ),
    released_at=datetime(2026, 6, 3, tzinfo=UTC),
    never=("ai_summary_wrong", "workflow_builder_help"),
)
QUICK: dict[str, dict[str, Any]] = {
    "intent": {"trials": 1, "blocks": 2, "encoder": "none", "min_examples": 4},
    "sentiment": {"trials": 1},
    "priority": {"trials": 1},
    "churn": {"trials": 1},
    "legal_weight": {"most_examples": 300},
    "split": {"calibration_share": 0.08, "evaluation_share": 0.11},
    "loop": {"promotion": "automatic"},
}
TRAINED = datetime(2026, 6, 15, tzinfo=UTC)
CLOSES = datetime(2026, 6, 18, tzinfo=UTC)


class Desk:
    """The desk called directly, as of the moments that the requests name."""

    def __init__(self, desk: TriageDesk) -> None:
        self._desk = desk

    def triage(self, request: dict[str, Any]) -> Decision:
        asked = TriageRequest.model_validate(request)
        return self._desk.triage(asked, datetime.now(UTC)).decision

    def feedback(self, key: str, **said: Any) -> str:
        return accept_feedback(self._desk.store, FeedbackRequest.model_validate(said), datetime.now(UTC), key)


def run_here(step: str, *_: object) -> None:
    """The steps of a retraining in this process."""
    if step == "export feedback":
        export_feedback()
    if step == "train":
        run_stages()


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A trained and promoted release, a month of tickets, and everything the clock did."""
    with pytest.MonkeyPatch.context() as patch:
        project = copy_of_project(tmp_path_factory.mktemp("desk") / "project", {})
        company = found(PLAN, tmp_path_factory.mktemp("company"))
        for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
            patch.setenv(name, "true")
        patch.setenv("FIRSTLINE_POINTER_CHECK_SECONDS", "0.001")
        patch.chdir(project)
        patch.setattr(retrain, "_run", run_here)
        raw = prepare(project, company, QUICK)
        run_here("train")
        assert promote(at=PLAN.opens) == 0
        backfill()
        settings = Settings()
        desk = open_desk(settings)
        replay = Replay(
            company,
            Desk(desk),
            desk.store,
            settings.state,
            raw,
            lambda at: look_and_act(at.isoformat()) and None,
        )
        replay.watch_champion(PLAN.opens)
        replay.run(PLAN.opens, CLOSES)
        yield replay
        desk.store.close()


def test_the_loop_notices_retrains_promotes_and_recovers(month: Replay) -> None:
    told = "\n".join(month.timeline)
    assert (TRAINED, "RETRAIN") in month.verdicts, told
    assert [at for at, _ in month.champions] == [PLAN.opens, TRAINED], told
    assert "retrained" in month.store.pointer_history(CHAMPION)[-1].reason
    during, _ = month.accuracy(PLAN.released_at, TRAINED)
    after, judged = month.accuracy(TRAINED, CLOSES)
    assert judged > 80
    assert after > during + 0.10, told
