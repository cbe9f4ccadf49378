"""One account's way through the history, month by month: engagement, tickets, contract, perhaps the end."""

from dataclasses import dataclass, field
from random import Random

from pipelines.demo_company.agents import Agent
from pipelines.demo_company.catalogue import INTENTS, released
from pipelines.demo_company.chance import quantile, stream, weighted
from pipelines.demo_company.clock import DAY, HOUR, MINUTE, Month, month_of
from pipelines.demo_company.company import YEAR_DAYS, Account, Version
from pipelines.demo_company.lifecycle import Outcome, handle
from pipelines.demo_company.outages import Outage, is_hit
from pipelines.demo_company.tickets import (
    Cause,
    Mix,
    Ticket,
    intent_weights,
    moment_in_month,
    open_ticket,
    ordinary_number,
    outage_moment,
)

SLUMP_BEGINS, SLUMP_ENDS = 0.022, 0.22
LEAVES_BASE, LEAVES_IN_SLUMP, LEAVES_PER_UNREST = 0.0035, 0.085, 0.024
WRITES_AGAIN = 0.62
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class World:
    """What every account shares: seed, calendar, support team, outages, and the demand that fits the size."""

    seed: int
    months: tuple[Month, ...]
    team: tuple[Agent, ...]
    outages: tuple[Outage, ...]
    demand_scale: float

    @property
    def end(self) -> int:
        """First moment after the history."""
        return self.months[-1].end * DAY


@dataclass
class Journey:
    """What happened: tickets with outcomes, engagement (share of normal use) by month, why it left."""

    account: Account
    tickets: list[tuple[Ticket, Outcome]] = field(default_factory=list)
    engagement: list[float] = field(default_factory=list)
    left_on: int | None = None
    cause: str | None = None


def live(world: World, account: Account) -> Journey:
    """Simulate the account from the first month to the last, or until it leaves."""
    journey = Journey(account)
    rng = stream(world.seed, "journey", account.index)
    engagement, slump, unrest = 1.0, False, 0.0
    for month in world.months:
        if account.signed_up >= month.end or journey.left_on is not None:
            journey.engagement.append(engagement)
            continue
        slump = rng.random() >= SLUMP_ENDS if slump else rng.random() < SLUMP_BEGINS + 0.02 * unrest
        target = (
            engagement * quantile(rng, (0.45, 0.62, 0.8)) if slump else quantile(rng, (0.85, 0.98, 1.04, 1.2))
        )
        engagement = max(0.04, target if slump else 0.4 * engagement + 0.6 * target)
        journey.engagement.append(engagement)
        first = len(journey.tickets)
        _write_tickets(world, journey, rng, month, engagement, unrest)
        unrest = 0.55 * unrest + _annoyance([outcome for _, outcome in journey.tickets[first:]])
        _move_contract(rng, account, month, slump)
        _perhaps_leave(world, journey, rng, month, slump, unrest)
    left_at = journey.left_on * DAY if journey.left_on is not None else world.end
    journey.tickets = [(t, o) for t, o in journey.tickets if t.created_at < min(left_at, world.end)]
    return journey


def offered_intents(months: int, month: int) -> tuple[str, ...]:
    """The intents that exist in the given month of the history."""
    return tuple(n for n, i in INTENTS.items() if released(i.from_month, months) <= month)


def _write_tickets(
    world: World, journey: Journey, rng: Random, month: Month, engagement: float, unrest: float
) -> None:
    """The month's tickets: of the account's own accord, in outages, and again where nothing was solved."""
    account = journey.account
    renewal = account.version_at(month.start * DAY).renewal
    mix = Mix(month.index, len(world.months), engagement, renewal - month.start)
    weights = intent_weights(account, account.versions[-1], mix)
    causes = []
    for _ in range(ordinary_number(rng, account, month, engagement, world.demand_scale)):
        moment = moment_in_month(rng, month, account.language)
        if moment > (account.signed_up + 1) * DAY:
            causes.append(Cause(weighted(rng, weights), moment))
    for outage in world.outages:
        hit = month.holds(outage.start) and (account.signed_up + 1) * DAY < outage.start
        if hit and is_hit(world.seed, outage, account.index) and rng.random() < outage.writes:
            causes.append(
                Cause(outage.symptom, outage_moment(rng, outage.start, outage.end), outage=outage.id)
            )
    while causes:
        cause = causes.pop()
        now = month_of(world.months, cause.moment)
        if now is None:
            continue
        key = f"{account.index}:{len(journey.tickets)}"
        own = stream(world.seed, "ticket", key)
        ticket = open_ticket(own, account, cause, unrest, weights, key)
        outcome = handle(own, ticket, world.team, offered_intents(len(world.months), now.index))
        journey.tickets.append((ticket, outcome))
        again = _next_attempt(own, ticket, outcome)
        if again:
            causes.append(again)


