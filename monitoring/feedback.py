"""What agents said about decisions becomes labels: canonical ticket events.

Silence is not approval: only an explicit approval, override or correction yields a label. Every label keeps
who set it (``actor_kind`` agent, ``actor_id``) and why (``text``).
"""

from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import JSON, ColumnElement, cast, select, type_coerce

from features.labels import final_labels
from features.schema import Tables, completed, typed
from features.tables import read_table
from monitoring.quality import DECISION_COLUMNS, FEEDBACK_COLUMNS, OVERRIDABLE
from serving.settings import Settings
from serving.store import Store
from serving.tables import decisions

TABLES_FOLDER = Path("artifacts/tables")


def feedback_labels(feedback: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Canonical ``ticket_events`` of explicit feedback, in the order it was given.

    ``feedback`` has ``feedback_id`` and ``monitoring.quality.FEEDBACK_COLUMNS``, ``decisions`` has
    ``DECISION_COLUMNS``. An approval confirms the decided value of the field it names, or of every field
    where it names none, unless somebody corrected that field before. Feedback that names no right value (a
    rejection, an edited reply) yields no label.
    """
    decided = decisions.melt(
        id_vars=["decision_id", "ticket_id"],
        value_vars=list(OVERRIDABLE),
        var_name="about",
        value_name="decided",
    )
    pairs = feedback.merge(decided, on="decision_id").sort_values("at", kind="stable", ignore_index=True)
    approves = pairs["verdict"] == "approve"
    names_it = pairs["field"] == pairs["about"]
    corrects = names_it & ~approves
    corrected_before = corrects.groupby([pairs["decision_id"], pairs["about"]]).cummax()
    confirms = approves & (names_it | pairs["field"].isna()) & ~corrected_before
    value = pairs["value"].where(~approves, pairs["decided"])
    said = (confirms | corrects) & value.notna()
    events = pd.DataFrame(
        {
            "event_id": "feedback:" + pairs["feedback_id"] + ":" + pairs["about"],
            "ticket_id": pairs["ticket_id"],
            "known_at": pairs["at"],
            "occurred_at": pairs["at"],
            "kind": pairs["about"] + "_set",
            "value": value,
            "actor_kind": "agent",
            "actor_id": pairs["agent_id"],
            "text": pairs["reason"].where(pairs["reason"].notna(), pairs["verdict"]),
        }
    )
    ordered = events[said].sort_values(["known_at", "event_id"], kind="stable", ignore_index=True)
    return typed("ticket_events", ordered)


def stored_decisions(store: Store) -> pd.DataFrame:
    """Every decision in the store, oldest first: ``monitoring.quality.DECISION_COLUMNS``.

    The database takes what is needed out of each record, so that a hundred thousand are read in seconds.
    """
    with store.reading() as connection:
        record: ColumnElement[Any] = cast(decisions.c.record, JSON)
        if connection.dialect.name == "sqlite":  # there JSON is text, and a cast would make a number of it
            record = type_coerce(decisions.c.record, JSON)
        told = [
            decisions.c[name] for name in ("decision_id", "ticket_id", "at", "release", "action", "intent")
        ]
        rows = connection.execute(
            select(
                *told,
                record["intent", "probability"].as_float().label("probability"),
                record["priority", "level"].as_string().label("priority"),
                decisions.c.queue,
                record["sentiment", "state"].as_string().label("sentiment"),
            ).order_by(decisions.c.at, decisions.c.decision_id)
        ).all()
    frame = pd.DataFrame(rows, columns=list(DECISION_COLUMNS))
    at = pd.to_datetime(frame["at"].astype("int64"), unit="us", utc=True)
    return frame.assign(at=at).astype(DECISION_COLUMNS)


def stored_feedback(store: Store) -> pd.DataFrame:
    """Every piece of feedback in the store, oldest first: ``feedback_id`` and ``FEEDBACK_COLUMNS``."""
    dtypes = {"feedback_id": "str", **FEEDBACK_COLUMNS}
    return store.feedback()[list(dtypes)].astype(dtypes)


def feedback_events(store: Store) -> pd.DataFrame:
    """Canonical ``ticket_events`` of everything that agents said in the store."""
    return feedback_labels(stored_feedback(store), stored_decisions(store))


def next_training_labels(tables: Tables, events: pd.DataFrame) -> pd.DataFrame:
    """What ``events`` change about the labels that training uses.

    One row a ticket and field with feedback: ticket_id, field, before (null: no label so far), after.
    """
    so_far = completed(tables)["ticket_events"]
    together = pd.concat([so_far, events], ignore_index=True)
    changes = []
    for field in OVERRIDABLE:
        kind = f"{field}_set"
        tickets = events.loc[events["kind"] == kind, "ticket_id"].drop_duplicates()
        changes.append(
            pd.DataFrame(
                {
                    "ticket_id": tickets,
                    "field": field,
                    "before": tickets.map(final_labels(so_far, kind)),
                    "after": tickets.map(final_labels(together, kind)),
                }
            )
        )
    return pd.concat(changes, ignore_index=True)


def preview_lines(changes: pd.DataFrame, shown: int = 20) -> list[str]:
    """``next_training_labels`` in words, one line a label, the first ``shown`` of them."""
    if changes.empty:
        return ["no feedback yet: the next training set has the labels of the last one"]
    lines = [
        f"ticket {ticket_id}: {field} {before or 'not labelled'} so far, {after} in the next training set"
        for ticket_id, field, before, after in changes.head(shown).fillna("").itertuples(index=False)
    ]
    return lines + ([f"... and {len(changes) - shown} more"] if len(changes) > shown else [])


def preview() -> None:
    """Print what feedback in the store changes about the labels of the canonical tables."""
    store = Store(Settings().database_url)
    try:
        tables = {"ticket_events": read_table(TABLES_FOLDER, "ticket_events")}
        print("\n".join(preview_lines(next_training_labels(tables, feedback_events(store)))))
    finally:
        store.close()
