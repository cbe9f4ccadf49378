"""A local server that behaves like a vendor's API, and misbehaves as told."""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.pull.clock import Clock

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[["Stub", Request, BaseHTTPRequestHandler], None]


class Stub:
    """Serves ``answer``; requests to paths in which ``at`` is found meet the ``faults`` first, one each."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.at = ""
        self.after = 0
        self.faults: deque[Fault] = deque()
        self.requests: list[Request] = []
        self.address = ""
        self.last_content: bytes = b""

    def fail(self, *faults: Fault, at: str, after: int = 0) -> None:
        """Meet the requests to ``at``, from the one numbered ``after`` on, with ``faults``, one each."""
        self.at, self.after, self.faults, self.last_content = at, after, deque(faults), b""

    def handle(self, request: Request, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(request)
        if self.faults and re.search(self.at, request.path):
            if self.after == 0:
                self.faults.popleft()(self, request, handler)
                return
            self.after -= 1
        answer = self.answer(request)
        content = json.dumps(answer.body).encode()
        if answer.status == 200 and re.search(self.at, request.path):
            self.last_content = content
        send(handler, answer.status, answer.headers, content)

    def asked(self, at: str) -> list[Request]:
        return [request for request in self.requests if re.search(at, request.path)]


def send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def served(answer: Callable[[Request], Answer]) -> Iterator[Stub]:
    stub = Stub(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: else each waits for the other side's delayed acknowledgement

        def _any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_json = "json" in self.headers.get("Content-Type", "")
            body = json.loads(content) if content and is_json else content.decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.handle(Request(self.command, parts.path, query, body, headers), self)

        do_GET = do_POST = _any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    stub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


def too_many(seconds: int) -> Fault:
    return status(429, '{"error": "slow down"}', Retry_After=str(seconds))


def status(code: int, text: str = "{}", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda stub, request, handler: send(handler, code, named, text.encode())


def content(text: str, kind: str = "application/json") -> Fault:
    return lambda stub, request, handler: send(handler, 200, {"Content-Type": kind}, text.encode())


def silence(seconds: float) -> Fault:
    def wait(stub: Stub, request: Request, handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return wait


def cut_off(stub: Stub, request: Request, handler: BaseHTTPRequestHandler) -> None:
    """Half of the answer, although its length was announced."""
    whole = json.dumps(stub.answer(request).body).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[: len(whole) // 2])
    handler.close_connection = True


def the_page_before(stub: Stub, request: Request, handler: BaseHTTPRequestHandler) -> None:
    """The last answer of this pull a second time."""
    content = stub.last_content or json.dumps(stub.answer(request).body).encode()
    send(handler, 200, {}, content)


@dataclass
class HeldClock:
    """A clock that only moves when somebody sleeps."""

    moment: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.moment, ticks=lambda: self.moment.timestamp(), sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)
