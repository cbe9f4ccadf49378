"""The promise of risk control, in two thousand made-up desks whose true precision is known."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from pipelines.benchmarks.deployments import (
    Outcome,
    draw_deployment,
    few_and_many,
    outcome,
    outcomes,
    results,
    summary,
)

PRECISION = CONFIDENCE = 0.95


@pytest.fixture(scope="module")
def found() -> list[Outcome]:
    return list(outcomes(2_000, PRECISION, CONFIDENCE, seed=20_260_701))


def test_the_promise_holds_in_enough_deployments_and_is_not_kept_by_silence(found):
    told = summary(found, PRECISION)
    assert told["deployments"] == 2_000
    assert told["held_share"] >= 0.95
    assert told["promises_kept_share"] >= 0.95
    assert told["share_of_oracle"] >= 0.70
    shares = list(few_and_many(found).values())
    assert shares == sorted(shares)  # the more was verified, the more can be automated


def test_what_is_recorded_says_what_was_promised_and_what_was_kept():
    held, oracle = results(deployments=40, seed=3)
    assert (held.name, oracle.name) == ("risk.promise_held_share", "risk.automated_share_of_oracle")
    assert 0.5 < oracle.value < 1
    assert "kept 95 % precision" in held.note
    assert json.loads(json.dumps([asdict(held), asdict(oracle)]))[0]["met"] is True


def test_desks_with_few_cases_and_rare_intents_and_wrong_labels_are_among_them():
    rng = np.random.default_rng(0)
    desks = [draw_deployment(rng) for _ in range(60)]
    cases = [len(desk.evidence) for desk in desks]
    assert min(cases) < 800
    assert max(cases) > 8_000
    rarest = [desk.evidence["intent"].value_counts().min() for desk in desks]
    assert np.mean(np.array(rarest) < 59) > 0.15
    claimed = np.concatenate([cell.claimed - cell.true for desk in desks for cell in desk.cells])
    assert np.abs(claimed).mean() > 0.02  # what the model claims is not what is true


def test_nothing_of_the_truth_reaches_the_thresholds():
    desk = draw_deployment(np.random.default_rng(1))
    assert set(desk.evidence) == {"intent", "language", "probability", "correct"}


def test_a_lower_promise_is_worth_more_automation_and_a_broken_rule_would_be_seen():
    desks = [draw_deployment(np.random.default_rng(seed)) for seed in range(40)]
    strict = [outcome(desk, 0.97, 0.95) for desk in desks]
    lax = [outcome(desk, 0.85, 0.95) for desk in desks]
    assert sum(o.automated for o in lax) > sum(o.automated for o in strict)
    credulous = [outcome(desk, 0.95, 0.05) for desk in desks]  # as if an upper bound were a lower one
    kept = 1 - sum(o.broken for o in credulous) / sum(o.granted for o in credulous)
    assert kept < 0.8
