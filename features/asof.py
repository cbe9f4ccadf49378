"""The as-of engine: what was known about a key just before a moment, for many (key, moment) pairs at once.

One rule of time: **a fact counts at T only if it was known strictly before T**. Inside a window of length w
a fact counts at T if also it happened at or after ``T - w``. So a fact is *active* for the moments
``known_at < T <= occurred_at + w``: it enters when it is known and leaves w after it happened. Whatever is
asked about all active facts is then a prefix over facts that entered minus a prefix over facts that left,
two binary searches, and a row that arrives late counts from the moment it is known, where it happened.

Sums run in int64, so that a long history and a short one give the same bits. Building a log of n facts is
O(n log n), answering m questions O(m log n).
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from features.arrays import HOUR, NO_TIME, Flags, Floats, Integers, enumerated


class Timeline:
    """Moments of many keys in order of (key, time), searchable for many (key, moment) pairs at once.

    ``order`` maps positions on the timeline to the rows given. Key and time share one int64; where the
    product of keys and time span would not fit, times are replaced by their ranks, which is exact as well.
    """

    def __init__(self, codes: Integers, times: Integers, ties: Integers | None = None) -> None:
        keys = int(codes.max(initial=-1)) + 1
        self._ranked: Integers | None = None
        self._first = int(times.min()) if len(times) else 0
        self._span = int(times.max()) - self._first + 2 if len(times) else 2
        if (keys + 1) * self._span >= 2**63:
            self._ranked = np.unique(times)
            self._span = len(self._ranked) + 1
        self._keys = keys
        places = self.places(codes, times)
        self.order: Integers = np.argsort(places) if ties is None else np.lexsort((ties, places))
        self._sorted = places[self.order]

    def places(self, codes: Integers, moments: Integers) -> Integers:
        """Where each (key, moment) belongs: one number, in order of key and then of time."""
        if self._ranked is not None:
            offsets = np.searchsorted(self._ranked, moments)
        else:
            last = (
                self._first + self._span - 1
            )  # np.clip costs ten times as much on the few rows of one ticket
            offsets = np.minimum(np.maximum(moments, self._first), last) - self._first
        return np.minimum(codes, self._keys) * np.int64(self._span) + offsets

    def moments(self, places: Integers) -> Integers:
        """The times of places that are on the timeline."""
        offsets = places % np.int64(self._span)
        return self._first + offsets if self._ranked is None else self._ranked[offsets]

    def before(self, codes: Integers, moments: Integers) -> Integers:
        """How many places on the timeline come before each (key, moment); keys never mix."""
        places = self.places(codes, moments)
        order = np.argsort(places)  # asked in order, a large timeline is walked through memory in order
        before = np.empty(len(places), np.int64)
        before[order] = np.searchsorted(self._sorted, places[order])
        return before

    def starts(self, codes: Integers) -> Integers:
        """Position of each key's first moment."""
        return self.before(codes, np.full(len(codes), self._first))


