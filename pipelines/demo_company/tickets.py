"""Why a customer writes: which intent, who, when, through which channel, in what mood, how urgently."""

from dataclasses import dataclass
from random import Random

from pipelines.demo_company.catalogue import CHANNELS, HOURS, INTENTS, LEVELS, SEASON, WEEKDAYS, released
from pipelines.demo_company.chance import count, quantile, weighted
from pipelines.demo_company.clock import DAY, HOUR, MINUTE, Month, weekday
from pipelines.demo_company.company import Account, Contact, Version

LANGUAGE_CLOCK = {"en": 5, "de": -1, "fr": -1, "es": -1, "pt": 0}
"""Hours to add to local office time to get UTC."""
SIGN_IN_TROUBLE = {"password_reset": 0.45, "account_locked": 0.85, "two_factor_lockout": 0.3}
"""Share of these tickets that failed log-ins precede."""


@dataclass(slots=True)
class Ticket:
    """A ticket as the customer meant it: the truth behind the text. Moments in seconds."""

    account: Account
    contact: Contact
    created_at: int
    channel: str
    user: int | None
    intent: str
    second_intent: str | None
    mood: str
    clarity: str
    impact: int
    """0: one person, 1: a team, 2: the whole company."""
    failed_sign_ins: int
    attempt: int
    """1 for the first report of an issue, 2 for the second, ..."""
    priority: str
    claimed_urgency: str | None
    outage: str | None
    key: str
    """Names the ticket's own streams of chance."""


@dataclass(frozen=True)
class Mix:
    """What moves an account's demand in a month: share of usage left, days to renewal, month of history."""

    month: int
    months: int
    engagement: float
    days_to_renewal: int


def intent_weights(account: Account, version: Version, mix: Mix) -> dict[str, float]:
    """Demand by intent for an account in a month."""
    weights = {}
    for name, intent in INTENTS.items():
        if intent.from_month:
            age = mix.month - released(intent.from_month, mix.months)
            weights[name] = 0.0 if age < 0 else intent.weight * (1.5 if age < 2 else 1.0)
        else:
            weights[name] = intent.weight
        if intent.feature and intent.feature not in account.uses:
            weights[name] *= 0.25
    if version.plan in ("starter", "team"):
        for name, factor in (("sso_login_failure", 0.1), ("legal_question", 0.4), ("training_request", 0.5)):
            weights[name] *= factor
    if 0 <= mix.days_to_renewal <= 75:
        weights["renewal_question"] *= 5
        weights["change_plan"] *= 2
    if mix.engagement < 0.6:
        weights["cancel_subscription"] *= 4
        weights["refund_request"] *= 2
    return weights


def moment_in_month(rng: Random, month: Month, language: str) -> int:
    """A moment at which customers write: mostly office hours of working days."""
    while True:
        day = rng.randrange(month.start, month.end)
        if rng.random() * 1.15 < WEEKDAYS[weekday(day)]:
            break
    hour = rng.choices(range(24), HOURS)[0] + LANGUAGE_CLOCK[language]
    return min(month.end * DAY - 1, max(month.start * DAY, day * DAY + hour * HOUR + rng.randrange(HOUR)))


def ordinary_number(rng: Random, account: Account, month: Month, engagement: float, scale: float) -> int:
    """How many tickets the account opens in a month of its own accord."""
    alive_days = month.end - max(month.start, account.signed_up)
    share = max(0.0, alive_days / 30)
    newcomer = 1.6 if month.start - account.signed_up < 60 else 1.0
    trouble = 1.25 if engagement < 0.7 else 1.0
    return count(rng, account.demand * scale * share * SEASON[month.calendar_month] * newcomer * trouble)


def channel_for(rng: Random, contact: Contact, avoid: str | None = None) -> tuple[str, int]:
    """A channel the person can use (preferably not ``avoid``) and the Zendesk user it arrives under."""
    weights = {c: w for c, w in CHANNELS.items() if c in contact.users and c != avoid}
    channel = weighted(rng, weights)
    user = contact.users[channel]
    if channel == "email" and "other_email" in contact.users and rng.random() < 0.3:
        user = contact.users["other_email"]
    return channel, user


def failed_sign_ins_before(rng: Random, intent: str) -> int:
    """How often the person failed to sign in shortly before writing."""
    if rng.random() >= SIGN_IN_TROUBLE.get(intent, 0.0):
        return 0
    return int(quantile(rng, (1, 2.2, 3.2, 5, 9)))


