"""Bench of shifts: what happens to a desk, whether the monitor pages anybody for it, and after how many days.

A scenario is six quiet weeks of a desk's own later tickets (whole days of them drawn at random, so that
every seed is other traffic), then a change; the monitor looks every morning. A page is the verdict RETRAIN
beginning. Inputs are not compared (drift alone pages nobody) and waiting labels are not counted: the bench
asks about harm.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Protocol

import numpy as np
import pandas as pd

from pipelines.drills.shift_desks import ShiftDesk, plan_of, read_desk, train
from pipelines.drills.shift_kinds import HELD_OUT, NO_SHIFTS, SHIFTS, Arrival, telling_words
from pipelines.drills.workspace import project_clone
from pipelines.results import Result

COMMAND = "firstline drill --only shifts"
DEVELOPED_ON = (302,)
"""Seeds of the company that the detector was developed on, without the kinds in ``HELD_OUT``."""
JUDGED_ON = (401, 402)
"""Seeds of the companies that all kinds are judged on."""
SHARES = (0.1, 0.2, 0.4)
QUIET_DAYS, CHANGED_DAYS, YEAR = 42, 42, 365
QUIET_YEARS = 20
REPEATS = 2
HARMFUL = 0.05
"""A change is harmful if agents correct so much more of the intents (``Limits.tolerated_loss``)."""
OPENS = datetime(2027, 1, 4, tzinfo=UTC)
LOOK_AT = timedelta(hours=6)


class Watch(Protocol):
    """The monitor's verdict, asked again and again of one desk."""

    def __call__(self, now: datetime) -> tuple[str, str]:
        """State and reason as of ``now``, after hysteresis, by what was decided and said by then."""


Watches = Callable[[pd.DataFrame, pd.DataFrame, dict[str, float]], Watch]
"""A new monitor of decisions and feedback (a whole history) and of the share of errors by field."""


@dataclass(frozen=True)
class Scenario:
    """One history of a desk: a kind of change (``None``: a quiet year) that begins after ``QUIET_DAYS``."""

    kind: str | None
    share: float
    seed: int
    answered: float = 1.0
    """Of the tickets that agents finally filed in the data, the part that this desk's agents did."""

    @property
    def days(self) -> int:
        """How long it lasts."""
        return YEAR if self.kind is None else QUIET_DAYS + CHANGED_DAYS


@dataclass(frozen=True)
class Outcome:
    """What came of it: pages before and after the change, days until the first one after it, and the harm.

    ``added_error``: share of intents corrected after the change, less that before it, over all that was said.
    """

    scenario: Scenario
    company: int
    false_pages: int
    delay_days: float | None
    added_error: float
    watched: bool
    reason: str

    @property
    def harmful(self) -> bool:
        """Whether the change did harm, by what agents said."""
        return self.scenario.kind in SHIFTS and self.added_error >= HARMFUL


def traffic(desk: ShiftDesk, scenario: Scenario) -> pd.DataFrame:
    """Decided tickets of the whole scenario in order of ``arrived``, with what agents said (or null)."""
    chance = np.random.default_rng([desk.seed, scenario.seed, int(1000 * scenario.share)])
    known = desk.tickets.assign(origin=np.arange(len(desk.tickets)))
    pool, unheard = known[~known["unheard"]], known[known["unheard"]]
    by_day = [part for _, part in pool.groupby(pool["created_at"].dt.floor("D"))]
    weekdays = [[p for p in by_day if p["created_at"].iloc[0].weekday() == day] for day in range(7)]
    telling = telling_words(pool)
    change = None if scenario.kind is None else (SHIFTS | NO_SHIFTS)[scenario.kind]
    parts = []
    for number in range(scenario.days):
        day = OPENS + timedelta(days=number)
        same = weekdays[day.weekday()]
        some = same[int(chance.integers(0, len(same)))]
        of_the_day = some["created_at"] - some["created_at"].dt.floor("D")
        tickets = some.assign(arrived=pd.Timestamp(day) + of_the_day).reset_index(drop=True)
        if change is not None and number >= QUIET_DAYS:
            since = number - QUIET_DAYS
            tickets = change(
                Arrival(tickets, since, scenario.share, pool, unheard, telling, desk.released, chance)
            )
        parts.append(tickets)
    arrived = pd.concat(parts, ignore_index=True)
    said = arrived["intent_said"].notna() & (chance.random(len(arrived)) < scenario.answered)
    decided = _decided(desk, arrived.assign(said=said))
    return decided.sort_values("arrived", kind="stable", ignore_index=True)


