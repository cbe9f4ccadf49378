"""Quality counts only what people said, and never takes silence for approval."""

from datetime import UTC, datetime

import pytest

from monitoring.quality import corrections, freshness, quality
from monitoring.rates import Rate
from tests.monitoring.examples import decisions, feedback


def test_silence_is_neither_approval_nor_complaint():
    seen = quality(decisions(100), feedback(("d1", "override", "intent", "refund_request")))

    assert seen.answered == 1
    assert seen.overrides["intent"].answered == Rate(1, 1)
    assert seen.overrides["intent"].all == Rate(1, 100)
    assert seen.overrides["queue"].all == Rate(0, 100)
    assert seen.calibration.right == Rate(0, 1)


def test_without_feedback_nothing_is_known():
    seen = quality(decisions(10), feedback())

    assert seen.answered == 0
    assert seen.overrides["intent"].answered.share is None
    assert seen.calibration.stated_probability is None
    assert not seen.calibration.overconfident


def test_without_decisions_nothing_breaks():
    assert quality(decisions(0), feedback(("d1", "approve", None, None))).decisions == 0


@pytest.mark.parametrize(
    ("verdicts", "changed"),
    [
        (
            [("d0", "approve", None, None)],
            {"intent": False, "priority": False, "queue": False, "sentiment": False},
        ),
        ([("d0", "approve", "intent", None)], {"intent": False}),
        ([("d0", "override", "intent", "refund_request")], {"intent": True}),
        ([("d0", "override", "intent", "invoice_copy")], {"intent": False}),
        ([("d0", "reject", "intent", None)], {"intent": True}),
        ([("d0", "override", "queue", "access"), ("d0", "override", "queue", "billing")], {"queue": False}),
        ([("d0", "override", "intent", "x"), ("d0", "approve", "intent", None)], {"intent": True}),
        ([("d0", "modify", "reply", "Dear ...")], {}),
        ([("unknown", "override", "intent", "x")], {}),
    ],
    ids=[
        "an approval confirms everything",
        "an approval of one field confirms one field",
        "an override changes",
        "an override to the same value confirms",
        "a rejection says wrong without saying what is right",
        "the last word counts",
        "a correction outweighs a click on approve",
        "an edited reply says nothing about fields",
        "feedback on decisions outside the window is left out",
    ],
)
def test_last_word_on_each_field(verdicts, changed):
    found = corrections(decisions(3), feedback(*verdicts))

    assert dict(zip(found["field"], found["changed"], strict=True)) == changed


def test_an_automatic_resolution_that_was_corrected_or_rejected_counts_as_wrong():
    automated = decisions(5, action=["auto_resolve"] * 4 + ["assist"])
    seen = quality(
        automated,
        feedback(
            ("d0", "approve", None, None),
            ("d1", "modify", "intent", "refund_request"),
            ("d2", "reject", None, None),
            ("d4", "reject", None, None),
        ),
    )

    assert seen.automated_wrong.answered == Rate(2, 3)
    assert seen.automated_wrong.all == Rate(2, 4)


def test_another_priority_does_not_make_an_automatic_answer_wrong():
    automated = decisions(2, action="auto_resolve")
    seen = quality(
        automated, feedback(("d0", "override", "priority", "urgent"), ("d1", "override", "intent", "refund"))
    )
    assert seen.automated_wrong.answered == Rate(1, 1)
    assert seen.overrides["priority"].all.hits == 1


def test_overconfidence_shows_where_answers_disagree_with_the_stated_probability():
    stated = decisions(60, probability=0.95)
    wrong = [(f"d{i}", "override", "intent", "other") for i in range(20)]
    right = [(f"d{i}", "approve", None, None) for i in range(20, 60)]

    assert quality(stated, feedback(*wrong, *right)).calibration.overconfident
    assert not quality(stated, feedback(*right)).calibration.overconfident


def test_a_table_that_never_learned_anything_has_no_age():
    now = datetime(2026, 7, 2, tzinfo=UTC)
    assert freshness({"usage": datetime(2026, 7, 1, 12, tzinfo=UTC), "accounts": None}, now) == {
        "accounts": None,
        "usage": 12.0,
    }


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [(Rate(0, 0), 0, 1), (Rate(59, 59), 0.9505, 1), (Rate(92, 93), 0.9500, 0.9994), (Rate(0, 59), 0, 0.0495)],
)
def test_bounds_are_the_exact_ones(rate, low, high):
    assert rate.lower() == pytest.approx(low, abs=1e-4)
    assert rate.upper() == pytest.approx(high, abs=1e-4)


def test_an_impossible_rate_is_refused():
    with pytest.raises(ValueError, match="found 3 of 2"):
        Rate(3, 2)
