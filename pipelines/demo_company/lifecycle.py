"""What the desk does with a ticket: triage, handoffs, replies, mistakes, solution, rating, review."""

from dataclasses import dataclass, field
from random import Random

from pipelines.demo_company.agents import Agent, choose_agent, next_on_shift
from pipelines.demo_company.catalogue import INTENTS, LEVELS, QUEUES, rivals
from pipelines.demo_company.chance import quantile
from pipelines.demo_company.clock import DAY, HOUR, MINUTE
from pipelines.demo_company.tickets import Ticket

REVIEW_SHARE = 0.10
REVIEWER_RIGHT = {"intent": 0.99, "sentiment": 0.97}
MOODS = ("asking", "confused", "frustrated")


@dataclass(frozen=True)
class Review:
    """What one member of the quality team found."""

    reviewer: int
    moment: int
    intent: str
    sentiment: str


@dataclass(slots=True)
class Outcome:
    """Everything that happened to a ticket after its creation; moments in seconds, ``None`` for never."""

    first_queue: str
    agent: Agent
    assigned_at: int
    moves: list[tuple[int, str, Agent]]
    early_label: str | None
    label: str
    first_priority: str
    priority: str
    replied_at: int
    asked_back: bool
    customer_answered_at: int | None
    solved_at: int | None
    fixed: bool
    reopened_at: int | None = None
    solved_again_at: int | None = None
    csat: int | None = None
    csat_at: int | None = None
    confirmed_at: int | None = None
    escalation: str | None = None
    reviews: list[Review] = field(default_factory=list)

    @property
    def last_solved_at(self) -> int | None:
        """When it was solved for good, as far as the desk knows."""
        return self.solved_again_at or (self.solved_at if self.reopened_at is None else None)

    @property
    def last_agent(self) -> Agent:
        """Who held the ticket in the end."""
        return self.moves[-1][2] if self.moves else self.agent


def handle(rng: Random, ticket: Ticket, team: tuple[Agent, ...], offered: tuple[str, ...]) -> Outcome:
    """Play the ticket through the desk. ``offered`` are the intents that exist at that time."""
    intent = INTENTS[ticket.intent]
    first_queue = _triage(rng, ticket)
    agent = choose_agent(rng, team, first_queue, ticket.intent, ticket.contact.language)
    urgency = {"urgent": 0.3, "high": 0.6, "normal": 1.0, "low": 1.6}[ticket.priority]
    patience = {"email": 1.0, "web": 1.0, "social": 0.7, "chat": 0.15, "phone": 0.05}[ticket.channel]
    wait = int(quantile(rng, (2, 12, 30, 75, 300)) * MINUTE * urgency * patience)
    assigned_at = next_on_shift(agent, ticket.created_at + MINUTE + wait)
    moves = _handoffs(rng, ticket, team, first_queue, assigned_at)
    owner = moves[-1][2] if moves else agent
    received_at = moves[-1][0] if moves else assigned_at
    label = wrong_intent(rng, ticket.intent, offered) if rng.random() < owner.label_error else ticket.intent
    replied_at = next_on_shift(
        owner, received_at + int(quantile(rng, (2, 8, 20, 45, 160)) * MINUTE * urgency)
    )
    asked_back = rng.random() < {"clear": 0.14, "blurred": 0.45, "vague": 0.9}[ticket.clarity]
    answered_at = replied_at + int(quantile(rng, (0.1, 0.8, 4, 20)) * HOUR) if asked_back else None
    work = intent.effort_hours * owner.pace * urgency * quantile(rng, (0.25, 0.6, 1.0, 1.7, 5.0))
    abandoned = rng.random() < 0.03 + 0.04 * intent.severity
    solved_at = None if abandoned else next_on_shift(owner, (answered_at or replied_at) + int(work * HOUR))
    outcome = Outcome(
        first_queue=first_queue,
        agent=agent,
        assigned_at=assigned_at,
        moves=moves,
        early_label=_early_label(rng, ticket, offered),
        label=label,
        first_priority=_first_priority(rng, ticket),
        priority=_filed_priority(rng, ticket.priority),
        replied_at=replied_at,
        asked_back=asked_back,
        customer_answered_at=answered_at,
        solved_at=solved_at,
        fixed=False,
    )
    skilled = ticket.intent in owner.skills
    good = 0.95 - 0.16 * intent.severity - 0.05 * (not skilled) - 0.4 * (label != ticket.intent)
    outcome.fixed = solved_at is not None and rng.random() < good
    outcome.escalation = _escalation(rng, ticket)
    _aftermath(rng, ticket, outcome)
    _review(rng, ticket, outcome, team, offered)
    return outcome


def filed(rng: Random, ticket: Ticket) -> tuple[str, str]:
    """Queue and priority that the helpdesk's triggers give a ticket as it comes."""
    return _triage(rng, ticket), _first_priority(rng, ticket)


def _first_priority(rng: Random, ticket: Ticket) -> str:
    return ticket.claimed_urgency if ticket.claimed_urgency and rng.random() < 0.5 else "normal"


def _triage(rng: Random, ticket: Ticket) -> str:
    """The first queue: a crude guess, worse the less the text says."""
    right = INTENTS[ticket.intent].queue
    if rng.random() < {"clear": 0.80, "blurred": 0.62, "vague": 0.35}[ticket.clarity]:
        return right
    return "general" if rng.random() < 0.5 else rng.choice(QUEUES[:-1])


