"""Two releases on the same tickets: what proves one worse, and what a successor is held to."""

import pandas as pd
import pytest

from monitoring.rates import Rate
from monitoring.successor import SameTickets, judge_successor, same_tickets, yardstick
from monitoring.verdict import AUTOMATED, Limits

LIMITS = Limits()


def intents(ours: int, before: int, of: int) -> dict[str, SameTickets]:
    """So many intents wrong ``of`` the same answered decisions."""
    return {"intent": SameTickets(Rate(ours, of), Rate(before, of))}


@pytest.mark.parametrize(
    ("same", "worse"),
    [
        (intents(80, 20, 90), True),
        (intents(20, 20, 90), False),
        (intents(40, 0, 40), False),
        (intents(80, 80, 90), False),
        (intents(30, 60, 90), False),
        ({}, False),
    ],
    ids=[
        "worse",
        "as good",
        "too few answers",
        "the old one would have been as bad: the world is harder",
        "better",
        "nobody could be asked",
    ],
)
def test_a_successor_is_taken_back_only_where_it_is_proven_worse(same, worse):
    found = judge_successor(same, "r0", LIMITS)
    assert (found is not None) == worse
    assert not worse or (found.state, found.worse_than, found.cause) == ("RETRAIN", "r0", "harm")


@pytest.mark.parametrize(
    ("same", "held_to"),
    [
        (intents(84, 84, 100), {"intent": 0.16, AUTOMATED: 0.01}),
        (intents(40, 84, 100), {"intent": 0.84, AUTOMATED: 0.05}),
        ({}, {"intent": 0.16, AUTOMATED: 0.01}),
    ],
    ids=["a tie excuses nothing", "proven better: the world is what it is", "unknown"],
)
def test_a_tie_with_a_release_gone_wrong_is_no_new_yardstick(same, held_to):
    own, before = {"intent": 0.84, AUTOMATED: 0.05}, {"intent": 0.16, AUTOMATED: 0.01}
    assert yardstick(own, before, same, LIMITS) == held_to


def test_a_release_that_promises_more_is_held_to_what_it_promises():
    assert yardstick({"intent": 0.1}, {"intent": 0.2}, {}, LIMITS) == {"intent": 0.1}
    assert yardstick({"priority": 0.3}, {"intent": 0.2}, {}, LIMITS) == {"priority": 0.3}


def test_only_what_people_said_is_right_is_counted_and_on_both_sides_alike():
    said = pd.DataFrame(
        {
            "decision_id": ["d1", "d2", "d3", "d4", "d5", "d1"],
            "field": ["intent"] * 5 + ["queue"],
            "value": ["a", "b", None, "d", "e", "q"],
            "changed": [False, True, True, True, True, False],
        }
    )
    instead = pd.DataFrame({"intent": ["a", "b", "c", None]}, index=["d1", "d2", "d3", "d4"])
    # d3 was rejected without a better word, d5 was not asked, and nobody knows the queues
    assert same_tickets(said, instead) == {"intent": SameTickets(Rate(2, 3), Rate(1, 3))}
