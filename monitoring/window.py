"""The two sides of a comparison: the tickets a release learned from, and those decided lately.

Both are made by the same feature functions. Columns that move by themselves (the hour, the age of an account)
are not compared.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, literal, select

from features.schema import DERIVED, TABLES, Tables, empty_table
from features.text import ticket_text
from features.ticket import TICKET_CATEGORIES, TICKET_FEATURES, ticket_features
from monitoring.drift import thinned, unknown_word_share, vocabulary
from monitoring.skew import Logged
from serving.codec import to_frame
from serving.context import USAGE_WINDOW
from serving.inputs import unpacked_features
from serving.moments import microseconds
from serving.people import stored_names
from serving.store import Store
from serving.tables import CONTEXT, decision_inputs

WINDOW = timedelta(days=7)
LONGEST_WINDOW = timedelta(days=28)
MOVE_BY_THEMSELVES = frozenset({"created_hour", "created_weekday", "account_age_days"})
PREDICTIONS = ("intent_probability", "intent")
NUMBERS = (
    *(name for name in TICKET_FEATURES if name not in MOVE_BY_THEMSELVES),
    "unknown_word_share",
    "intent_probability",
)
CATEGORIES = (*TICKET_CATEGORIES, "intent")
_IDS_PER_QUESTION = 500


class Reference(NamedTuple):
    """Tickets a release learned from, as the columns that can be compared, and the words in them."""

    frame: pd.DataFrame
    words: frozenset[str]

    def numbers(self) -> list[str]:
        """Numeric columns that can be compared."""
        return [name for name in NUMBERS if name in self.frame]

    def categories(self) -> list[str]:
        """Categorical columns that can be compared."""
        return [name for name in CATEGORIES if name in self.frame]


def recent(
    decisions: pd.DataFrame,
    now: datetime,
    span: timedelta = WINDOW,
    least: int = 0,
    longest: timedelta = LONGEST_WINDOW,
) -> pd.DataFrame:
    """Decisions of the last ``span`` before the newest one made by ``now``.

    A small desk's window reaches further back, until it holds ``least`` decisions or is ``longest``. Counted
    from the newest decision and not from ``now``, so that a quiet weekend or a replayed month is judged by
    what was decided then; how old that is, freshness tells.
    """
    made = decisions[decisions["at"] <= now].sort_values("at", kind="stable")
    if made.empty:
        return made
    age = made["at"].iloc[-1] - made["at"]
    within = int((age < span).sum())
    return made[age < longest].tail(max(within, least))


def read_reference(features_folder: Path, most_rows: int) -> Reference | None:
    """What the last release learned from (train and calibration), ``None`` where it was never computed.

    Rows come from the newer half, words from the older one: a text does not know its own words. Without the
    release's predictions for them, predictions are not compared.
    """
    path = features_folder / "tickets.parquet"
    if not path.exists():
        return None
    tickets = pd.read_parquet(path, filters=[("split", "in", ["train", "calibration"])])
    half = len(tickets) // 2
    words = vocabulary(_texts(thinned(tickets.iloc[:half], 4 * most_rows)))
    rows = thinned(tickets.iloc[half:], most_rows)
    predictions = features_folder.parent / "models" / "intent_oof.parquet"
    if predictions.exists() and len(rows):
        by_ticket = pd.read_parquet(predictions).drop_duplicates("ticket_id").set_index("ticket_id")
        rows = rows.assign(
            intent=rows["ticket_id"].map(by_ticket["intent"]),
            intent_probability=rows["ticket_id"].map(by_ticket["probability"]),
        )
        return Reference(_compared(rows, words), words)
    return Reference(_compared(rows, words).drop(columns=list(PREDICTIONS)), words)


class Decided(NamedTuple):
    """Decided tickets, and the context they were decided in.

    ``rows``: columns of decisions and tickets (``at_decided`` and so on where both have one). ``features``:
    computed again from ``history`` as of each decision. ``logged``: by decision, the features it was made of.
    ``vectors``: by decision, the sentence embedding that it was made of.
    """

    rows: pd.DataFrame
    history: Tables
    features: pd.DataFrame
    logged: dict[str, Logged]
    vectors: dict[str, np.ndarray]


def read_decided(store: Store, decisions: pd.DataFrame, most_rows: int) -> Decided:
    """At most ``most_rows`` of ``decisions``, evenly over time, with the context they were decided in."""
    some = thinned(decisions.sort_values("at", kind="stable"), most_rows)
    with store.reading() as connection:
        tickets = _read(connection, "tickets", "ticket_id", some["ticket_id"].tolist())
        rows = some.merge(tickets, on="ticket_id", suffixes=("_decided", ""))
        history = _history(connection, rows)
        kept = _inputs(connection, rows["decision_id"].tolist())
    return Decided(
        rows,
        history,
        ticket_features(rows, history, as_of=rows["at"]),
        {decision_id: features for decision_id, (features, _) in kept.items()},
        {decision_id: vector for decision_id, (_, vector) in kept.items() if vector is not None},
    )


def window_frame(decided: Decided, words: frozenset[str]) -> pd.DataFrame:
    """The decided tickets in the columns of ``Reference.frame``, from the context they were decided in."""
    rows = decided.rows
    said = pd.DataFrame(
        {
            "subject": rows["subject"],
            "body": rows["body"],
            "intent": rows["intent"],
            "intent_probability": rows["probability"],
        }
    )
    return _compared(pd.concat([said, decided.features], axis=1), words)


def events_of(store: Store, ticket_ids: list[str], kinds: Sequence[str], until: datetime) -> pd.DataFrame:
    """Canonical events of the tickets, of these kinds, known before ``until``, oldest knowledge first."""
    events = CONTEXT["ticket_events"]
    wanted = events.c.kind.in_(kinds) & (events.c.known_at < microseconds(until))
    with store.reading() as connection:
        return _read(connection, "ticket_events", "ticket_id", ticket_ids, wanted, without="text")


def newest_known_at(store: Store, now: datetime) -> dict[str, datetime | None]:
    """When each context table learned its newest row known before ``now``."""
    newest: dict[str, datetime | None] = {}
    with store.reading() as connection:
        for name, table in CONTEXT.items():
            statement = (
                select(table.c.known_at)
                .where(table.c.known_at < microseconds(now))
                .order_by(table.c.known_at.desc())
                .limit(1)
            )
            known_at = connection.scalar(statement)
            newest[name] = None if known_at is None else pd.Timestamp(known_at, unit="us", tz="UTC")
    return newest


def _compared(rows: pd.DataFrame, words: frozenset[str]) -> pd.DataFrame:
    """``rows`` with the text descriptors, reduced to the compared columns; an absent one is all missing."""
    described = rows.assign(unknown_word_share=unknown_word_share(_texts(rows), words))
    return described.reindex(columns=[*NUMBERS, *CATEGORIES]).reset_index(drop=True)


def _texts(rows: pd.DataFrame) -> list[str]:
    pairs = zip(rows["subject"].fillna(""), rows["body"].fillna(""), strict=True)
    return [ticket_text(subject, body) for subject, body in pairs]


def _inputs(connection: Connection, decision_ids: list[str]) -> dict[str, tuple[Logged, np.ndarray | None]]:
    """What those of the decisions were made of that kept it."""
    found: dict[str, tuple[Logged, np.ndarray | None]] = {}
    for start in range(0, len(decision_ids), _IDS_PER_QUESTION):
        mine = decision_inputs.c.decision_id.in_(decision_ids[start : start + _IDS_PER_QUESTION])
        for decision_id, stored in connection.execute(select(decision_inputs).where(mine)):
            found[decision_id] = unpacked_features(stored)
    return found


def _history(connection: Connection, tickets: pd.DataFrame) -> Tables:
    """Context of everybody in ``tickets``: what any of their decisions may have seen."""
    accounts = tickets["account_id"].dropna().unique().tolist()
    contacts = tickets["contact_id"].dropna().unique().tolist()
    names = set(stored_names(connection, "contact_id", contacts)["alias"])
    for table in DERIVED:
        names |= set(stored_names(connection, "account_id", accounts, table)["alias"])
    usage = CONTEXT["usage"]
    since = microseconds((tickets["at"].min() if len(tickets) else pd.Timestamp(0, tz="UTC")) - USAGE_WINDOW)
    earlier = pd.concat(
        [
            _read(connection, "tickets", "account_id", accounts),
            _read(connection, "tickets", "contact_id", contacts),
            _read(connection, "tickets", "writer", sorted(names)),
        ]
    ).drop_duplicates("ticket_id")
    names |= set(earlier["writer"].dropna())
    return {
        "accounts": _read(connection, "accounts", "account_id", accounts),
        "contacts": _read(connection, "contacts", "contact_id", contacts),
        "agents": empty_table("agents"),
        "articles": empty_table("articles"),
        **{table: stored_names(connection, "alias", sorted(names), table) for table in DERIVED},
        "tickets": earlier.sort_values(["known_at", "ticket_id"], ignore_index=True),
        "ticket_events": _read(
            connection, "ticket_events", "ticket_id", earlier["ticket_id"].tolist(), without="text"
        ),
        "usage": _read(connection, "usage", "account_id", accounts, usage.c.day >= since),
    }


def _read(
    connection: Connection,
    name: str,
    column: str,
    ids: list[str],
    where: ColumnElement[bool] | None = None,
    without: str | None = None,
) -> pd.DataFrame:
    """Canonical rows whose ``column`` is one of ``ids``, oldest knowledge first; column ``without`` empty."""
    table = CONTEXT[name]
    columns = [literal(None).label(c.name) if c.name == without else c for c in table.c]
    rows: list[Any] = []
    for start in range(0, len(ids), _IDS_PER_QUESTION):
        mine = table.c[column].in_(ids[start : start + _IDS_PER_QUESTION])
        rows += connection.execute(select(*columns).where(mine if where is None else mine & where)).all()
    key = [k for k in TABLES[name].key if k != "known_at"]
    return to_frame(name, rows).sort_values(["known_at", *key], kind="stable", ignore_index=True)
