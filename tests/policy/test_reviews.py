"""What leadership looks at: a draw with known chances, and what follows from it."""

from collections import Counter
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.reviews import Candidate, Looked, draw, precision, week_name, week_of

CASES = {"auto_resolve": 3, "assist": 1, "human": 0}
weeks = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(str),
        st.sampled_from(["reset", "invoice", None]),
        st.sampled_from(["auto_resolve", "assist", "human"]),
    ),
    unique_by=lambda one: one.decision_id,
    max_size=40,
)


@settings(max_examples=40)
@given(weeks, st.text(max_size=8), st.randoms())
def test_every_stratum_gives_its_number_with_its_probability_in_any_order(week, seed, shuffled):
    drawn = draw(week, CASES, seed)
    strata, found = (Counter((c.intent, c.action) for c in some) for some in (week, drawn))
    assert found == Counter({s: n for s, many in strata.items() if (n := min(many, CASES[s[1]]))})
    for case in drawn:
        assert case.population == strata[case.intent, case.action]
        assert case.probability == found[case.intent, case.action] / case.population
    assert sum(1 / case.probability for case in drawn) == pytest.approx(
        sum(many for stratum, many in strata.items() if CASES[stratum[1]])
    )
    other = list(week)
    shuffled.shuffle(other)
    assert draw(other, CASES, seed) == drawn


@settings(max_examples=40)
@given(weeks, weeks, st.text(max_size=8))
def test_another_stratum_does_not_change_what_is_drawn(week, more, seed):
    new = [c for c in more if c.intent is None]
    mine = [c for c in week if c.intent is not None]
    with_them = [case for case in draw([*mine, *new], CASES, seed) if case.intent is not None]
    assert with_them == draw(mine, CASES, seed)


def test_every_decision_is_drawn_as_often_as_its_probability_says():
    week = [Candidate(f"d{n}", "reset", "auto_resolve") for n in range(12)]
    seeds = 1500
    often = Counter(case.decision_id for n in range(seeds) for case in draw(week, CASES, f"seed {n}"))
    expected = seeds * 3 / 12
    spread = (seeds * 0.25 * 0.75) ** 0.5
    assert all(abs(often[one.decision_id] - expected) < 5 * spread for one in week)
    pairs = Counter(
        frozenset((a.decision_id, b.decision_id))
        for n in range(seeds)
        for a, b in product(draw(week, CASES, f"seed {n}"), repeat=2)
        if a.decision_id < b.decision_id
    )
    assert len(pairs) == 66
    assert max(pairs.values()) - min(pairs.values()) < 12 * (seeds * 3 / 66) ** 0.5, "some go together"


def test_the_estimate_is_right_on_average_where_weeks_differ_in_size_and_quality():
    """A small bad week and a large good one: the mean of the looks alone would be wrong."""
    small = [Candidate(f"s{n}", "reset", "auto_resolve") for n in range(6)]
    large = [Candidate(f"l{n}", "reset", "auto_resolve") for n in range(60)]
    wrong = {"s0", "s1", "s2", "l0", "l1", "l2"}
    found, plain = [], []
    for n in range(600):
        drawn = [*draw(small, CASES, f"s {n}"), *draw(large, CASES, f"l {n}")]
        looks = [Looked(case.decision_id in wrong, case.probability) for case in drawn]
        found.append(precision(looks).share)
        plain.append(sum(not look.wrong for look in looks) / len(looks))
    assert sum(found) / len(found) == pytest.approx(60 / 66, abs=0.015)
    assert sum(plain) / len(plain) == pytest.approx(0.725, abs=0.03)


@pytest.mark.parametrize(
    ("looks", "share", "low", "high"),
    [
        pytest.param([Looked(False, 0.1)] * 10, 1.0, 0.6915, 1.0, id="nothing wrong: 10 cases prove little"),
        pytest.param([Looked(False, 0.1)] * 59, 1.0, 0.9394, 1.0, id="59 cases"),
        pytest.param([Looked(True, 0.5)] * 4, 0.0, 0.0, 0.6024, id="everything wrong"),
        pytest.param(
            [Looked(False, 0.2)] * 19 + [Looked(True, 0.2)], 0.95, 0.7513, 0.9987, id="one of twenty wrong"
        ),
        pytest.param(
            [Looked(False, 1.0)] * 9 + [Looked(True, 0.1)], 9 / 19, 0.0403, 0.9440, id="one stands for ten"
        ),
    ],
)
def test_intervals_worked_out_by_hand(looks, share, low, high):
    """By scipy's binomtest(...).proportion_ci for equal chances; the last by Kish's 361 / 109 cases."""
    found = precision(looks)
    assert (found.share, found.low, found.high) == pytest.approx((share, low, high), abs=5e-4)


def test_without_looks_there_is_no_estimate():
    assert precision([]) is None


@pytest.mark.parametrize(
    ("at", "begins", "name"),
    [
        (datetime(2026, 6, 29, tzinfo=UTC), datetime(2026, 6, 29, tzinfo=UTC), "2026-W27"),
        (datetime(2026, 7, 5, 23, 59, 59, tzinfo=UTC), datetime(2026, 6, 29, tzinfo=UTC), "2026-W27"),
        (datetime(2027, 1, 2, tzinfo=UTC), datetime(2026, 12, 28, tzinfo=UTC), "2026-W53"),
        (
            datetime.fromisoformat("2026-06-29T01:00+02:00"),
            datetime(2026, 6, 22, tzinfo=UTC),
            "2026-W26",
        ),
    ],
)
def test_weeks_begin_on_monday_utc(at, begins, name):
    assert week_of(at) == begins
    assert week_name(week_of(at)) == name
