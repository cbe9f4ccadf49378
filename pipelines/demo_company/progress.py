"""Progress of a long loop: a bar on a terminal, otherwise a line every few seconds, with the time left."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.progress import track

Item = TypeVar("Item")
Progress = Callable[[Iterable[Item], str, int], Iterable[Item]]
SECONDS_BETWEEN_LINES = 5.0


def no_progress(items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
    """Say nothing."""
    return items


def shown_progress(items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
    """Say how far the loop over ``total`` items is, and how long the rest will take."""
    if sys.stderr.isatty():
        return track(items, description=f"demo company: {what}", total=total)
    return _lines(items, what, total)


def _lines(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    started = last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - last >= SECONDS_BETWEEN_LINES:
            last = now
            left = (now - started) / done * (total - done)
            print(
                f"demo company: {done} of {total} {what}, about {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
        yield item
