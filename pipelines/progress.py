"""How far the reading of files is: a bar with the time left on a terminal, otherwise a line now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def bytes_read(total: int) -> Iterator[Callable[[int], None]]:
    """Gives what to tell of every read byte, of ``total`` to come. Speaks on standard error only."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda count: bar.advance(task, count)


class _Lines:
    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._started = self._last = time.monotonic()

    def __call__(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES and self._done:
            self._last = now
            left = (now - self._started) / self._done * max(self._total - self._done, 0)
            share = min(self._done / max(self._total, 1), 1.0)
            print(f"  reading: {share:.0%}, about {left:.0f} s left", file=sys.stderr, flush=True)
