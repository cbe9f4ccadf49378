"""Incidents: the hours in which many customers meet the same fault at once."""

from dataclasses import dataclass

from pipelines.demo_company.catalogue import INTENTS
from pipelines.demo_company.chance import quantile, stream, weighted
from pipelines.demo_company.clock import DAY, HOUR, Month, weekday

DAYS_BETWEEN_OUTAGES = 60
SYMPTOMS = {
    "service_outage": 4.0,
    "sso_login_failure": 1.0,
    "slow_performance": 1.5,
    "webhook_not_firing": 1.2,
    "crm_sync_broken": 1.2,
    "payment_failed": 0.8,
    "mobile_app_crash": 0.8,
}


@dataclass(frozen=True)
class Outage:
    """A fault from ``start`` to ``end`` (moments): ``reach`` is the share of accounts that it hits."""

    id: str
    symptom: str
    start: int
    end: int
    reach: float
    writes: float
    """Chance that an account which is hit writes to support."""

    @property
    def feature(self) -> str | None:
        """The product feature whose errors rise."""
        return INTENTS[self.symptom].feature


def plan_outages(seed: int, months: tuple[Month, ...]) -> tuple[Outage, ...]:
    """The outages of the whole history, oldest first, one every two months or so, never on a weekend."""
    outages: list[Outage] = []
    day = months[0].start
    number = 0
    while True:
        rng = stream(seed, "outage", number)
        day += int(DAYS_BETWEEN_OUTAGES * quantile(rng, (0.35, 0.9, 1.1, 1.65)))
        while weekday(day) > 4:
            day += 1
        if day >= months[-1].end - 1:
            return tuple(outages)
        start = day * DAY + 6 * HOUR + rng.randrange(11 * HOUR)
        length = int(quantile(rng, (0.6, 1.5, 2.5, 4.0, 9.0)) * HOUR)
        symptom = weighted(rng, SYMPTOMS)
        reach, writes = quantile(rng, (0.12, 0.2, 0.3, 0.45)), quantile(rng, (0.12, 0.2, 0.35))
        outages.append(Outage(f"outage-{number + 1}", symptom, start, start + length, reach, writes))
        number += 1


def is_hit(seed: int, outage: Outage, account_index: int) -> bool:
    """Whether the outage reached this account."""
    return stream(seed, outage.id, "hits", account_index).random() < outage.reach
