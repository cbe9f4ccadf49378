"""The support team: who works when, on what, in which languages, how fast, and how often they slip."""

from dataclasses import dataclass
from random import Random

from pipelines.demo_company.catalogue import INTENTS, LANGUAGES, QUEUES
from pipelines.demo_company.chance import quantile, stream, weighted
from pipelines.demo_company.clock import DAY, HOUR, weekday
from pipelines.demo_company.people import person_name, plain

GROUP_IDS = {queue: 5_000_001 + place for place, queue in enumerate(QUEUES)}
TICKETS_PER_AGENT = 900
REVIEWERS = 5
LABEL_ERROR = 0.04
_QUEUE_SHARE = {
    "access": 0.22, "billing": 0.20, "product": 0.26, "integrations": 0.12, "engineering": 0.06,
    "relationship": 0.05, "compliance": 0.05, "general": 0.04,
}  # fmt: skip


@dataclass(frozen=True)
class Agent:
    """A person in support; a shift is eight hours from ``shift_start`` (UTC) on ``days`` (0 = Monday)."""

    id: int
    name: str
    email: str
    queue: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    shift_start: int
    days: tuple[int, ...]
    pace: float
    """Working time relative to the median agent."""
    label_error: float
    """Chance that the intent they file a ticket under is wrong; the mean over the team is 4 %."""
    reviewer: bool = False


def hire_team(seed: int, tickets: int) -> tuple[Agent, ...]:
    """Agents for a desk of this size (at least two per queue), then the quality team."""
    number = max(2 * len(QUEUES), tickets // TICKETS_PER_AGENT)
    queues = [QUEUES[n % len(QUEUES)] for n in range(2 * len(QUEUES))]
    agents = []
    for place in range(number):
        rng = stream(seed, "agent", place)
        queue = queues[place] if place < len(queues) else weighted(rng, _QUEUE_SHARE)
        agents.append(_agent(rng, place, queue, reviewer=False))
    for place in range(number, number + REVIEWERS):
        agents.append(_agent(stream(seed, "agent", place), place, "general", reviewer=True))
    return tuple(agents)


def _agent(rng: Random, place: int, queue: str, reviewer: bool) -> Agent:
    own = [name for name, intent in INTENTS.items() if intent.queue == queue]
    skills = tuple(sorted(rng.sample(own, max(1, len(own) * 2 // 3)))) if own else ()
    others = [code for code in LANGUAGES if code != "en" and rng.random() < 0.35]
    first_day = rng.choice((0, 0, 0, 1, 2))
    name = person_name(rng, weighted(rng, LANGUAGES))
    return Agent(
        id=10_000_001 + place,
        name=name,
        email=f"{plain(name)}.{place}@vendor.example",
        queue=queue,
        skills=skills,
        languages=("en", *others),
        shift_start=rng.choice((0, 6, 7, 8, 8, 9, 13, 14, 15, 16)),
        days=tuple(sorted((first_day + n) % 7 for n in range(5))),
        pace=quantile(rng, (0.6, 0.85, 1.0, 1.2, 1.7)),
        label_error=LABEL_ERROR * quantile(rng, (0.3, 0.8, 1.2, 1.7)),
        reviewer=reviewer,
    )


def next_on_shift(agent: Agent, moment: int) -> int:
    """The first moment from ``moment`` on at which the agent works."""
    for day in range(moment // DAY - 1, moment // DAY + 9):
        if weekday(day) in agent.days:
            start = day * DAY + agent.shift_start * HOUR
            if moment < start + 8 * HOUR:
                return max(moment, start)
    raise ValueError(f"agent {agent.id} has no shift on days {agent.days}")


def choose_agent(rng: Random, team: tuple[Agent, ...], queue: str, intent: str, language: str) -> Agent:
    """Whoever takes the ticket: of the queue's agents, skill and language make it likelier, not certain."""
    weights = {
        place: (3.0 if intent in agent.skills else 1.0) * (4.0 if language in agent.languages else 0.5)
        for place, agent in enumerate(team)
        if agent.queue == queue and not agent.reviewer
    }
    return team[weighted(rng, weights)]
