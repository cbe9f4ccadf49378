"""Corrections that turned out right, with thanks to whoever made them. Pure.

A correction is proven right by somebody else or by what happened: another person later set the same value, or
the ticket ended with it and the customer confirmed or rated it 4 or 5 and did not come back. Agents stand in
the order of their ids, without totals to compare: this is no ranking, and being missing here says nothing.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from features.labels import confirmed, final_labels
from monitoring.outcomes import last_ratings
from monitoring.quality import corrections

_KINDS = {"intent": "intent_set", "priority": "priority_set", "queue": "queue_set"}
_JUDGES = ("agent", "reviewer")


@dataclass(frozen=True)
class Thanks:
    """One correction that turned out right: of what to what, why the agent said so, and what proved it."""

    agent_id: str
    ticket_id: str
    field: str
    decided: str | None
    value: str
    reason: str | None
    proof: str


def thanks(decisions: pd.DataFrame, feedback: pd.DataFrame, later: pd.DataFrame) -> list[Thanks]:
    """Corrections of ``decisions`` that ``later`` events (known after the decision) proved right.

    Ordered by agent, ticket and field.
    """
    said = corrections(decisions, feedback)
    said = said[said["changed"] & said["value"].notna() & said["field"].isin(list(_KINDS))]
    content = _content(later)
    found = []
    for field, kind in _KINDS.items():
        mine = said[said["field"] == field]
        final = mine["ticket_id"].map(final_labels(later, kind, actor_kinds=_JUDGES))
        agreed = _by_others(mine, later, kind) == mine["value"]
        stands = final.isna() | (final == mine["value"])
        for row, same in zip(mine[stands].itertuples(), agreed[stands], strict=True):
            proof = "somebody else came to the same" if same else content.get(str(row.ticket_id))
            if proof is not None:
                told = (str(row.agent_id), str(row.ticket_id), field)
                decided, reason = (_text(what) for what in (row.decided, row.reason))
                found.append(Thanks(*told, decided, str(row.value), reason, proof))
    return sorted(found, key=lambda one: (one.agent_id, one.ticket_id, one.field))


def _by_others(said: pd.DataFrame, later: pd.DataFrame, kind: str) -> pd.Series:
    """What anybody but the one who corrected finally set, for each row of ``said`` (null: nobody did)."""
    pairs = said[["ticket_id", "agent_id"]].drop_duplicates()
    told = later[later["actor_id"].notna()].merge(pairs, on="ticket_id")
    told = told[told["actor_id"] != told["agent_id"]]
    theirs = final_labels(told.assign(ticket_id=_pair(told)), kind, actor_kinds=_JUDGES)
    return _pair(said).map(theirs)


def _pair(rows: pd.DataFrame) -> pd.Series:
    return rows["ticket_id"] + "\0" + rows["agent_id"]


def _content(later: pd.DataFrame) -> dict[str, str]:
    """Tickets whose customer was content in the end, and how that is known."""
    ends = confirmed(later)
    content = {str(t): "the customer confirmed" for t in ends.index[ends]}
    came_back = set(ends.index[~ends])
    ratings = last_ratings(later)
    for ticket_id, stars in ratings[ratings >= 4].items():
        if ticket_id not in came_back:
            content.setdefault(str(ticket_id), f"the customer rated {int(stars)} of 5")
    return content


def _text(told: Any) -> str | None:
    return None if pd.isna(told) else str(told)


def by_agent(found: list[Thanks]) -> dict[str, list[dict[str, Any]]]:
    """``found`` as JSON values, by agent."""
    told: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        told.setdefault(one.agent_id, []).append(asdict(one))
    return told
