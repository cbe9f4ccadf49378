"""The desk: one request in, one durable decision out. Store -> features -> models -> policy -> store."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from features.rows import NO_ROWS, Rows
from features.text import ticket_text
from policy.desk import Desk
from policy.situation import Situation, Surge
from serving import context, same_issue
from serving.budgets import demotions
from serving.customer import Customer, missing_parts, theirs, ticket_row, without_ticket
from serving.decide import Judged, decide
from serving.decision import Decision
from serving.inputs import packed
from serving.logs import logger, where_raised
from serving.moments import time_ordered_id
from serving.opening import filed_with
from serving.paths import path_proof
from serving.people import person
from serving.problems import Problem, shown
from serving.recent import Recent
from serving.releases import Loaded, Releases
from serving.requests import TriageRequest
from serving.scoring import TicketScores, churn_risk, foresee, read_ticket, weigh_ticket
from serving.settings import Settings
from serving.shadow import Shadow, Shadowed
from serving.situations import (
    account_facts,
    agent_states,
    articles_about,
    columns_of,
    past_tickets,
    similar_solved,
    situation_of,
)
from serving.store import AlreadyAnswered, Store, open_store
from serving.to_people import nobody_known, to_people
from serving.trials import Trial, TrialScore, takes_part

SIMILAR_CANDIDATES = 20
"""Newest solved tickets about the same intent that are compared with the ticket."""
FAILED_RELEASE = "release failed"
"""What a decision names in ``degraded`` that the rules made because the release could not."""
REFERENCE_SECONDS = 60.0
"""How long agents, their load and articles are kept before they are read again."""


class Made(NamedTuple):
    """A decision with its ticket as a canonical row, and what it was made from, to be made again."""

    ticket: Rows
    decision: Decision
    inputs: bytes | None


class Answer(NamedTuple):
    """The decision about a ticket, and whether this request made it."""

    decision: Decision
    new: bool


@dataclass(frozen=True)
class Readiness:
    """Whether tickets can be decided and stored, and what is missing."""

    ready: bool
    release: str
    degraded: tuple[str, ...]

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {"ready": self.ready, "release": self.release, "degraded": list(self.degraded)}


class TriageDesk:
    """Decides tickets. Safe to use from several threads; every decision is stored before it is returned."""

    def __init__(self, store: Store, releases: Releases) -> None:
        self.store = store
        self._releases = releases
        self.shadow = Shadow(store, self._judged_beside)
        self._reference = Recent(size=32, seconds=REFERENCE_SECONDS)
        self._churn = Recent(size=20_000, seconds=24 * 3600.0)
        self._paths = Recent(size=1_000, seconds=24 * 3600.0)
        self._usual = Recent(size=1_000, seconds=24 * 3600.0)

    def triage(self, request: TriageRequest, now: datetime) -> Answer:
        """The decision about the ticket, made once: the same request again gets the stored one.

        Raises ``Problem`` (409) where the ticket was decided on another body.
        """
        before = self.store.answered("triage", request.ticket_id)
        if before is not None:
            return self._stored(request, before.body_hash, before.answer_id)
        at = (request.as_of or now).astimezone(UTC)
        tried = self._tried_on(request, at)
        made, failed = self._canary(request, at, tried)
        made = made or self.considered(request, at)
        try:
            self.store.accept_decision(
                made.decision, request.text, request.body_hash, made.ticket, made.inputs
            )
        except AlreadyAnswered as lost_race:
            return self._stored(request, lost_race.taken.body_hash, lost_race.taken.answer_id)
        if tried is not None and (failed or tried[0].mode == "shadow"):
            self.shadow.offer(Shadowed(request, made.decision, tried[1], failed))
        return Answer(made.decision, new=True)

    def considered(self, request: TriageRequest, at: datetime) -> Made:
        """A decision that nobody stored yet: by the release that serves, else by the rules, else to people.

        A part that fails on one ticket costs this ticket that part, and no ticket is refused for it. Raises
        ``SQLAlchemyError`` where the store cannot be read.
        """
        serving = self._releases.current()
        for loaded in (serving, self._releases.rules(FAILED_RELEASE)):
            made, _ = self._attempted(request, at, loaded)
            if made is not None:
                return made
        ticket = ticket_row(request, nobody_known(request), at)
        return Made(ticket, to_people(request, serving.desk, at), None)

    def _attempted(self, request: TriageRequest, at: datetime, loaded: Loaded) -> tuple[Made | None, str]:
        """A decision, or the type of the error in its way. Raises ``SQLAlchemyError``."""
        try:
            return self._decided(request, at, loaded), ""
        except SQLAlchemyError:
            raise
        except Exception as error:
            failed = type(error).__name__
            logger().error("not decided", release=loaded.id, error=failed, at=where_raised(error))
            return None, failed

    def _tried_on(self, request: TriageRequest, at: datetime) -> tuple[Trial, Loaded] | None:
        """The trial that the ticket's account takes part in; a stranger is an account of their own."""
        self._releases.current()
        trial = self._releases.trial()
        if trial is None:
            return None
        account = request.account_id
        if account is None:
            with self.store.reading() as connection:
                who = person(connection, request.contact_id, request.contact_handle, at)
            account = (who.account_id or who.contact_id) if who else None
        return trial if takes_part(trial[0], account or request.ticket_id) else None

    def _canary(
        self, request: TriageRequest, at: datetime, tried: tuple[Trial, Loaded] | None
    ) -> tuple[Made | None, str]:
        if tried is None or tried[0].mode != "canary":
            return None, ""
        return self._attempted(request, at, tried[1])

    def _judged_beside(self, ticket: Shadowed) -> TrialScore:
        """What the challenger says about a ticket that was decided; nothing of it has an effect."""
        decision, challenger = ticket.decision, ticket.challenger
        started = perf_counter()
        made, failed = None, ticket.failed
        if not failed:
            made, failed = self._attempted(ticket.request, decision.at, challenger)
        score = TrialScore(decision.decision_id, challenger.id, decision.at, failed=failed or None)
        if made is None:
            return score
        said = made.decision
        return score._replace(
            intent=said.intent.name,
            probability=said.intent.probability,
            queue=said.route.queue,
            action=said.action,
            milliseconds=1000 * (perf_counter() - started),
        )

    def with_store(self, store: Store) -> "TriageDesk":
        """A desk of the same releases on another store."""
        return TriageDesk(store, self._releases)

    def readiness(self) -> Readiness:
        """Whether the store answers, and which release serves."""
        try:
            self.store.check()
        except SQLAlchemyError:
            return Readiness(False, "unknown", ("store unreachable",))
        loaded = self._releases.current()
        return Readiness(True, loaded.id, loaded.degraded)

    def warm_up(self) -> None:
        """Decide a ticket of nobody without storing it: the first customer does not wait for imports."""
        request = TriageRequest(
            ticket_id="warm-up", channel="web", subject="Hello", body="Where is my invoice?"
        )
        self._decided(request, datetime.now(UTC), self._releases.current())

    def keep_up(self, settled: Callable[[], None]) -> None:
        """Follow promotions in a thread; ``settled`` is called when another release has come to serve."""
        self._releases.keep_up(settled)

    def close(self) -> None:
        """Let go of the releases and the store."""
        self._releases.leave_off()
        self.shadow.finish()
        self.store.close()

    def _stored(self, request: TriageRequest, body_hash: str, decision_id: str) -> Answer:
        if body_hash != request.body_hash:
            raise Problem(
                409,
                "ticket_id",
                f"{shown(request.ticket_id)} was decided on another body, as {decision_id}",
                "a ticket is decided once: send the same body, or a new ticket_id",
            )
        decision = self.store.decision(decision_id)
        if decision is None:
            raise Problem(404, "decision_id", shown(decision_id), "it was erased: send a new ticket_id")
        return Answer(decision, new=False)

    def _decided(self, request: TriageRequest, at: datetime, loaded: Loaded) -> Made:
        customer = self._customer(request, at)
        ticket = ticket_row(request, customer, at)
        scores = read_ticket(loaded.release, ticket, customer.history)
        weigh_ticket(loaded.release, scores, ticket, customer.history, customer.known_intents)
        foresee(loaded.release, scores, ticket, self._filed(request, ticket, loaded, at))
        risk = self._churn_risk(loaded, customer, at)
        account = account_facts(customer.account_id, scores, customer.history, risk, at)
        text = ticket_text(request.subject, request.body)
        surge, similar = self._same_issue(loaded.desk, scores, request, text, at)
        agents, load, articles = self._reference.get(_minute(at), lambda: self._read_reference(_minute(at)))
        situation = situation_of(
            ticket,
            scores,
            account,
            customer.contact_name,
            surge,
            loaded.release,
            past_tickets(
                theirs(customer),
                customer.history["ticket_events"],
                dict(columns_of(customer.known_intents, "ticket_id", "intent")),
                customer.contact_id,
                text,
            ),
            similar,
            articles_about(articles, scores.intent.intent, scores.text("language") or "und"),
            at,
            (*loaded.degraded, *scores.degraded, *missing_parts(request, customer, loaded, at)),
        )
        situation = self._with_proofs(situation, loaded.desk)
        judged = Judged(
            agent_states(agents, load, customer.history, customer.contact_id),
            scores.intent.alternatives,
            scores.priority.reasons if scores.priority else None,
            loaded.id,
        )
        decision = decide(loaded.desk, situation, judged, time_ordered_id(at))
        return Made(ticket, decision, packed(scores.features, situation, judged, scores.vector))

    def _customer(self, request: TriageRequest, at: datetime) -> Customer:
        with self.store.reading() as connection:
            who = person(connection, request.contact_id, request.contact_handle, at)
            account_id = request.account_id or (who.account_id if who else None)
            contact_id = who.contact_id if who else None
            history = without_ticket(
                context.history_for(connection, account_id, contact_id, at), request.ticket_id
            )
            ids = history["tickets"].values("ticket_id")
            intents = context.known_intents(connection, ids, history["ticket_events"], at)
        name, writer = (who.name, who.writer) if who else (None, None)
        return Customer(account_id, contact_id, writer, name, history, intents)

    def _filed(self, request: TriageRequest, ticket: Rows, loaded: Loaded, at: datetime) -> Rows:
        if loaded.release is None or loaded.release.outcomes is None:
            return NO_ROWS
        with self.store.reading() as connection:
            return filed_with(ticket, request.opening, context.told_of(connection, request.ticket_id, at))

    def _churn_risk(self, loaded: Loaded, customer: Customer, at: datetime) -> float | None:
        release, account_id = loaded.release, customer.account_id
        if release is None or account_id is None or not len(customer.history["accounts"]):
            return None
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return self._churn.get(
            (release.id, account_id, day), lambda: churn_risk(release, account_id, customer.history, day)
        )

    def _same_issue(
        self, desk: Desk, scores: TicketScores, request: TriageRequest, text: str, at: datetime
    ) -> tuple[Surge, tuple[Any, ...]]:
        intent = scores.intent.intent
        if intent is None or scores.intent.out_of_scope:
            with self.store.reading() as connection:
                return same_issue.unnamed_surge(connection, text, desk.surges.alike, at), ()
        day = _midnight(at)
        usual = self._usual.get((intent, day), lambda: self._read_usual(intent, day))
        with self.store.reading() as connection:
            surge = same_issue.surge(connection, intent, at, usual, request.product_area)
            tickets, events = same_issue.solved_about(connection, intent, at, SIMILAR_CANDIDATES)
        intents = dict.fromkeys(tickets.values("ticket_id"), intent)
        return surge, similar_solved(past_tickets(tickets, events, intents, None, text))

    def _read_usual(self, intent: str, day: datetime) -> float:
        with self.store.reading() as connection:
            return same_issue.usual_per_day(connection, intent, day)

    def _with_proofs(self, situation: Situation, desk: Desk) -> Situation:
        """``situation`` with how well the path of its intent has worked, and whether it was demoted."""
        intent = situation.intent
        if intent is None or situation.out_of_scope:
            return situation
        day = situation.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
        proof = self._paths.get((intent, day), lambda: path_proof(self.store, desk, intent, day))
        demoted = self._reference.get("demotions", self._read_demotions).get(intent)
        return replace(situation, path=proof.record, path_success=proof.lower_bound, demoted_because=demoted)

    def _read_demotions(self) -> dict[str, str]:
        with self.store.reading() as connection:
            return demotions(connection)

    def _read_reference(self, at: datetime) -> tuple[Rows, dict[str, int], Rows]:
        with self.store.reading() as connection:
            return (
                context.reference(connection, "agents", at),
                context.open_tickets_by_agent(connection, at),
                context.reference(connection, "articles", at),
            )


def open_desk(settings: Settings) -> TriageDesk:
    """The desk on the store and releases that ``settings`` name. Raises ``DeskError`` for broken rules."""
    store = open_store(settings)
    return TriageDesk(
        store, Releases(store, settings.releases, settings.desk, settings.pointer_check_seconds)
    )


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _minute(at: datetime) -> datetime:
    return at - timedelta(seconds=at.second, microseconds=at.microsecond)