def mood_for(
    rng: Random, ticket_intent: str, contact: Contact, failed: int, attempt: int, unrest: float
) -> str:
    """Asking, confused or frustrated. ``unrest`` (0 up) is what the account remembers of bad service."""
    intent = INTENTS[ticket_intent]
    frustrated = (0.05 + intent.irritates + 0.12 * unrest) * contact.temper
    frustrated += 0.34 * min(attempt - 1, 2) + (0.09 * (failed - 3) if failed > 3 else 0.0)
    if rng.random() < frustrated:
        return "frustrated"
    confused = 0.32 if intent.cluster in ("howto", "data", "signin") else 0.18
    return "confused" if rng.random() < confused else "asking"


def true_priority(
    version: Version, intent: str, mood: str, impact: int, attempt: int, outage: bool, day: int
) -> str:
    """What the priority ought to be: work stopped, worth of the account, repeats, frustration, outage."""
    score = INTENTS[intent].severity * 0.95 + 0.17 * impact + 0.16 * min(attempt - 1, 3)
    score += {"asking": 0.0, "confused": 0.03, "frustrated": 0.16}[mood]
    score += (
        0.12 * (version.dollars > 20_000)
        + 0.14 * (version.dollars > 90_000)
        + 0.10 * (version.dollars > 250_000)
    )
    score += 0.14 * (version.dollars > 90_000 and 0 <= version.renewal - day <= 60) + 0.2 * outage
    return LEVELS[(score > 0.27) + (score > 0.66) + (score > 1.0)]


def claimed_urgency(rng: Random, priority: str, mood: str) -> str | None:
    """What the customer ticks in the form: mostly nothing, otherwise only loosely the truth."""
    if rng.random() < 0.45:
        return None
    if rng.random() < (0.55 if mood == "frustrated" else 0.12):
        return "urgent"
    return priority if rng.random() < 0.35 else rng.choice(LEVELS)


@dataclass(frozen=True)
class Cause:
    """What brings a ticket about: an intent at a moment, the earlier attempts, an outage behind it."""

    intent: str
    moment: int
    attempt: int = 1
    previous_channel: str | None = None
    outage: str | None = None
    contact: Contact | None = None


def open_ticket(
    rng: Random, account: Account, cause: Cause, unrest: float, weights: dict[str, float], key: str
) -> Ticket:
    """The ticket that ``cause`` makes somebody of the account write."""
    contact = cause.contact or account.contacts[int(len(account.contacts) * rng.random() * rng.random())]
    version = account.version_at(cause.moment)
    intent = cause.intent
    failed = failed_sign_ins_before(rng, intent) if cause.outage is None else 0
    attempt = cause.attempt
    mood = mood_for(rng, intent, contact, failed, attempt, unrest + (1.5 if cause.outage else 0.0))
    by_size = {"starter": 0.1, "team": 0.2, "business": 0.3, "enterprise": 0.4}[version.plan]
    impact = (rng.random() < by_size + (0.35 if cause.outage else 0.0)) * (1 + (rng.random() < 0.3))
    priority = true_priority(
        version, intent, mood, impact, attempt, cause.outage is not None, cause.moment // DAY
    )
    channel, user = channel_for(rng, contact, cause.previous_channel)
    second = weighted(rng, weights) if rng.random() < 0.07 else None
    clarity = weighted(rng, {"clear": 0.79, "blurred": 0.165, "vague": 0.045})
    unknown_sender = channel == "social" and rng.random() < 0.08
    return Ticket(
        account=account,
        contact=contact,
        created_at=cause.moment,
        channel=channel,
        user=None if unknown_sender else user,
        intent=intent,
        second_intent=second if second != intent else None,
        mood=mood,
        clarity=clarity,
        impact=impact,
        failed_sign_ins=failed,
        attempt=attempt,
        priority=priority,
        claimed_urgency=claimed_urgency(rng, priority, mood),
        outage=cause.outage,
        key=key,
    )


def outage_moment(rng: Random, start: int, end: int) -> int:
    """When somebody hit by an outage writes: soon after it starts, some only afterwards."""
    return start + 4 * MINUTE + int((end - start + HOUR) * rng.random() * rng.random())