def _next_attempt(rng: Random, ticket: Ticket, outcome: Outcome) -> Cause | None:
    """The customer's next message about an issue that was not solved, through another channel."""
    if outcome.fixed or ticket.attempt >= MOST_ATTEMPTS or rng.random() > WRITES_AGAIN:
        return None
    patience = int(quantile(rng, (5, 20, 48, 90, 170)) * HOUR)
    moment = max(ticket.created_at + patience, outcome.replied_at + 30 * MINUTE)
    return Cause(ticket.intent, moment, ticket.attempt + 1, ticket.channel, ticket.outage, ticket.contact)


def _annoyance(outcomes: list[Outcome]) -> float:
    """What a month's tickets leave behind: bad service is remembered, a good rating forgives a little.

    Divided by the root of their number: whoever writes often expects some to go wrong.
    """
    unsolved = sum(not outcome.fixed for outcome in outcomes)
    bad = sum(outcome.csat is not None and outcome.csat <= 2 for outcome in outcomes)
    good = sum(outcome.csat == 5 for outcome in outcomes)
    return (0.5 * unsolved + 0.4 * bad - 0.05 * good) / max(1, len(outcomes)) ** 0.5


def _move_contract(rng: Random, account: Account, month: Month, slump: bool) -> None:
    """Renewals that fall into the month, and now and then more or fewer seats."""
    now = account.versions[-1]
    renews = month.start <= now.renewal < month.end
    resizes = rng.random() < 0.025 and not account.key_account and account.signed_up < month.start
    if not renews and not resizes:
        return
    growth = quantile(rng, (0.7, 0.85, 1.0) if slump else (0.9, 1.0, 1.08, 1.3))
    if account.key_account:
        growth = max(1.0, growth)
    day = now.renewal if renews else rng.randrange(month.start, month.end)
    dollars = int(now.dollars * growth)
    account.versions.append(
        Version(
            known_at=day * DAY + 7 * HOUR + rng.randrange(10 * HOUR),
            plan=now.plan,
            status="Active",
            dollars=dollars,
            lifetime_dollars=now.lifetime_dollars + (dollars if renews else 0),
            seats=max(1, int(now.seats * growth)),
            renewal=now.renewal + YEAR_DAYS if renews else now.renewal,
        )
    )


def _perhaps_leave(
    world: World, journey: Journey, rng: Random, month: Month, slump: bool, unrest: float
) -> None:
    """Decide whether the account leaves next month: for reasons one could see, or for others."""
    account, now = journey.account, journey.account.versions[-1]
    near_renewal = 2.2 if 0 <= now.renewal - month.end <= 62 else 1.0
    seen = near_renewal * (LEAVES_IN_SLUMP * slump + LEAVES_PER_UNREST * max(0.0, unrest))
    unseen = (
        near_renewal
        * LEAVES_BASE
        * {"starter": 2.2, "team": 1.2, "business": 0.7, "enterprise": 0.3}[now.plan]
    )
    if rng.random() >= seen + unseen or account.key_account or account.signed_up > month.start - 45:
        return
    day = month.end + rng.randrange(28)
    moment = day * DAY + 9 * HOUR + rng.randrange(8 * HOUR)
    if moment >= world.end:
        return
    journey.left_on = day
    journey.cause = "visible" if rng.random() * (seen + unseen) < seen else "hidden"
    account.versions.append(
        Version(moment, now.plan, "Churned", 0, now.lifetime_dollars, 0, now.renewal, churned=day)
    )
