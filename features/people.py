"""One person under several names, as of any moment: what the table ``identities`` says, for the as-of engine.

A name (contact id or handle) stands for a person from a moment on, and may be given to another later. A fact
about a name counts for whoever the name stands for *when it is asked*: once a chat account is known to be
hers, the chats before are hers too, and once that turns out to be wrong, they no longer are.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Codes, Integers
from features.asof import EventLog
from features.moving import FOREVER, Epochs, Facts, expanded
from features.rows import History, Rows, chosen, table, taken
from features.schema import IDENTITIES

ALWAYS = np.iinfo(np.int64).min + 1


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
        since = np.append(np.full(begins.sum(), ALWAYS), known_at)
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
        return *expanded(starts, many), np.flatnonzero(codes < 0)


class Persons:
    """Keys of the persons that ``names`` stood for at ``moments``, and of facts about any name of theirs."""

    def __init__(self, names: Names, asked: pa.Array, moments: Integers) -> None:
        self._names = names
        persons = names.persons(asked, moments)
        self._codes = Codes(persons)
        self._spell_codes = self._codes.of(names.person)
        leaves = (self._spell_codes >= 0) & (names.until != FOREVER)
        self._epochs = Epochs(self._spell_codes[leaves], names.until[leaves])
        self.keys: Integers = self._epochs.keys(self._codes.of(persons), moments)

    def facts(self, names: pa.Array, known_at: Integers) -> Facts:
        """Facts about ``names``, known at ``known_at``, under every key they count for."""
        moving, spells, still = self._names.spells_of(names)
        rows = np.concatenate([still, moving])
        codes = np.concatenate([self._codes.of(names)[still], self._spell_codes[spells]])
        since = np.concatenate([known_at[still], np.maximum(known_at[moving], self._names.since[spells])])
        until = np.concatenate([np.full(len(still), FOREVER), self._names.until[spells]])
        return self._epochs.facts(rows, codes, since, until)


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
