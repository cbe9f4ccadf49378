"""The monthly product-friction report: which product features are followed by tickets, and who struggles.

A day on which an account's uses of a feature failed is compared with the same account's other days of use, so
that large accounts, which use, fail and write more, count for nothing by their size. What follows is no proof
of a cause: an outage moves both. It says where the product team should look first.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import erfc, sqrt
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.schema import Tables
from features.tables import read_tables
from monitoring.rates import Rate

FOLLOWS = pd.Timedelta(days=2)
"""A ticket follows a day of use if it is written on it or on the day after."""
FEWEST_ERROR_DAYS = 20
ERROR_RATE = 0.01
MOST_ACCOUNTS = 20
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class FeatureFriction:
    """One product feature in the month: its use, and the account-days with and without errors."""

    feature: str
    uses: int
    errors: int
    accounts: int
    after_errors: Rate
    otherwise: Rate
    lift: float | None
    """How many times as often a ticket follows a day with errors, accounts compared with themselves."""
    p_value: float
    """That this is chance, corrected for the number of features (Bonferroni)."""

    @property
    def is_friction(self) -> bool:
        """Whether tickets follow errors more often, beyond chance."""
        enough = self.after_errors.trials >= FEWEST_ERROR_DAYS
        return enough and self.lift is not None and self.lift > 1 and self.p_value < ERROR_RATE

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        rates = {"after_errors": self.after_errors.record(), "otherwise": self.otherwise.record()}
        return {**asdict(self), **rates, "is_friction": self.is_friction}


def feature_friction(tables: Tables, start: datetime, end: datetime) -> list[FeatureFriction]:
    """Every feature used from ``start`` to ``end``; friction first, then by lift."""
    days = _account_days(tables["usage"], start, end)
    days = days.assign(followed=_followed(days, tables["tickets"]))
    found = []
    features = days["feature"].nunique()
    for feature, used in days.groupby("feature", sort=True):
        failed = used["errors"] > 0
        lift, p_value = within_accounts(used["account_id"], failed, used["followed"])
        found.append(
            FeatureFriction(
                str(feature),
                int(used["events"].sum()),
                int(used["errors"].sum()),
                int(used["account_id"].nunique()),
                _rate(used.loc[failed, "followed"]),
                _rate(used.loc[~failed, "followed"]),
                lift,
                min(1.0, features * p_value),
            )
        )
    return sorted(found, key=lambda f: (not f.is_friction, -(f.lift or 0.0), f.feature))


def within_accounts(account: pd.Series, failed: pd.Series, followed: pd.Series) -> tuple[float | None, float]:
    """Common risk ratio over accounts and its p-value: Mantel and Haenszel (1959), stratified by account.

    A row a day. The ratio is ``None`` where no account has both kinds of days and a ticket.
    """
    cases = pd.DataFrame({"failed": failed, "followed": followed, "both": failed & followed})
    sums = cases.astype("float64").groupby(account).sum().assign(days=cases.groupby(account).size())
    sums = sums[(sums["failed"] > 0) & (sums["failed"] < sums["days"])]
    days, bad, wrote, both = (sums[name] for name in ("days", "failed", "followed", "both"))
    otherwise = float(((wrote - both) * bad / days).sum())
    spread = float((bad * (days - bad) * wrote * (days - wrote) / (days**2 * (days - 1))).sum())
    if otherwise == 0 or spread == 0:
        return None, 1.0
    lift = float((both * (days - bad) / days).sum()) / otherwise
    z = float((both - bad * wrote / days).sum()) / sqrt(spread)
    return lift, erfc(abs(z) / sqrt(2))


def struggling_accounts(
    tables: Tables, start: datetime, end: datetime, most: int = MOST_ACCOUNTS
) -> pd.DataFrame:
    """Accounts by tickets and errors in the month, the worst first.

    account_id, tickets, tickets_before (the month before, same length), errors, error_share (of uses),
    worst_feature (most errors; null without any).
    """
    tickets = tables["tickets"]
    length = pd.Timestamp(end) - pd.Timestamp(start)
    in_month = tickets["created_at"].between(start, end, inclusive="left")
    before = tickets["created_at"].between(pd.Timestamp(start) - length, start, inclusive="left")
    days = _account_days(tables["usage"], start, end)
    by_account = days.groupby("account_id")[["events", "errors"]].sum()
    by_feature = days.groupby(["account_id", "feature"])["errors"].sum()
    ranked = by_feature[by_feature > 0].sort_values(kind="stable").reset_index()
    worst = ranked.drop_duplicates("account_id", keep="last").set_index("account_id")["feature"]
    counts = tickets[in_month]["account_id"].value_counts().rename("tickets")
    frame = counts.to_frame().join(by_account, how="outer").fillna(0)
    frame = frame.assign(
        tickets_before=tickets[before]["account_id"].value_counts().reindex(frame.index).fillna(0),
        error_share=(frame["errors"] / frame["events"]).where(frame["events"] > 0),
        worst_feature=worst.reindex(frame.index),
    )
    frame = frame.rename_axis("account_id").reset_index()
    frame = frame.sort_values(
        ["tickets", "errors", "account_id"], ascending=[False, False, True], ignore_index=True
    )
    whole = ["tickets", "tickets_before", "errors"]
    return frame.astype(dict.fromkeys(whole, "int64")).head(most)[
        ["account_id", *whole, "error_share", "worst_feature"]
    ]


def friction_record(tables: Tables, start: datetime, end: datetime) -> dict[str, Any]:
    """The whole report as JSON values."""
    accounts = struggling_accounts(tables, start, end)
    rows = accounts.astype("object").where(accounts.notna(), None).to_dict("records")
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "features": [found.record() for found in feature_friction(tables, start, end)],
        "accounts": rows,
    }


def headline(record: Mapping[str, Any], shown: int = 3) -> str:
    """The report as one sentence."""
    worst = [f for f in record["features"] if f["is_friction"]]
    month = record["start"][:7]
    if not worst:
        return f"{month}: no feature is followed by tickets more often after errors, beyond chance"
    names = ", ".join(f"{f['feature']} ({f['lift']:.1f} times)" for f in worst[:shown] if f["lift"])
    return f"{month}: tickets follow errors of {names or ', '.join(f['feature'] for f in worst[:shown])}"


def _account_days(usage: pd.DataFrame, start: datetime, end: datetime) -> pd.DataFrame:
    mine = usage[usage["day"].between(start, end, inclusive="left")]
    keys = ["account_id", "day", "feature"]
    return mine.groupby(keys, as_index=False)[["events", "errors"]].sum().astype({"errors": "float64"})


def _followed(days: pd.DataFrame, tickets: pd.DataFrame) -> pd.Series:
    """Whether the account wrote on the day or the day after."""
    known = tickets[tickets["account_id"].notna()]
    wrote = known[["account_id"]].assign(day=known["created_at"].dt.floor("D")).drop_duplicates()
    spans: Iterable[int] = range(FOLLOWS.days)
    covered = pd.concat([wrote.assign(day=wrote["day"] - pd.Timedelta(days=span)) for span in spans])
    marked = pd.MultiIndex.from_frame(covered.drop_duplicates())
    return pd.Series(pd.MultiIndex.from_frame(days[["account_id", "day"]]).isin(marked), index=days.index)


def _rate(followed: pd.Series) -> Rate:
    return Rate(int(followed.sum()), len(followed))


def month_of(text: str | None, tables: Tables) -> tuple[datetime, datetime]:
    """First moment and end of the month ``text`` (2026-06), or of the last whole one that the tickets know.

    Raises ``ValueError`` for another form, or where there is no ticket to tell the last month by.
    """
    if text is None:
        if tables["tickets"].empty:
            raise ValueError("no tickets, so no last month: name one with --month 2026-06")
        end = tables["tickets"]["created_at"].max().to_pydatetime().replace(day=1)
        end = datetime(end.year, end.month, 1, tzinfo=UTC)
        year, month = (end.year, end.month - 1) if end.month > 1 else (end.year - 1, 12)
        return datetime(year, month, 1, tzinfo=UTC), end
    try:
        start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r} is no month: write it as 2026-06") from None
    year, month = (start.year, start.month + 1) if start.month < 12 else (start.year + 1, 1)
    return start, datetime(year, month, 1, tzinfo=UTC)


def write_friction(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``friction.json`` and ``friction.html`` to ``folder``; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "friction.json").write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", "utf-8")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = folder / "friction.html"
    template = environment.get_template("friction.html")
    page.write_text(template.render(record=record, line=headline(record)), "utf-8")
    return page


def main(month: str | None = None) -> None:
    """Report on ``month`` (default: the last whole one) of ``artifacts/tables``; print one sentence."""
    tables = read_tables(Path("artifacts/tables"))
    record = friction_record(tables, *month_of(month, tables))
    page = write_friction(Path("reports"), record)
    print(f"{headline(record)}. See {page}")
