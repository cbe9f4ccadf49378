"""What whoever filed a ticket wrote into its form, and what became of the ticket, as far as known in time."""

import numpy as np
import pandas as pd
import pyarrow as pa

from features.declare import Column, frame_of
from features.rows import Rows

OPENING_FEATURES = ("opening_intent", "opening_queue", "opening_priority", "opening_note", "opened_by")
"""Categories. Empty at a desk whose tickets arrive without a form; the desk's own models set nothing here."""
SLA_MISSED = "sla_missed"
"""Value of an ``escalated`` event by which a source says itself that a promise was broken."""
FORM = {"opening_intent": "intent_set", "opening_queue": "queue_set", "opening_priority": "priority_set"}
FILED = {**{kind: name for name, kind in FORM.items()}, "note": "opening_note"}
PEOPLE_AND_RULES = ("agent", "customer", "system")


def opening_facts(tickets: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """``OPENING_FEATURES`` of each of ``tickets``, under its index: what was filed together with it.

    Only events known no later than the ticket itself count, so that a row scored at once and one computed
    years later are the same. ``opened_by``: the agent who filed it. Missing where nobody said.
    """
    came = tickets.set_index("ticket_id")["known_at"]
    told = events[
        events["kind"].isin([*FORM.values(), "note"]) & (events["known_at"] <= events["ticket_id"].map(came))
    ]
    return frame_of(opening_columns(Rows.of(tickets), Rows.of(told)), tickets.index)


def opening_columns(tickets: Rows, events: Rows) -> dict[str, Column]:
    """As ``opening_facts``, by column: for history and for the one ticket being decided."""
    came = dict(zip(tickets.values("ticket_id"), tickets.times("known_at").tolist(), strict=True))
    last: dict[str, dict[str, str]] = {name: {} for name in OPENING_FEATURES}
    columns = ("event_id", "ticket_id", "kind", "actor_kind", "actor_id", "value", "text")
    told = zip(events.times("known_at").tolist(), *map(events.values, columns), strict=True)
    for known_at, _, ticket_id, kind, actor_kind, actor_id, value, text in sorted(
        told, key=lambda row: row[:2]
    ):
        if (
            kind not in FILED
            or actor_kind not in PEOPLE_AND_RULES
            or known_at > came.get(ticket_id, known_at - 1)
        ):
            continue
        filed = text if kind == "note" else value
        if filed is not None:
            last[FILED[kind]][ticket_id] = filed
        if actor_kind == "agent" and actor_id is not None:
            last["opened_by"][ticket_id] = actor_id
    return {
        name: pa.array([found.get(ticket_id) for ticket_id in tickets.values("ticket_id")], pa.large_string())
        for name, found in last.items()
    }


def outcome_labels(
    tickets: pd.DataFrame, events: pd.DataFrame, until: pd.Timestamp | None = None
) -> pd.DataFrame:
    """What was known of the outcome of each of ``tickets`` before ``until`` (default: ever), under its index.

    ``final_queue``: the last queue of a solved ticket. ``reassigned``: whether it was in more than one queue;
    ``0`` only once it is solved. ``sla_missed``: whether its source said so, ``0`` once it is solved; missing
    everywhere where the source never says so. Missing is not known yet.
    """
    known = events if until is None else events[events["known_at"] < until]
    known = known[known["actor_kind"].isin(PEOPLE_AND_RULES)].sort_values(["known_at", "event_id"])
    solved = tickets["ticket_id"].isin(known.loc[known["kind"] == "solved", "ticket_id"])
    queues = known[(known["kind"] == "queue_set") & known["value"].notna()]
    last = queues.drop_duplicates("ticket_id", keep="last").set_index("ticket_id")["value"]
    different = tickets["ticket_id"].map(queues.groupby("ticket_id")["value"].nunique()).fillna(0)
    missed = (events["kind"] == "escalated") & (events["value"] == SLA_MISSED)
    told = tickets["ticket_id"].isin(known.loc[missed.reindex(known.index), "ticket_id"])
    return pd.DataFrame(
        {
            "final_queue": tickets["ticket_id"].map(last).where(solved).astype("str"),
            "reassigned": known_in_time(different > 1, solved & (different > 0)),
            "sla_missed": known_in_time(told, solved if missed.any() else solved & False),
        },
        index=tickets.index,
    )


def known_in_time(happened: pd.Series, over: pd.Series) -> pd.Series:
    """1 where it ``happened``, 0 where it is ``over`` and did not, else missing (``Int8``)."""
    label = pd.Series(np.where(happened, 1, 0), index=happened.index, dtype="Int8")
    return label.mask(~happened & ~over)
