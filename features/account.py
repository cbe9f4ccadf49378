"""What is known of an account at a moment, and whether it left in the time after."""

import numpy as np
import pandas as pd

from features.arrays import DAY, arrow_strings, microseconds
from features.declare import Column, Feature, columns_of, frame_of, names
from features.moments import AccountMoments, TicketFacts, UsageFacts
from features.rows import History, Rows
from features.schema import TIME_DTYPE

_F = Feature[AccountMoments]

CONTRACT: tuple[_F, ...] = (
    _F("plan", "subscribed plan", lambda a: a.fact("plan"), "category"),
    _F("segment", "size or market segment", lambda a: a.fact("segment"), "category"),
    _F("status", "subscription status", lambda a: a.fact("status"), "category"),
    _F("contract_value_cents", "annual contract value", lambda a: a.amount("contract_value_cents")),
    _F("lifetime_value_cents", "revenue since sign-up", lambda a: a.amount("lifetime_value_cents")),
    _F("seats", "paid seats", lambda a: a.amount("seats")),
    _F(
        "renewal_in_days",
        "days to the next renewal, negative once past",
        lambda a: a.days_until("renewal_at"),
    ),
    _F("account_age_days", "days since the first contract", lambda a: -a.days_until("signed_up_at")),
)
TICKET_HISTORY: tuple[_F, ...] = (
    _F("account_tickets_7d", "earlier tickets of the account", lambda a: a.tickets.count(7 * DAY)),
    _F("account_tickets_30d", "earlier tickets of the account", lambda a: a.tickets.count(30 * DAY)),
    _F("account_tickets_90d", "earlier tickets of the account", lambda a: a.tickets.count(90 * DAY)),
    _F("account_open_tickets", "earlier tickets not yet solved", lambda a: a.open_tickets.sum("change")),
    _F("account_reopens_90d", "tickets reopened", lambda a: a.reopened.count(90 * DAY)),
    _F("account_csat_mean_180d", "mean rating, 1 to 5", lambda a: a.csat.mean("score", 180 * DAY, "rated")),
    _F("account_csat_last", "last rating, 1 to 5", lambda a: a.csat.last("score")),
)
USAGE: tuple[_F, ...] = (
    _F("usage_events_7d", "uses of the product", lambda a: a.where_used(a.usage.sum("events", 7 * DAY))),
    _F("usage_events_28d", "uses of the product", lambda a: a.where_used(a.usage.sum("events", 28 * DAY))),
    _F(
        "usage_change_28d",
        "uses in 7 days relative to the weekly mean of the 28 days before: -0.5 is half",
        lambda a: a.usage.relative_rate("events", 7 * DAY, 28 * DAY),
    ),
    _F("usage_errors_7d", "failed uses", lambda a: a.where_used(a.usage.sum("errors", 7 * DAY))),
    _F(
        "active_features_28d",
        "product features in use",
        lambda a: a.where_used(a.usage.distinct("feature", 28 * DAY)),
    ),
)
_SNAPSHOT_ONLY: tuple[_F, ...] = (
    _F("usage_events_90d", "uses of the product", lambda a: a.where_used(a.usage.sum("events", 90 * DAY))),
    _F("usage_errors_28d", "failed uses", lambda a: a.where_used(a.usage.sum("errors", 28 * DAY))),
    _F(
        "usage_change_84d",
        "uses in 28 days relative to the 4-week mean of the 56 days before: -0.5 is half",
        lambda a: a.usage.relative_rate("events", 28 * DAY, 56 * DAY),
    ),
    _F(
        "active_features_7d",
        "product features in use",
        lambda a: a.where_used(a.usage.distinct("feature", 7 * DAY)),
    ),
    _F(
        "days_since_usage",
        "days since the product was last used",
        lambda a: a.where_used(a.usage.hours_since() / 24),
    ),
    _F("account_reopens_180d", "tickets reopened", lambda a: a.reopened.count(180 * DAY)),
    _F("account_csat_ratings_180d", "ratings given", lambda a: a.csat.sum("rated", 180 * DAY)),
)
SNAPSHOT_GROUPS: dict[str, tuple[_F, ...]] = {
    "contract": CONTRACT,
    "ticket history": TICKET_HISTORY,
    "usage": USAGE,
    "longer windows": _SNAPSHOT_ONLY,
}
SNAPSHOT = CONTRACT + TICKET_HISTORY + USAGE + _SNAPSHOT_ONLY
"""Every account feature: name, meaning, kind, in the order of the frame's columns."""

ACCOUNT_FEATURES: tuple[str, ...] = names(SNAPSHOT, "number")
ACCOUNT_CATEGORIES: tuple[str, ...] = names(SNAPSHOT, "category")


def account_features(snapshots: pd.DataFrame, history: History) -> pd.DataFrame:
    """Features of each (``account_id``, ``as_of``) in ``snapshots``, from rows known strictly before.

    One row per snapshot under its index; ``NaN`` where something is unknown, 0 where it is known to be none.
    """
    return frame_of(account_columns(Rows.of(snapshots), history), snapshots.index)


def account_columns(snapshots: Rows, history: History) -> dict[str, Column]:
    """As ``account_features``, by column."""
    moments = AccountMoments(
        snapshots.strings("account_id"),
        snapshots.times("as_of"),
        history,
        TicketFacts(history),
        UsageFacts(history),
    )
    return columns_of(SNAPSHOT, moments)


def monthly_snapshots(accounts: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """``account_id`` and ``as_of``: each account at the first moment of each month in [``start``, ``end``).

    From the month after it was first known until it has left, as far as was known at that moment.
    """
    none = pd.DatetimeIndex([], tz="UTC")
    months = none if accounts.empty else pd.date_range(start.normalize(), end, freq="MS", inclusive="left")
    months = months[months >= start]
    ids = accounts["account_id"].drop_duplicates().sort_values()
    grid = pd.MultiIndex.from_product([months, ids], names=["as_of", "account_id"]).to_frame(index=False)
    grid = grid.astype({"as_of": TIME_DTYPE, "account_id": "str"})[["account_id", "as_of"]]
    history = {"accounts": accounts}
    moments = AccountMoments(
        arrow_strings(grid["account_id"]),
        microseconds(grid["as_of"]),
        history,
        TicketFacts(history),
        UsageFacts(history),
    )
    left = moments.days_until("churned_at") <= 0
    return grid[moments.is_known & ~left].reset_index(drop=True)


def churn_label(
    snapshots: pd.DataFrame,
    accounts: pd.DataFrame,
    horizon_days: int,
    observed_until: pd.Timestamp | None = None,
) -> pd.Series:
    """Whether each snapshot's account left within ``horizon_days`` after it: 1, 0, or missing (``Int8``).

    Missing where the horizon was not over by ``observed_until`` (default: the last ``known_at`` of
    ``accounts``), where the account had already left, and where it is not known at all.
    """
    as_of = pd.to_datetime(snapshots["as_of"], utc=True)
    latest = accounts.sort_values("known_at", kind="stable").drop_duplicates("account_id", keep="last")
    churned_at = latest.set_index("account_id")["churned_at"].reindex(snapshots["account_id"])
    churned_at.index = snapshots.index
    until = accounts["known_at"].max() if observed_until is None else observed_until
    horizon_end = as_of + pd.Timedelta(days=horizon_days)
    known = snapshots["account_id"].isin(latest["account_id"]) & (horizon_end <= until)
    label = pd.Series(np.where(churned_at < horizon_end, 1, 0), index=snapshots.index, dtype="Int8")
    return label.mask(~known | (churned_at <= as_of))
