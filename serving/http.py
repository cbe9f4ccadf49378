"""The HTTP interface as an ASGI app: every request through one door, one schema of errors."""

from collections.abc import Mapping
from time import perf_counter

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.deadline import TooLate, within
from serving.door import DEVELOPER, SECURITY_HEADERS, Door
from serving.endpoints import IDEMPOTENCY_KEY, Asked, Endpoint
from serving.handlers import Handlers
from serving.helpdesks import Helpdesk
from serving.keys import KeyRing
from serving.logs import logger, where_raised
from serving.metrics import Metrics
from serving.openapi import document
from serving.problems import MAX_SHOWN_CHARS, RETRY_AFTER_SECONDS, Problem, shown
from serving.requests import parsed, parsed_query
from serving.settings import Settings
from serving.triage import TriageDesk


class Api:
    """The interface of one service around one desk."""

    def __init__(
        self,
        desk: TriageDesk,
        settings: Settings,
        metrics: Metrics,
        helpdesks: Mapping[str, Helpdesk] | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._door = Door(settings, KeyRing(desk.store, settings.pointer_check_seconds))
        self._handlers = Handlers(desk, metrics, settings, helpdesks or {})

    def app(self) -> Starlette:
        """The ASGI app with every route, and its OpenAPI document at ``/openapi.json``."""
        endpoints = self._handlers.endpoints()
        described = document(endpoints)

        async def openapi(request: Request) -> Response:
            return await self._answered(request, None, described)

        routes = [self._route(endpoint) for endpoint in endpoints]
        routes.append(Route("/openapi.json", openapi, methods=["GET"]))
        return Starlette(routes=routes, exception_handlers={HTTPException: self._not_routed})

    def _route(self, endpoint: Endpoint) -> Route:
        async def answered(request: Request) -> Response:
            started = perf_counter()
            response = await self._answered(request, endpoint)
            seconds = perf_counter() - started
            self._metrics.count_request(endpoint.path, response.status_code, seconds)
            return response

        return Route(endpoint.path, answered, methods=[endpoint.method])

    async def _answered(
        self, request: Request, endpoint: Endpoint | None, content: object | None = None
    ) -> Response:
        try:
            self._door.check_host(request.headers)
            if endpoint is not None:
                response: Response = await within(
                    self._settings.request_seconds, self._let_in(request, endpoint)
                )
            else:
                response = JSONResponse(content)
        except Problem as problem:
            response = _refused(problem)
        except ClientDisconnect:
            response = Response(status_code=499)
        except TooLate:
            response = _refused(_too_late(self._settings.request_seconds))
        except SQLAlchemyError as error:
            _log_failure("store failed", error)
            again = "nothing was stored: send the request again later"
            headers = {"Retry-After": RETRY_AFTER_SECONDS}
            response = _refused(Problem(503, "store", type(error).__name__, again, headers))
        except Exception as error:
            _log_failure("request failed", error)
            response = _refused(
                Problem(500, "service", type(error).__name__, "report this with its time of day")
            )
        response.headers.update(SECURITY_HEADERS)
        return response

    async def _let_in(self, request: Request, endpoint: Endpoint) -> Response:
        caller = DEVELOPER
        address = request.client.host if request.client else ""
        if endpoint.signed_by_vendor:
            self._door.count_unsigned(address)
        if endpoint.roles is not None:
            caller = await self._door.admit(request.headers, address, endpoint.roles)
        _check_key(request.headers, endpoint)
        query = parsed_query(endpoint.query, request.query_params.multi_items())
        path = {name: value.replace("\x00", "\ufffd") for name, value in request.path_params.items()}
        raw = await self._body(request) if endpoint.has_body else b""
        body = parsed(endpoint.takes, raw) if endpoint.takes is not None else None
        return await endpoint.handler(Asked(caller, body, raw, query, path, request.headers))

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

    async def _not_routed(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        found = f"{request.method} {request.url.path[:MAX_SHOWN_CHARS]!r}"
        problem = Problem(
            error.status_code, "route", found, "GET /openapi.json lists the routes", error.headers
        )
        response = _refused(problem)
        response.headers.update(SECURITY_HEADERS)
        return response


def _check_key(headers: Mapping[str, str], endpoint: Endpoint) -> None:
    key = headers.get(IDEMPOTENCY_KEY)
    if endpoint.idempotency == "none":
        return
    if key is None and endpoint.idempotency == "required":
        raise Problem(422, "Idempotency-Key", "nothing", "send one, so that a repeated request counts once")
    if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Problem(422, "Idempotency-Key", f"{len(key)} characters", "send 1 to 255 of printable ASCII")


def _too_late(seconds: float) -> Problem:
    again = "send the same request again: what was stored meanwhile is answered, and nothing is done twice"
    return Problem(504, "service", f"no answer within {seconds:g} seconds", again)


def _refused(problem: Problem) -> Response:
    return JSONResponse(problem.body, status_code=problem.status, headers=problem.headers)


def _log_failure(event: str, error: Exception) -> None:
    """Type and place of ``error``; its message may quote a customer."""
    logger().error(event, error=type(error).__name__, at=where_raised(error))
