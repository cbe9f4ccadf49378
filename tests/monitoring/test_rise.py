"""Corrections that rose are noticed soon; chance and other ways of answering never are, looked at daily."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from monitoring.quality import corrections
from monitoring.rise import RiseLimits, strongest_rise

OPENS = datetime(2026, 3, 2, tzinfo=UTC)
INTENTS = np.array(["refund", "invoice", "password", "crash", "export"])


def desk(days, wrong, seed, a_day=60, answered=0.9, says=None, answer_only_wrong=()):
    """Decisions and what was said: ``wrong`` by day is the share corrected, ``says`` the new value."""
    chance = np.random.default_rng(seed)
    number = days * a_day
    day = np.repeat(np.arange(days), a_day)
    at = pd.Series(pd.to_datetime(OPENS)).repeat(number).reset_index(drop=True)
    at = at + pd.to_timedelta(day * 24 * 60 + chance.integers(0, 600, number), unit="min")
    intent = chance.choice(INTENTS, number)
    changed = chance.random(number) < np.array([wrong(d) for d in range(days)])[day]
    other = np.where(intent == "refund", "invoice", "refund")
    if says is not None:
        other = np.where(day >= says[0], says[1], other)
    told = (chance.random(number) < answered) & (changed | ~np.isin(day, list(answer_only_wrong)))
    ids = [f"d{i}" for i in range(number)]
    decisions = pd.DataFrame({"decision_id": ids, "ticket_id": ids, "at": at, "intent": intent})
    decisions = decisions.assign(probability=0.9, priority="normal", queue=None, sentiment=None)
    feedback = pd.DataFrame({"decision_id": ids, "at": at + timedelta(hours=3), "field": "intent"})
    feedback = feedback.assign(
        verdict=np.where(changed, "override", "approve"), value=pd.Series(other).where(changed), reason=None
    )
    feedback = feedback.assign(agent_id="a")[told]
    return decisions, corrections(decisions, feedback)


def first_alarm(decisions, said, days, start=9):
    """The first morning, in days since the opening, on which a rise is proven."""
    for number in range(start, days + 1):
        now = OPENS + timedelta(days=number)
        known = decisions[decisions["at"] <= now], said[said["at"] <= now]
        found = strongest_rise(*known)
        if found is not None and found.proven:
            return number, found
    return None, None


@pytest.mark.parametrize(
    ("wrong", "says", "within_days", "named"),
    [
        (lambda day: 0.15 if day < 20 else 0.40, None, 5, "intent "),
        (lambda day: 0.15 if day < 20 else 0.25, (20, "webhook"), 4, "nobody used before|'webhook'"),
    ],
    ids=["much more is corrected", "a tenth is something new"],
)
def test_a_rise_is_noticed_within_days_and_named(wrong, says, within_days, named):
    decisions, said = desk(34, wrong, seed=3, says=says)
    day, found = first_alarm(decisions, said, 34, start=19)
    assert day is not None
    assert 20 < day <= 20 + within_days
    assert any(name in str(found) for name in named.split("|")), str(found)
    assert found.since >= OPENS + timedelta(days=18)


@pytest.mark.parametrize("share", [0.05, 0.4], ids=["good release", "poor release"])
def test_a_steady_share_of_corrections_never_alarms_however_often_one_looks(share):
    decisions, said = desk(50, lambda day: share, seed=5)
    assert first_alarm(decisions, said, 50, start=20) == (None, None)


def test_who_stops_confirming_what_is_right_proves_nothing():
    decisions, said = desk(40, lambda day: 0.15, seed=7, answer_only_wrong=range(20, 40))
    assert first_alarm(decisions, said, 40, start=20) == (None, None)


def test_a_desk_that_corrects_nothing_is_no_error():
    found = strongest_rise(*desk(40, lambda day: 0.0, seed=6))
    assert not found.proven


def test_too_few_first_answers_are_no_yardstick():
    decisions, said = desk(40, lambda day: 0.1 if day < 20 else 0.9, seed=1, a_day=2)
    assert strongest_rise(decisions, said) is None
    assert strongest_rise(decisions.head(0), said.head(0)) is None


def test_one_bad_day_is_an_event_and_no_proof():
    decisions, said = desk(40, lambda day: 0.95 if day == 30 else 0.1, seed=4)
    assert first_alarm(decisions, said, 40, start=28) == (None, None)


def test_a_rise_that_ended_is_forgotten():
    decisions, said = desk(120, lambda day: 0.8 if 30 <= day < 36 else 0.1, seed=2, a_day=40)
    during = OPENS + timedelta(days=36)
    found = strongest_rise(decisions[decisions["at"] <= during], said[said["at"] <= during])
    assert found.proven
    assert not strongest_rise(decisions, said).proven
    assert RiseLimits().memory_days < 120 - 36
