"""The morning queue: what lies unread at eight in the morning after the history, and what the night brought.

Most of it is the company's ordinary demand. A cast of six is planted in it: three large customers whose
renewal is near and who write plainly, somebody who reports the same issue for the fourth time and now in
capitals, a calm password reset, and a password reset by somebody who failed to sign in six times.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pipelines.demo_company.canonical import Row, event_rows, failed_login_row, request, ticket_row
from pipelines.demo_company.catalogue import HOURS, INTENTS
from pipelines.demo_company.chance import stream, weighted
from pipelines.demo_company.clock import DAY, HOUR, MINUTE, moment_text
from pipelines.demo_company.company import Account, Contact, Version
from pipelines.demo_company.journey import Journey, World
from pipelines.demo_company.lifecycle import filed
from pipelines.demo_company.simulation import simulate
from pipelines.demo_company.texts.synonyms import Vocabulary
from pipelines.demo_company.tickets import Cause, Mix, Ticket, intent_weights, open_ticket
from pipelines.demo_company.wording import Writer
from pipelines.params import DemoCompanyParams

MORNING_HOUR = 8
UNREAD_HOURS = 14
LARGE_DOLLARS, SOON_DAYS = 250_000, 45
REPEAT_SHARE = 0.05
FIRST_UNREAD, FIRST_EARLIER = 10_000_001, 5_000_001
PLAIN_INTENTS = (
    "dashboard_how_to",
    "export_data",
    "change_permissions",
    "notification_settings",
    "invite_user",
)


@dataclass
class MorningQueue:
    """``requests``: bodies for ``POST /triage``, in order of arrival. ``as_of``: the morning, ISO 8601.

    ``context``: rows of canonical tables that the desk learnt overnight, by table. ``cast``: the planted
    ticket ids by role: ``large_renewals`` (3), ``fourth_time``, ``calm_reset``, ``angry_reset`` (1 each).
    ``truth``: ticket id to intent.
    """

    as_of: str
    requests: list[Row] = field(default_factory=list)
    context: dict[str, list[Row]] = field(
        default_factory=lambda: {"accounts": [], "tickets": [], "ticket_events": [], "usage": []}
    )
    cast: dict[str, list[str]] = field(default_factory=dict)
    truth: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Night:
    """What the queue is made from: the world, who is still a customer, chance, and the morning (moment)."""

    world: World
    journeys: list[Journey]
    rng: Random
    seed: int
    as_of: int
    writer: Writer

    def now(self, account: Account) -> Version:
        return account.versions[-1]

    def is_large_and_renews_soon(self, account: Account) -> bool:
        version = self.now(account)
        days = version.renewal - self.as_of // DAY
        return version.dollars > LARGE_DOLLARS and 0 < days <= SOON_DAYS

    def weights(self, journey: Journey) -> dict[str, float]:
        months = len(self.world.months)
        renewal = self.now(journey.account).renewal - self.as_of // DAY
        mix = Mix(months - 1, months, journey.engagement[-1], renewal)
        return intent_weights(journey.account, self.now(journey.account), mix)


def morning_queue(
    params: DemoCompanyParams, *, seed: int = 1, size: int = 847, vocabulary: Vocabulary = "original"
) -> MorningQueue:
    """The unread tickets of one morning: ``size`` of them, the cast included. Same arguments, same queue.

    ``seed`` varies the queue, ``params`` names the company it comes from. Raises ``ValueError`` where the
    company is too small for the cast.
    """
    night = _night(params, seed, vocabulary)
    queue = MorningQueue(as_of=moment_text(night.as_of))
    tickets: list[tuple[Ticket, str]] = []
    for role, number, planted in _CAST:
        for place in range(number):
            taken = {ticket.account.index for ticket, _ in tickets}
            tickets.append((planted(night, queue, taken, place), role))
    planted_accounts = {ticket.account.index for ticket, _ in tickets}
    tickets.extend((ticket, "") for ticket in _ordinary(night, queue, planted_accounts, size - len(tickets)))
    tickets.sort(key=lambda pair: (pair[0].created_at, pair[0].key))
    for place, (ticket, role) in enumerate(tickets):
        ticket_id = str(FIRST_UNREAD + place)
        queue.truth[ticket_id] = ticket.intent
        by_triggers = filed(stream(params.seed, "morning triggers", seed, place), ticket)
        message = _message(night, ticket, role)
        queue.requests.append(request(ticket_id, ticket, message, by_triggers, queue.as_of))
        if role:
            queue.cast.setdefault(role, []).append(ticket_id)
    return queue


def _night(params: DemoCompanyParams, seed: int, vocabulary: Vocabulary) -> _Night:
    world, journeys = simulate(params)
    present = [j for j in journeys if j.left_on is None and (j.account.signed_up + 2) * DAY < world.end]
    rng = stream(params.seed, "morning", seed)
    writer = Writer(stream(params.seed, "morning texts", seed).randrange(2**32), vocabulary)
    return _Night(world, present, rng, seed, world.end + MORNING_HOUR * HOUR, writer)


def _message(night: _Night, ticket: Ticket, role: str) -> tuple[str, str]:
    """Subject and body; the fourth-time reporter shouts, the two resets ask in the same words."""
    subject, body = night.writer.message(ticket)
    if role == "fourth_time":
        return subject.upper(), body.upper()
    if role in ("calm_reset", "angry_reset"):
        return night.writer.same_request(ticket, key=f"reset:{night.seed}")
    return subject, body


def _ordinary(night: _Night, queue: MorningQueue, planted: set[int], number: int) -> Iterator[Ticket]:
    """The rest of the queue: ordinary demand, and second attempts at what the last days left unsolved."""
    journeys = [
        j for j in night.journeys
        if j.account.index not in planted and not night.is_large_and_renews_soon(j.account)
    ]  # fmt: skip
    demand = {place: journey.account.demand for place, journey in enumerate(journeys)}
    unsolved = [
        (journey, ticket)
        for journey in journeys
        for ticket, outcome in journey.tickets
        if not outcome.fixed and ticket.attempt == 1 and 0 < night.as_of - ticket.created_at < 10 * DAY
    ]
    for place in range(number):
        own = stream(night.world.seed, "morning", night.seed, place)
        moment = _arrival(night, own)
        if unsolved and own.random() < REPEAT_SHARE:
            journey, before = unsolved.pop(own.randrange(len(unsolved)))
            cause = Cause(before.intent, moment, 2, before.channel, None, before.contact)
        else:
            journey = journeys[weighted(own, demand)]
            cause = Cause(weighted(own, night.weights(journey)), moment)
        weights = night.weights(journey)
        ticket = open_ticket(own, journey.account, cause, 0.0, weights, f"morning:{night.seed}:{place}")
        if ticket.failed_sign_ins:
            failed_at = ticket.created_at - 20 * MINUTE
            queue.context["usage"].append(failed_login_row(ticket, failed_at, ticket.failed_sign_ins, 10))
        yield ticket


def _arrival(night: _Night, rng: Random) -> int:
    """A moment in the unread hours; more arrives where customers are awake."""
    first = night.as_of // HOUR - UNREAD_HOURS
    hours = {hour: HOURS[hour % 24] for hour in range(first, first + UNREAD_HOURS)}
    return weighted(rng, hours) * HOUR + rng.randrange(HOUR)


def _pick(
    night: _Night, taken: set[int], suits: Callable[[Account], bool], role: str
) -> tuple[Journey, Random]:
    """An account for a role: one that ``suits`` and that wrote nothing in the last month of the history."""
    fitting = [j for j in night.journeys if j.account.index not in taken and suits(j.account)]
    if not fitting:
        raise ValueError(
            f"no account of the demo company suits the role {role} of the morning queue: "
            f"{len(night.journeys)} customers are there; simulate at least 60 accounts"
        )
    quiet = [j for j in fitting if not j.tickets or night.as_of - j.tickets[-1][0].created_at > 30 * DAY]
    return night.rng.choice(quiet or fitting), stream(night.world.seed, "morning", night.seed, role)


def _plant(night: _Night, journey: Journey, rng: Random, cause: Cause, key: str, **truth: Any) -> Ticket:
    """A ticket with the given truths instead of the drawn ones."""
    ticket = open_ticket(
        rng, journey.account, cause, 0.0, night.weights(journey), f"morning:{night.seed}:{key}"
    )
    known: Mapping[str, Any] = {"clarity": "clear", "second_intent": None, "failed_sign_ins": 0, **truth}
    for name, value in known.items():
        setattr(ticket, name, value)
    return ticket


def _large_renewal(night: _Night, queue: MorningQueue, taken: set[int], place: int) -> Ticket:
    journey, _ = _pick(night, taken, night.is_large_and_renews_soon, "large_renewals")
    rng = stream(night.world.seed, "morning", night.seed, "large", place)
    cause = Cause(
        rng.choice(PLAIN_INTENTS), _arrival(night, rng), contact=rng.choice(journey.account.contacts)
    )
    plain = {"mood": "asking", "impact": 0, "claimed_urgency": None, "channel": "email"}
    ticket = _plant(night, journey, rng, cause, f"large:{place}", **plain)
    ticket.user = ticket.contact.users["email"]
    return ticket


def _fourth_time(night: _Night, queue: MorningQueue, taken: set[int], place: int) -> Ticket:
    """The fourth report of one issue; the three before go into the context, with what the desk did."""

    def suits(account: Account) -> bool:
        return (
            5_000 < night.now(account).dollars < 120_000
            and any({"social", "phone"} & set(c.users) for c in account.contacts)
        )  # fmt: skip

    journey, rng = _pick(night, taken, suits, "fourth_time")
    contact = next(c for c in journey.account.contacts if {"social", "phone"} & set(c.users))
    troubles = [n for n, i in INTENTS.items() if i.cluster in ("sync", "data") and 0.3 < i.severity < 0.7]
    known = [n for n in troubles if INTENTS[n].feature in journey.account.uses and not INTENTS[n].from_month]
    intent = rng.choice(known or troubles)
    last = "phone" if "phone" in contact.users else "social"
    for attempt, (days, channel, mood) in enumerate(
        ((9, "email", "asking"), (6, "chat", "confused"), (2, last, "frustrated")), start=1
    ):
        cause = Cause(intent, night.as_of - days * DAY + rng.randrange(6 * HOUR), attempt, contact=contact)
        earlier = _plant(night, journey, rng, cause, f"earlier:{attempt}", mood=mood, channel=channel)
        earlier.user = contact.users[channel]
        ticket_id = str(FIRST_EARLIER + attempt)
        queue.context["tickets"].append(ticket_row(ticket_id, earlier, night.writer.message(earlier)))
        queue.context["ticket_events"].extend(
            event_rows(ticket_id, earlier, _taker(night, intent), night.writer)
        )
    cause = Cause(intent, _arrival(night, rng), 4, contact=contact)
    ticket = _plant(night, journey, rng, cause, "fourth", mood="frustrated", channel="email")
    ticket.user = contact.users["email"]
    return ticket


def _taker(night: _Night, intent: str) -> int:
    return next(agent.id for agent in night.world.team if agent.queue == INTENTS[intent].queue)


def _reset(night: _Night, taken: set[int], role: str, mood: str) -> Ticket:
    def suits(account: Account) -> bool:
        english = any(c.language == "en" for c in account.contacts)
        return english and night.now(account).dollars < 60_000 and account.language == "en"

    journey, rng = _pick(night, taken, suits, role)
    contact: Contact = next(c for c in journey.account.contacts if c.language == "en")
    cause = Cause("password_reset", night.as_of - HOUR - rng.randrange(HOUR), contact=contact)
    truth = {"mood": mood, "impact": 0, "channel": "email", "claimed_urgency": None}
    ticket = _plant(night, journey, rng, cause, role, **truth)
    ticket.user = contact.users["email"]
    return ticket


def _calm_reset(night: _Night, queue: MorningQueue, taken: set[int], place: int) -> Ticket:
    return _reset(night, taken, "calm_reset", "asking")


def _angry_reset(night: _Night, queue: MorningQueue, taken: set[int], place: int) -> Ticket:
    ticket = _reset(night, taken, "angry_reset", "frustrated")
    for hours_before, failures in ((9, 4), (7, 2)):
        failed_at = night.as_of - hours_before * HOUR
        queue.context["usage"].append(failed_login_row(ticket, failed_at, failures, 25))
    ticket.failed_sign_ins = 6
    return ticket


_Planter = Callable[[_Night, MorningQueue, set[int], int], Ticket]
_CAST: tuple[tuple[str, int, _Planter], ...] = (
    ("large_renewals", 3, _large_renewal),
    ("fourth_time", 1, _fourth_time),
    ("calm_reset", 1, _calm_reset),
    ("angry_reset", 1, _angry_reset),
)
