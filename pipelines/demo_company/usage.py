"""Daily usage by account and feature, in bulk; and failed log-ins, which are exported within the hour."""

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.demo_company.catalogue import FEATURES, SIGN_IN, released
from pipelines.demo_company.chance import array_stream, quantile, stream
from pipelines.demo_company.clock import DAY, HOUR, MINUTE, Month, day_text, moment_text, weekday
from pipelines.demo_company.journey import Journey, World
from pipelines.demo_company.outages import is_hit

HEADER = "account_id,contact_id,day,feature,events,errors,seconds,exported_at"
EXPORT_HOUR = 2
ERROR_RATE = 0.012
WEEKEND = 0.12
Failure = tuple[int, str]
"""(exported_at, CSV line)"""


def failed_sign_in_rows(seed: int, journeys: Sequence[Journey]) -> list[Failure]:
    """Rows of failed log-ins, ordered by export: those behind tickets, and harmless ones that led to none."""
    rows = []
    for journey in journeys:
        for ticket, _ in journey.tickets:
            if ticket.failed_sign_ins:
                rng = stream(seed, "failures", ticket.key)
                last = ticket.created_at - int(quantile(rng, (6, 20, 45, 160)) * MINUTE)
                exported = min(last + int(quantile(rng, (1, 8, 25, 55)) * MINUTE), ticket.created_at - 30)
                rows.append(
                    (
                        exported,
                        failure_row(
                            journey.account.id, ticket.contact.id, last, ticket.failed_sign_ins, exported
                        ),
                    )
                )
        rows.extend(_harmless_failures(seed, journey))
    return sorted(rows)


def _harmless_failures(seed: int, journey: Journey) -> Iterator[Failure]:
    """People who mistype their password now and then and get in without help."""
    account = journey.account
    rng = stream(seed, "mistyped", account.index)
    for contact in account.contacts:
        for ticket, _ in journey.tickets[:: max(1, len(account.contacts))]:
            if rng.random() < 0.3:
                moment = ticket.created_at - int(rng.random() * 20 * DAY)
                number = 1 + (rng.random() < 0.35) + (rng.random() < 0.1)
                exported = moment + int(quantile(rng, (2, 20, 55)) * MINUTE)
                if moment > account.signed_up * DAY:
                    yield exported, failure_row(account.id, contact.id, moment, number, exported)


def failure_row(account_id: str, contact_id: str, moment: int, failures: int, exported: int) -> str:
    """One CSV line of failed log-ins by one person."""
    day = day_text(moment // DAY)
    return f"{account_id},{contact_id},{day},{SIGN_IN},{failures},{failures},0,{moment_text(exported)}"


def month_lines(
    world: World, journeys: Sequence[Journey], month: Month, failures: Sequence[Failure]
) -> Iterator[str]:
    """The CSV lines that became known in ``month``, ordered by export, one block of lines a day.

    A day's usage is exported at two the next morning, so the month begins with the last day of the month
    before. ``failures`` are those of this month, ordered.
    """
    place = 0
    previous = world.months[month.index - 1] if month.index else None
    first_block = list(_daily_lines(world, journeys, previous, last_day_only=True)) if previous else []
    for exported, lines in [*first_block, *_daily_lines(world, journeys, month)]:
        if exported >= month.end * DAY:
            break
        while place < len(failures) and failures[place][0] < exported:
            yield failures[place][1]
            place += 1
        yield from lines
    for _, line in failures[place:]:
        yield line


def _daily_lines(
    world: World, journeys: Sequence[Journey], month: Month, last_day_only: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """For each day of the month: when it is exported, and its lines."""
    names = [n for n, f in FEATURES.items() if released(f.from_month, len(world.months)) <= month.index]
    present = [j for j in journeys if _is_present(j, month)]
    days = np.arange(month.start, month.end)
    chance = array_stream(world.seed, "usage", month.name).random((4, len(days), len(present), len(names)))
    events = _events(present, names, month, days, chance)
    errors = _errors(world, present, names, days, events, chance[2])
    pace = np.array([FEATURES[n].seconds for n in names])
    seconds = (events * pace * (0.6 + 0.8 * chance[3])).astype(np.int64)
    ids = [j.account.id for j in present]
    for place in range(len(days) - 1 if last_day_only else 0, len(days)):
        day = day_text(int(days[place]))
        exported = (int(days[place]) + 1) * DAY + EXPORT_HOUR * HOUR
        tail = moment_text(exported)
        account, feature = np.nonzero(events[place])
        columns = (c[place][account, feature].tolist() for c in (events, errors, seconds))
        yield (
            exported,
            [
                f"{ids[a]},,{day},{names[f]},{n},{e},{s},{tail}"
                for a, f, n, e, s in zip(account.tolist(), feature.tolist(), *columns, strict=True)
            ],
        )


def _is_present(journey: Journey, month: Month) -> bool:
    return journey.account.signed_up < month.end and (
        journey.left_on is None or journey.left_on > month.start
    )


def _events(
    present: Sequence[Journey], names: Sequence[str], month: Month, days: np.ndarray, chance: np.ndarray
) -> np.ndarray:
    """Uses, shape (days, accounts, features): base level x weekday x engagement, gliding between months."""
    uses = np.array([[j.account.uses.get(n, 0.0) for n in names] for j in present]).reshape(-1, len(names))
    active = np.array([[j.account.active_days.get(n, 0.0) for n in names] for j in present]).reshape(
        -1, len(names)
    )
    now = np.array([j.engagement[month.index] for j in present])
    before = np.array([j.engagement[max(0, month.index - 1)] for j in present])
    passed = (days - month.start) / (month.end - month.start)
    engagement = before + (now - before) * passed[:, None]
    signed_up = np.array([j.account.signed_up for j in present])
    left_on = np.array([j.left_on if j.left_on is not None else month.end for j in present])
    engagement *= (days[:, None] >= signed_up) & (days[:, None] < left_on)
    week = np.array([WEEKEND if weekday(int(d)) > 4 else 1.0 for d in days])[:, None, None]
    is_active = chance[0] < active * week * np.minimum(1.0, 0.35 + 0.65 * engagement)[:, :, None]
    amount = uses * engagement[:, :, None] * (0.3 + 1.4 * chance[1])
    return np.where(is_active, np.ceil(amount), 0).astype(np.int64)


def _errors(
    world: World,
    present: Sequence[Journey],
    names: Sequence[str],
    days: np.ndarray,
    events: np.ndarray,
    chance: np.ndarray,
) -> np.ndarray:
    """Failed uses: a steady trickle, and much more where an outage hit the feature."""
    rate = np.full(events.shape, ERROR_RATE)
    for outage in world.outages:
        day = outage.start // DAY
        if days[0] <= day <= days[-1] and outage.feature in names:
            hit = np.array([is_hit(world.seed, outage, j.account.index) for j in present], dtype=bool)
            rate[day - days[0], hit, names.index(outage.feature)] = 0.5
    return np.minimum(events, (events * rate + chance).astype(np.int64))
