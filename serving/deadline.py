"""A time limit on work whose timer ends with the work, and which does not forget work that goes on."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Done = TypeVar("Done")


class TooLate(TimeoutError):
    """The work was not done within its time; a ``TimeoutError`` of the work itself is not one of these."""


async def within(seconds: float, work: Coroutine[Any, Any, Done]) -> Done:
    """What ``work`` gives. Raises ``TooLate`` after ``seconds``; ``work`` then goes on to its own end.

    It is not cancelled, because a thread that stores a decision cannot be: its place among the threads stays
    taken until it is done, and what it stores answers the same request when that is sent again.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.add_done_callback(_look_at)
        raise TooLate
    return task.result()


def _look_at(task: "asyncio.Task[Any]") -> None:
    """Nobody waits for its result any more; asyncio complains about an error that nobody has looked at."""
    if not task.cancelled():
        task.exception()