class EventLog:
    """Facts about keys: who (``codes``), when it happened, when we knew it, and integer ``values``.

    Rows whose code is negative are left out. ``occurred_at`` defaults to ``known_at``; nothing can be known
    before it happens, so a later ``occurred_at`` is taken as ``known_at``. Facts known at the same moment
    are ordered by ``ties``: give them where the last fact or the last rows are asked for. Times are int64
    microseconds.
    """

    def __init__(
        self,
        codes: Integers,
        known_at: Integers,
        occurred_at: Integers | None = None,
        values: Mapping[str, Integers] | None = None,
        ties: Integers | None = None,
    ) -> None:
        usable = (codes >= 0) & (known_at != NO_TIME)
        self.rows: Integers = np.flatnonzero(usable)
        self.codes: Integers = codes[self.rows]
        self.known_at: Integers = known_at[self.rows]
        occurred = self.known_at if occurred_at is None else occurred_at[self.rows]
        self.occurred_at: Integers = np.where(
            (occurred == NO_TIME) | (occurred > self.known_at), self.known_at, occurred
        )
        self.values = {name: column[self.rows] for name, column in (values or {}).items()}
        self._ties = None if ties is None else ties[self.rows]
        self._totals: dict[tuple[str | None, int | None, bool], Integers] = {}

    @cached_property
    def entering(self) -> Timeline:
        """The facts in the order in which they became known."""
        return Timeline(self.codes, self.known_at, self._ties)

    @cached_property
    def leaving(self) -> Timeline:
        """The facts in the order in which they happened: any window is left in that order."""
        return self.entering if self._longest_delay == 0 else Timeline(self.codes, self.occurred_at)

    @cached_property
    def _longest_delay(self) -> int:
        return int((self.known_at - self.occurred_at).max(initial=0))

    def total(self, name: str | None, window: int | None, entered: bool) -> Integers:
        """Running totals (of facts, or of the values ``name``) along ``entering`` or ``leaving``.

        A fact that was known only after the window since it happened had passed is never active: it adds 0.
        """
        if window is not None and self._longest_delay < window:
            window = None
        if (name, window, entered) not in self._totals:
            column = np.ones(len(self.codes), np.int64) if name is None else self.values[name]
            if window is not None:
                column = np.where(self.known_at - self.occurred_at < window, column, 0)
            order = (self.entering if entered else self.leaving).order
            self._totals[name, window, entered] = np.concatenate(([0], np.cumsum(column[order])))
        return self._totals[name, window, entered]

    def distinct_spells(self, name: str, window: int) -> tuple[Timeline, Timeline]:
        """When each distinct value of ``name`` begins and stops being active for its key.

        Of the facts with equal key and value only those that happened later than all known before matter;
        one hands over to the next, so that at any moment a value is active at most once.
        """
        pair = enumerated([self.codes, self.values[name]])
        order = np.lexsort((self.occurred_at, self.known_at, pair))
        pair, known, occurred = pair[order], self.known_at[order], self.occurred_at[order]
        group = np.cumsum(np.concatenate(([0], pair[1:] != pair[:-1]))) if len(pair) else pair
        _, rank = np.unique(occurred, return_inverse=True)
        latest = np.maximum.accumulate(group * (len(pair) + 1) + rank)
        newest = np.concatenate(([True], latest[1:] > latest[:-1])) if len(pair) else np.zeros(0, bool)
        group, known, occurred, rows = group[newest], known[newest], occurred[newest], order[newest]
        ends = occurred + window
        handed_over = group[:-1] == group[1:]
        ends[:-1][handed_over] = np.minimum(ends[:-1], known[1:])[handed_over]
        active = ends > known
        codes = self.codes[rows[active]]
        return Timeline(codes, known[active]), Timeline(codes, ends[active])

    @cached_property
    def latest_occurrence(self) -> Integers:
        """Along ``entering``: the latest time at which any fact of the key known so far happened."""
        places = self.leaving.places(self.codes, self.occurred_at)
        return self.leaving.moments(np.maximum.accumulate(places[self.entering.order]))

    def at(self, codes: Integers, as_of: Integers) -> "AsOf":
        """The log as it was known just before ``as_of`` to each of ``codes``."""
        return AsOf(self, codes, as_of)


