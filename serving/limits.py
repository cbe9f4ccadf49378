"""How often somebody may call: a bucket of tokens for each, filled at a steady rate."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic

BURST_SECONDS = 2.0
"""What a caller may take at once after a pause, in seconds of its rate."""
MAX_CALLERS = 10_000
"""Callers remembered; the one not seen for longest is forgotten first, and then has a full bucket."""


class Buckets:
    """A bucket for each caller. For one thread: the event loop's."""

    def __init__(self, clock: Callable[[], float] = monotonic, size: int = MAX_CALLERS) -> None:
        self._clock = clock
        self._size = size
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, caller: Hashable, per_second: float) -> float:
        """0 where ``caller`` may call now, which takes a token; else the seconds until it may."""
        now, room = self._clock(), max(per_second * BURST_SECONDS, 1.0)
        level, since = self._levels.pop(caller, (room, now))
        level = min(room, level + max(now - since, 0.0) * per_second)
        allowed = level >= 1.0
        self._levels[caller] = (level - 1.0 if allowed else level, now)
        if len(self._levels) > self._size:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / per_second


def retry_after(seconds: float) -> str:
    """``seconds`` as the header Retry-After wants it: whole, and at least one."""
    return str(max(1, math.ceil(seconds)))
