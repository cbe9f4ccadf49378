"""Labels: who said what, and whether it was known in time."""

import pandas as pd
import pytest

from features.labels import confirmed, deleted, disputed, final_labels, reviewed_labels
from features.schema import empty_table, typed
from tests.features.histories import START

Row = tuple[int, str, str | None, str, str | None]


def events(*rows: Row) -> pd.DataFrame:
    """(known on hour, kind, value, actor kind, actor), about ticket ``t``; rows come in any order."""
    return typed(
        "ticket_events",
        pd.DataFrame(
            [
                {
                    "event_id": f"e{k}",
                    "ticket_id": "t",
                    "known_at": at,
                    "occurred_at": at,
                    "kind": kind,
                    "value": value,
                    "actor_kind": who,
                    "actor_id": actor,
                }
                for k, (hour, kind, value, who, actor) in enumerate(rows)
                for at in [START + pd.Timedelta(hours=hour)]
            ]
        )[::-1],
    )


@pytest.mark.parametrize(
    ("until", "label"),
    [(None, "b"), (3, "b"), (2, "a"), (1, None)],
    ids=["ever", "after", "at the change", "at once"],
)
def test_a_label_set_later_is_not_known_earlier(until, label):
    log = events((1, "intent_set", "a", "agent", "g"), (2, "intent_set", "b", "agent", "g"))
    as_of = None if until is None else START + pd.Timedelta(hours=until)
    assert final_labels(log, "intent_set", as_of).get("t") == label


def test_only_agents_make_final_labels_and_a_cleared_label_is_none():
    log = events((1, "intent_set", "a", "model", "m"), (2, "intent_set", "b", "reviewer", "q"))
    assert final_labels(log, "intent_set").empty
    assert final_labels(log, "intent_set", actor_kinds=("model", "reviewer")).to_dict() == {"t": "b"}
    cleared = events((1, "intent_set", "a", "agent", "g"), (2, "intent_set", None, "agent", "g"))
    assert final_labels(cleared, "intent_set").empty


@pytest.mark.parametrize(
    ("reviews", "agreed", "is_disputed"),
    [
        ([("a", "q1"), ("a", "q2")], "a", False),
        ([("a", "q1"), ("b", "q2")], None, True),
        ([("a", "q1"), ("a", "q1")], None, False),
        ([("a", "q1"), ("b", "q1"), ("b", "q2")], "b", False),
        ([("a", "q1"), ("a", "q2"), ("b", "q3")], None, True),
        ([("a", "q1"), ("a", None)], None, False),
    ],
    ids=["agree", "differ", "one twice", "changed her mind", "third differs", "nobody in particular"],
)
def test_a_review_counts_when_two_different_reviewers_agree(reviews, agreed, is_disputed):
    log = events(*((hour, "intent_set", value, "reviewer", who) for hour, (value, who) in enumerate(reviews)))
    assert reviewed_labels(log, "intent_set").get("t") == agreed
    assert ("t" in disputed(log, "intent_set")) == is_disputed
    assert reviewed_labels(log, "intent_set", START).empty


@pytest.mark.parametrize(
    ("steps", "is_confirmed"),
    [
        ([("confirmed", "customer")], True),
        ([("confirmed", "agent")], False),
        ([("confirmed", "customer"), ("reopened", "customer")], False),
        ([("reopened", "customer"), ("confirmed", "customer")], True),
        ([], False),
    ],
)
def test_a_resolution_is_confirmed_by_the_customer_and_not_if_reopened_since(steps, is_confirmed):
    log = (
        events(*((hour, kind, None, who, "x") for hour, (kind, who) in enumerate(steps)))
        if steps
        else empty_table("ticket_events")
    )
    assert bool(confirmed(log).get("t", False)) == is_confirmed


@pytest.mark.parametrize(
    ("until", "label"),
    [(None, "a"), (4, "a"), (3, "b")],
    ids=["ever", "after the retraction", "at the retraction"],
)
def test_a_label_counts_until_it_is_known_to_be_retracted(until, label):
    log = events(
        (1, "intent_set", "a", "agent", "g"),
        (2, "intent_set", "b", "agent", "g"),
        (3, "retracted", "e1", "system", None),
    )
    as_of = None if until is None else START + pd.Timedelta(hours=until)
    assert final_labels(log, "intent_set", as_of).get("t") == label


@pytest.mark.parametrize(("until", "gone"), [(None, ["t"]), (3, ["t"]), (2, [])], ids=["ever", "after", "at"])
def test_a_ticket_is_deleted_from_when_that_is_known(until, gone):
    log = events((1, "reply", None, "agent", "g"), (2, "deleted", None, "system", None))
    as_of = None if until is None else START + pd.Timedelta(hours=until)
    assert list(deleted(log, as_of)) == gone
