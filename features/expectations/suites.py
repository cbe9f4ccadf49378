"""What each canonical table must keep as a whole: one suite of expectations a table, as code.

Most of it follows from ``features/schema.py``; the rest is listed here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from features.schema import TABLES, Tables

Severity = Literal["critical", "warning"]
_EARLIEST, _LATEST = "1990-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00"
_ORDER = {"tickets": "created_at", "ticket_events": "occurred_at", "usage": "day"}


@dataclass(frozen=True)
class Check:
    """One expectation of one table: GX's class and arguments, why it is there, how bad a failure is."""

    name: str
    why: str
    expectation: str
    arguments: dict[str, Any]
    severity: Severity = "critical"


def suite(table: str) -> list[Check]:
    """The expectations of one canonical table."""
    return [*_from_schema(table), *_OWN.get(table, ())]


def _from_schema(table: str) -> Iterator[Check]:
    spec = TABLES[table]
    for name, column in spec.columns.items():
        if column.required:
            yield Check(f"{name} is there", column.about, "ExpectColumnValuesToNotBeNull", {"column": name})
        if column.allowed:
            yield Check(
                f"{name} has allowed values",
                "models and policy know only these",
                "ExpectColumnValuesToBeInSet",
                {"column": name, "value_set": list(column.allowed)},
            )
    key = list(spec.key)
    yield Check(
        f"{' + '.join(key)} identifies a row",
        f"a row is {spec.grain}",
        "ExpectColumnValuesToBeUnique" if len(key) == 1 else "ExpectCompoundColumnsToBeUnique",
        {"column": key[0]} if len(key) == 1 else {"column_list": key},
    )
    yield Check(
        "known_at is a plausible time",
        "a time before computers is a misread format",
        "ExpectColumnMinToBeBetween",
        {"column": "known_at", "min_value": pd.Timestamp(_EARLIEST)},
    )
    yield Check(
        "known_at is not in the far future",
        "milliseconds read as seconds: such a row would never be known",
        "ExpectColumnMaxToBeBetween",
        {"column": "known_at", "max_value": pd.Timestamp(_LATEST)},
    )
    if table in _ORDER:
        yield Check(
            f"known_at is not before {_ORDER[table]}",
            "nobody learns of a thing before it happens: features would see the future",
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "known_at", "column_B": _ORDER[table], "or_equal": True},
        )


def _mostly(column: str, share: float, why: str) -> Check:
    arguments = {"column": column, "mostly": share}
    return Check(f"{column} is mostly there", why, "ExpectColumnValuesToNotBeNull", arguments, "warning")


def _at_least_zero(column: str, why: str, severity: Severity) -> Check:
    arguments = {"column": column, "min_value": 0}
    return Check(f"{column} is not negative", why, "ExpectColumnValuesToBeBetween", arguments, severity)


def _known(column: str, other: str) -> Check:
    return Check(
        f"{column} is in {other}",
        f"rows of unknown {other} are never found by their key: is an export incomplete?",
        "ExpectColumnValuesToBeInSet",
        {"column": f"{column} is known", "value_set": [True], "mostly": 0.95},
        "warning",
    )


_OWN: dict[str, tuple[Check, ...]] = {
    "accounts": (
        _mostly("plan", 0.9, "SLA targets go by plan"),
        _mostly("contract_value_cents", 0.5, "ranking goes by value at risk"),
        _at_least_zero("contract_value_cents", "a contract is worth something", "warning"),
        _at_least_zero("seats", "seats are a count", "warning"),
    ),
    "contacts": (_known("account_id", "accounts"),),
    "tickets": (
        _mostly("subject or body", 0.9, "intent is read from the text"),
        _mostly("contact_id", 0.5, "repeats are found by person"),
        _known("account_id", "accounts"),
    ),
    "ticket_events": (
        _known("ticket_id", "tickets"),
        Check(
            "an event is not before its ticket",
            "a ticket that closes before it opens, or a wrong time zone in one of two exports",
            "ExpectColumnValuesToBeInSet",
            {"column": "is not before its ticket", "value_set": [True]},
        ),
    ),
    "usage": (
        _at_least_zero("events of the day", "uses are a count, also after totals were restated", "critical"),
        _known("account_id", "accounts"),
    ),
}
_MADE_OF = {"tickets": ("subject", "body", "created_at"), "usage": ("contact_id", "feature", "events")}
_REFERENCES = {
    "contacts": ("account_id", "accounts"),
    "tickets": ("account_id", "accounts"),
    "ticket_events": ("ticket_id", "tickets"),
    "usage": ("account_id", "accounts"),
}


def checkable(table: str, tables: Tables) -> pd.DataFrame:
    """The columns of ``table`` that its suite looks at, with those that need another table worked out."""
    frame = tables[table]
    if table == "tickets":
        frame = frame.assign(**{"subject or body": frame["subject"].fillna(frame["body"])})
    if table == "ticket_events":
        frame = _beside_tickets(frame, tables)
    if table == "usage":
        frame = frame.assign(**{"events of the day": _day_totals(frame)})
    if (reference := _REFERENCES.get(table)) is not None:
        column, other = reference
        key = TABLES[other].key[0]
        is_known = frame[column].isin(tables[other][key].unique()) if len(tables.get(other, ())) else True
        frame = frame.assign(**{f"{column} is known": is_known | frame[column].isna()})
    wanted = {column for check in suite(table) for column in _columns(check)}
    return frame[[column for column in frame if column in wanted]]


def looked_at(table: str) -> list[str]:
    """The columns of ``table`` that validating any table looks at."""
    names = [column for check in suite(table) for column in _columns(check)]
    names += TABLES[table].key
    names += _MADE_OF.get(table, ())
    names += [_REFERENCES[table][0]] if table in _REFERENCES else []
    return [name for name in TABLES[table].columns if name in names]


def _beside_tickets(events: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """``events`` with what the time of their ticket says about them; true where the ticket is not known."""
    tickets = tables.get("tickets")
    if tickets is None or tickets.empty:
        return events.assign(**{"is not before its ticket": True})
    created = tickets.drop_duplicates("ticket_id").set_index("ticket_id")["created_at"]
    opened = pd.to_datetime(events["ticket_id"].map(created), utc=True)
    return events.assign(
        **{"is not before its ticket": ~(events["occurred_at"].dt.floor("s") < opened.dt.floor("s"))}
    )


def _day_totals(usage: pd.DataFrame) -> pd.Series:
    """Uses of the whole day that each row is part of: a restated total adds a difference, maybe negative."""
    day = ["account_id", "contact_id", "day", "feature"]
    return usage.groupby(day, dropna=False)["events"].transform("sum")


def _columns(check: Check) -> list[str]:
    names = [check.arguments.get(name) for name in ("column", "column_A", "column_B")]
    return [name for name in names if name] + check.arguments.get("column_list", [])
