"""The BentoML service: opens the store and the desk in each worker, and hosts the HTTP interface.

Start it with ``python -m serving``. BentoML supervises the worker and keeps ``/livez``; everything else is
the interface's: bodies, errors, probes and metrics.
"""

import ctypes
import gc
import os
import signal
import threading
import time
from contextlib import suppress

import bentoml
from _bentoml_sdk import Service
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.chores import Chores
from serving.helpdesks import load_helpdesks
from serving.http import Api
from serving.logs import configure_logs, logger
from serving.metrics import Metrics
from serving.settings import Settings
from serving.triage import open_desk

_SUPERVISOR_CHECK_SECONDS = 1.0


class Interface:
    """The ASGI app of this process, whichever asks for it: the worker opens it before the first request."""

    def __init__(self) -> None:
        self.opened: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises ``RuntimeError`` before the worker has opened the desk."""
        if self.opened is None:
            raise RuntimeError("the interface is not open: BentoML constructs Worker first")
        await self.opened(scope, receive, send)


interface = Interface()


class OwnRoutes:
    """Hands every request but BentoML's liveness probe to the interface, before BentoML's own middleware."""

    def __init__(self, bentoml_app: ASGIApp) -> None:
        self._bentoml = bentoml_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one request."""
        theirs = scope["type"] != "http" or scope["path"] == "/livez"
        await (self._bentoml if theirs else interface)(scope, receive, send)


class Hosted(Service):
    """A BentoML service whose requests do not pass through BentoML's middleware.

    Its ``TimeoutMiddleware`` starts a timer for each request and never cancels it, so that everything a
    request held stays in memory, and in garbage collection, for the whole time limit. The interface has a
    time limit of its own (``serving.deadline``).
    """

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """What BentoML's worker hands to uvicorn."""
        return OwnRoutes(super().to_asgi(is_main=is_main))


def end_with(supervisor: int) -> None:
    """End this worker when its supervisor is gone: an orphan would keep the port and nobody could stop it."""
    while os.getppid() == supervisor:
        time.sleep(_SUPERVISOR_CHECK_SECONDS)
    logger().error("supervisor gone", supervisor=supervisor)
    os.kill(os.getpid(), signal.SIGTERM)


def _return_free_memory() -> None:
    """Give the system what was freed after loading; without glibc there is nothing to ask for it."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class Worker:
    """One worker: its store, its desk, and the interface around them."""

    def __init__(self) -> None:
        configure_logs()
        settings = Settings()
        self._desk = open_desk(settings)
        helpdesks = load_helpdesks(settings.helpdesks)
        self._chores = Chores(self._desk, helpdesks)
        interface.opened = Api(self._desk, settings, Metrics(), helpdesks).app()

    @bentoml.on_startup
    def warm_up(self) -> None:
        """Touch every code path once, then leave what is loaded out of garbage collection."""
        self._settle()
        self._desk.keep_up(self._settle)
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
        self._chores.start()
        logger().info("ready", **self._desk.readiness().body)

    def _settle(self) -> None:
        """After a release came to serve; the one before, which was left out as well, is let go of."""
        self._desk.warm_up()
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _return_free_memory()

    @bentoml.on_shutdown
    def close(self) -> None:
        """Let go of the store."""
        self._chores.stop()
        self._desk.close()


Firstline = bentoml.service(
    name="firstline",
    service_class=Hosted,
    workers=1,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)(Worker)
