"""The loop closed: the monitor's verdict, and the retraining or rollback that it leads to."""

from datetime import UTC, datetime, timedelta

from monitoring.monitor import REPORTS_FOLDER, look, moment, record_done
from monitoring.response import Standing, response_to
from monitoring.verdict import Verdict
from pipelines.params import load_params
from pipelines.promote import CHAMPION, rollback, user
from pipelines.retrain import Retraining, read_record, retrain
from serving.settings import Settings
from serving.store import Store, open_store

BY = "firstline tick"


def retrain_now(why: str, as_of: str | None) -> Retraining:
    """Retrain at ``as_of`` or now, on behalf of the user. Raises ``RetrainError`` where one is under way."""
    at = moment(as_of) if as_of else datetime.now(UTC)
    return retrain(Settings(), load_params().loop.promotion, why, user(), at)


def standing_of(store: Store, settings: Settings) -> Standing:
    """Since when the champion serves, and how the last retraining stands."""
    moves = store.pointer_history(CHAMPION)
    record = read_record(store, settings.state)
    waits = record is not None and record.state == "waits" and store.pointer(CHAMPION) != record.release
    return Standing(
        champion_since=moves[-1].at if moves else None,
        retraining=record is not None and record.state == "running",
        retrained_at=datetime.fromisoformat(record.started_at) if record else None,
        failed=record is not None and record.state in ("failed", "interrupted"),
        waiting=record.release if record is not None and waits else None,
    )


def look_and_act(as_of: str | None) -> Verdict:
    """Run the monitor as of ``as_of`` or now, act on its verdict, and record what was done."""
    settings, rules = Settings(), load_params().loop
    store = open_store(settings)
    try:
        verdict, now = look(store, settings, as_of)
        found = response_to(
            verdict,
            standing_of(store, settings),
            now,
            timedelta(days=rules.cool_down_days),
            timedelta(days=rules.probation_days),
        )
        if found.step == "roll back":
            rollback(now, BY, found.reason)
            done = f"rolled back to {verdict.worse_than}"
        elif found.step == "retrain":
            done = "retrained: " + retrain(settings, rules.promotion, found.reason, BY, now).line
        else:
            done = verdict.done or found.reason
        return record_done(store, REPORTS_FOLDER, verdict, done) if done else verdict
    finally:
        store.close()
