"""How well the desk's own answer to an intent had worked, as known at the start of each month.

The definitions are ``policy.resolution``'s, on frames instead of the store; limits as in ``serving.paths``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from models.risk import clopper_pearson_lower
from policy.desk import Desk
from policy.resolution import RECONTACT_WINDOW, Aftermath, path_record
from serving.paths import CONFIDENCE, LOOK_BACK, MOST_TICKETS, USAGE_DAYS, PathProof


@dataclass(frozen=True)
class PathProofs:
    """Proofs by intent and by the moment they were drawn up, the oldest first."""

    drawn_up: Mapping[str, Sequence[tuple[datetime, PathProof]]]

    def as_of(self, intent: str | None, at: datetime) -> PathProof | None:
        """The newest proof about ``intent`` drawn up not later than ``at``."""
        known = [proof for since, proof in self.drawn_up.get(intent or "", ()) if since <= at]
        return known[-1] if known else None


def path_proofs(
    desk: Desk,
    tickets: pd.DataFrame,
    events: pd.DataFrame,
    usage: pd.DataFrame,
    moments: Sequence[pd.Timestamp],
) -> PathProofs:
    """Proofs of every intent with an action at each of ``moments``, from rows with ``known_at`` before it.

    ``tickets``: ``ticket_id``, ``contact_id``, ``created_at``; the others are canonical tables.
    """
    found: dict[str, list[tuple[datetime, PathProof]]] = {}
    kinds = events[events["kind"].isin(["intent_set", "solved", "confirmed", "reopened"])]
    for intent in (name for name, rules in desk.intents.items() if rules.action is not None):
        about = _about(kinds, intent)
        own = tickets[tickets["ticket_id"].isin(about["ticket_id"])]
        steps = kinds[kinds["ticket_id"].isin(about["ticket_id"])]
        used = _uses(desk, intent, own, usage)
        for moment in moments:
            proof = _proof(desk, intent, own, about, steps, used, moment)
            found.setdefault(intent, []).append((moment.to_pydatetime(), proof))
    return PathProofs(found)


def _about(events: pd.DataFrame, intent: str) -> pd.DataFrame:
    """Agents' labels with this intent."""
    return events[
        (events["kind"] == "intent_set") & (events["value"] == intent) & (events["actor_kind"] == "agent")
    ]


def _uses(desk: Desk, intent: str, own: pd.DataFrame, usage: pd.DataFrame) -> pd.DataFrame:
    """Error-free uses by the writers of what the action is proven by: contact, day, known_at."""
    action = desk.action_for(intent)
    feature = action.proven_by if action else None
    rows = usage[usage["feature"] == feature] if feature else usage.iloc[:0]
    rows = rows[rows["contact_id"].isin(own["contact_id"].dropna())]
    rows = rows[(rows["events"] > 0) & (rows["errors"].fillna(0) == 0)]
    return rows[["contact_id", "account_id", "day", "known_at"]]


def _proof(
    desk: Desk,
    intent: str,
    own: pd.DataFrame,
    about: pd.DataFrame,
    steps: pd.DataFrame,
    used: pd.DataFrame,
    as_of: pd.Timestamp,
) -> PathProof:
    labels = about[(about["known_at"] < as_of) & (about["known_at"] >= as_of - LOOK_BACK)]
    newest = labels.sort_values("known_at").drop_duplicates("ticket_id", keep="last").tail(MOST_TICKETS)
    mine = own[own["ticket_id"].isin(newest["ticket_id"])].sort_values(["created_at", "ticket_id"])
    known = steps[(steps["known_at"] < as_of) & steps["ticket_id"].isin(mine["ticket_id"])]
    when = {
        "solved": known[known["kind"] == "solved"].groupby("ticket_id")["known_at"].min(),
        "confirmed": known[known["kind"] == "confirmed"].groupby("ticket_id")["known_at"].max(),
        "reopened": known[known["kind"] == "reopened"].groupby("ticket_id")["known_at"].min(),
    }
    frame = mine.join(pd.DataFrame(when), on="ticket_id")
    frame["again"] = (
        frame[frame["contact_id"].notna()].groupby("contact_id")["created_at"].shift(-1).reindex(frame.index)
    )
    frame = frame[frame["solved"].notna() & (frame["solved"] + RECONTACT_WINDOW <= as_of)]
    seen = _first_use(desk, intent, frame, used[used["known_at"] < as_of])
    record = path_record(
        Aftermath(
            solved_at=_moment(row["solved"]),
            confirmed_at=_moment(row["confirmed"]),
            recontacted_at=min(
                (at for at in (_moment(row["reopened"]), _moment(row["again"])) if at is not None),
                default=None,
            ),
            usage_seen_at=seen.get(str(row["ticket_id"])),
        )
        for row in frame.to_dict("records")
    )
    if record.judged == 0:
        return PathProof(record, None)
    return PathProof(record, clopper_pearson_lower(record.successes, record.judged, CONFIDENCE))


def _first_use(desk: Desk, intent: str, frame: pd.DataFrame, used: pd.DataFrame) -> dict[str, datetime]:
    """The first day within the desk's window after the solution on which the writer used the feature."""
    if not len(used) or not len(frame):
        return {}
    name = desk.intent_policy(intent).action or ""
    rules = desk.follow_ups.by_action.get(name, desk.follow_ups.auto_resolve)
    window = pd.Timedelta(days=rules.usage_check_days or USAGE_DAYS)
    both = frame[["ticket_id", "contact_id", "account_id", "solved"]].merge(
        used, on=["contact_id", "account_id"]
    )
    both = both[(both["day"] > both["solved"]) & (both["day"] <= both["solved"] + window)]
    first = both.groupby("ticket_id")["day"].min()
    return {str(ticket): day.to_pydatetime() for ticket, day in first.items()}


def _moment(value: Any) -> datetime | None:
    return None if pd.isna(value) else value.to_pydatetime()
