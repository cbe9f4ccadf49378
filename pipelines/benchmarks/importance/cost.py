"""What a group of features costs one ticket: processor time, from the rows of its customer alone."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from features.account import SNAPSHOT_GROUPS
from features.declare import columns_of
from features.moments import AccountMoments, TicketFacts, UsageFacts
from features.repeats import same_intent_columns
from features.rows import History, Rows
from features.schema import Tables
from features.text import ticket_text
from features.ticket import TICKET_GROUPS, TicketMoments
from models.intent import IntentModel
from serving.context import USAGE_WINDOW

TICKETS = 40
REPEATED = 3
"""Each is timed so often and the quickest counts: what else the machine does only adds."""


def sampled(tickets: pd.DataFrame) -> pd.DataFrame:
    """Evenly chosen canonical tickets that have an account."""
    owned = tickets[tickets["account_id"].notna()].sort_values(["created_at", "ticket_id"])
    return owned.iloc[:: max(1, len(owned) // TICKETS)].iloc[:TICKETS]


def history_of(ticket: pd.DataFrame, tables: Tables) -> History:
    """What the service would read for the one ``ticket``: rows of its account and contact, decoded before."""
    row = ticket.iloc[0]
    mine = (tables["tickets"]["account_id"] == row["account_id"]) | (
        tables["tickets"]["contact_id"] == row["contact_id"]
    )
    tickets = tables["tickets"][mine]
    usage = tables["usage"]
    recent = (usage["account_id"] == row["account_id"]) & (usage["day"] >= row["created_at"] - USAGE_WINDOW)
    return {
        **{name: tables[name].iloc[:0] for name in tables},
        "accounts": tables["accounts"][tables["accounts"]["account_id"] == row["account_id"]],
        "contacts": tables["contacts"][tables["contacts"]["contact_id"] == row["contact_id"]],
        "tickets": tickets,
        "ticket_events": tables["ticket_events"][
            tables["ticket_events"]["ticket_id"].isin(tickets["ticket_id"])
        ],
        "usage": usage[recent],
    }


def milliseconds_of(work: Callable[[], Any]) -> float:
    """Processor time of one call, the quickest of ``REPEATED``."""
    took = []
    for _ in range(REPEATED):
        started = time.process_time_ns()
        work()
        took.append((time.process_time_ns() - started) / 1e6)
    return min(took)


def ticket_groups(tables: Tables) -> dict[str, float]:
    """Median milliseconds of each group, each computed alone: what groups share is counted for each."""
    return _medians(_of_ticket(row, history) for row, history in _alone(tables))


def snapshot_groups(tables: Tables) -> dict[str, float]:
    """As ``ticket_groups``, of the groups that churn reads, for one account."""
    return _medians(_of_account(row, history) for row, history in _alone(tables))


def intent_parts(model: IntentModel, tickets: pd.DataFrame) -> dict[str, float]:
    """Median milliseconds of one ticket: all of the model, its sentence embeddings, their neighbours."""
    chosen = tickets.iloc[:: max(1, len(tickets) // TICKETS)].iloc[:TICKETS]
    return _medians(_of_text(model, chosen.iloc[[place]]) for place in range(len(chosen)))


def _alone(tables: Tables) -> Iterator[tuple[Rows, History]]:
    chosen = sampled(tables["tickets"])
    for place in range(len(chosen)):
        ticket = chosen.iloc[[place]]
        yield Rows.of(ticket), {name: Rows.of(rows) for name, rows in history_of(ticket, tables).items()}


def _of_ticket(row: Rows, history: History) -> dict[str, float]:
    at = row.times("created_at")
    intent = pa.array(["any"], pa.large_string())
    nothing = Rows({"ticket_id": (), "intent": (), "known_at": ()}, 0)
    found = {
        name: milliseconds_of(lambda group=group: columns_of(group, TicketMoments(row, history, at)))  # type: ignore[misc]
        for name, group in TICKET_GROUPS.items()
    }
    return found | {"same issue": milliseconds_of(lambda: same_intent_columns(row, intent, history, nothing))}


def _of_account(row: Rows, history: History) -> dict[str, float]:
    def moments() -> AccountMoments:
        facts = TicketFacts(history), UsageFacts(history)
        return AccountMoments(row.strings("account_id"), row.times("created_at"), history, *facts)

    return {
        name: milliseconds_of(lambda group=group: columns_of(group, moments()))  # type: ignore[misc]
        for name, group in SNAPSHOT_GROUPS.items()
    }


def _of_text(model: IntentModel, ticket: pd.DataFrame) -> dict[str, float]:
    found = {"nothing": milliseconds_of(lambda: model.predict(ticket))}
    sentences, space = model.sentences, model.retriever.space
    if sentences is None or space is None:
        return found
    text = ticket_text(*ticket[["subject", "body"]].astype("object").fillna("").iloc[0])
    vector = sentences.source.encode([text])
    return found | {
        "embeddings": milliseconds_of(lambda: sentences.source.encode([text])),
        "neighbours": milliseconds_of(lambda: space.closeness(vector, len(model.classes))),
    }


def _medians(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    took = pd.DataFrame(list(found))
    return {str(name): float(took[name].median()) for name in took}
