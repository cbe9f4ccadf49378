"""What each route does. Blocking work runs in threads: scoring in as many as the settings say."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from anyio import CapacityLimiter, fail_after
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from serving import answers
from serving.decision import Decision
from serving.deliveries import accept_delivery
from serving.endpoints import (
    EVERYBODY,
    HELPDESK,
    IDEMPOTENCY_KEY,
    PEOPLE,
    SPEAKERS,
    WATCHERS,
    Asked,
    Endpoint,
    as_json,
)
from serving.events import EventsRequest, OutcomeRequest, accept_events, accept_outcome
from serving.feedback import accept_feedback
from serving.helpdesks import Helpdesk
from serving.logs import logger, where_raised
from serving.metrics import Metrics
from serving.moments import now
from serving.open_tickets import queue_moment
from serving.oversight import UNKNOWN_DECISION, Oversight
from serving.pages import counted_place, cursor
from serving.problems import Problem, shown
from serving.requests import BatchRequest, FeedbackRequest, PageQuery, TriageRequest
from serving.review_deadlines import Overdue, overdue_reviews
from serving.settings import Settings
from serving.ticket_context import ticket_context
from serving.triage import Answer, TriageDesk
from serving.unstored import NotStored, SpareDesk

NOT_ITS_MOMENT = "as_of is another moment than now, which needs the role admin"


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
        self._oversight = Oversight(desk.store, settings)
        self._spare = SpareDesk(desk)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every route there is."""
        decided_before = {409: "the ticket was decided on another body"}
        gone = {404: "no decision has this id"}
        used = {409: "the idempotency key was used for another body"}
        return (
            Endpoint("POST", "/triage", self.triage, "Decide one ticket, once.", HELPDESK, Decision,
                     TriageRequest, refuses=decided_before | {404: "the decision was erased"},
                     not_stored=answers.NotStoredAnswer),
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
            *self._oversight.endpoints(),
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
        return as_json(await self._decide(asked, asked.body))

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
                unstored = problem.decision if isinstance(problem, NotStored) else None
                results.append(
                    answers.BatchResult(
                        ticket_id=request.ticket_id, status=problem.status, error=fault, decision=unstored
                    )
                )
        return as_json(answers.BatchAnswer(results=results))

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
        except SQLAlchemyError as error:
            decision = await run_sync(self._spare.decide, request, now(), limiter=self._threads)
            logger().error("store failed", error=type(error).__name__, at=where_raised(error))
            raise NotStored(type(error).__name__, decision) from None
        finally:
            self._scoring.release()

    async def events(self, asked: Asked) -> Response:
        """``POST /events``."""
        rows = sum(len(rows) for rows in asked.body.rows().values())
        key = asked.headers[IDEMPOTENCY_KEY]
        receipt = await run_sync(accept_events, self._desk.store, asked.body, now(), key)
        return as_json(answers.EventsAnswer(receipt_id=receipt, rows=rows))

    async def feedback(self, asked: Asked) -> Response:
        """``POST /feedback``."""
        check_moment(asked, asked.body.as_of)
        key = asked.headers.get(IDEMPOTENCY_KEY)
        feedback_id = await run_sync(accept_feedback, self._desk.store, asked.body, now(), key)
        self._metrics.count_feedback(asked.body.verdict)
        return as_json(answers.FeedbackAnswer(feedback_id=feedback_id, decision_id=asked.body.decision_id))

    async def outcomes(self, asked: Asked) -> Response:
        """``POST /outcomes``."""
        key = asked.headers.get(IDEMPOTENCY_KEY)
        event_id = await run_sync(accept_outcome, self._desk.store, asked.body, now(), key)
        return as_json(answers.OutcomeAnswer(event_id=event_id, ticket_id=asked.body.ticket_id))

    async def queue(self, asked: Asked) -> Response:
        """``GET /queue``: later pages rank as of the moment of the first, so that no ticket is missed."""
        place = asked.query.cursor
        as_of, start = (await run_sync(self._queue_moment), 0) if place is None else counted_place(place)
        end = start + asked.query.limit
        entries = await run_sync(self._desk.store.open_queue, as_of, end + 1)
        page = {
            "decisions": [entry.record for entry in entries[start:end]],
            "warnings": [late.in_words() for late in await run_sync(self._overdue)],
            "next": cursor(as_of, end) if len(entries) > end else None,
        }
        return JSONResponse(page)

    def _queue_moment(self) -> datetime:
        with self._desk.store.reading() as connection:
            return queue_moment(connection, now())

    def _overdue(self) -> list[Overdue]:
        with self._desk.store.reading() as connection:
            return overdue_reviews(connection, now())

    async def context(self, asked: Asked) -> Response:
        """``GET /tickets/{ticket_id}/context``."""
        ticket_id = asked.path["ticket_id"]
        found = await run_sync(ticket_context, self._desk.store, ticket_id)
        if found is None:
            raise Problem(404, "ticket_id", shown(ticket_id), "send a ticket that was triaged or ingested")
        return as_json(found)

    async def decision(self, asked: Asked) -> Response:
        """``GET /decisions/{decision_id}``."""
        decision_id = asked.path["decision_id"]
        decision = await run_sync(self._desk.store.decision, decision_id)
        if decision is None:
            raise Problem(404, "decision_id", shown(decision_id), UNKNOWN_DECISION)
        return as_json(decision)

    async def webhook(self, asked: Asked) -> Response:
        """``POST /webhooks/{vendor}``: durable when it is acknowledged, worked on afterwards."""
        vendor = asked.path["vendor"]
        helpdesk = self._helpdesks.get(vendor)
        if helpdesk is None:
            raise Problem(404, "vendor", shown(vendor), "connect it in the file FIRSTLINE_HELPDESKS")
        store = self._desk.store
        delivery_id, new = await run_sync(accept_delivery, store, helpdesk, asked.headers, asked.raw, now())
        return as_json(answers.WebhookAnswer(delivery_id=delivery_id, new=new))

    async def healthz(self, _asked: Asked) -> Response:
        """``GET /healthz``."""
        return JSONResponse({"status": "alive"})

    async def readyz(self, _asked: Asked) -> Response:
        """``GET /readyz``."""
        state = await run_sync(self._desk.readiness)
        return JSONResponse(state.body, status_code=200 if state.ready else 503)

    async def metrics(self, _asked: Asked) -> Response:
        """``GET /metrics``: what the store knows is left as it was while the store is away."""
        with suppress(SQLAlchemyError):
            late = await run_sync(self._overdue)
            self._metrics.set_overdue_reviews(sum(one.cases for one in late))
        return Response(await run_sync(self._metrics.page), media_type=Metrics.content_type)


def check_moment(asked: Asked, as_of: datetime | None) -> None:
    """Raise ``Problem`` (403) where another moment than now is asked for by anybody but an admin."""
    if as_of is not None and asked.caller.role != "admin":
        raise Problem(403, "as_of", as_of.isoformat(), f"leave it out: {NOT_ITS_MOMENT}")
