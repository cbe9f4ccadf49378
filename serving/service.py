"""The BentoML service: opens the store and the desk in each worker, and hosts the HTTP interface.

Start it with ``python -m serving``. BentoML keeps ``/livez``; ``OwnProbes`` hands ``/healthz`` and
``/readyz`` to the interface, whose answers say what is missing.
"""

import gc

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http import Api
from serving.logs import configure_logs, logger
from serving.metrics import Metrics
from serving.settings import Settings
from serving.triage import open_desk

REQUEST_SECONDS = 10.0
"""BentoML keeps every request in memory for this long: a short limit keeps garbage collection short."""


class Interface:
    """The mounted ASGI app: the one that the worker opened, wherever BentoML asks for it."""

    def __init__(self) -> None:
        self.opened: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. Raises ``RuntimeError`` before the worker has opened the desk."""
        if self.opened is None:
            raise RuntimeError("the service is not open: BentoML constructs Worker before the first request")
        await self.opened(scope, receive, send)


interface = Interface()


class OwnProbes:
    """Middleware that answers the probes by the interface instead of BentoML's empty ones."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one request."""
        own = scope["type"] == "http" and scope["path"] in ("/healthz", "/readyz")
        await (interface if own else self._app)(scope, receive, send)


class Worker:
    """One worker: its store, its desk, and the interface around them."""

    def __init__(self) -> None:
        configure_logs()
        settings = Settings()
        self._desk = open_desk(settings)
        interface.opened = Api(self._desk, settings, Metrics()).app()

    @bentoml.on_startup
    def warm_up(self) -> None:
        """Touch every code path once, then leave what is loaded out of garbage collection."""
        self._desk.warm_up()
        gc.collect()
        gc.freeze()
        logger().info("ready", **self._desk.readiness().body)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Let go of the store."""
        self._desk.store.close()


Firstline = bentoml.service(
    name="firstline",
    workers=1,
    traffic={"timeout": REQUEST_SECONDS},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)(Worker)
Firstline.mount_asgi_app(interface)
Firstline.add_asgi_middleware(OwnProbes)
