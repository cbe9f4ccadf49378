"""Small decisions, feedback and windows for the monitoring tests."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from monitoring.quality import DECISION_COLUMNS, FEEDBACK_COLUMNS, Calibration, OverrideRate, Quality
from monitoring.rates import Rate

START = datetime(2026, 7, 1, 8, tzinfo=UTC)


def decisions(count: int, **columns: object) -> pd.DataFrame:
    """``count`` decisions a minute apart; give a list for a column to vary it."""
    defaults = {
        "decision_id": [f"d{i}" for i in range(count)],
        "ticket_id": [f"t{i}" for i in range(count)],
        "at": [START + timedelta(minutes=i) for i in range(count)],
        "release": "r1",
        "action": "assist",
        "intent": "invoice_copy",
        "probability": 0.9,
        "priority": "normal",
        "queue": "billing",
        "sentiment": "asking",
    }
    frame = pd.DataFrame(defaults | columns, columns=list(DECISION_COLUMNS), index=range(count))
    return frame.astype(DECISION_COLUMNS)


def feedback(*rows: tuple[str, str, str | None, str | None]) -> pd.DataFrame:
    """(decision_id, verdict, field, value) rows by agent ``a1``, a minute apart after all decisions."""
    return pd.DataFrame(
        [
            (d, START + timedelta(days=1, minutes=i), verdict, field, value, "because", "a1")
            for i, (d, verdict, field, value) in enumerate(rows)
        ],
        columns=list(FEEDBACK_COLUMNS),
    ).astype(FEEDBACK_COLUMNS)


def rates(hits: int, answered: int, all_: int) -> OverrideRate:
    return OverrideRate(Rate(hits, answered), Rate(hits, all_))


def window(
    decided: int, answered: int = 0, overridden: int = 0, wrong: int = 0, automated: int = 0
) -> Quality:
    """Quality of a window in which only the intent was ever overridden."""
    return Quality(
        decisions=decided,
        answered=answered,
        overrides={"intent": rates(overridden, answered, decided), "queue": rates(0, answered, decided)},
        calibration=Calibration(None, Rate(0, 0)),
        automated_wrong=rates(wrong, wrong, automated),
    )
