"""A verdict leads to one step: never two retrainings at once, never one after the other without end."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.response import Standing, response_to
from monitoring.verdict import Verdict

NOW = datetime(2026, 7, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = NOW - 100 * DAY
HARM = Verdict("RETRAIN", "intent overridden")
WORSE = Verdict("RETRAIN", "worse than before", worse_than="r0")


@pytest.mark.parametrize(
    ("verdict", "standing", "step"),
    [
        (Verdict("OK", ""), Standing(LONG_AGO), "nothing"),
        (Verdict("WATCH", "drift"), Standing(LONG_AGO), "nothing"),
        (HARM, Standing(LONG_AGO), "retrain"),
        (HARM, Standing(None), "retrain"),
        (HARM, Standing(LONG_AGO, retraining=True), "nothing"),
        (HARM, Standing(LONG_AGO, retrained_at=NOW - 13 * DAY), "nothing"),
        (HARM, Standing(LONG_AGO, retrained_at=NOW - 14 * DAY), "retrain"),
        (HARM, Standing(LONG_AGO, retrained_at=NOW - DAY / 2, failed=True), "nothing"),
        (HARM, Standing(LONG_AGO, retrained_at=NOW - DAY, failed=True), "retrain"),
        (HARM, Standing(LONG_AGO, retrained_at=NOW - 30 * DAY, waiting="r2"), "nothing"),
        (WORSE, Standing(NOW - 7 * DAY), "roll back"),
        (WORSE, Standing(NOW - 7 * DAY, retrained_at=NOW - 7 * DAY), "roll back"),
        (WORSE, Standing(NOW - 15 * DAY), "retrain"),
    ],
    ids=[
        "all well",
        "drift alone",
        "harm",
        "harm without any release",
        "one runs",
        "one was too recent",
        "the cool-down is over",
        "one failed an hour ago",
        "one failed yesterday",
        "its result waits for a person",
        "a new release is worse",
        "going back needs no cool-down",
        "no longer on probation",
    ],
)
def test_step(verdict, standing, step):
    found = response_to(verdict, standing, NOW, cool_down=14 * DAY, probation=14 * DAY)
    assert found.step == step
    assert found.reason or verdict.state != "RETRAIN"
