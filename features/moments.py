"""Everything known about accounts and contacts just before given moments, as logs of the as-of engine."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import (
    DAY,
    NO_TIME,
    UNKNOWN,
    Codes,
    Flags,
    Floats,
    Integers,
    equal,
)
from features.asof import AsOf, EventLog
from features.moving import Facts
from features.ownership import Owners, Spells, account_spells
from features.people import writer_of
from features.rows import History, table, taken
from features.schema import LOGIN_FEATURE

USAGE_MEMORY = 90 * DAY
"""Usage older than this is forgotten: without any newer row, usage is unknown rather than none."""

OUTCOMES = ("solved", "reopened", "csat")
"""Kinds of ticket events that features read."""

Placing: TypeAlias = Callable[[Integers, Integers], Facts]
"""Puts facts about tickets (rows, known at) under keys."""


class TicketFacts:
    """Earlier tickets and what became of them. Nothing is known of a ticket before it was created."""

    def __init__(self, history: History) -> None:
        self.table = table(history, "tickets")
        self._events = table(history, "ticket_events")
        self._history = history
        self.writers = writer_of(self.table, history)
        self.created_at = self.table.times("created_at")
        self.known_at = np.maximum(self.table.times("known_at"), self.created_at)

    @cached_property
    def in_order(self) -> Integers:
        """Rank of each ticket by its id: breaks ties between tickets known at the same moment."""
        return np.argsort(np.argsort(_objects(self.table.strings("ticket_id")), kind="stable"))

    @cached_property
    def account_spells(self) -> Spells:
        """To which account each ticket belongs, from when until when."""
        return account_spells(self.table, self._history)

    def log(self, under: Placing) -> EventLog:
        """The tickets, each under the keys that ``under`` gives it."""
        rows, keys, known_at, _ = under(np.arange(len(self.known_at)), self.known_at)
        return EventLog(keys, known_at, self.created_at[rows], ties=self.in_order[rows])

    @cached_property
    def _event_arrays(self) -> tuple[Integers, Integers, Integers, pa.Array, pa.Array]:
        events, of_interest = self._events, pa.array(OUTCOMES, pa.large_string())
        asked = pc.is_in(events.strings("kind"), value_set=of_interest).to_numpy(zero_copy_only=False)
        ticket = Codes(self.table.strings("ticket_id")).of(events.strings("ticket_id"))
        rows = np.flatnonzero(asked & (ticket >= 0))
        ticket, ids = ticket[rows], _objects(events.strings("event_id").take(pa.array(rows)))
        known, occurred = events.times("known_at")[rows], events.times("occurred_at")[rows]
        order = np.lexsort((ids, occurred, known, ticket))
        ticket, rows = ticket[order], pa.array(rows[order])
        known = np.maximum(known[order], self.known_at[ticket])
        kind, value = events.strings("kind").take(rows), events.strings("value").take(rows)
        return ticket, known, occurred[order], kind, value

    def open_log(self, under: Placing) -> EventLog:
        """Changes in the number of open tickets (``change``): +1 created or reopened, -1 solved."""
        ticket, known, _, kind, _ = self._event_arrays
        opens = equal(kind, "reopened")
        state = opens | equal(kind, "solved")
        ticket, known, opens = ticket[state], known[state], opens[state]
        was_open = np.concatenate(([True], opens[:-1]))
        was_open[1:] |= ticket[1:] != ticket[:-1]
        changed = opens != was_open if len(ticket) else np.zeros(0, bool)
        every = np.arange(len(self.known_at))
        change = np.concatenate((np.ones(len(every), np.int64), np.where(opens[changed], 1, -1)))
        rows, keys, counts_from, _ = under(
            np.concatenate((every, ticket[changed])), np.concatenate((self.known_at, known[changed]))
        )
        return EventLog(keys, counts_from, values={"change": change[rows]})

    def reopened_log(self, under: Placing) -> EventLog:
        """Tickets reopened after they were solved: told twice without a solution between, it was one time."""
        ticket, known, occurred, kind, _ = self._event_arrays
        opens = equal(kind, "reopened")
        state = np.flatnonzero(opens | equal(kind, "solved"))
        ticket, known, occurred, opens = ticket[state], known[state], occurred[state], opens[state]
        again = opens.copy()
        again[1:] &= ~(opens[:-1] & (ticket[1:] == ticket[:-1]))
        rows, keys, counts_from, _ = under(ticket[again], known[again])
        return EventLog(keys, counts_from, occurred[again][rows])

    def csat_log(self, under: Placing) -> EventLog:
        """Customers' ratings (``score``, 1 to 5; ``rated``, 1); a rating that is not a number is not one.

        A ticket has one rating, its newest: an earlier one is taken back (-1) when another becomes known.
        """
        ticket, known, occurred, kind, value = self._event_arrays
        rows = equal(kind, "csat")
        said = np.full(len(rows), np.nan)
        said[rows] = [_number(text) for text in value.filter(pa.array(rows)).to_pylist()]
        rows = np.isfinite(said)
        ticket, known, occurred = ticket[rows], known[rows], occurred[rows]
        given = said[rows].round().astype(np.int64)
        again = np.flatnonzero(ticket[1:] == ticket[:-1]) + 1  # rows of one ticket follow one another
        rated = np.repeat((1, -1), (len(given), len(again)))
        score = np.concatenate((given, -given[again - 1]))
        told_at = np.concatenate((known, known[again]))
        order = np.concatenate((2 * np.arange(len(given)) + 1, 2 * again))
        rated_ticket = np.concatenate((ticket, ticket[again]))
        of, keys, counts_from, since = under(rated_ticket, told_at)
        in_order = np.argsort(np.lexsort((order[of], self.in_order[rated_ticket[of]], told_at[of], since)))
        return EventLog(
            keys,
            counts_from,
            np.concatenate((occurred, occurred[again - 1]))[of],
            values={"score": score[of], "rated": rated[of]},
            ties=in_order,
        )


class UsageFacts:
    """Product usage: rows add up, also several of one day.

    A day's usage happened by the end of that day, or when it was reported if that was earlier.
    """

    def __init__(self, history: History) -> None:
        self.table = table(history, "usage")
        self.known_at = self.table.times("known_at")
        day = self.table.times("day")
        self.occurred_at = np.where(day == NO_TIME, self.known_at, day + DAY)
        self.values = {
            "events": self.table.whole("events"),
            "errors": self.table.whole("errors"),
            "feature": Codes(self.table.strings("feature")).of(self.table.strings("feature")),
        }

    @cached_property
    def is_login(self) -> Flags:
        """Rows about log-ins: their errors are failed log-ins."""
        return equal(self.table.strings("feature"), LOGIN_FEATURE)

    @cached_property
    def names_a_person(self) -> Flags:
        """Rows that say who used the product, and not the account alone."""
        return self.table.strings("contact_id").is_valid().to_numpy(zero_copy_only=False)

    def log(
        self,
        codes: Integers,
        only: Flags | None = None,
        rows: Integers | None = None,
        known_at: Integers | None = None,
    ) -> EventLog:
        """The usage, each row under its key in ``codes``; of the rows ``only``, where given.

        ``codes`` are those of ``rows`` (default: all), which count from ``known_at`` on (default: their own).
        """
        if rows is None or known_at is None:
            kept = codes if only is None else np.where(only, codes, UNKNOWN)
            return EventLog(kept, self.known_at, self.occurred_at, self.values)
        kept = codes if only is None else np.where(only[rows], codes, UNKNOWN)
        values = {name: column[rows] for name, column in self.values.items()}
        return EventLog(kept, known_at, self.occurred_at[rows], values)


class AccountMoments:
    """What was known of accounts at ``as_of``; of their tickets, at ``tickets_as_of``."""

    def __init__(
        self,
        account_ids: pa.Array,
        as_of: Integers,
        history: History,
        tickets: TicketFacts,
        usage: UsageFacts,
        tickets_as_of: Integers | None = None,
    ) -> None:
        self.as_of = as_of
        self._tickets_as_of = as_of if tickets_as_of is None else tickets_as_of
        self._account_ids = account_ids
        self._ids = Codes(account_ids)
        self._codes = self._ids.of(account_ids)
        self._versions = table(history, "accounts")
        self._ticket_facts, self._usage_facts = tickets, usage

    @cached_property
    def _version(self) -> Integers:
        codes = self._ids.of(self._versions.strings("account_id"))
        log = EventLog(codes, self._versions.times("known_at"), ties=np.arange(len(codes)))
        return log.at(self._codes, self.as_of).last_row()

    @property
    def is_known(self) -> Flags:
        """Whether any version of the account was known."""
        return self._version >= 0

    def fact(self, column: str) -> pa.Array:
        """A text column of the account version known; null where none was."""
        return taken(self._versions.strings(column), self._version)

    def amount(self, column: str) -> Floats:
        """A number of the account version known."""
        return _at(self._versions.numbers(column), self._version, np.nan)

    def days_until(self, column: str) -> Floats:
        """Days from the moment to a date of the account version known."""
        moment = _at(self._versions.times(column), self._version, NO_TIME)
        known = (moment != NO_TIME) & (self.as_of != NO_TIME)
        return np.where(known, (np.where(known, moment, 0) - np.where(known, self.as_of, 0)) / DAY, np.nan)

    @cached_property
    def _owners(self) -> Owners:
        return Owners(self._account_ids, self._tickets_as_of, self._ticket_facts.account_spells)

    def _asked(self, log: EventLog) -> AsOf:
        return log.at(self._owners.keys, self._tickets_as_of)

    @cached_property
    def tickets(self) -> AsOf:
        """Earlier tickets of the account."""
        return self._asked(self._ticket_facts.log(self._owners.facts))

    @cached_property
    def open_tickets(self) -> AsOf:
        """Changes (``change``) in the number of the account's open tickets."""
        return self._asked(self._ticket_facts.open_log(self._owners.facts))

    @cached_property
    def reopened(self) -> AsOf:
        """Reopened tickets of the account."""
        return self._asked(self._ticket_facts.reopened_log(self._owners.facts))

    @cached_property
    def csat(self) -> AsOf:
        """Ratings (``score``) by the account."""
        return self._asked(self._ticket_facts.csat_log(self._owners.facts))

    @cached_property
    def _usage_codes(self) -> Integers:
        return self._ids.of(self._usage_facts.table.strings("account_id"))

    @cached_property
    def usage(self) -> AsOf:
        """Usage (``events``, ``errors``, ``feature``) by the account."""
        return self._usage_facts.log(self._usage_codes).at(self._codes, self.as_of)

    @cached_property
    def logins(self) -> AsOf:
        """Log-ins by the account."""
        log = self._usage_facts.log(self._usage_codes, self._usage_facts.is_login)
        return log.at(self._codes, self.as_of)

    @cached_property
    def usage_names_people(self) -> Flags:
        """Whether usage of the account says who used the product."""
        facts = self._usage_facts
        return (
            facts.log(self._usage_codes, facts.names_a_person).at(self._codes, self.as_of).count(USAGE_MEMORY)
            > 0
        )

    def where_used(self, answer: Floats) -> Floats:
        """``answer`` where usage of the account is known at all."""
        return np.where(self.usage.count(USAGE_MEMORY) > 0, answer, np.nan)


Numbers = TypeVar("Numbers", Integers, Floats)


def _at(values: Numbers, positions: Integers, missing: float) -> Numbers:
    """The values at ``positions``; ``missing`` where a position is negative."""
    found = np.full(len(positions), missing, values.dtype)
    there = positions >= 0
    found[there] = values[positions[there]]
    return found


def _objects(strings: pa.Array) -> np.ndarray:
    return strings.to_numpy(zero_copy_only=False)


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
