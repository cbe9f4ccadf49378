"""One person under several names, as of any moment: what the table ``identities`` says, for the as-of engine.

A name (contact id or handle) stands for a person from a moment on, and may be given to another later. A fact
about a name counts for whoever the name stands for *when it is asked*: once a chat account is known to be
hers, the chats before are hers too, and once that turns out to be wrong, they no longer are.

The engine knows keys that facts enter and never leave. So a person gets a new key whenever a name leaves them
(rare: a correction), and a fact stands under every key of a person it counts for, known from when it does.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import UNKNOWN, Codes, Integers
from features.asof import EventLog, Timeline
from features.rows import History, Rows, chosen, table, taken
from features.schema import IDENTITIES

FOREVER = np.iinfo(np.int64).max
_ALWAYS = np.iinfo(np.int64).min + 1


class Facts(NamedTuple):
    """Facts under the keys of persons: the row each comes from, its key, and from when it counts there."""

    rows: Integers
    keys: Integers
    known_at: Integers


class Names:
    """Whom names stand for: the changes in ``identities``, without names that only stand for themselves."""

    def __init__(self, identities: pd.DataFrame | Rows) -> None:
        known = Rows.of(identities)
        alias, person = (known.strings(n).to_numpy(zero_copy_only=False) for n in ("alias", "contact_id"))
        known_at = known.times("known_at")
        code = Codes(known.strings("alias")).of(known.strings("alias"))
        order = np.lexsort((known_at, code))
        alias, person, known_at, code = alias[order], person[order], known_at[order], code[order]
        is_first = np.append(True, code[1:] != code[:-1])[: len(code)]
        moves = person != np.where(is_first, alias, np.roll(person, 1))
        alias, person, known_at, code = alias[moves], person[moves], known_at[moves], code[moves]
        begins = np.append(True, code[1:] != code[:-1])[: len(code)]
        self._codes = Codes(_strings(alias[begins]))
        code = np.cumsum(begins) - 1
        since = np.append(np.full(begins.sum(), _ALWAYS), known_at)
        code = np.append(code[begins], code)
        order = np.lexsort((since, code))
        self.code: Integers = code[order]
        self.person: pa.Array = _strings(np.append(alias[begins], person)[order])
        self.since: Integers = since[order]
        is_last = np.append(self.code[1:] != self.code[:-1], True) if len(order) else np.zeros(0, bool)
        self.until: Integers = np.where(is_last, FOREVER, np.roll(self.since, -1))
        self._log = EventLog(self.code, self.since, ties=np.arange(len(order)))

    def persons(self, names: pa.Array, moments: Integers) -> pa.Array:
        """The person each of ``names`` stood for just before its moment; itself where nothing is known."""
        spell = self._log.at(self._codes.of(names), moments).last_row()
        return chosen(spell >= 0, taken(self.person, spell), names)

    def spells_of(self, names: pa.Array) -> tuple[Integers, Integers, Integers]:
        """(row of ``names``, spell) for every spell of the names that move, and the rows of all others."""
        codes = self._codes.of(names)
        starts = np.searchsorted(self.code, codes)
        many = np.where(codes >= 0, np.searchsorted(self.code, codes, side="right") - starts, 0)
        rows = np.repeat(np.arange(len(codes)), many)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        return rows, starts[rows] + nth, np.flatnonzero(codes < 0)


class Persons:
    """Keys of the persons that ``names`` stood for at ``moments``, and of facts about any name of theirs."""

    def __init__(self, names: Names, asked: pa.Array, moments: Integers) -> None:
        self._names = names
        persons = names.persons(asked, moments)
        self._codes = Codes(persons)
        spell_codes = self._codes.of(names.person)
        leaves = (spell_codes >= 0) & (names.until != FOREVER)
        pairs = np.unique(np.column_stack([spell_codes[leaves], names.until[leaves]]), axis=0)
        self._left_codes, self._left_at = pairs[:, 0], pairs[:, 1]
        self._left = Timeline(self._left_codes, self._left_at) if len(pairs) else None
        codes = self._codes.of(persons)
        self.keys: Integers = self._key(codes, self._epochs(codes, moments))

    def facts(self, names: pa.Array, known_at: Integers) -> Facts:
        """Facts about ``names``, known at ``known_at``, under every key they count for."""
        moving, spells, still = self._names.spells_of(names)
        since = np.maximum(known_at[moving], self._names.since[spells])
        until = self._names.until[spells]
        counts = since < until
        moving, spells, since, until = moving[counts], spells[counts], since[counts], until[counts]
        moved = self._codes.of(self._names.person)[spells]
        rows = np.concatenate([still, moving])
        codes = np.concatenate([self._codes.of(names)[still], moved])
        since = np.concatenate([known_at[still], since])
        until = np.concatenate([np.full(len(still), FOREVER), until])
        return self._in_epochs(rows, codes, since, until)

    def _in_epochs(self, rows: Integers, codes: Integers, since: Integers, until: Integers) -> Facts:
        asked = codes >= 0
        rows, codes, since, until = rows[asked], codes[asked], since[asked], until[asked]
        if self._left is None:
            return Facts(rows, codes, since)
        first = self._epochs(codes, np.minimum(since, FOREVER - 1) + 1)
        many = self._epochs(codes, until) - first + 1
        again = np.repeat(np.arange(len(rows)), many)
        nth = np.arange(len(again)) - np.repeat(np.cumsum(many) - many, many)
        codes, epoch = codes[again], first[again] + nth
        begins = self._left_at[np.maximum(self._left.starts(codes) + epoch - 1, 0)]
        known_at = np.where(nth > 0, np.maximum(since[again], begins), since[again])
        return Facts(rows[again], self._key(codes, epoch), known_at)

    def _epochs(self, codes: Integers, moments: Integers) -> Integers:
        """How many times a name had left the person before each moment."""
        if self._left is None:
            return np.zeros(len(codes), np.int64)
        known = np.maximum(codes, 0)
        return np.where(codes >= 0, self._left.before(known, moments) - self._left.starts(known), 0)

    def _key(self, codes: Integers, epochs: Integers) -> Integers:
        if self._left is None:
            return codes
        return np.where(codes >= 0, codes + self._left.starts(np.maximum(codes, 0)) + epochs, UNKNOWN)


def _strings(values: np.ndarray) -> pa.Array:
    return pa.array(values, type=pa.large_string(), from_pandas=True)


def names_in(history: History) -> Names:
    """Whom names stand for as ``history`` tells it; without a table of identities, for themselves."""
    return Names(table(history, IDENTITIES))


def writer_of(tickets: Rows, history: History) -> pa.Array:
    """The name that wrote each of ``tickets``: the source's, where ``history`` tells whose it was."""
    if "contact_id" not in tickets:
        return pa.nulls(len(tickets), pa.large_string())
    contacts = tickets.strings("contact_id")
    if "writer" not in tickets or not len(table(history, IDENTITIES)):
        return contacts
    return pc.coalesce(tickets.strings("writer"), contacts)


def persons_as_of(tickets: Rows, identities: Rows, as_of: int) -> pa.Array:
    """The person that the writer of each of ``tickets`` stood for just before ``as_of`` (microseconds).

    Only where ``identities`` says anything about the writer; other tickets keep their contact.
    """
    writers = writer_of(tickets, {IDENTITIES: identities})
    persons = Names(identities).persons(writers, np.full(len(tickets), as_of))
    is_told = Codes(identities.strings("alias")).of(writers) >= 0
    return chosen(is_told, persons, tickets.strings("contact_id"))
