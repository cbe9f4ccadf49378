"""No challenger passes that is worse, unsure of itself, slower, or bad for some customers only."""

import numpy as np
import pandas as pd
import pytest

from pipelines.challenge import Said, compared, judging_labels, paired
from pipelines.drills.bad_releases import flipped

ROWS = 600
CHANCE = np.random.default_rng(4)
TRUTH = CHANCE.choice(["a", "b", "c"], ROWS).astype(object)
TICKETS = pd.DataFrame(
    {"plan": ["starter"] * 550 + ["enterprise"] * 50, "language": "en", "channel": "email"}
)
GATES = ("intent against champion", "no slice worse", "calibration", "automation promise", "latency", "size")


def said(
    right: np.ndarray, probability: object = None, milliseconds: float = 5.0, megabytes: float = 8.0
) -> Said:
    """Answers that are right where ``right``, by default as sure as they are right; all are automated."""
    intent = np.where(right, TRUTH, "wrong").astype(object)
    sure = np.full(ROWS, right.mean()) if probability is None else np.full(ROWS, probability)
    return Said(intent, sure, np.ones(ROWS, dtype=bool), milliseconds, megabytes)


def right_in(share: float, wrong_for: str | None = None) -> np.ndarray:
    right = np.arange(ROWS) % 100 < round(100 * share)
    return right & ~(TICKETS["plan"] == wrong_for).to_numpy() if wrong_for else right


CHAMPION = said(right_in(0.80))


@pytest.mark.parametrize(
    ("challenger", "fails"),
    [
        (said(right_in(0.88)), []),
        (CHAMPION, []),
        (said(right_in(0.70)), ["intent against champion", "no slice worse", "automation promise"]),
        (
            said(np.zeros(ROWS, dtype=bool)),
            ["intent against champion", "no slice worse", "automation promise"],
        ),
        (said(right_in(0.99, wrong_for="enterprise")), ["no slice worse"]),
        (said(right_in(0.88), probability=0.99), ["calibration"]),
        (said(right_in(0.88), milliseconds=30), ["latency"]),
        (said(right_in(0.80), milliseconds=30), ["latency"]),
        (said(right_in(0.88), megabytes=500), ["size"]),
    ],
    ids=[
        "better",
        "the same",
        "worse",
        "flipped labels",
        "better but for one plan",
        "too sure of itself",
        "better but slower",
        "merely slower",
        "better but huge",
    ],
)
def test_gate(challenger, fails):
    gates = compared(TICKETS, TRUTH, challenger, CHAMPION)
    assert [gate.name for gate in gates] == list(GATES)
    assert [gate.name for gate in gates if not gate.passed] == fails


def test_a_gain_that_may_be_an_accident_does_not_hide_a_loss():
    few = paired(np.array([1, 1, 0, 1] * 10), np.array([1, 0, 1, 1] * 10))
    assert few.mean == 0
    assert few.low < -0.01
    assert paired(np.array([]), np.array([])).low == -1


def test_reviews_judge_where_there_are_enough_of_them_so_that_no_agent_alone_can():
    tickets = pd.DataFrame(
        {"intent_label": ["poisoned"] * 150, "intent_reviewed": ["true"] * 120 + [None] * 30}
    )
    assert set(judging_labels(tickets).dropna()) == {"true"}
    assert set(judging_labels(tickets.iloc[90:])) == {"poisoned"}


def test_flipped_labels_are_all_wrong_and_nothing_else_changes():
    tickets = pd.DataFrame(
        {"intent_label": ["a", "b", None], "intent_reviewed": [None, "c", None], "body": ["x", "y", "z"]}
    )
    changed = flipped(tickets)
    assert changed["intent_label"].tolist()[:2] == ["b", "c"]
    assert changed["intent_reviewed"].tolist()[1] == "a"
    assert changed["body"].tolist() == ["x", "y", "z"]
