"""What each route does. Blocking work runs in threads: scoring in as many as the settings say."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from serving import answers
from serving.decision import Decision
from serving.deliveries import accept_delivery
from serving.endpoints import (
    AUDITORS,
    EVERYBODY,
    HELPDESK,
    PEOPLE,
    SPEAKERS,
    WATCHERS,
    Asked,
    Endpoint,
)
from serving.events import EventsRequest, OutcomeRequest, accept_events, accept_outcome
from serving.feedback import accept_feedback
from serving.helpdesks import Helpdesk
from serving.logs import logger
from serving.metrics import Metrics
from serving.moments import microseconds, moment
from serving.problems import Problem, shown
from serving.recent import Recent
from serving.replay import loaded_release, replay, stored
from serving.requests import BatchRequest, FeedbackRequest, PageQuery, TriageRequest
from serving.settings import Settings
from serving.ticket_context import ticket_context
from serving.triage import Answer, TriageDesk

IDEMPOTENCY_KEY = "idempotency-key"
NOT_ITS_MOMENT = "as_of is another moment than now, which needs the role admin"
UNKNOWN_DECISION = "send the decision_id that /triage answered"


class Handlers:
    """The handlers of one desk."""

    def __init__(
        self, desk: TriageDesk, metrics: Metrics, settings: Settings, helpdesks: Mapping[str, Helpdesk]
    ) -> None:
        self._desk = desk
        self._helpdesks = helpdesks
        self._metrics = metrics
        self._scoring = CapacityLimiter(settings.scoring_threads)
        self._threads = CapacityLimiter(settings.scoring_threads)
        self._waiting_seconds = settings.waiting_seconds
        self._settings = settings
        self._replayed_releases = Recent(size=2, seconds=600.0)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every route there is."""
        decided_before = {409: "the ticket was decided on another body"}
        gone = {404: "no decision has this id"}
        used = {409: "the idempotency key was used for another body"}
        return (
            Endpoint("POST", "/triage", self.triage, "Decide one ticket, once.", HELPDESK, Decision,
                     TriageRequest, refuses=decided_before | {404: "the decision was erased"}),
            Endpoint("POST", "/triage_batch", self.triage_batch, "Decide several tickets, each for itself.",
                     HELPDESK, answers.BatchAnswer, BatchRequest),
            Endpoint("POST", "/events", self.events, "Tell what happened at the desk and at customers.",
                     HELPDESK, answers.EventsAnswer, EventsRequest, refuses=used, idempotency="required"),
            Endpoint("POST", "/feedback", self.feedback, "Say what a person thinks of a decision.",
                     SPEAKERS, answers.FeedbackAnswer, FeedbackRequest, refuses=gone | used,
                     idempotency="optional"),
            Endpoint("POST", "/outcomes", self.outcomes, "Say how a ticket ended.", SPEAKERS,
                     answers.OutcomeAnswer, OutcomeRequest, idempotency="optional",
                     refuses={404: "no ticket has this id"} | used),
            Endpoint("GET", "/queue", self.queue, "Open decisions, most value at risk first.",
                     PEOPLE | WATCHERS, answers.QueuePage, query=PageQuery,
                     refuses={404: "no page has this cursor"}),
            Endpoint("GET", "/tickets/{ticket_id}/context", self.context, "A ticket for whoever takes it.",
                     PEOPLE, answers.TicketContext, refuses={404: "no ticket has this id"}),
            Endpoint("GET", "/decisions/{decision_id}", self.decision, "A stored decision.", EVERYBODY,
                     Decision, refuses=gone),
            Endpoint("GET", "/decisions/{decision_id}/replay", self.replay,
                     "Compute a decision again from its stored inputs and release.", AUDITORS,
                     answers.ReplayAnswer, refuses=gone | {409: "the release that decided is gone"}),
            Endpoint("POST", "/webhooks/{vendor}", self.webhook, "What a connected helpdesk pushes.", None,
                     answers.WebhookAnswer, signed_by_vendor=True,
                     refuses={401: "not signed by the vendor, or long ago", 404: "no such helpdesk",
                              429: "more requests than one address may make"}),
            Endpoint("GET", "/healthz", self.healthz, "Whether the process lives.", None, answers.Alive),
            Endpoint("GET", "/readyz", self.readyz, "Whether tickets can be decided and stored.", None,
                     answers.Ready, unready=True),
            Endpoint("GET", "/metrics", self.metrics, "Prometheus metrics.", WATCHERS, None,
                     media_type="text/plain"),
        )  # fmt: skip

    async def triage(self, asked: Asked) -> Response:
        """``POST /triage``."""
        return _json(await self._decide(asked, asked.body))

    async def triage_batch(self, asked: Asked) -> Response:
        """``POST /triage_batch``: each ticket is stored before the next one is decided."""
        results = []
        for request in asked.body.tickets:
            try:
                decision = await self._decide(asked, request)
                results.append(
                    answers.BatchResult(ticket_id=request.ticket_id, status=200, decision=decision)
                )
            except Problem as problem:
                fault = answers.Fault(**problem.error)
                results.append(
                    answers.BatchResult(ticket_id=request.ticket_id, status=problem.status, error=fault)
                )
        return _json(answers.BatchAnswer(results=results))

    async def _decide(self, asked: Asked, request: TriageRequest) -> Decision:
        check_moment(asked, request.as_of)
        answer = await self._scored(request)
        decision = answer.decision
        if answer.new:
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
        return decision

    async def _scored(self, request: TriageRequest) -> Answer:
        """The desk's answer, once a thread is free; 503 where that takes too long: waiting helps nobody."""
        try:
            with fail_after(self._waiting_seconds):
                await self._scoring.acquire()
        except TimeoutError:
            found = f"a queue of tickets longer than {self._waiting_seconds:g} seconds"
            again = "nothing was stored: send the ticket again later, or run more workers"
            raise Problem(503, "service", found, again, {"Retry-After": "1"}) from None
        try:
            return await run_sync(self._desk.triage, request, now(), limiter=self._threads)
        finally:
            self._scoring.release()

    async def events(self, asked: Asked) -> Response:
        """``POST /events``."""
        rows = sum(len(rows) for rows in asked.body.rows().values())
        key = asked.headers[IDEMPOTENCY_KEY]
        receipt = await run_sync(accept_events, self._desk.store, asked.body, now(), key)
        return _json(answers.EventsAnswer(receipt_id=receipt, rows=rows))

    async def feedback(self, asked: Asked) -> Response:
        """``POST /feedback``."""
        check_moment(asked, asked.body.as_of)
        key = asked.headers.get(IDEMPOTENCY_KEY)
        feedback_id = await run_sync(accept_feedback, self._desk.store, asked.body, now(), key)
        self._metrics.count_feedback(asked.body.verdict)
        return _json(answers.FeedbackAnswer(feedback_id=feedback_id, decision_id=asked.body.decision_id))

    async def outcomes(self, asked: Asked) -> Response:
        """``POST /outcomes``."""
        key = asked.headers.get(IDEMPOTENCY_KEY)
        event_id = await run_sync(accept_outcome, self._desk.store, asked.body, now(), key)
        return _json(answers.OutcomeAnswer(event_id=event_id, ticket_id=asked.body.ticket_id))

    async def queue(self, asked: Asked) -> Response:
        """``GET /queue``: later pages rank as of the moment of the first, so that no ticket is missed."""
        as_of, start = (now(), 0) if asked.query.cursor is None else _place(asked.query.cursor)
        end = start + asked.query.limit
        entries = await run_sync(self._desk.store.open_queue, as_of, end + 1)
        more = _cursor(as_of, end) if len(entries) > end else None
        return JSONResponse({"decisions": [entry.record for entry in entries[start:end]], "next": more})

    async def context(self, asked: Asked) -> Response:
        """``GET /tickets/{ticket_id}/context``."""
        ticket_id = asked.path["ticket_id"]
        found = await run_sync(ticket_context, self._desk.store, ticket_id)
        if found is None:
            raise Problem(404, "ticket_id", shown(ticket_id), "send a ticket that was triaged or ingested")
        return _json(found)

    async def decision(self, asked: Asked) -> Response:
        """``GET /decisions/{decision_id}``."""
        decision_id = asked.path["decision_id"]
        decision = await run_sync(self._desk.store.decision, decision_id)
        if decision is None:
            raise Problem(404, "decision_id", shown(decision_id), UNKNOWN_DECISION)
        return _json(decision)

    async def replay(self, asked: Asked) -> Response:
        """``GET /decisions/{decision_id}/replay``."""
        return _json(await run_sync(self._replayed, asked.path["decision_id"]))

    def _replayed(self, decision_id: str) -> answers.ReplayAnswer:
        with self._desk.store.reading() as connection:
            found = stored(connection, decision_id)
        if found is None:
            raise Problem(404, "decision_id", shown(decision_id), UNKNOWN_DECISION)
        decision, inputs = found
        release = self._replayed_releases.get(
            decision.release, lambda: loaded_release(self._settings, decision.release)
        )
        said = replay(release, decision, inputs)
        return answers.ReplayAnswer(
            decision_id=decision_id, outcome=said.outcome, release=said.release, differs=list(said.differs)
        )

    async def webhook(self, asked: Asked) -> Response:
        """``POST /webhooks/{vendor}``: durable when it is acknowledged, worked on afterwards."""
        vendor = asked.path["vendor"]
        helpdesk = self._helpdesks.get(vendor)
        if helpdesk is None:
            raise Problem(404, "vendor", shown(vendor), "connect it in the file FIRSTLINE_HELPDESKS")
        store = self._desk.store
        delivery_id, new = await run_sync(accept_delivery, store, helpdesk, asked.headers, asked.raw, now())
        return _json(answers.WebhookAnswer(delivery_id=delivery_id, new=new))

    async def healthz(self, _asked: Asked) -> Response:
        """``GET /healthz``."""
        return JSONResponse({"status": "alive"})

    async def readyz(self, _asked: Asked) -> Response:
        """``GET /readyz``."""
        state = await run_sync(self._desk.readiness)
        return JSONResponse(state.body, status_code=200 if state.ready else 503)

    async def metrics(self, _asked: Asked) -> Response:
        """``GET /metrics``."""
        return Response(await run_sync(self._metrics.page), media_type=Metrics.content_type)


def check_moment(asked: Asked, as_of: datetime | None) -> None:
    """Raise ``Problem`` (403) where another moment than now is asked for by anybody but an admin."""
    if as_of is not None and asked.caller.role != "admin":
        raise Problem(403, "as_of", as_of.isoformat(), f"leave it out: {NOT_ITS_MOMENT}")


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def _cursor(as_of: datetime, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([microseconds(as_of), start]).encode()).decode()


def _place(cursor: str) -> tuple[datetime, int]:
    try:
        place: Sequence[Any] = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        as_of, start = place
        if type(as_of) is not int or type(start) is not int or start < 0:
            raise ValueError("not a place")
        return moment(as_of), start
    except (ValueError, TypeError, OverflowError):
        raise Problem(404, "cursor", shown(cursor), "send the `next` of the page before") from None
