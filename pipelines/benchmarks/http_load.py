"""A load generator for one processor core: HTTP/1.1 over kept connections, closed or at given moments."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

TIMEOUT_SECONDS = 30.0
NO_ANSWER = 0
"""Status of a request whose connection broke or whose answer did not come in time."""


@dataclass
class Answers:
    """What came back: requests by status, and milliseconds of those answered with 2xx."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def good_per_second(self) -> float:
        """Requests answered with 2xx, a second."""
        return len(self.milliseconds) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """The latency that ``share`` of the good answers stay below; ``NaN`` without any."""
        return float(np.quantile(self.milliseconds, share)) if self.milliseconds else float("nan")


def send(
    port: int,
    tickets: Iterator[Mapping[str, Any]],
    seconds: float,
    connections: int,
    per_second: float | None = None,
    path: str = "/triage",
) -> Answers:
    """``POST`` to ``path`` for ``seconds`` over ``connections``: as fast as answers come, or ``per_second``.

    At a given rate a latency counts from the moment the request was due, so that waiting for a free
    connection is not left out.
    """
    return asyncio.run(_send(port, path, tickets, seconds, connections, per_second))


async def _send(
    port: int,
    path: str,
    tickets: Iterator[Mapping[str, Any]],
    seconds: float,
    connections: int,
    per_second: float | None,
) -> Answers:
    answers, started = Answers(), time.perf_counter()
    due: Iterator[float | None] = repeat(None)
    if per_second is not None:
        due = (number / per_second for number in range(int(seconds * per_second)))
    lanes = [_lane(port, path, tickets, due, started, seconds, answers) for _ in range(connections)]
    await asyncio.gather(*lanes)
    answers.seconds = time.perf_counter() - started
    return answers


async def _lane(
    port: int,
    path: str,
    tickets: Iterator[Mapping[str, Any]],
    due: Iterator[float | None],
    started: float,
    seconds: float,
    answers: Answers,
) -> None:
    connection: _Connection | None = None
    for moment in due:
        now = time.perf_counter() - started
        if moment is None and now >= seconds:
            break
        if moment is not None and moment > now:
            await asyncio.sleep(moment - now)
        since = started + moment if moment is not None else time.perf_counter()
        try:
            connection = connection or await _Connection.to(port)
            status = await asyncio.wait_for(connection.post(path, next(tickets)), TIMEOUT_SECONDS)
        except (OSError, EOFError, TimeoutError):
            connection, status = None, NO_ANSWER
        answers.statuses[status] += 1
        if 200 <= status < 300:
            answers.milliseconds.append((time.perf_counter() - since) * 1000)
    if connection is not None:
        connection.close()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self._reader, self._writer = reader, writer
        self._head = f"Host: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"

    @classmethod
    async def to(cls, port: int) -> "_Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port), port)

    async def post(self, path: str, body: Mapping[str, Any]) -> int:
        """The status of the answer; its body is read and left. Raises ``EOFError`` where it ends early."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n"
        self._writer.write(head.encode() + data)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(line for line in answer.split("\r\n") if line.startswith("content-length:"))
        await self._reader.readexactly(int(length.partition(":")[2]))
        return int(answer.split(" ", 2)[1])

    def close(self) -> None:
        self._writer.close()
