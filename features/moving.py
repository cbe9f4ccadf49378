"""Facts that may leave a key again, for the as-of engine, whose keys facts enter and never leave.

A key gets a new number whenever a fact leaves it (rare: a correction), and a fact stands under every number
of a key it counts for, known from when it does.
"""

from typing import NamedTuple

import numpy as np

from features.arrays import UNKNOWN, Integers
from features.asof import Timeline

FOREVER = np.iinfo(np.int64).max


class Facts(NamedTuple):
    """Facts under numbers of keys: the row each comes from, the number, and from when it counts there.

    ``since`` is from when it counts for the key without a break, under whatever number: it tells the order.
    """

    rows: Integers
    keys: Integers
    known_at: Integers
    since: Integers


def expanded(starts: Integers, many: Integers) -> tuple[Integers, Integers]:
    """(which, place) of ranges of ``many`` places from ``starts`` on: each range's number and its places."""
    which = np.repeat(np.arange(len(starts)), many)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many)
    return which, starts[which] + nth


class Epochs:
    """The numbers of keys, by how often a fact had left them: ``codes`` were left at ``left_at``."""

    def __init__(self, codes: Integers, left_at: Integers) -> None:
        self._left_at = left_at
        self._left: Timeline | None = None
        if len(codes):
            pairs = np.unique(np.column_stack([codes, left_at]), axis=0)
            self._left_at, self._left = pairs[:, 1], Timeline(pairs[:, 0], pairs[:, 1])

    def keys(self, codes: Integers, moments: Integers) -> Integers:
        """The number of each key just before its moment."""
        return self._key(codes, self._epochs(codes, moments))

    def facts(self, rows: Integers, codes: Integers, since: Integers, until: Integers) -> Facts:
        """Facts that count for their keys ``since`` .. ``until``, under every number of the key meanwhile."""
        asked = (codes >= 0) & (since < until)
        rows, codes, since, until = rows[asked], codes[asked], since[asked], until[asked]
        if self._left is None:
            return Facts(rows, codes, since, since)
        first = self._epochs(codes, np.minimum(since, FOREVER - 1) + 1)
        many = self._epochs(codes, until) - first + 1
        again, epoch = expanded(first, many)
        codes = codes[again]
        begins = self._left_at[np.maximum(self._left.starts(codes) + epoch - 1, 0)]
        known_at = np.where(epoch > first[again], np.maximum(since[again], begins), since[again])
        return Facts(rows[again], self._key(codes, epoch), known_at, since[again])

    def _epochs(self, codes: Integers, moments: Integers) -> Integers:
        """How many times a fact had left each key before its moment."""
        if self._left is None:
            return np.zeros(len(codes), np.int64)
        known = np.maximum(codes, 0)
        return np.where(codes >= 0, self._left.before(known, moments) - self._left.starts(known), 0)

    def _key(self, codes: Integers, epochs: Integers) -> Integers:
        if self._left is None:
            return codes
        return np.where(codes >= 0, codes + self._left.starts(np.maximum(codes, 0)) + epochs, UNKNOWN)
