"""Whose a ticket is, as of any moment: the company its source named, else that of the person who wrote it.

Where the source names no company, a ticket belongs to the one that its writer, *as understood when asked*,
had *when the ticket came*. So a merge that was undone takes the ticket away again, a link learned later
brings it, and a person who changes companies takes nothing along. ``identities`` tells the company of a name
from a moment on, ``account_revisions`` what was understood differently afterwards.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Codes, Flags, Integers
from features.moving import FOREVER, Epochs, Facts, expanded
from features.people import ALWAYS, writer_of
from features.rows import History, Rows, chosen, table, taken
from features.schema import ACCOUNT_REVISIONS, IDENTITIES


class Spells(NamedTuple):
    """From when until when tickets belong to accounts, by ticket and time: ``rows`` are those of the tickets,
    times are microseconds, an account is null where it is unknown."""

    rows: Integers
    accounts: pa.Array
    since: Integers
    until: Integers


def account_spells(tickets: Rows, history: History) -> Spells:
    """To which account each of ``tickets`` belongs, and how that changes with what ``history`` tells."""
    told = tickets.strings("account_id") if len(tickets) else pa.nulls(0, pa.large_string())
    filled = is_filled(tickets)
    if not filled.any():
        every = np.arange(len(tickets))
        return Spells(every, told, np.full(len(tickets), ALWAYS), np.full(len(tickets), FOREVER))
    writers = writer_of(tickets, history)
    names = Codes(writers.filter(pa.array(filled)))
    alias, known_at, came_after, account = _told(history, names)
    code = np.where(filled, names.of(writers), -1)
    starts = np.searchsorted(alias, code)
    many = np.where(code >= 0, np.searchsorted(alias, code, side="right") - starts, 0)
    rows, place = expanded(starts, many)
    came_before = came_after[place] < tickets.times("known_at")[rows]
    rows, place = rows[came_before], place[came_before]
    said = np.append((rows[1:] != rows[:-1]) | (known_at[place][1:] != known_at[place][:-1]), True)
    rows, place = rows[said[: len(rows)]], place[said[: len(rows)]]
    names_of = Codes(account)
    number = names_of.of(account)[place]
    is_first = np.append(True, rows[1:] != rows[:-1])[: len(rows)]
    changes = is_first | (number != np.roll(number, 1))
    rows, place = rows[changes], place[changes]
    still = np.flatnonzero(many == 0)
    order = np.argsort(np.concatenate([still, rows]), kind="stable")
    of_all = np.concatenate([still, rows])[order]
    since = np.concatenate([np.full(len(still), ALWAYS), known_at[place]])[order]
    is_last = np.append(of_all[1:] != of_all[:-1], True)[: len(of_all)]
    accounts = pa.concat_arrays([told.take(pa.array(still)), taken(account, place)])
    return Spells(
        of_all,
        accounts.take(pa.array(order)),
        since,
        np.where(is_last, FOREVER, np.roll(since, -1)),
    )


def is_filled(tickets: Rows) -> Flags:
    """Which of ``tickets`` have no account of their source's, but their writer's or none."""
    unknown = pc.is_null(tickets.strings("account_id")) if len(tickets) else pa.array([], pa.bool_())
    if "account_from" in tickets:
        unknown = pc.or_(unknown, pc.is_valid(tickets.strings("account_from")))
    return unknown.to_numpy(zero_copy_only=False)


def _told(history: History, names: Codes) -> tuple[Integers, Integers, Integers, pa.Array]:
    """Code of the alias, from when it is known, which tickets it is about, and their account: in that order.

    Of what is known of a name and a ticket, the last row about tickets that came before it counts.
    """
    identities, revisions = table(history, IDENTITIES), table(history, ACCOUNT_REVISIONS)
    alias = np.concatenate([names.of(t.strings("alias")) for t in (identities, revisions)])
    known_at = np.concatenate([t.times("known_at") for t in (identities, revisions)])
    came_after = np.concatenate([identities.times("known_at"), revisions.times("came_after")])
    account = pa.concat_arrays([t.strings("account_id") for t in (identities, revisions)])
    order = np.lexsort((came_after, known_at, alias))
    order = order[alias[order] >= 0]
    return alias[order], known_at[order], came_after[order], account.take(pa.array(order))


class Owners:
    """Keys of the accounts ``asked`` at ``moments``, and of facts about the tickets that count for them."""

    def __init__(self, asked: pa.Array, moments: Integers, spells: Spells) -> None:
        self._spells = spells
        asked_codes = Codes(asked)
        self._codes = asked_codes.of(spells.accounts)
        leaves = (self._codes >= 0) & (spells.until != FOREVER)
        self._epochs = Epochs(self._codes[leaves], spells.until[leaves])
        self.keys: Integers = self._epochs.keys(asked_codes.of(asked), moments)

    def facts(self, tickets: Integers, known_at: Integers) -> Facts:
        """Facts about ``tickets`` (rows), known at ``known_at``, under every key they count for."""
        starts = np.searchsorted(self._spells.rows, tickets)
        many = np.searchsorted(self._spells.rows, tickets, side="right") - starts
        rows, spells = expanded(starts, many)
        since = np.maximum(known_at[rows], self._spells.since[spells])
        return self._epochs.facts(rows, self._codes[spells], since, self._spells.until[spells])


def accounts_as_of(tickets: Rows, history: History, as_of: int) -> pa.Array:
    """The account that each of ``tickets`` belonged to just before ``as_of`` (microseconds)."""
    spells = account_spells(tickets, history)
    now = np.flatnonzero((spells.since < as_of) & (as_of <= spells.until))
    place = np.full(len(tickets), -1)
    place[spells.rows[now]] = now
    return chosen(place >= 0, taken(spells.accounts, place), pa.nulls(len(tickets), pa.large_string()))
