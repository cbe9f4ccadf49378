"""The bench of shifts: every kind does what it says, a miss counts, the real monitor tells harm from none."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from firstline.watching import new_watch
from pipelines.drills.shift_kinds import HELD_OUT, NO_SHIFTS, SHIFTS, Arrival, telling_words
from pipelines.drills.shifts import (
    CHANGED_DAYS,
    DEVELOPED_ON,
    JUDGED_ON,
    OPENS,
    QUIET_DAYS,
    Outcome,
    Scenario,
    figures,
    run,
)

WORDS = {"refund": "money back please", "crash": "app closes itself", "webhook": "hook never fires"}
LABELS = (*["refund", "crash"] * 20, "webhook")


def later_tickets(days: int = 28, a_day: int = 41) -> pd.DataFrame:
    """Tickets of two known intents and one that nobody knew, each in its own words."""
    number = days * a_day
    label = np.resize(np.array(LABELS, dtype=object), number)
    created = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(np.arange(number) * 1440 // a_day, "min")
    return pd.DataFrame(
        {
            "created_at": created,
            "subject": [f"about {WORDS[name]}" for name in label],
            "body": [f"hello {WORDS[name]} thanks" for name in label],
            "channel": "web",
            "intent_said": label,
            "priority_said": "normal",
            "answered_after": timedelta(hours=3),
            "agent_id": "a1",
            "unheard": label == "webhook",
        }
    )


@dataclass
class KeywordDesk:
    """A desk whose release knows two intents by their words, and guesses one of them otherwise."""

    tickets: pd.DataFrame
    seed: int = 1
    released: frozenset[str] = frozenset({"webhook"})

    def __post_init__(self) -> None:
        self.expected_errors = {"intent": 0.0, "priority": 0.0, "automated": 0.0}
        self.decisions = self.decide(self.tickets)

    def decide(self, tickets: pd.DataFrame) -> pd.DataFrame:
        about = (tickets["subject"].fillna("") + " " + tickets["body"].fillna("")).str
        return tickets.assign(
            intent=np.where(about.contains("closes"), "crash", "refund"),
            probability=0.9,
            out_of_scope=False,
            priority="normal",
            action="assist",
        )


DESK: Any = KeywordDesk(later_tickets())


def arrival(share: float, day: int = 60) -> Arrival:
    pool = DESK.tickets[~DESK.tickets["unheard"]]
    tickets = pool.head(400).assign(arrived=pool["created_at"].head(400)).reset_index(drop=True)
    unheard = DESK.tickets[DESK.tickets["unheard"]]
    foreign = unheard.assign(intent_said="refund", body="dinheiro de volta")
    telling = telling_words(pool)
    return Arrival(
        tickets,
        day,
        share,
        pool,
        pd.concat([unheard, foreign]),
        telling,
        frozenset({"webhook"}),
        np.random.default_rng(3),
    )


@pytest.mark.parametrize("kind", sorted(SHIFTS))
def test_a_shift_touches_about_the_share_it_names_and_loses_no_ticket(kind):
    at = arrival(0.3)
    changed = SHIFTS[kind](at)
    columns = ["subject", "body", "channel", "intent_said"]
    before, after = (f[columns].fillna("").agg("|".join, axis=1) for f in (at.tickets, changed))
    assert len(changed) == len(at.tickets)
    assert changed["arrived"].notna().all()
    same = pd.concat([before.value_counts(), after.value_counts()], axis=1).fillna(0).min(axis=1).sum()
    expected = 0.5 if kind == "label_policy" else 0.3
    assert 1 - same / len(before) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize("kind", sorted(NO_SHIFTS))
def test_what_is_no_shift_brings_more_tickets_in_words_and_labels_known_before(kind):
    at = arrival(0.3, day=0)
    changed = NO_SHIFTS[kind](
        Arrival(
            *(getattr(at, f) for f in ("tickets", "day", "share")),
            wide(),
            *(getattr(at, f) for f in ("unheard", "telling", "released", "chance")),
        )
    )
    assert len(changed) > 1.4 * len(at.tickets)
    assert set(changed["body"]) <= set(wide()["body"]) | set(at.tickets["body"])


def wide() -> pd.DataFrame:
    """A pool with enough intents to choose busy ones from."""
    pool = DESK.tickets[~DESK.tickets["unheard"]]
    return pd.concat([pool.assign(intent_said=f"intent {n}") for n in range(12)])


def test_a_slow_change_begins_small():
    early = (SHIFTS["slow_vocabulary"](arrival(0.8, day=3))["body"] != arrival(0.8).tickets["body"]).mean()
    late = (SHIFTS["slow_vocabulary"](arrival(0.8, day=80))["body"] != arrival(0.8).tickets["body"]).mean()
    assert early < 0.2 < 0.6 < late


def test_the_real_monitor_pages_for_harm_within_days_and_never_before():
    outcome = run(DESK, Scenario("new_intent", 0.2, seed=1), new_watch)
    assert outcome.harmful
    assert outcome.false_pages == 0
    assert outcome.delay_days is not None
    assert outcome.delay_days < 7
    assert "intent corrected" in outcome.reason or "intent overridden" in outcome.reason


def test_a_missed_shift_counts_as_never_found_and_a_harmless_one_is_no_miss():
    def outcome(
        delay: float | None, added: float, kind: str | None = "new_intent", false: int = 0
    ) -> Outcome:
        return Outcome(Scenario(kind, 0.1, 0), 401, false, delay, added, False, "")

    found = figures([outcome(3.0, 0.2), outcome(None, 0.2), outcome(None, 0.2), outcome(None, 0.0)])
    by_name = {result.name: result for result in found}
    median_delay = by_name["loop.detection_delay_days_median"]
    assert (median_delay.value, median_delay.met) == (CHANGED_DAYS, False)
    assert "1 of 3 harmful changes found, 2 missed" in median_delay.note
    (quiet,) = figures([outcome(None, 0.0, kind=None, false=n) for n in (0, 2)])
    assert (quiet.value, quiet.met) == (1.0, False), "one year was paged twice"
    (season,) = figures([outcome(None, 0.0, kind="season", false=1)])
    assert (season.name, season.met) == ("loop.no_shift.season.false_pages", False)


def test_the_judged_companies_and_two_kinds_were_not_developed_on():
    assert not set(DEVELOPED_ON) & set(JUDGED_ON)
    assert len(HELD_OUT) == 2
    assert set(HELD_OUT) <= set(SHIFTS)
    assert OPENS + timedelta(days=QUIET_DAYS) > OPENS
