"""Account snapshots and the churn label: known then, and censored where the future is not over."""

import numpy as np
import pandas as pd
import pytest

from features.account import (
    ACCOUNT_CATEGORIES,
    ACCOUNT_FEATURES,
    account_features,
    churn_label,
    monthly_snapshots,
)
from features.schema import empty_table, typed
from tests.features.histories import START, history, served

DAY = pd.Timedelta(days=1)


def versions(*rows: tuple[str, int, int | None]) -> pd.DataFrame:
    """(account, known on day, churned on day) after ``START``."""
    return typed(
        "accounts",
        pd.DataFrame(
            [
                {
                    "account_id": a,
                    "known_at": START + k * DAY,
                    "churned_at": None if c is None else START + c * DAY,
                }
                for a, k, c in rows
            ]
        ),
    )


def snapshots(*days: int, account: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"account_id": account, "as_of": [START + d * DAY for d in days]})


@pytest.mark.parametrize(
    ("churned", "observed", "label"),
    [
        (None, 200, 0),
        (None, 99, pd.NA),
        (50, 200, 1),
        (99, 200, 1),
        (100, 200, 0),
        (10, 200, pd.NA),
        (5, 200, pd.NA),
        (50, 60, pd.NA),
    ],
    ids=[
        "stayed",
        "horizon not over",
        "left",
        "left on the last day",
        "left the day after the horizon",
        "left that very day",
        "left before",
        "left but others' horizon is not over",
    ],
)
def test_churn_label_is_censored_where_the_future_is_not_over(churned, observed, label):
    accounts = versions(("a", 0, None), ("a", observed, churned))
    found = churn_label(snapshots(10), accounts, horizon_days=90).iat[0]
    assert found is label or found == label


def test_churn_label_of_an_unknown_account_is_missing():
    assert churn_label(snapshots(0, account="x"), versions(("a", 200, None)), 90).isna().all()
    assert churn_label(snapshots(0), empty_table("accounts"), 90).isna().all()


def test_snapshots_begin_once_the_account_is_known_and_end_once_it_is_known_to_have_left():
    accounts = versions(("a", 40, None), ("a", 130, 100), ("b", 0, None))
    taken = monthly_snapshots(accounts, START, START + 200 * DAY)
    months = taken.groupby("account_id")["as_of"].apply(lambda at: at.dt.month.tolist())
    assert months["a"] == [3, 4, 5], "churn in April became known in May"
    assert months["b"] == [2, 3, 4, 5, 6, 7]


def test_no_accounts_give_no_snapshots():
    none = empty_table("accounts")
    assert monthly_snapshots(none, none["known_at"].min(), none["known_at"].max()).empty


def test_snapshot_features_are_the_same_from_the_accounts_own_rows_and_from_everybodys():
    tables = history(8)
    taken = monthly_snapshots(tables["accounts"], START, START + 200 * DAY)
    batch = account_features(taken, tables)
    assert set(batch.columns) == {*ACCOUNT_FEATURES, *ACCOUNT_CATEGORIES}
    for account_id, own in taken.groupby("account_id"):
        alone = account_features(own, served(tables, account_id, None))
        pd.testing.assert_frame_equal(alone, batch.loc[own.index], check_exact=True)


def test_usage_trend_of_an_account_that_halves():
    days = pd.date_range(START, periods=84, freq="D")
    usage = typed(
        "usage",
        pd.DataFrame(
            {
                "account_id": "a",
                "day": days,
                "known_at": days + pd.Timedelta(hours=26),
                "feature": "reports",
                "events": [20] * 56 + [10] * 28,
                "errors": 0,
            }
        ),
    )
    row = account_features(
        pd.DataFrame({"account_id": ["a"], "as_of": [START + 85 * DAY]}), {"usage": usage}
    ).iloc[0]
    assert row["usage_change_84d"] == pytest.approx(-0.5, abs=0.02)
    assert row["usage_events_7d"] == 70
    assert row["active_features_7d"] == 1
    assert np.isnan(row["contract_value_cents"])
