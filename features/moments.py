"""Everything known about accounts and contacts just before given moments, as logs of the as-of engine."""

from functools import cached_property

import numpy as np
import pandas as pd

from features.arrays import (
    DAY,
    NO_TIME,
    UNKNOWN,
    Codes,
    Flags,
    Floats,
    Integers,
    floats,
    integers,
    microseconds,
)
from features.asof import AsOf, EventLog
from features.people import writer_of
from features.schema import LOGIN_FEATURE, Tables, empty_table

USAGE_MEMORY = 90 * DAY
"""Usage older than this is forgotten: without any newer row, usage is unknown rather than none."""


def table(history: Tables, name: str) -> pd.DataFrame:
    """The table ``name`` of a history, empty where the history lacks it."""
    return history[name] if name in history else empty_table(name)


class TicketFacts:
    """Earlier tickets and what became of them. Nothing is known of a ticket before it was created."""

    def __init__(self, history: Tables) -> None:
        self.table = table(history, "tickets")
        self._events = table(history, "ticket_events")
        self.writers = writer_of(self.table, history)
        self.created_at = microseconds(self.table["created_at"])
        self.known_at = np.maximum(microseconds(self.table["known_at"]), self.created_at)

    @cached_property
    def in_order(self) -> Integers:
        """Rank of each ticket by its id: breaks ties between tickets known at the same moment."""
        return np.argsort(np.argsort(self.table["ticket_id"].to_numpy(object), kind="stable"))

    def log(self, codes: Integers) -> EventLog:
        """The tickets, each under its key in ``codes``."""
        return EventLog(codes, self.known_at, self.created_at, ties=self.in_order)

    @cached_property
    def _event_arrays(self) -> tuple[Integers, Integers, Integers, pd.Series, pd.Series]:
        events = self._events.loc[self._events["kind"].isin(("solved", "reopened", "csat")).to_numpy()]
        ticket = Codes(self.table["ticket_id"]).of(events["ticket_id"])
        known, occurred = microseconds(events["known_at"]), microseconds(events["occurred_at"])
        order = np.lexsort((events["event_id"].to_numpy(object), occurred, known, ticket))
        order = order[ticket[order] >= 0]
        events, ticket = events.iloc[order], ticket[order]
        created = self.known_at[ticket] if len(ticket) else known[order]
        return ticket, np.maximum(known[order], created), occurred[order], events["kind"], events["value"]

    def open_log(self, codes: Integers) -> EventLog:
        """Changes in the number of open tickets (``change``): +1 created or reopened, -1 solved."""
        ticket, known, _, kind, _ = self._event_arrays
        opens = (kind == "reopened").to_numpy()
        state = opens | (kind == "solved").to_numpy()
        ticket, known, opens = ticket[state], known[state], opens[state]
        was_open = np.concatenate(([True], opens[:-1]))
        was_open[1:] |= ticket[1:] != ticket[:-1]
        changed = opens != was_open if len(ticket) else np.zeros(0, bool)
        change = np.where(opens[changed], 1, -1)
        return EventLog(
            np.concatenate((codes, codes[ticket[changed]])),
            np.concatenate((self.known_at, known[changed])),
            values={"change": np.concatenate((np.ones(len(codes), np.int64), change))},
        )

    def reopened_log(self, codes: Integers) -> EventLog:
        """Tickets reopened after they were solved."""
        ticket, known, occurred, kind, _ = self._event_arrays
        rows = (kind == "reopened").to_numpy()
        return EventLog(codes[ticket[rows]], known[rows], occurred[rows])

    def csat_log(self, codes: Integers) -> EventLog:
        """Customers' ratings (``score``, 1 to 5); a rating that is not a number is not one."""
        ticket, known, occurred, kind, value = self._event_arrays
        score = pd.to_numeric(value, errors="coerce").to_numpy(np.float64)
        rows = (kind == "csat").to_numpy() & np.isfinite(score)
        return EventLog(
            codes[ticket[rows]],
            known[rows],
            occurred[rows],
            values={"score": score[rows].round().astype(np.int64)},
            ties=np.arange(int(rows.sum())),
        )


class UsageFacts:
    """Product usage: rows add up, also several of one day.

    A day's usage happened by the end of that day, or when it was reported if that was earlier.
    """

    def __init__(self, history: Tables) -> None:
        self.table = table(history, "usage")
        self.known_at = microseconds(self.table["known_at"])
        day = microseconds(self.table["day"])
        self.occurred_at = np.where(day == NO_TIME, self.known_at, day + DAY)
        self.values = {
            "events": integers(self.table["events"]),
            "errors": integers(self.table["errors"]),
            "feature": Codes(self.table["feature"]).of(self.table["feature"]),
        }

    @cached_property
    def is_login(self) -> Flags:
        """Rows about log-ins: their errors are failed log-ins."""
        return (self.table["feature"] == LOGIN_FEATURE).to_numpy(bool)

    @cached_property
    def names_a_person(self) -> Flags:
        """Rows that say who used the product, and not the account alone."""
        return self.table["contact_id"].notna().to_numpy(bool)

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
        account_ids: pd.Series,
        as_of: Integers,
        history: Tables,
        tickets: TicketFacts,
        usage: UsageFacts,
        tickets_as_of: Integers | None = None,
    ) -> None:
        self.as_of = as_of
        self._tickets_as_of = as_of if tickets_as_of is None else tickets_as_of
        self._ids = Codes(account_ids)
        self._codes = self._ids.of(account_ids)
        self._versions = table(history, "accounts")
        self._ticket_facts, self._usage_facts = tickets, usage

    @cached_property
    def _version(self) -> Integers:
        codes = self._ids.of(self._versions["account_id"])
        log = EventLog(codes, microseconds(self._versions["known_at"]), ties=np.arange(len(codes)))
        return log.at(self._codes, self.as_of).last_row()

    @property
    def is_known(self) -> Flags:
        """Whether any version of the account was known."""
        return self._version >= 0

    def fact(self, column: str) -> pd.Series:
        """A column of the account version known; missing where none was."""
        return pd.Series(self._versions[column].array.take(self._version, allow_fill=True))

    def amount(self, column: str) -> Floats:
        """A number of the account version known."""
        return floats(self.fact(column))

    def days_until(self, column: str) -> Floats:
        """Days from the moment to a date of the account version known."""
        moment = microseconds(self.fact(column))
        known = (moment != NO_TIME) & (self.as_of != NO_TIME)
        return np.where(known, (np.where(known, moment, 0) - np.where(known, self.as_of, 0)) / DAY, np.nan)

    @cached_property
    def _ticket_codes(self) -> Integers:
        return self._ids.of(self._ticket_facts.table["account_id"])

    @cached_property
    def tickets(self) -> AsOf:
        """Earlier tickets of the account."""
        return self._ticket_facts.log(self._ticket_codes).at(self._codes, self._tickets_as_of)

    @cached_property
    def open_tickets(self) -> AsOf:
        """Changes (``change``) in the number of the account's open tickets."""
        return self._ticket_facts.open_log(self._ticket_codes).at(self._codes, self._tickets_as_of)

    @cached_property
    def reopened(self) -> AsOf:
        """Reopened tickets of the account."""
        return self._ticket_facts.reopened_log(self._ticket_codes).at(self._codes, self._tickets_as_of)

    @cached_property
    def csat(self) -> AsOf:
        """Ratings (``score``) by the account."""
        return self._ticket_facts.csat_log(self._ticket_codes).at(self._codes, self._tickets_as_of)

    @cached_property
    def _usage_codes(self) -> Integers:
        return self._ids.of(self._usage_facts.table["account_id"])

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
