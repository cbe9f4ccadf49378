"""The scoring service as a child process: started, waited for, stopped at the end or killed on purpose."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving.client import FirstlineClient
from serving.settings import Settings

START_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 20


class ServiceNotReady(ValueError):
    """The service ended or did not become ready in time. Names its log."""


@dataclass(frozen=True)
class ServiceProcess:
    """A running service: its address, a client for it, and its supervisor process."""

    client: FirstlineClient
    process: subprocess.Popen[bytes]
    settings: Settings

    def kill(self) -> None:
        """``kill -9`` of the supervisor and its workers, whatever they are doing."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask the service to end; kill it where it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_TIMEOUT_SECONDS)
        finally:
            self.kill()


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_service(
    settings: Settings,
    log: Path,
    environment: Mapping[str, str] | None = None,
    attempts: int = 4,
    key: str | None = None,
) -> Iterator[ServiceProcess]:
    """The service on a free port, ready for requests; stopped at the end, whatever happens.

    Its output is appended to ``log``; ``environment`` adds to the settings'; the client tries each call
    ``attempts`` times, with ``key``. Without a key it runs in development mode. Raises ``ServiceNotReady``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    settings = settings.model_copy(update={"port": free_port(settings.host), "development": key is None})
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving"],
            env={**settings.as_environment(), **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    client = FirstlineClient(f"http://{settings.host}:{settings.port}", attempts=attempts, key=key)
    service = ServiceProcess(client, process, settings)
    try:
        _wait_until_ready(service, log)
        yield service
    finally:
        service.stop()


def _wait_until_ready(service: ServiceProcess, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not service.client.is_ready():
        if service.process.poll() is not None:
            raise ServiceNotReady(f"the service ended before it was ready; see {log}")
        if time.monotonic() > deadline:
            raise ServiceNotReady(f"the service is not ready after {START_TIMEOUT_SECONDS} s; see {log}")
        time.sleep(0.1)