class AsOf:
    """Answers for a vector of (key, as_of). ``NaN`` where the key or the moment is unknown.

    Windows are microseconds, ``[as_of - window, as_of)``; without a window all of history counts.
    """

    def __init__(self, log: EventLog, codes: Integers, as_of: Integers) -> None:
        self._log = log
        self.known: Flags = (codes >= 0) & (as_of != NO_TIME)
        self._codes: Integers = np.where(self.known, codes, 0)
        self._as_of: Integers = np.where(self.known, as_of, 0)
        self._left: dict[int | None, Integers] = {}

    @cached_property
    def _entered(self) -> Integers:
        return self._log.entering.before(self._codes, self._as_of)

    @cached_property
    def _starts(self) -> Integers:
        return self._log.entering.starts(self._codes)

    @cached_property
    def _any(self) -> Flags:
        return self.known & (self._entered > self._starts)

    def _left_before(self, window: int | None) -> Integers:
        if window not in self._left:
            leaving = self._log.leaving
            self._left[window] = (
                leaving.starts(self._codes)
                if window is None
                else leaving.before(self._codes, self._as_of - window)
            )
        return self._left[window]

    def _total(self, name: str | None, window: int | None) -> Integers:
        entered = self._log.total(name, window, entered=True)[self._entered]
        return entered - self._log.total(name, window, entered=False)[self._left_before(window)]

    def _numbers(self, answers: Integers) -> Floats:
        return np.where(self.known, answers, np.nan)

    def count(self, window: int | None = None) -> Floats:
        """Number of facts; 0 where the key is known and nothing happened."""
        return self._numbers(self._total(None, window))

    def sum(self, name: str, window: int | None = None) -> Floats:
        """Sum of the values ``name``."""
        return self._numbers(self._total(name, window))

    def mean(self, name: str, window: int | None = None, number: str | None = None) -> Floats:
        """Mean of the values ``name``; ``NaN`` without facts. ``number``: how many each fact counts for."""
        count = self._total(number, window)
        return _ratio(self._total(name, window), count, self.known & (count > 0))

    def distinct(self, name: str, window: int) -> Floats:
        """Number of distinct values ``name`` among the facts in the window."""
        begun, stopped = self._log.distinct_spells(name, window)
        return self._numbers(
            begun.before(self._codes, self._as_of) - stopped.before(self._codes, self._as_of)
        )

    def relative_rate(self, name: str, window: int, baseline: int) -> Floats:
        """Sum per time in the window over that in the ``baseline`` just before it, less 1: -0.5 is half.

        ``NaN`` where the baseline holds nothing to compare with.
        """
        recent = self._total(name, window)
        before = self._total(name, window + baseline) - recent
        shared = np.gcd(window, baseline)
        return _ratio(
            recent * (baseline // shared) - before * (window // shared),
            before * (window // shared),
            self.known & (before > 0),
        )

    def recent_rows(self, question: int, window: int, limit: int) -> Integers:
        """Rows in the window of one question, of the ``limit`` learned last; oldest first."""
        stop = int(self._entered[question])
        start = max(int(self._starts[question]), stop - limit)
        rows = self._log.entering.order[start:stop]
        return self._log.rows[rows[self._log.occurred_at[rows] >= self._as_of[question] - window]]

    def last_row(self) -> Integers:
        """Row (of the arrays that made the log) of the fact learned last; -1 where there is none."""
        if not len(self._log.rows):
            return np.full(len(self._codes), -1)
        position = np.where(self._any, self._entered - 1, 0)
        return np.where(self._any, self._log.rows[self._log.entering.order[position]], -1)

    def last(self, name: str) -> Floats:
        """Value ``name`` of the fact learned last; ``NaN`` where there is none."""
        if not len(self._log.rows):
            return np.full(len(self._codes), np.nan)
        position = np.where(self._any, self._entered - 1, 0)
        return np.where(self._any, self._log.values[name][self._log.entering.order[position]], np.nan)

    def hours_since(self) -> Floats:
        """Hours since the latest known fact happened; ``NaN`` where there is none."""
        if not len(self._log.rows):
            return np.full(len(self._codes), np.nan)
        latest = self._log.latest_occurrence[np.where(self._any, self._entered - 1, 0)]
        return _ratio(self._as_of - latest, np.full_like(latest, HOUR), self._any)


def _ratio(above: Integers, below: Integers, defined: Flags) -> Floats:
    """``above / below`` from integers; ``NaN`` where not ``defined``."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=defined)
