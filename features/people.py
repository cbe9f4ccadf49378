"""One person under several names, as of any moment: what the table ``identities`` says, for the as-of engine.

A name (contact id or handle) stands for a person from a moment on, and may be given to another later. A fact
about a name counts for whoever the name stands for *when it is asked*: once a chat account is known to be
hers, the chats before are hers too, and once that turns out to be wrong, they no longer are.

The engine knows keys that facts enter and never leave. So a person gets a new key whenever a name leaves them
(rare: a correction), and a fact stands under every key of a person it counts for, known from when it does.
"""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.arrays import UNKNOWN, Codes, Integers, microseconds
from features.asof import EventLog, Timeline
from features.schema import IDENTITIES, Tables, empty_table

FOREVER = np.iinfo(np.int64).max
_ALWAYS = np.iinfo(np.int64).min + 1


class Facts(NamedTuple):
    """Facts under the keys of persons: the row each comes from, its key, and from when it counts there."""

    rows: Integers
    keys: Integers
    known_at: Integers


class Names:
    """Whom names stand for: the changes in ``identities``, without names that only stand for themselves."""

    def __init__(self, identities: pd.DataFrame) -> None:
        alias, person = (identities[name].to_numpy(object) for name in ("alias", "contact_id"))
        known_at, codes = microseconds(identities["known_at"]), Codes(identities["alias"])
        code = codes.of(identities["alias"])
        order = np.lexsort((known_at, code))
        alias, person, known_at, code = alias[order], person[order], known_at[order], code[order]
        is_first = np.append(True, code[1:] != code[:-1])[: len(code)]
        moves = person != np.where(is_first, alias, np.roll(person, 1))
        alias, person, known_at, code = alias[moves], person[moves], known_at[moves], code[moves]
        begins = np.append(True, code[1:] != code[:-1])[: len(code)]
        self._codes = Codes(pd.Series(alias[begins], dtype="str"))
        code = np.cumsum(begins) - 1
        since = np.append(np.full(begins.sum(), _ALWAYS), known_at)
        code = np.append(code[begins], code)
        order = np.lexsort((since, code))
        self.code: Integers = code[order]
        self.person = pd.Series(np.append(alias[begins], person)[order], dtype="str")
        self.since: Integers = since[order]
        is_last = np.append(self.code[1:] != self.code[:-1], True) if len(order) else np.zeros(0, bool)
        self.until: Integers = np.where(is_last, FOREVER, np.roll(self.since, -1))
        self._log = EventLog(self.code, self.since, ties=np.arange(len(order)))

    def persons(self, names: pd.Series, moments: Integers) -> pd.Series:
        """The person each of ``names`` stood for just before its moment; itself where nothing is known."""
        spell = self._log.at(self._codes.of(names), moments).last_row()
        found = pd.Series(self.person.array.take(spell, allow_fill=True), index=names.index, dtype="str")
        return found.where(spell >= 0, names)

    def spells_of(self, names: pd.Series) -> tuple[Integers, Integers, Integers]:
        """(row of ``names``, spell) for every spell of the names that move, and the rows of all others."""
        codes = self._codes.of(names)
        starts = np.searchsorted(self.code, codes)
        many = np.where(codes >= 0, np.searchsorted(self.code, codes, side="right") - starts, 0)
        rows = np.repeat(np.arange(len(codes)), many)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
        return rows, starts[rows] + nth, np.flatnonzero(codes < 0)


class Persons:
    """Keys of the persons that ``names`` stood for at ``moments``, and of facts about any name of theirs."""

    def __init__(self, names: Names, asked: pd.Series, moments: Integers) -> None:
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

    def facts(self, names: pd.Series, known_at: Integers) -> Facts:
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


def names_in(history: Tables) -> Names:
    """Whom names stand for as ``history`` tells it; without a table of identities, for themselves."""
    return Names(history.get(IDENTITIES, empty_table(IDENTITIES)))


def writer_of(tickets: pd.DataFrame, history: Tables) -> pd.Series:
    """The name that wrote each of ``tickets``: the source's, where ``history`` tells whose it was."""
    if "contact_id" not in tickets:
        return pd.Series(np.nan, index=tickets.index, dtype="str")
    contacts = tickets["contact_id"].astype("str")
    if "writer" not in tickets or not len(history.get(IDENTITIES, ())):
        return contacts
    return tickets["writer"].astype("str").where(tickets["writer"].notna(), contacts)


def with_persons_as_of(tickets: pd.DataFrame, identities: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """``tickets`` with the person that the writer stood for just before ``as_of`` as ``contact_id``.

    Only where ``identities`` says anything about the writer; other tickets keep their contact.
    """
    if tickets.empty or identities.empty:
        return tickets
    names = writer_of(tickets, {IDENTITIES: identities})
    moment = microseconds(pd.Series([as_of], dtype="datetime64[us, UTC]"))
    persons = Names(identities).persons(names, np.repeat(moment, len(tickets)))
    return tickets.assign(contact_id=persons.where(names.isin(identities["alias"]), tickets["contact_id"]))
