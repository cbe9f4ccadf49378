"""A vendor's API on this machine that keeps what it is sent and answers what a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Stub:
    """What was sent, and the statuses of the next answers; 200 when there are no more."""

    address: str = ""
    calls: list[tuple[str, str, dict, str]] = field(default_factory=list)
    """Method, path, body, Authorization."""
    statuses: list[int] = field(default_factory=list)


@contextmanager
def vendor_stub() -> Iterator[Stub]:
    """A stub that listens while the block runs."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = stub.statuses.pop(0) if stub.statuses else 200
            if status < 300:
                authorization = self.headers.get("Authorization", "")
                stub.calls.append((self.command, self.path, json.loads(body or b"{}"), authorization))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST = do_PATCH = _answer

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
