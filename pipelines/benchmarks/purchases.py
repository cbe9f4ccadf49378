"""Customers without a contract: from their purchases to account-month snapshots, and who bought no more."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features.arrays import DAY, Codes, Floats, integers, microseconds
from features.asof import AsOf, EventLog
from pipelines.benchmarks.tables import BenchmarkDataError

LABEL = "bought_no_more"
ACTIVE_DAYS = 90
"""Who bought nothing for as long as this is already lost: only the others can still be kept."""


def read_purchases(path: Path) -> pd.DataFrame:
    """``customer``, ``day`` (UTC midnight), ``items``, ``cents`` of CDNOW's file: one row a purchase."""
    names = ["customer", "day", "items", "dollars"]
    try:
        frame = pd.read_csv(
            path, sep=r"\s+", skiprows=1, names=names, dtype={"customer": "str", "day": "str"}
        )
        day = pd.to_datetime(frame["day"], format="%Y%m%d", utc=True).dt.as_unit("us")
    except (FileNotFoundError, ValueError) as error:
        raise BenchmarkDataError(f"{path} cannot be read as purchases: {error}") from error
    cents = (frame["dollars"] * 100).round().astype("int64")
    return frame[["customer", "items"]].assign(day=day, cents=cents)


class Purchases:
    """Purchases of each customer as they were known: those of a day with its last moment."""

    def __init__(self, purchases: pd.DataFrame) -> None:
        self.days = purchases.groupby(["customer", "day"], as_index=False)[["items", "cents"]].sum()
        self._codes = Codes(self.days["customer"])
        first = ~self.days["customer"].duplicated().to_numpy()
        self.log, self.first = self._log(self.days), self._log(self.days[first])

    def _log(self, days: pd.DataFrame) -> EventLog:
        known = microseconds(days["day"]) + DAY - 1
        values = {name: integers(days[name]) for name in ("items", "cents")}
        return EventLog(self._codes.of(days["customer"]), known, values=values)

    def at(self, snapshots: pd.DataFrame, log: EventLog) -> AsOf:
        """``log`` as it was known just before each snapshot."""
        return log.at(self._codes.of(snapshots["account_id"]), microseconds(snapshots["as_of"]))


def months_of(purchases: pd.DataFrame, horizon_days: int) -> pd.DatetimeIndex:
    """First moments of the months whose horizon is over and that have a full active window before them."""
    first, last = purchases["day"].min(), purchases["day"].max() + pd.Timedelta(days=1)
    earliest, latest = first + pd.Timedelta(days=ACTIVE_DAYS), last - pd.Timedelta(days=horizon_days)
    return pd.date_range(earliest.normalize(), latest, freq="MS")


def purchase_snapshots(purchases: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """``account_id``, ``as_of``, the features known just before, ``active`` and the label (0/1).

    One row per customer and month from the first purchase on. The label: no purchase in ``horizon_days``.
    """
    known = Purchases(purchases)
    grid = pd.MultiIndex.from_product(
        [months_of(purchases, horizon_days), sorted(purchases["customer"].unique())],
        names=["as_of", "account_id"],
    ).to_frame(index=False)
    grid = grid.astype({"account_id": "str"})[["account_id", "as_of"]]
    grid = grid[known.at(grid, known.log).count() > 0].reset_index(drop=True)
    past, first = known.at(grid, known.log), known.at(grid, known.first)
    later = grid.assign(as_of=grid["as_of"] + pd.Timedelta(days=horizon_days))
    bought = known.at(later, known.log).count() > past.count()
    features = {name: of(past, first) for name, of in FEATURES.items()}
    active = past.count(ACTIVE_DAYS * DAY) > 0
    return grid.assign(**features, active=active, **{LABEL: (~bought).astype("int8")})


def _mean_gap(past: AsOf, first: AsOf) -> Floats:
    """Days between purchases so far; unknown after one."""
    later = past.count() - 1
    gap = (first.hours_since() - past.hours_since()) / 24
    return np.divide(gap, later, out=np.full(len(later), np.nan), where=later > 0)


FEATURES: dict[str, Callable[[AsOf, AsOf], Floats]] = {
    "days_since_purchase": lambda past, first: past.hours_since() / 24,
    "purchase_days": lambda past, first: past.count(),
    "purchase_days_90d": lambda past, first: past.count(ACTIVE_DAYS * DAY),
    "cents": lambda past, first: past.sum("cents"),
    "mean_gap_days": _mean_gap,
    "overdue": lambda past, first: past.hours_since() / 24 / np.maximum(_mean_gap(past, first), 1),
}
"""Recency, frequency and money (Fader, Hardie & Lee 2005), and how a silence compares with the usual gap.

No window is longer than the history before the first snapshot, and how long somebody has been a customer is
not among them: in one cohort both only tell the date, and later dates were never learnt.
"""
NUMBERS: Sequence[str] = tuple(FEATURES)
