"""The verdict pages nobody for drift, and says nothing about windows that prove nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.verdict import Limits, Verdict, dated, judge, proven_harm
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
            "intent overridden in 300 of 1000 decisions",
        ),
        (
            window(1000, 1000, 210),
            [],
            0,
            "OK",
            "1000 of 1000 decisions answered, no limit exceeded",
        ),
        (window(1000, 100, 60), [], 0, "WATCH", "intent overridden in 60 of 100 answered decisions"),
        (window(1000, 49, 49), [], 0, "OK", "49 of 1000 decisions answered, no limit exceeded"),
        (
            window(1000, 60, 0, wrong=60, automated=200),
            [],
            0,
            "RETRAIN",
            "60 of 200 automatic resolutions were wrong (95% right promised)",
        ),
        (window(1000), [], 2000, "RETRAIN", "2000 new labels wait (at least 2000 are worth a retraining)"),
    ],
    ids=[
        "quiet",
        "drift alone is watched",
        "harm retrains",
        "above the limit, but within chance",
        "complaints of the few who answered are watched, not proof",
        "too few answers prove nothing",
        "automation that breaks its promise retrains",
        "enough new labels retrain",
    ],
)
def test_verdict(seen, moved, new_labels, state, reason):
    verdict = judge(seen, moved, new_labels)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_notes_are_never_lost():
    assert judge(window(10), [], notes=["no reference"]).reason.endswith("; no reference")
    assert judge(window(1000, 1000, 300), [], notes=["no reference"]).reason.endswith("; no reference")


def test_since_is_kept_while_the_state_lasts():
    first = dated(judge(window(1000), ["language"]), None, NOW)
    later = dated(judge(window(1000), ["channel"]), first, NOW + timedelta(days=2))
    calm = dated(judge(window(1000), []), later, NOW + timedelta(days=3))

    assert first.since == later.since == NOW
    assert calm.since == NOW + timedelta(days=3)


def test_the_line_names_state_reason_since_and_what_was_done():
    assert Verdict("WATCH", "1 column moved (language)", NOW).line == (
        "WATCH since 2026-07-03 09:00 UTC: 1 column moved (language). "
        "Done: nothing changed, the champion keeps serving."
    )
