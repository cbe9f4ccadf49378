"""The as-of engine against a brute-force oracle that reads like the definition."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import HOUR, NO_TIME
from features.asof import EventLog, Timeline


@dataclass(frozen=True)
class Fact:
    code: int
    known_at: int
    occurred_at: int
    value: int


@dataclass(frozen=True)
class Case:
    facts: list[Fact]
    questions: list[tuple[int, int]]
    window: int
    baseline: int

    def log(self) -> EventLog:
        code, known_at, occurred_at, value = (
            np.array([getattr(fact, name) for fact in self.facts], np.int64)
            for name in ("code", "known_at", "occurred_at", "value")
        )
        return EventLog(code, known_at, occurred_at, {"value": value}, ties=value)

    def answers(self):
        codes, moments = (np.array([q[k] for q in self.questions], np.int64) for k in (0, 1))
        return self.log().at(codes, moments)

    def oracle(self, answer, window=None):
        """``answer`` of the facts that are active for each question; ``NaN`` for an unknown question."""

        def active(code, as_of):
            return [
                fact
                for fact in self.facts
                if fact.code == code
                and fact.known_at < as_of
                and (window is None or when(fact) >= as_of - window)
            ]

        return [
            np.nan if code < 0 or as_of == NO_TIME else answer(active(code, as_of), as_of)
            for code, as_of in self.questions
        ]


def when(fact: Fact) -> int:
    return min(fact.occurred_at, fact.known_at)


@st.composite
def cases(draw):
    scale = draw(st.sampled_from([1, HOUR, 2**56]))  # the last one does not fit: times become ranks
    moment = st.integers(0, 30).map(lambda t: t * scale)
    fact = st.builds(
        Fact, st.integers(-1, 3), moment, st.integers(-10, 35).map(lambda t: t * scale), st.integers(-2, 3)
    )
    question = st.tuples(
        st.integers(-1, 5), st.one_of(st.just(NO_TIME), st.integers(-5, 45).map(lambda t: t * scale))
    )
    return Case(
        draw(st.lists(fact, max_size=25)),
        draw(st.lists(question, min_size=1, max_size=8)),
        draw(st.integers(1, 20)) * scale,
        draw(st.integers(1, 20)) * scale,
    )


def check(answers, oracle):
    np.testing.assert_array_equal(answers, oracle)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_count_and_sum_see_exactly_the_facts_known_and_in_the_window(case):
    answers = case.answers()
    for window in (None, case.window):
        check(answers.count(window), case.oracle(lambda facts, _: len(facts), window))
        check(answers.sum("value", window), case.oracle(lambda facts, _: sum(f.value for f in facts), window))


@given(cases())
@settings(max_examples=100, deadline=None)
def test_mean_is_unknown_without_facts_and_never_zero_by_default(case):
    def mean(facts, _):
        return sum(f.value for f in facts) / len(facts) if facts else np.nan

    check(case.answers().mean("value", case.window), case.oracle(mean, case.window))


@given(cases())
@settings(max_examples=150, deadline=None)
def test_distinct_counts_a_value_once_however_often_and_late_it_is_reported(case):
    def distinct(facts, _):
        return len({f.value for f in facts})

    check(case.answers().distinct("value", case.window), case.oracle(distinct, case.window))


@given(cases())
@settings(max_examples=100, deadline=None)
def test_last_is_what_was_learned_last_with_ties_in_their_given_order(case):
    def last(facts, _):
        return max((f.known_at, f.value) for f in facts)[1] if facts else np.nan

    check(case.answers().last("value"), case.oracle(last))


@given(cases())
@settings(max_examples=100, deadline=None)
def test_time_since_ignores_that_an_old_fact_was_learned_recently(case):
    def hours_since(facts, as_of):
        return (as_of - max(map(when, facts))) / HOUR if facts else np.nan

    check(case.answers().hours_since(), case.oracle(hours_since))


@given(cases())
@settings(max_examples=100, deadline=None)
def test_relative_rate_has_nothing_to_say_without_a_baseline(case):
    answers = case.answers().relative_rate("value", case.window, case.baseline)
    recent = case.oracle(lambda facts, _: sum(f.value for f in facts), case.window)
    both = case.oracle(lambda facts, _: sum(f.value for f in facts), case.window + case.baseline)
    for answer, inside, total in zip(answers, recent, both, strict=True):
        before = total - inside
        if before > 0:
            assert answer == pytest.approx((inside / case.window) / (before / case.baseline) - 1, abs=1e-9)
        else:
            assert np.isnan(answer)


@given(cases(), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_recent_rows_are_those_learned_last_within_the_window(case, limit):
    answers = case.answers()
    for question, (code, as_of) in enumerate(case.questions):
        if code < 0 or as_of == NO_TIME:
            continue
        known = [k for k, f in enumerate(case.facts) if f.code == code and f.known_at < as_of]
        newest = sorted(known, key=lambda k: (case.facts[k].known_at, case.facts[k].value, k))[-limit:]
        expected = [k for k in newest if when(case.facts[k]) >= as_of - case.window]
        assert answers.recent_rows(question, case.window, limit).tolist() == expected


@given(cases(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_order_of_rows_and_rows_of_others_change_no_bit(case, random):
    mine = {code for code, _ in case.questions[:1]}
    short = [fact for fact in case.facts if fact.code in mine]
    random.shuffle(short)
    alone = Case(short, case.questions[:1], case.window, case.baseline).answers()
    together = case.answers()
    for ask in (
        lambda a: a.count(case.window),
        lambda a: a.mean("value", case.window),
        lambda a: a.last("value"),
        lambda a: a.distinct("value", case.window),
        lambda a: a.hours_since(),
        lambda a: a.relative_rate("value", case.window, case.baseline),
    ):
        check(ask(alone), ask(together)[:1])


def test_a_fact_known_at_the_very_moment_is_not_yet_known():
    log = EventLog(np.array([0]), np.array([10]))
    assert log.at(np.array([0, 0]), np.array([10, 11])).count().tolist() == [0, 1]


def test_a_backfilled_fact_counts_where_it_happened_once_it_is_known():
    log = EventLog(np.array([0]), known_at=np.array([100]), occurred_at=np.array([40]))
    answers = log.at(np.zeros(4, np.int64), np.array([50, 100, 101, 141]))
    assert answers.count(100).tolist() == [0, 0, 1, 0]
    assert answers.count(60).tolist() == [0, 0, 0, 0], "its window had passed before it was known"


def test_an_empty_log_answers_zero_or_unknown():
    none = np.zeros(0, np.int64)
    answers = EventLog(none, none, none, {"value": none}).at(np.array([0, -1]), np.array([5, 5]))
    check(answers.count(3), [0, np.nan])
    check(answers.distinct("value", 3), [0, np.nan])
    for unknown in (answers.mean("value", 3), answers.last("value"), answers.hours_since()):
        check(unknown, [np.nan, np.nan])
    assert answers.last_row().tolist() == [-1, -1]


def test_sums_beyond_the_exact_range_of_floats_keep_their_last_cent():
    huge = 2**60
    log = EventLog(np.zeros(3, np.int64), np.array([1, 2, 3]), values={"cents": np.array([huge, 1, 1])})
    assert log.at(np.array([0]), np.array([4])).sum("cents", 2).tolist() == [2]


def test_keys_and_times_too_large_for_one_number_are_still_ordered_exactly():
    codes = np.array([2_000_000, 0, 2_000_000])
    line = Timeline(codes, np.array([2**61, 5, 2**61 + 1]))
    assert line.before(np.array([2_000_000, 0]), np.array([2**61 + 1, 2**61])).tolist() == [2, 1]
