"""Routes for those who answer for the desk: weekly reviews, incidents, and why a decision was made."""

from anyio.to_thread import run_sync
from starlette.responses import Response

from serving import answers
from serving.decision import Decision
from serving.endpoints import (
    AUDITORS,
    IDEMPOTENCY_KEY,
    LEADS,
    PEOPLE,
    WATCHERS,
    Asked,
    Endpoint,
    as_json,
)
from serving.explain import explained
from serving.incidents import incident_list
from serving.inputs import Inputs
from serving.moments import now
from serving.pages import cursor, keyed_place
from serving.problems import Problem, shown
from serving.recent import Recent
from serving.releases import Loaded
from serving.replay import loaded_release, replay, stored
from serving.requests import PageQuery
from serving.reviews import (
    ReviewCase,
    ReviewQuery,
    ReviewRequest,
    Standing,
    accept_review,
    review_cases_page,
    standings,
)
from serving.settings import Settings
from serving.store import Store

UNKNOWN_DECISION = "send the decision_id that /triage answered"


class Oversight:
    """The handlers of these routes."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._releases = Recent(size=2, seconds=600.0)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every one of these routes."""
        no_page = {404: "no page has this cursor"}
        gone = {404: "no decision has this id", 409: "the release that decided is gone"}
        return (
            Endpoint("GET", "/reviews", self.reviews, "Decisions drawn for leadership to look at.", LEADS,
                     answers.ReviewsPage, query=ReviewQuery, refuses=no_page),
            Endpoint("POST", "/reviews", self.review, "Say what leadership found of a drawn decision.", LEADS,
                     answers.ReviewAnswer, ReviewRequest, idempotency="optional",
                     refuses={404: "the decision was not drawn",
                              409: "looked at before, or the idempotency key was used for another body"}),
            Endpoint("GET", "/incidents", self.incidents, "The same issue across customers, newest first.",
                     PEOPLE | WATCHERS, answers.IncidentsPage, query=PageQuery, refuses=no_page),
            Endpoint("GET", "/decisions/{decision_id}/explain", self.explain,
                     "Why the models said what they said.", PEOPLE | WATCHERS, answers.ExplainAnswer,
                     refuses=gone),
            Endpoint("GET", "/decisions/{decision_id}/replay", self.replay,
                     "Compute a decision again from its stored inputs and release.", AUDITORS,
                     answers.ReplayAnswer, refuses=gone),
        )  # fmt: skip

    async def reviews(self, asked: Asked) -> Response:
        """``GET /reviews``."""
        return as_json(await run_sync(self._reviews, asked.query))

    def _reviews(self, query: ReviewQuery) -> answers.ReviewsPage:
        at, after = now(), None if query.cursor is None else keyed_place(query.cursor)
        with self._store.reading() as connection:
            cases = review_cases_page(connection, query.status, at, query.limit + 1, after)
            standing = standings(connection, at)
        page = cases[: query.limit]
        more = cursor(page[-1].due_at, page[-1].decision_id) if len(cases) > query.limit else None
        return answers.ReviewsPage(cases=[*map(_case, page)], intents=[*map(_standing, standing)], next=more)

    async def review(self, asked: Asked) -> Response:
        """``POST /reviews``."""
        key = asked.headers.get(IDEMPOTENCY_KEY)
        review_id = await run_sync(accept_review, self._store, asked.body, now(), key)
        return as_json(answers.ReviewAnswer(review_id=review_id, decision_id=asked.body.decision_id))

    async def incidents(self, asked: Asked) -> Response:
        """``GET /incidents``."""
        return as_json(await run_sync(self._incidents, asked.query))

    def _incidents(self, query: PageQuery) -> answers.IncidentsPage:
        after = None if query.cursor is None else keyed_place(query.cursor)
        with self._store.reading() as connection:
            rows = incident_list(connection, now(), query.limit + 1, after)
        found = [answers.Incident(**row) for row in rows[: query.limit]]
        more = cursor(found[-1].opened_at, found[-1].incident_id) if len(rows) > query.limit else None
        return answers.IncidentsPage(incidents=found, next=more)

    async def explain(self, asked: Asked) -> Response:
        """``GET /decisions/{decision_id}/explain``."""
        return as_json(await run_sync(self._explained, asked.path["decision_id"]))

    def _explained(self, decision_id: str) -> answers.ExplainAnswer:
        decision, inputs = self._stored(decision_id)
        if decision is None:
            raise Problem(404, "decision_id", shown(decision_id), "it was erased: nothing is left to explain")
        return explained(self._loaded(decision.release), decision, inputs)

    async def replay(self, asked: Asked) -> Response:
        """``GET /decisions/{decision_id}/replay``."""
        return as_json(await run_sync(self._replayed, asked.path["decision_id"]))

    def _replayed(self, decision_id: str) -> answers.ReplayAnswer:
        decision, inputs = self._stored(decision_id)
        if decision is None:
            return answers.ReplayAnswer(decision_id=decision_id, outcome="erased", release="", differs=[])
        said = replay(self._loaded(decision.release), decision, inputs)
        return answers.ReplayAnswer(
            decision_id=decision_id, outcome=said.outcome, release=said.release, differs=list(said.differs)
        )

    def _stored(self, decision_id: str) -> tuple[Decision | None, Inputs | None]:
        with self._store.reading() as connection:
            found = stored(connection, decision_id)
        if found is None:
            raise Problem(404, "decision_id", shown(decision_id), UNKNOWN_DECISION)
        return found

    def _loaded(self, release_id: str) -> Loaded:
        loaded: Loaded = self._releases.get(release_id, lambda: loaded_release(self._settings, release_id))
        return loaded


def _case(case: ReviewCase) -> answers.ReviewCase:
    told = case._asdict() | {"wrong": list(case.wrong), "probability": case.sampled / case.population}
    return answers.ReviewCase(**told)


def _standing(standing: Standing) -> answers.ReviewStanding:
    found = standing.automated
    told = None if found is None else answers.AutomatedPrecision(**found.__dict__)
    return answers.ReviewStanding(**standing._asdict() | {"automated": told})
