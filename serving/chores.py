"""What a worker does beside answering: webhooks are worked on, and decisions go back to helpdesks."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from serving.deliveries import work_off
from serving.helpdesks import Helpdesk
from serving.logs import logger, where_raised
from serving.senders import write_back
from serving.triage import TriageDesk

PAUSE_SECONDS = 0.5


class Chores:
    """A thread that does what is due; without connected helpdesks there is nothing to do and no thread."""

    def __init__(self, desk: TriageDesk, helpdesks: Mapping[str, Helpdesk]) -> None:
        self._desk = desk
        self._helpdesks = helpdesks
        self._execute = write_back(desk.store, helpdesks)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._helpdesks:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def once(self, at: datetime) -> int:
        """Do what is due at ``at``; returns how many things were."""
        done = work_off(self._desk, self._helpdesks, at)
        return done + self._desk.store.carry_out(self._execute, at)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                done = self.once(datetime.now(UTC))
            except Exception as error:  # a store that is away comes back
                logger().error("chores failed", error=type(error).__name__, at=where_raised(error))
                done = 0
            if not done:
                self._stop.wait(PAUSE_SECONDS)
