"""The contract that every canonical row must keep, whatever system it comes from."""

import pandas as pd

from features.schema import LEVELS, SENTIMENTS, TABLES

_LEARNT_AFTER = {"tickets": "created_at", "ticket_events": "occurred_at", "usage": "day"}
"""Table -> the time that ``known_at`` cannot come before: nobody learns of a thing before it happens."""

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
        if spec.allowed:
            found.append((f"{name}: not an allowed value", values.notna() & ~values.isin(spec.allowed)))
    if (earliest := _LEARNT_AFTER.get(table)) is not None:
        found.append((f"known_at: before {earliest}", frame["known_at"] < frame[earliest]))
    for name in _COUNTS.get(table, ()):
        if name in frame:
            found.append((f"{name}: negative", (frame[name] < 0).fillna(False).astype(bool)))
    if table == "ticket_events" and "value" in frame:
        found += [_value_breach(frame, kind, allowed) for kind, allowed in _EVENT_VALUES.items()]
    return found


def _value_breach(frame: pd.DataFrame, kind: str, allowed: tuple[str, ...]) -> tuple[str, pd.Series]:
    wrong = (frame["kind"] == kind) & frame["value"].notna() & ~frame["value"].isin(allowed)
    return f"value: not an allowed value of {kind}", wrong


def repeated_keys(table: str, frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Rows whose key an earlier row of ``frame`` has: (identical to an earlier row, in conflict with one)."""
    repeated = frame.duplicated(list(TABLES[table].key))
    if not repeated.any():
        return repeated, repeated
    comparable = frame[list(TABLES[table].columns)].copy()
    for name, spec in TABLES[table].columns.items():
        if spec.kind == "list":
            comparable[name] = comparable[name].map(tuple, na_action="ignore")
    identical = repeated & comparable.duplicated()
    return identical, repeated & ~identical
