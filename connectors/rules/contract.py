"""The contract that every canonical row must keep, whatever system it comes from."""

import pandas as pd

from features.schema import LEVELS, SENTIMENTS, TABLES

_LEARNT_AFTER = {"tickets": "created_at", "ticket_events": "occurred_at", "usage": "day"}
"""Table -> the time that ``known_at`` cannot come before: nobody learns of a thing before it happens."""

PLAUSIBLE = (pd.Timestamp("1990-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC"))
"""Times of facts outside of this are misread formats: seconds read as milliseconds, an empty date's 1970."""

_COUNTS = {"usage": ("events", "errors", "seconds")}
_CSAT_SCORES = tuple("12345")
_EVENT_VALUES = {"priority_set": LEVELS, "sentiment_set": SENTIMENTS, "csat": _CSAT_SCORES}

Breaches = list[tuple[str, pd.Series]]


def breaches(table: str, frame: pd.DataFrame) -> Breaches:
    """(reason, rows that break it) for the rows of ``frame``, which has canonical columns and kinds."""
    found: Breaches = []
    for name, spec in TABLES[table].columns.items():
        if name not in frame:
            continue
        values = frame[name]
        if spec.required:
            is_empty = values.isna() | (values == "") if spec.kind == "string" else values.isna()
            found.append((f"{name}: missing", is_empty))
        if spec.required and spec.kind == "time":
            earliest, end = PLAUSIBLE
            reason = f"{name}: not between {earliest.year} and {end.year}, a misread format?"
            found.append((reason, (values < earliest) | (values >= end)))
        if spec.allowed:
            found.append((f"{name}: not an allowed value", values.notna() & ~values.isin(spec.allowed)))
    if (learnt := _LEARNT_AFTER.get(table)) is not None:
        found.append((f"known_at: before {learnt}", frame["known_at"] < frame[learnt]))
    for name in _COUNTS.get(table, ()):
        if name in frame:
            found.append((f"{name}: negative", (frame[name] < 0).fillna(False).astype(bool)))
    if table == "ticket_events" and "value" in frame:
        found += [_value_breach(frame, kind, allowed) for kind, allowed in _EVENT_VALUES.items()]
    return found


def _value_breach(frame: pd.DataFrame, kind: str, allowed: tuple[str, ...]) -> tuple[str, pd.Series]:
    wrong = (frame["kind"] == kind) & frame["value"].notna() & ~frame["value"].isin(allowed)
    return f"value: not an allowed value of {kind}", wrong
