"""The product team is sent where tickets follow errors, and not where busy accounts simply write a lot."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.schema import completed, typed
from monitoring.friction import (
    feature_friction,
    friction_record,
    headline,
    month_of,
    struggling_accounts,
    within_accounts,
    write_friction,
)

START, END = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
ACCOUNTS = [f"a{i}" for i in range(30)]


def month(after_errors: float = 0.6, otherwise: float = 0.05, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Every account uses two features daily; only errors of ``imports`` are followed by tickets."""
    chance = np.random.default_rng(seed)
    usage, tickets = [], []
    for account in ACCOUNTS:
        for day in range(0, 30, 3):  # three days apart, so that no ticket follows two days of use
            at = START + timedelta(days=day)
            errors = {name: int(chance.random() < 0.2) for name in ("imports", "search")}
            usage += [(account, at, name, 10, failed) for name, failed in errors.items()]
            if chance.random() < (after_errors if errors["imports"] else otherwise):
                tickets.append((account, at + timedelta(days=int(chance.integers(0, 2)), hours=9)))
    used = pd.DataFrame(usage, columns=["account_id", "day", "feature", "events", "errors"])
    wrote = pd.DataFrame(tickets, columns=["account_id", "created_at"])
    wrote = wrote.assign(ticket_id=[f"t{i}" for i in range(len(wrote))], known_at=wrote["created_at"])
    rows = {"usage": typed("usage", used.assign(known_at=used["day"])), "tickets": typed("tickets", wrote)}
    return completed(rows)


def test_the_feature_whose_errors_are_followed_by_tickets_comes_first_and_alone():
    imports, search = feature_friction(month(), START, END)
    assert (imports.feature, imports.is_friction, search.is_friction) == ("imports", True, False)
    assert imports.lift > 5
    assert (imports.uses, imports.accounts) == (3000, 30)
    assert headline(friction_record(month(), START, END)).startswith(
        "2026-06: tickets follow errors of imports ("
    )


@pytest.mark.parametrize("seed", range(5))
def test_accounts_that_write_a_lot_anyway_are_no_friction(seed):
    found = feature_friction(month(after_errors=0.5, otherwise=0.5, seed=seed), START, END)
    assert not any(f.is_friction for f in found)
    assert "no feature" in headline(friction_record(month(0.5, 0.5, seed), START, END))


def test_large_accounts_that_fail_more_and_write_more_are_no_friction():
    """Every other account uses more: twice the errors, ten times the tickets, and nothing causes anything."""
    chance = np.random.default_rng(5)
    account = pd.Series(np.repeat(np.arange(200), 60))
    large = account % 2 == 0
    failed = pd.Series(chance.random(len(account)) < np.where(large, 0.4, 0.2))
    followed = pd.Series(chance.random(len(account)) < np.where(large, 0.5, 0.05))
    assert followed[failed].mean() > 1.2 * followed[~failed].mean()
    lift, p_value = within_accounts(account, failed, followed)
    assert lift == pytest.approx(1.0, abs=0.1)
    assert p_value > 0.01


def test_a_ticket_follows_a_day_up_to_the_day_after_and_none_before():
    tables = month()
    day = START + timedelta(days=4)
    usage = pd.DataFrame({"account_id": ["a0"], "day": [day], "feature": "x", "events": 1, "errors": 1})
    usage = typed("usage", usage.assign(known_at=day))
    for days, followed in ((-1, 0), (0, 1), (1, 1), (2, 0)):
        at = day + timedelta(days=days, hours=5)
        ticket = pd.DataFrame({"ticket_id": ["t"], "account_id": "a0", "created_at": at, "known_at": at})
        only = {**tables, "usage": usage, "tickets": typed("tickets", ticket)}
        assert feature_friction(only, START, END)[0].after_errors.hits == followed


def test_accounts_that_struggle_are_listed_with_their_worst_feature():
    tables = month()
    found = struggling_accounts(tables, START, END, most=5)
    assert len(found) == 5
    assert found["tickets"].is_monotonic_decreasing
    assert found["tickets"].iloc[0] == tables["tickets"]["account_id"].value_counts().iloc[0]
    assert set(found["worst_feature"].dropna()) <= {"imports", "search"}
    assert (found["tickets_before"] == 0).all()


@pytest.mark.parametrize("missing", ["usage", "tickets"])
def test_a_missing_table_leaves_the_report_empty_not_broken(missing):
    tables = completed({name: frame for name, frame in month().items() if name != missing})
    record = friction_record(tables, START, END)
    assert json.loads(json.dumps(record))["start"] == START.isoformat()
    assert not any(f["is_friction"] for f in record["features"])


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-06", "2026-06-01", "2026-07-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
        (None, "2026-05-01", "2026-06-01"),
    ],
)
def test_the_month_is_the_one_named_or_the_last_whole_one(text, start, end):
    assert [f"{at:%Y-%m-%d}" for at in month_of(text, month())] == [start, end]


def test_a_month_that_is_none_is_named():
    with pytest.raises(ValueError, match="'June' is no month: write it as 2026-06"):
        month_of("June", month())
    with pytest.raises(ValueError, match="no tickets"):
        month_of(None, completed({}))


def test_a_name_from_the_product_is_escaped_in_the_page(tmp_path):
    record = friction_record(month(), START, END)
    record["features"][0]["feature"] = "<script>alert(1)</script>"
    page = write_friction(tmp_path, record).read_text("utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
