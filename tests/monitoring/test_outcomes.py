"""What became of decided tickets: only what somebody said counts, and only what came after the decision."""

from datetime import timedelta

import pandas as pd
import pytest

from features.schema import typed
from monitoring.drift import DriftLimits
from monitoring.outcomes import Rating, after_decision, outcomes, success
from monitoring.proposals import proposals
from monitoring.rates import Rate
from monitoring.targets import compare_targets, final_targets
from monitoring.thanks import thanks
from tests.monitoring.examples import START, decisions, feedback


def events(*rows: tuple) -> pd.DataFrame:
    """(ticket_id, kind, value, actor_kind, actor_id, hours after the decisions)"""
    told = [
        {
            "event_id": f"e{n}",
            "ticket_id": ticket_id,
            "known_at": START + timedelta(hours=hours),
            "occurred_at": START + timedelta(hours=hours),
            "kind": kind,
            "value": value,
            "actor_kind": who,
            "actor_id": actor,
        }
        for n, (ticket_id, kind, value, who, actor, hours) in enumerate(rows)
    ]
    return typed("ticket_events", pd.DataFrame(told, columns=list(told[0]) if told else ["event_id"]))


def said(kind, value=None, hours=5, who="customer", ticket_id="t0", actor=None):
    return (ticket_id, kind, value, who, actor, hours)


@pytest.mark.parametrize(
    ("what", "given", "held"),
    [
        ([], [], None),
        ([said("confirmed")], [], 1),
        ([said("confirmed"), said("reopened", hours=9)], [], 0),
        ([said("csat", "5")], [], 1),
        ([said("csat", "3")], [], None),
        ([said("csat", "1")], [], 0),
        ([said("confirmed"), said("csat", "1", hours=9)], [], 0),
        ([said("confirmed", who="agent")], [], None),
        ([said("confirmed", hours=-5)], [], None),
        ([said("confirmed")], [("d0", "override", "intent", "x")], 0),
        ([], [("d0", "reject", None, None)], 0),
        ([], [("d0", "approve", None, None)], None),
    ],
    ids=[
        "silence is no success",
        "the customer confirmed",
        "came back after confirming",
        "rated well",
        "a rating in the middle says nothing",
        "rated badly",
        "confirmed and rated badly",
        "an agent cannot confirm for the customer",
        "confirmed before the decision was another matter",
        "corrected by an agent",
        "rejected by an agent",
        "an agent's approval is no outcome",
    ],
)
def test_what_holds_and_what_does_not(what, given, held):
    found = success(decisions(1), after_decision(decisions(1), events(*what)), feedback(*given)).tolist()
    assert [None if value != value else value for value in found] == [held]


def test_one_window_in_figures():
    decided = decisions(4, action=["auto_resolve", "auto_resolve", "assist", "assist"])
    decided["created_at"] = decided["at"] - pd.Timedelta("30s")
    seen = outcomes(
        decided,
        events(
            said("confirmed"),
            said("csat", "4"),
            said("solved", who="agent"),
            said("solved", who="agent", ticket_id="t2"),
            said("queue_set", "technical", who="agent", ticket_id="t2"),
            said("queue_set", "technical", who="customer", ticket_id="t3"),
            said("csat", "2", ticket_id="t3"),
        ),
        feedback(),
    )
    assert seen.automated_held == Rate(1, 1)
    assert seen.automated_silent == 1
    assert seen.routed_right == Rate(1, 2)
    assert seen.csat == {"invoice_copy": Rating(3, 2)}
    assert seen.seconds_to_decision == {"p50": 30, "p95": 30}


def test_without_decisions_or_events_nothing_is_claimed():
    seen = outcomes(decisions(0), events(), feedback())
    assert seen.automated_held.share is None
    assert seen.routed_right.share is None
    assert seen.csat == {}


def cases(*bands: tuple[float, int, int]) -> pd.DataFrame:
    """(probability, good, all) of one intent."""
    rows = [(p, float(n < good)) for p, good, all_ in bands for n in range(all_)]
    return pd.DataFrame(rows, columns=["probability", "good"]).assign(intent="invoice_copy")


@pytest.mark.parametrize(
    ("known", "proposed"),
    [
        (cases(), []),
        (cases((0.95, 3, 3)), []),
        (cases((0.95, 200, 200)), []),
        (cases((0.905, 0, 15), (0.97, 200, 200)), []),
        (cases((0.905, 20, 60), (0.97, 200, 200)), [0.91]),
        (cases((0.95, 30, 60)), [None]),
        (cases((0.885, 80, 80), (0.95, 200, 200)), [0.88]),
        (cases((0.865, 10, 80), (0.885, 80, 80), (0.95, 200, 200)), [0.88]),
        (cases((0.5, 500, 500), (0.95, 200, 200)), []),
    ],
    ids=[
        "no outcomes",
        "too few outcomes",
        "as promised, and nothing known below",
        "bad luck of fifteen is no proof",
        "bad at the lower end: raise",
        "bad everywhere: stop",
        "good below: lower as far as something is known",
        "bad further below: lower not that far",
        "good far below: never at once",
    ],
)
def test_a_threshold_is_proposed_only_on_proof(known, proposed):
    found = proposals(known, {"invoice_copy": 0.9}, 0.95)
    assert [one.threshold for one in found] == proposed
    assert all(one.reason for one in found)


SAME = "somebody else came to the same"
CORRECTED = ("d0", "override", "intent", "refund")


@pytest.mark.parametrize(
    ("given", "what", "proof"),
    [
        ([CORRECTED], [], None),
        ([CORRECTED], [said("intent_set", "refund", who="agent", actor="a1")], None),
        ([CORRECTED], [said("intent_set", "refund", who="agent", actor="a2")], SAME),
        ([CORRECTED], [said("intent_set", "refund", who="reviewer", actor="r1")], SAME),
        ([CORRECTED], [said("confirmed")], "the customer confirmed"),
        ([CORRECTED], [said("csat", "5")], "the customer rated 5 of 5"),
        ([CORRECTED], [said("csat", "5"), said("reopened", hours=9)], None),
        ([CORRECTED], [said("confirmed"), said("intent_set", "other", who="agent", actor="a2")], None),
        ([("d0", "override", "intent", "invoice_copy")], [said("confirmed")], None),
        ([("d0", "approve", None, None)], [said("confirmed")], None),
    ],
    ids=[
        "nothing known since",
        "one's own word proves nothing",
        "a colleague came to the same",
        "a reviewer came to the same",
        "the customer confirmed",
        "the customer was content",
        "content and came back",
        "content, with another end",
        "no correction at all",
        "an approval",
    ],
)  # fmt: skip
def test_thanks_are_for_corrections_that_somebody_else_proved_right(given, what, proof):
    found = thanks(decisions(1), feedback(*given), after_decision(decisions(1), events(*what)))
    assert [one.proof for one in found] == ([proof] if proof else [])
    assert [(one.agent_id, one.value) for one in found] == ([("a1", "refund")] if proof else [])


def test_targets_are_what_agents_made_of_the_tickets_and_few_are_not_compared(tmp_path):
    told = events(said("intent_set", "refund", who="agent"), said("queue_set", "x", who="agent"))
    labels = events(said("intent_set", "billing", who="agent", hours=8))
    found = final_targets(decisions(3), told, labels)
    assert found["final_intent"].tolist() == ["billing"]
    assert found["final_queue"].tolist() == ["x"]
    assert compare_targets(found, found, tmp_path / "t.html", DriftLimits()) is None
    assert compare_targets(None, found, tmp_path / "t.html", DriftLimits()) is None
