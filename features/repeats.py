"""The same customer asking again: by similar text, and by the same intent."""

import numpy as np
import pandas as pd
import pyarrow as pa

from features.arrays import DAY, Codes, Floats, Integers, arrow_strings
from features.asof import AsOf, EventLog
from features.moments import TicketFacts
from features.moving import Facts
from features.ownership import Owners
from features.people import Persons, names_in, writer_of
from features.rows import History, Rows
from features.text import folded, ticket_text

REPEAT_WINDOW = 30 * DAY
MIN_SIMILARITY = 0.5
"""Jaccard similarity of character trigrams from which two texts count as the same request."""
READ_CHARS = 1_000
"""Beginning of a (folded) text that is compared."""
MAX_COMPARED = 50
"""Newest earlier tickets of one contact that a ticket is compared with."""


def trigrams(text: str) -> frozenset[str]:
    """Distinct character trigrams of a folded text; a shorter text is its own only one."""
    text = folded(text[: 2 * READ_CHARS])[:READ_CHARS]
    return frozenset(text[i : i + 3] for i in range(max(1, len(text) - 2))) if text else frozenset()


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity (shared over all trigrams), 0 to 1; nothing is similar to an empty text."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def similar_text_repeats(
    ticket_texts: list[str], contacts: Integers, earlier: AsOf, rows: Integers, history: TicketFacts
) -> Floats:
    """Earlier tickets of the same contact within ``REPEAT_WINDOW`` whose text is similar, one per ticket.

    ``earlier`` asks for the tickets of ``contacts`` (codes); ``rows`` are the rows of ``history`` that its
    log was made of. ``NaN`` without a contact.
    Compares pairs within one contact's window only, and at most ``MAX_COMPARED`` per ticket.
    """
    repeats = np.where(earlier.known, 0.0, np.nan)
    asked = np.flatnonzero(earlier.count(REPEAT_WINDOW) > 0)
    seen: dict[int, frozenset[str]] = {}
    of_contact = None
    for question in asked[np.argsort(contacts[asked], kind="stable")]:
        if contacts[question] != of_contact:
            of_contact, seen = contacts[question], {}
        same = [int(row) for row in rows[earlier.recent_rows(question, REPEAT_WINDOW, MAX_COMPARED)]]
        for row in same:
            if row not in seen:
                seen[row] = trigrams(_text(history.table, row))
        own = trigrams(ticket_texts[question])
        repeats[question] = sum(similarity(own, seen[row]) >= MIN_SIMILARITY for row in same)
    return repeats


def _text(tickets: Rows, row: int) -> str:
    return ticket_text(*(tickets.strings(column)[row].as_py() for column in ("subject", "body")))


def same_intent_repeats(
    tickets: pd.DataFrame, intents: pd.Series, history: History, known_intents: pd.DataFrame
) -> pd.DataFrame:
    """Earlier tickets with the intent a ticket is about, by its contact and by its account.

    ``intents``: intent of each of ``tickets``, same index. ``known_intents``: ``ticket_id``, ``intent``,
    ``known_at`` of tickets in ``history``, predicted or set by agents; a ticket counts under every intent
    it was known to have, from when that was known. Returns ``same_intent_contact_30d``,
    ``same_intent_account_30d`` and ``hours_since_same_intent`` (by the contact), one row per ticket;
    ``NaN`` without a contact, an account or an intent.
    """
    asked = arrow_strings(intents)
    columns = same_intent_columns(Rows.of(tickets), asked, history, Rows.of(known_intents))
    return pd.DataFrame(columns, index=tickets.index)


def same_intent_columns(
    tickets: Rows, intents: pa.Array, history: History, known_intents: Rows
) -> dict[str, Floats]:
    """As ``same_intent_repeats``, by column."""
    facts = TicketFacts(history)
    moments = tickets.times("created_at")
    row = Codes(facts.table.strings("ticket_id")).of(known_intents.strings("ticket_id"))
    linked = row >= 0
    row = row[linked]
    names = Codes(intents)
    asked, told = names.of(intents), names.of(known_intents.strings("intent"))[linked]
    known_at = np.maximum(known_intents.times("known_at")[linked], facts.known_at[row])
    order = np.lexsort((known_at, told, row))
    first = np.concatenate(([True], (np.diff(row[order]) != 0) | (np.diff(told[order]) != 0)))[: len(order)]
    once = order[first]

    def of(keys: Integers, known: Facts) -> AsOf:
        codes = _pair(known.keys, told[once][known.rows], len(names))
        log = EventLog(codes, known.known_at, facts.created_at[row[once]][known.rows])
        return log.at(_pair(keys, asked, len(names)), moments)

    persons = Persons(names_in(history), writer_of(tickets, history), moments)
    owners = Owners(tickets.strings("account_id"), moments, facts.account_spells)
    contact = of(persons.keys, persons.facts(facts.writers.take(pa.array(row[once])), known_at[once]))
    account = of(owners.keys, owners.facts(row[once], known_at[once]))
    return {
        "same_intent_contact_30d": contact.count(REPEAT_WINDOW),
        "same_intent_account_30d": account.count(REPEAT_WINDOW),
        "hours_since_same_intent": contact.hours_since(),
    }


def _pair(keys: Integers, intents: Integers, n_intents: int) -> Integers:
    """One code for (key, intent); unknown where either is."""
    return np.where((keys >= 0) & (intents >= 0), keys * n_intents + intents, -1)
