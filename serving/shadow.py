"""A challenger in the shadow: it judges tickets after they were answered, in one thread of its own.

Tickets wait in a short queue; where it is full they are left out, so a slow challenger delays nobody and
holds no memory. What it says is kept, what it breaks is kept as a failure, and neither has an effect.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

from serving.decision import Decision
from serving.logs import logger, where_raised
from serving.releases import Loaded
from serving.requests import TriageRequest
from serving.store import Store
from serving.trials import TrialScore, keep_score

MOST_WAITING = 32
_STOP = None


class Shadowed(NamedTuple):
    """A ticket that was answered, and the challenger that shall judge it as well.

    ``failed``: the type of the error with which it failed as a canary; then there is nothing left to judge.
    """

    request: TriageRequest
    decision: Decision
    challenger: Loaded
    failed: str = ""


class Shadow:
    """Judges what ``offer`` was given by ``judge``; its thread starts with the first ticket."""

    def __init__(self, store: Store, judge: Callable[[Shadowed], TrialScore]) -> None:
        self._store = store
        self._judge = judge
        self._waiting: queue.Queue[Shadowed | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def offer(self, ticket: Shadowed) -> bool:
        """Judge ``ticket`` some time; returns at once, false where too many wait already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(ticket)
        except queue.Full:
            return False
        return True

    def finish(self, seconds: float = 10.0) -> None:
        """Wait until what was offered is judged."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put(_STOP, timeout=seconds)
                self._thread.join(seconds)
            self._thread = None

    def _run(self) -> None:
        while (ticket := self._waiting.get()) is not _STOP:
            try:
                score = self._judge(ticket)
                with self._store.writing() as connection:
                    keep_score(connection, score)
            except Exception as error:  # a store that is away: this comparison is lost, nothing else
                logger().error("shadow not kept", error=type(error).__name__, at=where_raised(error))
