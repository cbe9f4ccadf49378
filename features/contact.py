"""Everything known about contacts just before given moments, under any name they go by then."""

from functools import cached_property

import pyarrow as pa

from features.arrays import Flags, Integers
from features.asof import AsOf, EventLog
from features.moments import USAGE_MEMORY, TicketFacts, UsageFacts
from features.moving import Facts
from features.people import Persons, names_in
from features.rows import History


class ContactMoments:
    """What was known of contacts at ``as_of``; of their tickets, at ``tickets_as_of``."""

    def __init__(
        self,
        writers: pa.Array,
        as_of: Integers,
        history: History,
        tickets: TicketFacts,
        usage: UsageFacts,
        tickets_as_of: Integers,
    ) -> None:
        names = names_in(history)
        self._writers, self._users = Persons(names, writers, tickets_as_of), Persons(names, writers, as_of)
        self.codes = self._writers.keys
        self._as_of, self._tickets_as_of = as_of, tickets_as_of
        self._ticket_facts, self._usage_facts = tickets, usage

    @cached_property
    def _written(self) -> Facts:
        return self._writers.facts(self._ticket_facts.writers, self._ticket_facts.known_at)

    @cached_property
    def tickets(self) -> AsOf:
        """Earlier tickets of the contact."""
        rows, keys, known_at, _ = self._written
        facts = self._ticket_facts
        log = EventLog(keys, known_at, facts.created_at[rows], ties=facts.in_order[rows])
        return log.at(self.codes, self._tickets_as_of)

    @property
    def ticket_rows(self) -> Integers:
        """For each row of the log of ``tickets``: the row of the ticket in the history."""
        return self._written.rows

    @cached_property
    def _used(self) -> Facts:
        facts = self._usage_facts
        return self._users.facts(facts.table.strings("contact_id"), facts.known_at)

    def _usage(self, only: Flags | None = None) -> AsOf:
        rows, keys, known_at, _ = self._used
        log = self._usage_facts.log(keys, only, rows, known_at)
        return log.at(self._users.keys, self._as_of)

    @cached_property
    def usage(self) -> AsOf:
        """Usage by the contact."""
        return self._usage()

    @cached_property
    def logins(self) -> AsOf:
        """Log-ins by the contact."""
        return self._usage(self._usage_facts.is_login)

    @cached_property
    def is_named(self) -> Flags:
        """Whether usage names the contact at all."""
        return self.usage.count(USAGE_MEMORY) > 0