def _decided(desk: ShiftDesk, arrived: pd.DataFrame) -> pd.DataFrame:
    """Every row decided; what arrived as it once was has the decision it had."""
    originals = desk.tickets.iloc[arrived["origin"].to_numpy()].reset_index(drop=True)
    same = np.ones(len(arrived), dtype=bool)
    for column in ("subject", "body", "channel"):
        same &= (arrived[column].fillna("") == originals[column].fillna("")).to_numpy()
    made = ["intent", "probability", "out_of_scope", "priority", "action"]
    told = desk.decisions[made].iloc[arrived["origin"].to_numpy()].reset_index(drop=True)
    if not same.all():
        told = told.copy()
        new = desk.decide(arrived[~same])
        told.loc[~same, made] = new[made].to_numpy()
    return arrived.drop(columns=[m for m in made if m in arrived]).join(told)


def as_stored(tickets: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decisions and feedback as the store's tables give them to the monitor."""
    ids = "d" + tickets.index.astype(str).str.zfill(7)
    decisions = pd.DataFrame(
        {
            "decision_id": ids,
            "ticket_id": "t" + ids,
            "at": tickets["arrived"].to_numpy(),
            "release": "bench",
            "action": tickets["action"].to_numpy(),
            "intent": tickets["intent"].to_numpy(),
            "probability": tickets["probability"].to_numpy(dtype=float),
            "priority": tickets["priority"].to_numpy(),
            "queue": None,
            "sentiment": None,
        }
    )
    spoken = []
    for field in ("intent", "priority"):
        value = tickets[f"{field}_said"]
        told = (tickets["said"] & value.notna()).to_numpy()
        changed = (value != tickets[field]).to_numpy()
        spoken.append(
            pd.DataFrame(
                {
                    "decision_id": ids,
                    "at": (tickets["arrived"] + tickets["answered_after"]).to_numpy(),
                    "verdict": np.where(changed, "override", "approve"),
                    "field": field,
                    "value": value.where(changed).to_numpy(dtype=object),
                    "reason": None,
                    "agent_id": tickets["agent_id"].to_numpy(dtype=object),
                }
            )[told]
        )
    feedback = pd.concat(spoken).sort_values("at", kind="stable", ignore_index=True)
    return _in_utc(decisions), _in_utc(feedback)


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    at = pd.to_datetime(frame["at"], utc=True).dt.as_unit("us")
    words = [c for c in frame if c not in ("at", "probability")]
    return frame.assign(at=at).astype(dict.fromkeys(words, "object"))


def run(desk: ShiftDesk, scenario: Scenario, watches: Watches) -> Outcome:
    """Play a scenario to a new monitor, a look every morning; a scenario ends with its first page after."""
    tickets = traffic(desk, scenario)
    decisions, feedback = as_stored(tickets)
    watch = watches(decisions, feedback, desk.expected_errors)
    changes = None if scenario.kind is None else OPENS + timedelta(days=QUIET_DAYS)
    false, paged, watched, delay, why = 0, False, False, None, ""
    for number in range(1, scenario.days + 1):
        now = OPENS + timedelta(days=number) + LOOK_AT
        state, reason = watch(now)
        begins, paged = state == "RETRAIN" and not paged, state == "RETRAIN"
        watched |= state == "WATCH"
        if not begins:
            continue
        if changes is None or now <= changes or scenario.kind in NO_SHIFTS:
            false, why = false + 1, f"{why}; {reason}" if why else reason
            continue
        delay, why = (now - changes).total_seconds() / 86_400, f"{why} || {reason}"
        break
    return Outcome(scenario, desk.seed, false, delay, _added_error(tickets, changes), watched, why)


def _added_error(tickets: pd.DataFrame, changes: datetime | None) -> float:
    if changes is None:
        return 0.0
    told = tickets[tickets["said"]]
    wrong, after = told["intent"] != told["intent_said"], told["arrived"] >= changes
    return float(wrong[after].mean() - wrong[~after].mean())


def scenarios(kinds: Iterable[str], repeats: int) -> list[Scenario]:
    """Every kind and share, ``repeats`` times (no shifts: four times); every second with fewer answers."""
    return [
        Scenario(kind, share, repeat, 1.0 if repeat % 2 == 0 else 0.6)
        for kind in kinds
        for share in (SHARES if kind in SHIFTS else (0.3,))
        for repeat in range(repeats if kind in SHIFTS else 4)
    ]


def quiet_years(number: int) -> list[Scenario]:
    """Years in which nothing happens, of different seeds; in every second one fewer tickets are answered."""
    return [Scenario(None, 0.0, 1000 + year, 1.0 if year % 2 == 0 else 0.6) for year in range(number)]


def measure(watches: Watches) -> list[Result]:
    """Train the desks of ``JUDGED_ON``, run every kind and the quiet years on them, and tell what came of it.

    Raises ``RuntimeError`` where a stage of a training fails.
    """
    outcomes: list[Outcome] = []
    for seed in JUDGED_ON:
        with project_clone() as project:
            train(project, plan_of(seed))
            desk = read_desk(project, plan_of(seed))
        every = scenarios(SHIFTS | NO_SHIFTS, REPEATS) + quiet_years(QUIET_YEARS // len(JUDGED_ON))
        outcomes += [said(run(desk, scenario, watches)) for scenario in every]
    return figures(outcomes)


def said(outcome: Outcome) -> Outcome:
    """Print the outcome; returns it."""
    s = outcome.scenario
    found = "not paged" if outcome.delay_days is None else f"paged after {outcome.delay_days:.2f} days"
    print(
        f"   company {outcome.company}, {s.kind or 'quiet year'} {s.share:.0%} (seed {s.seed}, "
        f"{s.answered:.0%} answered): {found}, {outcome.false_pages} false, "
        f"error {outcome.added_error:+.3f} {outcome.reason[:150]}",
        flush=True,
    )
    return outcome


def figures(outcomes: Sequence[Outcome]) -> list[Result]:
    """Found, missed, false and delay: over all, by kind, and in quiet years; a miss counts as 42 days."""
    harmful = [o for o in outcomes if o.harmful]
    quiet = [o.false_pages for o in outcomes if o.scenario.kind is None]
    early = sum(o.false_pages for o in outcomes if o.scenario.kind in SHIFTS)
    results = []
    if harmful:
        days, told = _delays(harmful)
        held_out = [o for o in harmful if o.scenario.kind in HELD_OUT]
        if held_out:
            told += f"; kinds never developed on ({', '.join(HELD_OUT)}): {_delays(held_out)[1]}"
        note = f"{told}; {early} false pages in the quiet weeks before all changes"
        name = "loop.detection_delay_days_median"
        results.append(_result(name, days, "days", "<= 7", days <= 7, note))
    if quiet:
        rate = sum(quiet) / len(quiet)
        note = f"{len(quiet)} quiet years, pages by year: {', '.join(map(str, sorted(quiet, reverse=True)))}"
        results.append(
            _result("loop.false_pages_per_quiet_year", rate, "pages", "<= 1", max(quiet) <= 1, note)
        )
    for kind in SHIFTS:
        mine = [o for o in outcomes if o.scenario.kind == kind]
        if mine:
            results.append(_of_kind(kind, mine))
    for kind in NO_SHIFTS:
        mine = [o for o in outcomes if o.scenario.kind == kind]
        if mine:
            false = sum(o.false_pages for o in mine)
            note = f"{len(mine)} histories of 12 weeks in which it is no shift"
            name = f"loop.no_shift.{kind}.false_pages"
            results.append(_result(name, false, "pages", "0", false == 0, note))
    return results


def _of_kind(kind: str, mine: Sequence[Outcome]) -> Result:
    harmful = [o for o in mine if o.harmful]
    harmless = [o for o in mine if not o.harmful]
    paged = sum(o.delay_days is not None for o in harmless)
    note = f"{len(harmless)} others added less than {HARMFUL:.0%} errors, {paged} of them were paged too"
    if kind in HELD_OUT:
        note += "; never developed on"
    if not harmful:
        return _result(f"loop.shift.{kind}.harmful", 0, "histories", "", None, note)
    days, told = _delays(harmful)
    return _result(f"loop.shift.{kind}.delay_days_median", days, "days", "", None, f"{told}; {note}")


def _delays(harmful: Sequence[Outcome]) -> tuple[float, str]:
    """The median delay of harmful changes, a miss being never, and all of them in words."""
    days = [CHANGED_DAYS if o.delay_days is None else o.delay_days for o in harmful]
    found = [o.delay_days for o in harmful if o.delay_days is not None]
    by_share = {
        share: [d for d, o in zip(days, harmful, strict=True) if o.scenario.share == share]
        for share in SHARES
    }
    parts = [
        f"{median(part):.4g} at {share:.0%} of traffic ({len(part)})"
        for share, part in by_share.items()
        if part
    ]
    missed = len(harmful) - len(found)
    story = f"{len(found)} of {len(harmful)} harmful changes found, {missed} missed; median days: "
    return median(days), story + ", ".join(parts)


def _result(name: str, value: float, unit: str, target: str, met: bool | None, note: str) -> Result:
    data = f"demo companies, seeds {' and '.join(map(str, JUDGED_ON))}, 27,000 tickets each"
    return Result(name, round(value, 2), unit, "what agents finally filed", target, met, COMMAND, data, note)
