"""The verdict pages nobody for drift, and says nothing about windows that prove nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.quality import Quality
from monitoring.rates import Rate
from monitoring.rise import Rise
from monitoring.verdict import AUTOMATED, Limits, Verdict, judge, proven_harm, settled
from tests.monitoring.examples import window

NOW = datetime(2026, 7, 3, 9, tzinfo=UTC)
LIMITS = Limits()
columns = st.lists(st.text(min_size=1, max_size=8), max_size=40, unique=True)


@st.composite
def windows(draw, most_decisions=20_000):
    decided = draw(st.integers(0, most_decisions))
    answered = draw(st.integers(0, decided))
    automated = draw(st.integers(0, decided))
    return window(
        decided,
        answered,
        overridden=draw(st.integers(0, answered)),
        wrong=draw(st.integers(0, min(automated, answered))),
        automated=automated,
    )


@given(windows(), columns, st.integers(0, LIMITS.labels_to_retrain - 1))
def test_drift_alone_never_retrains(seen, moved, new_labels):
    without_drift = judge(seen, [], new_labels).state
    assert (judge(seen, moved, new_labels).state == "RETRAIN") == (without_drift == "RETRAIN")
    assert without_drift != "RETRAIN" or proven_harm(seen, LIMITS)


@given(windows(most_decisions=LIMITS.min_decisions - 1), columns, st.integers(0, 10**6))
def test_a_small_window_is_never_judged(seen, moved, new_labels):
    verdict = judge(seen, moved, new_labels)
    assert verdict.state == "OK"
    assert "too few to judge" in verdict.reason


@given(windows(), st.integers(1, 200))
def test_more_complaints_never_calm_the_verdict(seen, more):
    worse = window(
        seen.decisions,
        seen.answered,
        min(seen.answered, seen.overrides["intent"].all.hits + more),
        seen.automated_wrong.all.hits,
        seen.automated_wrong.all.trials,
    )
    order = ["OK", "WATCH", "RETRAIN"]
    assert order.index(judge(worse, []).state) >= order.index(judge(seen, []).state)


@pytest.mark.parametrize(
    ("seen", "moved", "new_labels", "state", "reason"),
    [
        (window(1000), [], 0, "OK", "0 of 1000 decisions answered, no limit exceeded"),
        (window(1000), ["language"], 0, "WATCH", "1 column moved (language), no harm proven"),
        (
            window(1000, 1000, 300),
            [],
            0,
            "RETRAIN",
            "intent overridden in 300 of 1000 answered decisions (20% allowed)",
        ),
        (
            window(1000, 1000, 210),
            [],
            0,
            "OK",
            "1000 of 1000 decisions answered, no limit exceeded",
        ),
        (window(1000, 100, 60), [], 0, "WATCH", "intent overridden in 60 of 100 answered decisions"),
        (
            window(300, 240, 90),
            [],
            0,
            "RETRAIN",
            "intent overridden in 90 of 240 answered decisions (20% allowed)",
        ),
        (
            window(1000, 400, 280),
            [],
            0,
            "RETRAIN",
            "intent overridden in 280 of 1000 decisions (20% allowed)",
        ),
        (window(1000, 49, 49), [], 0, "OK", "49 of 1000 decisions answered, no limit exceeded"),
        (
            window(1000, 60, 0, wrong=60, automated=200),
            [],
            0,
            "RETRAIN",
            "60 of 200 automatic resolutions were wrong (95% right promised)",
        ),
        (
            window(1000),
            [],
            2000,
            "RETRAIN",
            "2000 tickets with new labels wait (at least 2000 are worth a retraining)",
        ),
    ],
    ids=[
        "quiet",
        "drift alone is watched",
        "harm retrains",
        "above the limit, but within chance",
        "complaints of the few who answered are watched, not proof",
        "where most answer, late answers hide nothing",
        "even if all silence were approval",
        "too few answers prove nothing",
        "automation that breaks its promise retrains",
        "enough new labels retrain",
    ],
)
def test_verdict(seen, moved, new_labels, state, reason):
    verdict = judge(seen, moved, new_labels)
    assert (verdict.state, verdict.reason) == (state, reason)


def risen(strength: float) -> Rise:
    return Rise("intent 'refund' corrected", NOW, Rate(30, 200), Rate(4, 500), strength)


@pytest.mark.parametrize(("strength", "state"), [(0.99, "OK"), (1.0, "RETRAIN")])
def test_a_proven_rise_of_corrections_retrains_though_no_window_exceeds_its_limit(strength, state):
    verdict = judge(window(1000, 600, 60), [], rise=risen(strength))
    assert verdict.state == state
    told = "intent 'refund' corrected in 30 of 200 answers since 2026-07-03, in 4 of 500 before"
    assert (told in verdict.reason) == (state == "RETRAIN")


@pytest.mark.parametrize(
    ("learnt", "waiting", "state"),
    [
        (None, 1999, "OK"),
        (5000, 499, "OK"),
        (5000, 500, "RETRAIN"),
        (300, 199, "OK"),
        (300, 200, "RETRAIN"),
        (90_000, 2000, "RETRAIN"),
    ],
)
def test_a_small_desk_need_not_wait_for_as_many_labels_as_a_large_one(learnt, waiting, state):
    assert judge(window(1000), [], waiting, learnt=learnt).state == state


@pytest.mark.parametrize(("expected", "state"), [(None, "RETRAIN"), (0.01, "RETRAIN"), (0.25, "OK")])
def test_labels_that_err_are_not_held_against_automation(expected, state):
    seen = window(1000, 60, 0, wrong=60, automated=200)
    known = {} if expected is None else {AUTOMATED: expected}
    assert judge(seen, [], expected_errors=known).state == state


def test_notes_are_never_lost():
    assert judge(window(10), [], notes=["no reference"]).reason.endswith("; no reference")
    assert judge(window(1000, 1000, 300), [], notes=["no reference"]).reason.endswith("; no reference")


DAY = timedelta(days=1)
HARM, SIGN, CALM, TOO_FEW = window(1000, 1000, 300), window(1000, 100, 60), window(1000), window(10)


def followed(*seen: Quality, release: str = "r1", releases: tuple[str, ...] = ()) -> list[Verdict]:
    """Verdicts of daily looks, each settled against the one before."""
    verdicts: list[Verdict] = []
    for day, quality in enumerate(seen):
        found = replace(judge(quality, []), release=releases[day] if releases else release)
        verdicts.append(settled(found, verdicts[-1] if verdicts else None, NOW + day * DAY))
    return verdicts


def test_since_is_kept_while_the_state_lasts():
    first, later = followed(SIGN, SIGN)
    assert first.since == later.since == NOW


def test_a_verdict_worsens_at_once():
    assert [v.state for v in followed(CALM, SIGN, HARM)] == ["OK", "WATCH", "RETRAIN"]


def test_one_quiet_day_does_not_end_an_alarm_but_a_quiet_week_does():
    verdicts = followed(HARM, *[CALM] * 8)
    assert [v.state for v in verdicts] == ["RETRAIN"] * 8 + ["OK"]
    assert "calmer: OK since 2026-07-04, believed from 2026-07-11" in verdicts[3].reason
    assert (verdicts[7].since, verdicts[8].since) == (NOW, NOW + 8 * DAY)


def test_quiet_days_before_a_relapse_do_not_count():
    assert followed(HARM, *[CALM] * 5, HARM, *[CALM] * 5)[-1].state == "RETRAIN"


def test_a_window_too_small_to_judge_ends_no_alarm():
    assert [v.state for v in followed(HARM, *[TOO_FEW] * 20)] == ["RETRAIN"] * 21


def test_another_release_starts_with_a_clean_sheet():
    verdicts = followed(HARM, TOO_FEW, releases=("r1", "r2"))
    assert (verdicts[1].state, verdicts[1].since) == ("OK", NOW + DAY)


@pytest.mark.parametrize(
    ("seen", "moved", "new_labels", "cause"),
    [
        (CALM, [], 0, "none"),
        (CALM, ["language"], 0, "drift"),
        (SIGN, ["language"], 0, "doubt"),
        (CALM, ["language"], 2000, "labels"),
        (HARM, ["language"], 2000, "harm"),
        (TOO_FEW, ["language"], 2000, "none"),
    ],
    ids=["calm", "inputs moved", "answers look worse", "labels wait", "harm outweighs labels", "too few"],
)
def test_what_a_verdict_rests_on_is_data_so_that_only_harm_wakes_somebody(seen, moved, new_labels, cause):
    assert judge(seen, moved, new_labels).cause == cause


def test_harm_is_not_forgotten_because_labels_wait_and_labels_that_become_harm_begin_anew():
    def day(quality: Quality, labels: int, number: int, last: Verdict | None) -> Verdict:
        return settled(replace(judge(quality, [], labels), release="r1"), last, NOW + number * DAY)

    waits = day(CALM, 2000, 0, None)
    harmed = day(HARM, 2000, 1, waits)
    assert (waits.cause, harmed.cause, harmed.since) == ("labels", "harm", NOW + DAY)
    calmer = day(CALM, 2000, 2, harmed)
    assert (calmer.state, calmer.cause, calmer.since) == ("RETRAIN", "harm", NOW + DAY)
    assert "calmer: RETRAIN for labels since" in calmer.reason
    assert day(CALM, 2000, 9, calmer).cause == "labels"


def test_looking_twice_at_one_moment_changes_nothing():
    [alarm, calmer] = followed(HARM, CALM)
    found = replace(judge(CALM, []), release="r1")
    assert settled(found, calmer, NOW + DAY) == calmer
    assert settled(replace(judge(HARM, []), release="r1"), alarm, NOW) == alarm


@pytest.mark.parametrize(
    ("overridden", "expected_error", "state"),
    [(240, None, "RETRAIN"), (240, 0.19, "OK"), (240, 0.05, "RETRAIN"), (300, 0.19, "RETRAIN")],
    ids=[
        "unknown",
        "no worse than it was evaluated",
        "promised better than the limit",
        "worse than evaluated",
    ],
)
def test_a_release_is_measured_by_what_it_was_known_to_get_wrong(overridden, expected_error, state):
    expected = {} if expected_error is None else {"intent": expected_error}
    assert judge(window(1000, 1000, overridden), [], expected_errors=expected).state == state


def test_the_line_names_state_reason_since_and_what_was_done():
    assert Verdict("WATCH", "1 column moved (language)", NOW).line == (
        "WATCH since 2026-07-03 09:00 UTC: 1 column moved (language). "
        "Done: nothing changed, the champion keeps serving."
    )
