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
    asked: list[str] = field(default_factory=list)
    """Paths that were only read, and logins."""
    logins: int = 200
    """The status of every login."""
    bodies: dict[str, list[object]] = field(default_factory=dict)
    """Path -> the bodies of its next answers; the last one stays. Others are answered without a body."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer that refuses."""


def composite(status: int, code: str | None = None) -> dict:
    """Salesforce's answer to a composite request: with 200, whatever its parts say."""
    failed = [] if code is None else [{"errorCode": code, "message": "no"}]
    halted = [] if code is None else [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}]
    return {"compositeResponse": [{"httpStatusCode": 400 if failed else status, "body": halted},
                                  {"httpStatusCode": status, "body": failed}]}  # fmt: skip


def is_refusal(body: object) -> bool:
    """Whether the vendor carried out nothing of a request that it answers with ``body``."""
    parts = body.get("compositeResponse", ()) if isinstance(body, dict) else ()
    return any(part["httpStatusCode"] >= 300 for part in parts)


@contextmanager
def vendor_stub() -> Iterator[Stub]:
    """A stub that listens while the block runs."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_effect = self.headers.get("Content-Type") == "application/json"
            status = 200
            if is_effect and stub.statuses:
                status = stub.statuses.pop(0)
            elif self.headers.get("Content-Type") == "application/x-www-form-urlencoded":
                status = stub.logins
            bodies = stub.bodies.get(self.path, [None])
            body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
            if not is_effect:
                stub.asked.append(self.path)
            elif status < 300 and not is_refusal(body):
                authorization = self.headers.get("Authorization", "")
                stub.calls.append((self.command, self.path, json.loads(sent), authorization))
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in stub.headers.items() if status >= 300 else ():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_PATCH = _answer

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
