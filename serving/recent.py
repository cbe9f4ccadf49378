"""Values kept for a while, so that what changes slowly is not read for every ticket."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Any


class Recent:
    """Values by key, each kept for some seconds, the oldest leaving first. Safe between threads."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The value kept under ``key``, else the one that ``compute`` gives now."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and monotonic() - kept[0] < self._seconds:
            return kept[1]
        value = compute()
        with self._lock:
            self._kept[key] = (monotonic(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value
