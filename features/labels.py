"""What tickets turned out to be: labels from events, as far as they were known at a moment.

An event that was retracted before that moment (a ``retracted`` event names it) does not count.
"""

from collections.abc import Sequence

import pandas as pd


def final_labels(
    events: pd.DataFrame,
    kind: str,
    as_of: pd.Timestamp | None = None,
    actor_kinds: Sequence[str] = ("agent",),
) -> pd.Series:
    """The last value of ``kind`` that one of ``actor_kinds`` set before ``as_of`` (default: ever).

    Indexed by ``ticket_id``; tickets without such a value, or whose last value is empty, are left out.
    """
    last = _told(events, (kind,), as_of, actor_kinds).drop_duplicates("ticket_id", keep="last")
    return last.set_index("ticket_id")["value"].dropna().rename(kind)


def reviewed_labels(events: pd.DataFrame, kind: str, as_of: pd.Timestamp | None = None) -> pd.Series:
    """The value of ``kind`` on which at least two reviewers agree and none differs, by ``ticket_id``."""
    verdicts = _reviews(events, kind, as_of)
    agreed = verdicts[(verdicts["reviewers"] >= 2) & (verdicts["values"] == 1)]
    return agreed["value"].rename(kind)


def label_weights(events: pd.DataFrame, as_of: pd.Timestamp | None = None) -> pd.Series:
    """By ``ticket_id``, how many tickets of its kind one with a label from feedback stands for (at least 1).

    Inverse propensity, as ``firstline feedback export`` found it; tickets without one are left out.
    """
    last = _told(events, ("weighed",), as_of, None).drop_duplicates("ticket_id", keep="last")
    weights = pd.to_numeric(last.set_index("ticket_id")["value"], errors="coerce")
    return weights.dropna().clip(lower=1.0).rename("label_weight")


def disputed(events: pd.DataFrame, kind: str, as_of: pd.Timestamp | None = None) -> pd.Index:
    """Ids of the tickets about whose ``kind`` reviewers differ."""
    verdicts = _reviews(events, kind, as_of)
    return verdicts.index[verdicts["values"] > 1]


def confirmed(events: pd.DataFrame, as_of: pd.Timestamp | None = None) -> pd.Series:
    """Whether the customer confirmed the resolution and the ticket was not reopened since.

    Indexed by ``ticket_id``, only tickets that were confirmed or reopened.
    """
    steps = _told(events, ("confirmed", "reopened"), as_of, None)
    steps = steps[(steps["kind"] == "reopened") | (steps["actor_kind"] == "customer")]
    last = steps.drop_duplicates("ticket_id", keep="last").set_index("ticket_id")
    return (last["kind"] == "confirmed").rename("confirmed")


def deleted(events: pd.DataFrame, as_of: pd.Timestamp | None = None) -> pd.Index:
    """Ids of the tickets that were deleted before ``as_of`` (default: ever)."""
    return pd.Index(events.loc[_known(events, "deleted", as_of), "ticket_id"].unique(), name="ticket_id")


def _known(events: pd.DataFrame, kind: str, as_of: pd.Timestamp | None) -> pd.Series:
    """Which events are of ``kind`` and known before ``as_of``."""
    is_kind = events["kind"] == kind
    return is_kind if as_of is None else is_kind & (events["known_at"] < as_of)


def _told(
    events: pd.DataFrame,
    kinds: Sequence[str],
    as_of: pd.Timestamp | None,
    actor_kinds: Sequence[str] | None,
) -> pd.DataFrame:
    """Events of ``kinds`` by ``actor_kinds`` known and not retracted before ``as_of``, in order of that."""
    wanted = events["kind"].isin(kinds)
    if actor_kinds is not None:
        wanted &= events["actor_kind"].isin(actor_kinds)
    if as_of is not None:
        wanted &= events["known_at"] < as_of
    retracted = events.loc[_known(events, "retracted", as_of), "value"]
    if len(retracted):
        wanted &= ~events["event_id"].isin(retracted)
    return events[wanted].sort_values(["known_at", "occurred_at", "event_id"])


def _reviews(events: pd.DataFrame, kind: str, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Per reviewed ticket: number of reviewers, number of different values, and one of the values."""
    told = _told(events, (kind,), as_of, ("reviewer",)).dropna(subset=["value", "actor_id"])
    last = told.drop_duplicates(["ticket_id", "actor_id"], keep="last")
    return last.groupby("ticket_id").agg(
        reviewers=("actor_id", "size"), values=("value", "nunique"), value=("value", "first")
    )
