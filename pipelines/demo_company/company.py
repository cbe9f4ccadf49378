"""Customer accounts: who they are, their people, and the versions of their contract that the CRM saw."""

from dataclasses import dataclass, field
from random import Random

from pipelines.demo_company.catalogue import FEATURES, LANGUAGES, PLANS
from pipelines.demo_company.chance import quantile, stream, weighted
from pipelines.demo_company.clock import DAY, HOUR, Month
from pipelines.demo_company.people import company_name, person_name, plain, salesforce_id

YEAR_DAYS = 365
KEY_ACCOUNT_DOLLARS = (262_000, 320_000, 410_000, 560_000)
"""Quantiles of the contracts that are made sure of: large, and up for renewal soon after the history."""


@dataclass(slots=True)
class Contact:
    """A person. ``users`` maps a channel to the Zendesk user id that channel's messages arrive under."""

    id: str
    number: int
    name: str
    language: str
    email: str
    other_email: str
    phone: str
    twitter: str
    users: dict[str, int]
    temper: float
    sloppiness: float
    shouts: bool
    created_at: int


@dataclass(slots=True)
class Version:
    """The contract as the CRM knew it from ``known_at`` on. Money in whole dollars, dates in days."""

    known_at: int
    plan: str
    status: str
    dollars: int
    lifetime_dollars: int
    seats: int
    renewal: int
    churned: int | None = None


@dataclass(slots=True)
class Account:
    """A customer company and its people. ``uses`` is the mean uses on an active day, by adopted feature."""

    index: int
    id: str
    organization: int
    name: str
    language: str
    segment: str
    signed_up: int
    owner: int
    demand: float
    key_account: bool
    uses: dict[str, float]
    active_days: dict[str, float]
    contacts: list[Contact] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)

    def version_at(self, moment: int) -> Version:
        """The contract as known just after ``moment``; the first one where none was known yet."""
        known = [v for v in self.versions if v.known_at <= moment]
        return known[-1] if known else self.versions[0]


def found_account(
    seed: int, index: int, accounts: int, months: tuple[Month, ...], vendor_staff: int
) -> Account:
    """Account number ``index`` at the moment it signs up, with its contacts and first contract."""
    rng = stream(seed, "account", index)
    key_account = index % max(1, accounts // 8) == 3 % max(1, accounts // 8)
    plan = "enterprise" if key_account else weighted(rng, {n: p.share for n, p in PLANS.items()})
    language = weighted(rng, LANGUAGES)
    signed_up, renewal = _contract_dates(rng, months, key_account)
    dollars = int(quantile(rng, KEY_ACCOUNT_DOLLARS if key_account else PLANS[plan].dollars))
    seats = int(quantile(rng, PLANS[plan].seats))
    name = company_name(rng, language, index)
    account = Account(
        index=index,
        id=salesforce_id("001", 7_000_000 + index * 37),
        organization=30_000_000 + index,
        name=name,
        language=language,
        segment={"starter": "small", "team": "small", "business": "mid-market", "enterprise": "enterprise"}[
            plan
        ],
        signed_up=signed_up,
        owner=rng.randrange(vendor_staff),
        demand=quantile(rng, (0.15, 0.5, 0.8, 1.2, 3.4)) * (1 + seats) ** 0.5,
        key_account=key_account,
        uses={},
        active_days={},
    )
    _adopt_features(rng, account, plan, seats)
    years = max(0, (months[0].start - signed_up) // YEAR_DAYS)
    known_at = signed_up * DAY + 9 * HOUR + rng.randrange(8 * HOUR)
    account.versions.append(Version(known_at, plan, "Active", dollars, dollars * (years + 1), seats, renewal))
    low, high = PLANS[plan].contacts
    account.contacts = [_contact(rng, account, n) for n in range(rng.randint(low, high))]
    return account


def _contract_dates(rng: Random, months: tuple[Month, ...], key_account: bool) -> tuple[int, int]:
    """Sign-up day, and the first renewal day on or after the history begins (or the sign-up, if later)."""
    start, end = months[0].start, months[-1].end
    if key_account:
        renewal = end + rng.randint(6, 42)
        signed_up = renewal - YEAR_DAYS * rng.randint(2, 5)
    elif rng.random() < 0.68:
        signed_up = start - rng.randint(10, 5 * YEAR_DAYS)
    else:
        signed_up = rng.randint(start, end - 20)
    renewal = signed_up + YEAR_DAYS
    while renewal < start:
        renewal += YEAR_DAYS
    return signed_up, renewal


def _adopt_features(rng: Random, account: Account, plan: str, seats: int) -> None:
    """Choose the features the account uses, and how much."""
    wanted = PLANS[plan].features
    size = (1 + seats) ** 0.5 * 2.2
    ranked = sorted(FEATURES, key=lambda name: rng.random() / FEATURES[name].popularity)
    adopted = {"sign_in", *ranked[:wanted]}
    for name, feature in FEATURES.items():
        if name in adopted:
            account.uses[name] = feature.uses * size * quantile(rng, (0.35, 0.8, 1.1, 1.5, 3.0))
            account.active_days[name] = min(0.98, feature.active_days * quantile(rng, (0.5, 1.0, 1.3, 1.9)))


def _contact(rng: Random, account: Account, number: int) -> Contact:
    """One person of the account; most write from several handles, which Zendesk holds as several users."""
    language = "en" if account.language != "en" and rng.random() < 0.10 else account.language
    name = person_name(rng, account.language)
    mailbox = ".".join(plain(part) for part in name.split())
    domain = f"{plain(''.join(account.name.split()[:3]))}.example"
    first_user = 20_000_000 + account.index * 100 + number * 4
    twitter = f"{plain(name.split()[0])}_{account.index}_{number}" if rng.random() < 0.5 else ""
    phone = f"+1555{account.index:05d}{number:02d}" if rng.random() < 0.7 else ""
    other_email = f"{plain(name)}.{account.index}.{number}@mail.example" if rng.random() < 0.3 else ""
    users = {"email": first_user, "web": first_user, "chat": first_user}
    if twitter:
        users["social"] = first_user + 1
    if phone:
        users["phone"] = first_user + 2
    if other_email:
        users["other_email"] = first_user + 3
    return Contact(
        id=salesforce_id("003", 9_000_000 + account.index * 1000 + number * 31),
        number=number,
        name=name,
        language=language,
        email=f"{mailbox}{number or ''}@{domain}",
        other_email=other_email,
        phone=phone,
        twitter=twitter,
        users=users,
        temper=quantile(rng, (0.2, 0.7, 1.0, 1.3, 2.4)),
        sloppiness=quantile(rng, (0.0, 0.004, 0.01, 0.02, 0.06)),
        shouts=rng.random() < 0.3,
        created_at=account.signed_up * DAY + 10 * HOUR + rng.randrange(12 * HOUR),
    )
