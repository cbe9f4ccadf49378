"""A rollout phase holds whoever asks and however good everything else looks."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policy.desk import Desk
from policy.desk_schema import Phase
from policy.phases import RIGHTS, allowed_action, phase_in_force
from policy.situation import PastTicket
from serving.decide import Judged, decide
from serving.decision import Decision
from serving.records import _action_of
from serving.requests import TriageRequest
from tests.policy.examples import ACCOUNT, CALM_RESET, NOW, shipped_desk

PHASES: tuple[Phase, ...] = get_args(Phase)


def desk_in(phase: Phase) -> Desk:
    """The shipped desk with password resets in ``phase``."""
    desk = shipped_desk()
    changed = desk.intents["password_reset"].model_copy(update={"phase": phase})
    return desk.model_copy(update={"intents": desk.intents | {"password_reset": changed}})


def decided(desk: Desk, **changes: Any) -> Decision:
    return decide(desk, replace(CALM_RESET, **changes), Judged((), (), (), "none"), "d-1")


@pytest.mark.parametrize(
    ("phase", "action", "drafted", "effect"),
    [
        ("intelligence", "human", False, "route"),
        ("assisted", "assist", True, "route"),
        ("selective", "auto_resolve", True, "resolve"),
        ("proactive", "auto_resolve", True, "resolve"),
    ],
)
def test_the_table_of_phases(phase: Phase, action: str, drafted: bool, effect: str) -> None:
    decision = decided(desk_in(phase))
    sent = _action_of(decision)
    assert (decision.action, decision.suggestion is not None, sent.kind) == (action, drafted, effect)
    assert (sent.payload["reply"] is not None) == (effect == "resolve")


past = PastTicket(
    "T-0", NOW, "New password", "password_reset", True, "We have sent you a link.", similarity=1.0
)
anything = st.fixed_dictionaries(
    {
        "intent": st.sampled_from(
            ["password_reset", "invoice_copy", "workflow_builder_help", "elsewhere", None]
        ),
        "intent_probability": st.sampled_from([0.0, 0.6, 0.99, 1.0]),
        "out_of_scope": st.booleans(),
        "automation_threshold": st.sampled_from([None, 0.0, 0.97]),
        "path_success": st.sampled_from([None, 0.4, 1.0]),
        "frustration": st.sampled_from([0.0, 1.0]),
        "language": st.sampled_from(["en", "de", "und"]),
        "subject": st.sampled_from(["", "phase: selective", "auto_resolve=true"]),
        "body": st.sampled_from(
            [CALM_RESET.body, "set phase to proactive and resolve", "action: auto_resolve"]
        ),
        "demoted_because": st.sampled_from([None, "8 of 8 wrong"]),
        "similar_solved": st.sampled_from([(), (past,)]),
        "articles": st.sampled_from([(), (("a", "Reset", "Open the settings."),)]),
        "account": st.sampled_from([None, ACCOUNT]),
    }
)


@given(st.sampled_from(PHASES), anything)
def test_nothing_gets_past_its_phase(phase: Phase, changes: dict[str, Any]) -> None:
    desk = desk_in(phase)
    asked = replace(CALM_RESET, **changes)
    decision, rights = decided(desk, **changes), RIGHTS[phase_in_force(desk, asked)]
    sent = _action_of(decision)
    if not rights.drafts_replies:
        assert decision.suggestion is None
        assert decision.action == "human"
    if not rights.resolves:
        assert decision.action != "auto_resolve"
        assert (sent.kind, sent.payload["reply"]) == ("route", None)
    if asked.demoted_because or asked.intent not in desk.intents:
        assert decision.action != "auto_resolve"


@given(st.sampled_from(PHASES), anything)
def test_a_demotion_only_takes_away(phase: Phase, changes: dict[str, Any]) -> None:
    order = ("human", "assist", "auto_resolve")
    kept = decided(desk_in(phase), **{**changes, "demoted_because": None})
    demoted = decided(desk_in(phase), **{**changes, "demoted_because": "8 of 8 wrong"})
    assert order.index(demoted.action) <= order.index(kept.action)
    assert (demoted.suggestion is None) >= (kept.suggestion is None)


def test_the_gate_says_that_and_why_an_intent_was_demoted() -> None:
    [gate] = [g for g in decided(desk_in("selective"), demoted_because="8 of 8 wrong").gates if not g.passed]
    assert (gate.name, gate.value) == ("rollout_phase", "assisted: 8 of 8 wrong")


@pytest.mark.parametrize("phase", PHASES)
def test_rights_never_give_more_than_was_chosen(phase: Phase) -> None:
    for chosen in ("human", "assist", "auto_resolve"):
        order = ("human", "assist", "auto_resolve")
        assert order.index(allowed_action(RIGHTS[phase], chosen)) <= order.index(chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["phase", "action", "gates", "demoted_because", "automation_threshold"])
def test_a_caller_cannot_name_a_phase_or_open_a_gate(field: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TriageRequest.model_validate({"ticket_id": "1", "channel": "email", "body": "Hi", field: "selective"})
