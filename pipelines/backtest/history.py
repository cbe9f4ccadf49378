"""What history says about the life of tickets: queues, answers, ends, ratings. One row a ticket."""

import numpy as np
import pandas as pd

PEOPLE = ("agent", "customer", "system")
MOST_QUESTIONS = 5
"""A ticket with more customer replies before its end is replayed with so many."""


def lives(events: pd.DataFrame, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """By ``ticket_id``, as known before ``until`` (default: ever).

    ``first_queue``, ``final_queue``, ``handoffs`` (changes of queue); ``answered_at``, ``solved_at`` (first);
    ``questions`` (customer replies between the desk's first answer and the first "solved"); ``came_back``
    (reopened), ``confirmed``, ``csat`` (1 to 5); ``assigned_at`` (last before the first answer), ``answers``
    (replies of the desk until the first "solved"), ``automated`` (first solved by the desk itself). Missing
    where nothing is recorded.
    """
    known = events if until is None else events[events["known_at"] < until]
    known = known.sort_values(["known_at", "event_id"], kind="stable")
    kind, actor = known["kind"], known["actor_kind"]
    queues = known[(kind == "queue_set") & known["value"].notna() & actor.isin(PEOPLE)]
    by_ticket = queues.groupby("ticket_id")["value"]
    first, last = by_ticket.first(), by_ticket.last()
    moves = (queues["value"] != by_ticket.shift()).groupby(queues["ticket_id"]).sum() - 1
    answers = known[((kind == "reply") & (actor != "customer")) | (kind == "solved")]
    answered = answers.groupby("ticket_id")["occurred_at"].min()
    solved = known[kind == "solved"].groupby("ticket_id")["occurred_at"].min()
    said = known[(kind == "reply") & (actor == "customer")]
    after = _of(answered, said) < said["occurred_at"]
    end = _of(solved, said)
    questions = said[after & (end.isna() | (said["occurred_at"] < end))].groupby("ticket_id").size()
    first_ends = known[kind == "solved"].drop_duplicates("ticket_id")
    own = known[(kind == "reply") & (actor != "customer")]
    own = own[own["occurred_at"] <= _of(solved, own)]
    given = known[kind == "assigned"]
    given = given[given["occurred_at"] <= _of(answered, given)]
    rated = pd.to_numeric(known.loc[kind == "csat", "value"], errors="coerce")
    csat = rated.groupby(known.loc[kind == "csat", "ticket_id"]).last()
    tickets = pd.Index(known["ticket_id"].unique(), name="ticket_id")
    return pd.DataFrame(
        {
            "first_queue": first.reindex(tickets),
            "final_queue": last.reindex(tickets),
            "handoffs": moves.reindex(tickets),
            "answered_at": answered.reindex(tickets),
            "solved_at": solved.reindex(tickets),
            "questions": questions.reindex(tickets).fillna(0).clip(upper=MOST_QUESTIONS),
            "assigned_at": given.groupby("ticket_id")["occurred_at"].max().reindex(tickets),
            "answers": own.groupby("ticket_id").size().reindex(tickets).fillna(0),
            "automated": tickets.isin(first_ends.loc[first_ends["actor_kind"] == "model", "ticket_id"]),
            "came_back": tickets.isin(known.loc[kind == "reopened", "ticket_id"]),
            "confirmed": tickets.isin(known.loc[(kind == "confirmed"), "ticket_id"]),
            "csat": csat.reindex(tickets).where(lambda s: s.between(1, 5)),
        },
        index=tickets,
    )


def first_answer_share(events_lives: pd.DataFrame, fewest: int = 100) -> float | None:
    """Share of the time in work after which the first answer goes out, where a later one solves the ticket.

    The median over tickets that asked nothing back and stayed in one queue; ``None`` with fewer than
    ``fewest`` of them.
    """
    plain = events_lives[(events_lives["questions"] == 0) & (events_lives["answers"] >= 2)]
    plain = plain[plain["handoffs"].fillna(0) == 0]
    whole = _hours(plain["solved_at"] - plain["assigned_at"])
    share = (_hours(plain["answered_at"] - plain["assigned_at"]) / whole)[whole > 0]
    return float(share.median()) if len(share) >= fewest else None


def waits_for_customers(events: pd.DataFrame) -> np.ndarray:
    """Hours from each answer of the desk to the customer's next words on the ticket, sorted."""
    turns = events[events["kind"].isin(["reply", "solved", "reopened"])]
    turns = turns.sort_values(["ticket_id", "occurred_at", "event_id"], kind="stable")
    customer = (turns["actor_kind"] == "customer").to_numpy()
    same = (turns["ticket_id"] == turns["ticket_id"].shift()).to_numpy()
    asked = customer & same & ~np.concatenate([[True], customer[:-1]]) if len(turns) else customer
    hours = _hours(turns["occurred_at"].diff()).to_numpy(dtype=float)[asked]
    return np.sort(hours[hours >= 0])


def relative_effort(tickets: pd.DataFrame, events_lives: pd.DataFrame, smoothing: float = 50.0) -> pd.Series:
    """How much longer than usual tickets of each intent were in work: 1 is the desk's median.

    In work is from the first answer to the solution, an hour added so that what is solved at once counts as
    something. ``tickets``: ``ticket_id``, ``intent``. Rare intents are drawn towards 1.
    """
    joined = tickets[["ticket_id", "intent"]].join(events_lives, on="ticket_id")
    hours = _hours(joined["solved_at"] - joined["answered_at"]) / (1 + joined["questions"]) + 1
    hours = hours[hours >= 1]
    if hours.empty:
        return pd.Series(dtype="float64")
    usual = float(hours.median())
    grouped = hours.groupby(joined.loc[hours.index, "intent"])
    weight = grouped.size() / (grouped.size() + smoothing)
    return (weight * grouped.median() / usual + (1 - weight)).clip(0.25, 4.0)


def _of(moments: pd.Series, events: pd.DataFrame) -> pd.Series:
    """The moment (by ticket id) of the ticket of each of ``events``."""
    return moments.reindex(events["ticket_id"]).set_axis(events.index)


def _hours(durations: pd.Series) -> pd.Series:
    return durations.dt.total_seconds() / 3600