def _handoffs(
    rng: Random, ticket: Ticket, team: tuple[Agent, ...], queue: str, moment: int
) -> list[tuple[int, str, Agent]]:
    """Moves (when, to which queue, to whom) until the ticket is where it belongs."""
    right = INTENTS[ticket.intent].queue
    moves = []
    while queue != right:
        queue = right if rng.random() < 0.9 else rng.choice(QUEUES[:-1])
        agent = choose_agent(rng, team, queue, ticket.intent, ticket.contact.language)
        moment = next_on_shift(agent, moment + int(quantile(rng, (3, 15, 50, 200)) * MINUTE))
        moves.append((moment, queue, agent))
    return moves


def wrong_intent(rng: Random, intent: str, offered: tuple[str, ...]) -> str:
    """A mistaken label: mostly an intent that is easily taken for the right one."""
    near = [name for name in rivals(intent) if name in offered]
    others = [name for name in offered if name != intent]
    return rng.choice(near if near and rng.random() < 0.7 else others)


def _early_label(rng: Random, ticket: Ticket, offered: tuple[str, ...]) -> str | None:
    """What the first agent filed it under before working on it, in one ticket out of five."""
    if rng.random() >= 0.2:
        return None
    return wrong_intent(rng, ticket.intent, offered) if rng.random() < 0.25 else ticket.intent


def _filed_priority(rng: Random, priority: str) -> str:
    """The priority the agent sets: the right one, or a level beside it."""
    if rng.random() < 0.84:
        return priority
    place = LEVELS.index(priority) + rng.choice((-1, 1))
    return LEVELS[min(3, max(0, place))]


def _escalation(rng: Random, ticket: Ticket) -> str | None:
    """The kind of escalation an agent raised, if one did."""
    intent = INTENTS[ticket.intent]
    worth = ticket.account.version_at(ticket.created_at).dollars
    if intent.queue == "compliance" and intent.cluster == "privacy":
        kind, chance = "regulatory", 0.7
    elif ticket.outage and ticket.impact == 2:
        kind, chance = "crisis", 0.5
    elif intent.severity > 0.8 or (intent.severity > 0.5 and ticket.attempt > 2):
        kind, chance = "technical", 0.6
    elif worth > 90_000 and (ticket.mood == "frustrated" or ticket.intent == "cancel_subscription"):
        kind, chance = "account", 0.6
    else:
        return None
    return kind if rng.random() < chance else None


def _aftermath(rng: Random, ticket: Ticket, outcome: Outcome) -> None:
    """Reopening, rating and confirmation; fills ``outcome``."""
    if outcome.solved_at is None:
        return
    agent = outcome.last_agent
    if rng.random() < (0.03 if outcome.fixed else 0.5):
        outcome.reopened_at = outcome.solved_at + int(quantile(rng, (0.2, 3, 14, 60)) * HOUR)
        if rng.random() < 0.9:
            hours = INTENTS[ticket.intent].effort_hours * quantile(rng, (0.3, 0.8, 1.5, 5.0))
            outcome.solved_again_at = next_on_shift(
                agent, outcome.reopened_at + int(hours * HOUR) + 20 * MINUTE
            )
            outcome.fixed = rng.random() < 0.75
        else:
            outcome.fixed = False
    done_at = outcome.last_solved_at
    if done_at is None:
        return
    waited_days = (done_at - ticket.created_at) / DAY
    if rng.random() < (0.30 if outcome.fixed else 0.40):
        mean = 4.6 if outcome.fixed else 2.1
        mean -= {"asking": 0.0, "confused": 0.2, "frustrated": 0.9}[ticket.mood] + min(1.2, 0.2 * waited_days)
        outcome.csat = min(5, max(1, int(mean + quantile(rng, (-1.5, -0.3, 0.5, 1.5)) + 0.5)))
        outcome.csat_at = done_at + int(quantile(rng, (0.2, 3, 12, 70)) * HOUR)
    understood = outcome.label == ticket.intent or rng.random() < 0.02
    if (
        outcome.fixed
        and understood
        and rng.random() < (0.34 if INTENTS[ticket.intent].self_service else 0.18)
    ):
        outcome.confirmed_at = done_at + int(quantile(rng, (0.5, 6, 24, 96)) * HOUR)


def _review(
    rng: Random, ticket: Ticket, outcome: Outcome, team: tuple[Agent, ...], offered: tuple[str, ...]
) -> None:
    """Two members of the quality team look at one ticket in ten, a few days later; fills ``outcome``."""
    if rng.random() >= REVIEW_SHARE:
        return
    moment = (outcome.last_solved_at or outcome.replied_at) + 6 * HOUR
    for agent in rng.sample([a for a in team if a.reviewer], 2):
        moment = next_on_shift(agent, moment + int(quantile(rng, (1, 12, 40)) * HOUR))
        right = rng.random() < REVIEWER_RIGHT["intent"]
        intent = ticket.intent if right else wrong_intent(rng, ticket.intent, offered)
        sentiment = ticket.mood if rng.random() < REVIEWER_RIGHT["sentiment"] else rng.choice(MOODS)
        outcome.reviews.append(Review(agent.id, moment, intent, sentiment))
