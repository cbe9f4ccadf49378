"""The two things that depend on the passing of time, so that tests can hold it in their hands."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """``now`` in UTC, a ``ticks`` counter in seconds that never goes back, and ``sleep`` in seconds."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ticks: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Pace:
    """At most ``requests`` in any ``seconds``; asks to wait before a vendor has to refuse."""

    requests: int
    seconds: float
    _sent: deque[float] = field(default_factory=deque)

    def wait(self, clock: Clock) -> None:
        """Return when one more request is within the limit."""
        while True:
            now = clock.ticks()
            while self._sent and now - self._sent[0] >= self.seconds:
                self._sent.popleft()
            if len(self._sent) < self.requests:
                self._sent.append(now)
                return
            clock.sleep(self.seconds - (now - self._sent[0]))
