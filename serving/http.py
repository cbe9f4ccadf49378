"""The HTTP interface as an ASGI app: limited bodies, one schema of errors, scoring off the event loop."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.feedback import accept_feedback
from serving.logs import logger, where_raised
from serving.metrics import Metrics
from serving.problems import MAX_SHOWN_CHARS, Problem, shown
from serving.requests import FeedbackRequest, TriageRequest, parsed
from serving.settings import Settings
from serving.triage import TriageDesk

Handler = Callable[[Request], Awaitable[Response]]
MAX_QUEUE = 5000


class Api:
    """Handlers of one service around one desk."""

    def __init__(self, desk: TriageDesk, settings: Settings, metrics: Metrics) -> None:
        self._desk = desk
        self._settings = settings
        self._metrics = metrics
        self._scoring = CapacityLimiter(settings.scoring_threads)

    def app(self) -> Starlette:
        """The ASGI app with every route."""
        routes = [
            self._route("/triage", self._triage, "POST"),
            self._route("/feedback", self._feedback, "POST"),
            self._route("/queue", self._queue),
            self._route("/decisions/{decision_id}", self._decision),
            self._route("/healthz", self._healthz),
            self._route("/readyz", self._readyz),
            self._route("/metrics", self._metrics_page),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})

    def _route(self, path: str, handler: Handler, method: str = "GET") -> Route:
        async def answered(request: Request) -> Response:
            started = perf_counter()
            response = await _answer(handler, request)
            response.headers["X-Content-Type-Options"] = "nosniff"
            self._metrics.count_request(path, response.status_code, perf_counter() - started)
            return response

        return Route(path, answered, methods=[method])

    async def _triage(self, request: Request) -> Response:
        asked = parsed(TriageRequest, await self._body(request))
        self._check_moment(asked.as_of)
        answer = await run_sync(self._desk.triage, asked, _now(), limiter=self._scoring)
        if answer.new:
            decision = answer.decision
            self._metrics.count_decision(decision)
            logger().info(
                "decided",
                decision_id=decision.decision_id,
                ticket_id=decision.ticket_id,
                action=decision.action,
                queue=decision.route.queue,
                release=decision.release,
                degraded=decision.degraded,
            )
        return _json(answer.decision.model_dump_json())

    def _check_moment(self, as_of: datetime | None) -> None:
        """Raise ``Problem`` (403) where another moment than now is asked for and not allowed."""
        if as_of is not None and not self._settings.allow_as_of:
            raise Problem(
                403,
                "as_of",
                as_of.isoformat(),
                "leave it out, or start the service with FIRSTLINE_ALLOW_AS_OF=true",
            )

    async def _feedback(self, request: Request) -> Response:
        given = parsed(FeedbackRequest, await self._body(request))
        self._check_moment(given.as_of)
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 255:
            raise Problem(422, "Idempotency-Key", f"{len(key)} characters", "send 1 to 255 characters")
        feedback_id = await run_sync(accept_feedback, self._desk.store, given, _now(), key)
        self._metrics.count_feedback(given.verdict)
        return JSONResponse({"feedback_id": feedback_id, "decision_id": given.decision_id})

    async def _queue(self, request: Request) -> Response:
        limit = request.query_params.get("limit", "100")
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= MAX_QUEUE:
            raise Problem(422, "limit", shown(limit), f"send a whole number from 1 to {MAX_QUEUE}")
        entries = await run_sync(self._desk.store.open_queue, _now(), int(limit))
        return JSONResponse({"decisions": [entry.record for entry in entries]})

    async def _decision(self, request: Request) -> Response:
        decision_id = request.path_params["decision_id"]
        decision = await run_sync(self._desk.store.decision, decision_id)
        if decision is None:
            raise Problem(
                404, "decision_id", shown(decision_id), "send the decision_id that /triage answered"
            )
        return _json(decision.model_dump_json())

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _readyz(self, _request: Request) -> Response:
        state = await run_sync(self._desk.readiness)
        return JSONResponse(state.body, status_code=200 if state.ready else 503)

    async def _metrics_page(self, _request: Request) -> Response:
        return Response(await run_sync(self._metrics.page), media_type=Metrics.content_type)

    async def _body(self, request: Request) -> bytes:
        """The body, read no further than the limit. Raises ``Problem``: 415 or 413."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(415, "content type", shown(kind), "send application/json")
        limit = self._settings.max_body_bytes
        too_large = Problem(
            413, "body", f"more than {limit} bytes", "shorten the text or leave attachments out"
        )
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise too_large
        received = bytearray()
        async for chunk in request.stream():
            received += chunk
            if len(received) > limit:
                raise too_large
        return bytes(received)


async def _answer(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except Problem as problem:
        return _refused(problem)
    except ClientDisconnect:
        return Response(status_code=499)
    except SQLAlchemyError as error:
        _log_failure("store failed", error)
        again = "nothing was stored: send the request again later"
        return _refused(Problem(503, "store", type(error).__name__, again), {"Retry-After": "5"})
    except Exception as error:
        _log_failure("request failed", error)
        return _refused(Problem(500, "service", type(error).__name__, "report this with its time of day"))


async def _not_routed(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    found = f"{request.method} {request.url.path[:MAX_SHOWN_CHARS]!r}"
    routes = "use POST /triage or /feedback, GET /queue, /decisions/{id}, /healthz, /readyz or /metrics"
    return _refused(Problem(error.status_code, "route", found, routes), error.headers)


def _refused(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(problem.body, status_code=problem.status, headers=headers)


def _log_failure(event: str, error: Exception) -> None:
    """Type and place of ``error``; its message may quote a customer."""
    logger().error(event, error=type(error).__name__, at=where_raised(error))


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _now() -> datetime:
    return datetime.now(UTC)
