"""Who answers is no random sample: the estimate speaks for all decisions, not for the answered ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.hold_out import in_hold_out
from monitoring.estimate import MOST_WEIGHT, answer_weights, estimated_right
from tests.monitoring.examples import decisions, feedback

MADE = 2000


def desk(
    seed: int, automated_answered: float = 0.05, others_answered: float = 0.6
) -> tuple[pd.DataFrame, ...]:
    """Half the decisions are automatic, almost always right and hardly ever answered; the truth beside."""
    chance = np.random.default_rng(seed)
    automated = np.arange(MADE) % 2 == 0
    right = chance.random(MADE) < np.where(automated, 0.98, 0.70)
    answers = chance.random(MADE) < np.where(automated, automated_answered, others_answered)
    made = decisions(
        MADE,
        action=np.where(automated, "auto_resolve", "assist").tolist(),
        probability=np.where(automated, 0.97, 0.7).tolist(),
    )
    given_ = feedback(
        *[
            (f"d{i}", "approve" if right[i] else "override", "intent", None if right[i] else "other")
            for i in np.flatnonzero(answers)
        ]
    )
    return made, given_, right


@pytest.mark.parametrize("seed", range(5))
def test_the_estimate_finds_the_truth_where_the_plain_share_does_not(seed):
    made, given_, right = desk(seed)
    found = estimated_right(made, given_)
    assert abs(found.plain - right.mean()) > 0.08
    assert abs(found.share - right.mean()) < 0.04
    assert found.covered == 1


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = 0
    for seed in range(40):
        made, given_, right = desk(seed)
        found = estimated_right(made, given_)
        held += found.low <= right.mean() <= found.high
    assert held >= 35  # of 40; 38 on average


def test_what_nobody_answered_is_not_covered_and_not_guessed():
    made, given_, _ = desk(1, automated_answered=0.0)
    found = estimated_right(made, given_)
    assert found.covered == 0.5
    assert found.share == pytest.approx(0.70, abs=0.04)
    nothing = estimated_right(made, feedback())
    assert (nothing.share, nothing.low, nothing.high, nothing.covered) == (None, 0.0, 1.0, 0.0)
    assert estimated_right(decisions(0), feedback()).share is None


def test_the_weights_of_the_answers_add_up_to_all_decisions():
    made, given_, _ = desk(2)
    answered = made["decision_id"].isin(given_["decision_id"])
    weights = answer_weights(made, answered)
    assert weights[answered].sum() == pytest.approx(MADE)
    assert answer_weights(made, pd.Series(False, index=made.index)).isna().all()
    one = pd.Series(np.arange(MADE) == 0)
    assert answer_weights(made, one)[0] == MOST_WEIGHT


@given(st.text(max_size=40))
def test_the_hold_out_is_decided_by_the_ticket_alone(ticket_id):
    assert in_hold_out(ticket_id) == in_hold_out(ticket_id)
    assert not in_hold_out(ticket_id, 0.0)
    assert in_hold_out(ticket_id, 1.0)


def test_the_hold_out_is_as_large_as_it_should_be_and_grows_by_adding():
    small = {i for i in range(20_000) if in_hold_out(str(i), 0.02)}
    large = {i for i in range(20_000) if in_hold_out(str(i), 0.05)}
    assert 330 < len(small) < 470
    assert small < large
