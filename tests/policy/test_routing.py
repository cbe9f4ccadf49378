"""Queue by intent or escalation, agent by language, skill, history and load."""

import re
from pathlib import Path
from typing import Any

import pytest

from policy.desk import Desk, DeskError, parse_desk
from policy.desk_schema import WEEKDAYS, AgentHours, Calendar
from policy.escalation import EscalationCall, escalations
from policy.routing import AgentState, route
from tests.policy.examples import shipped_desk, situation


def agent(agent_id: str, **changes: Any) -> AgentState:
    usual: dict[str, Any] = {
        "team": "access",
        "skills": (),
        "languages": ("en",),
        "open_tickets": 5,
        "served_contact": False,
    }
    return AgentState(agent_id, **(usual | changes))


@pytest.mark.parametrize(
    ("agents", "chosen"),
    [
        pytest.param([agent("a"), agent("b", skills=("password_reset",))], "b", id="skill by intent"),
        pytest.param([agent("a"), agent("b", skills=("sign_in",))], "b", id="skill by product area"),
        pytest.param([agent("a"), agent("b", open_tickets=2)], "b", id="less load"),
        pytest.param([agent("a"), agent("b", served_contact=True)], "b", id="knows the person"),
        pytest.param(
            [agent("a", languages=("de",), skills=("sign_in",)), agent("b")], "b", id="language before skill"
        ),
        pytest.param(
            [agent("a", team="billing", served_contact=True), agent("b")], "b", id="only the queue's team"
        ),
        pytest.param([agent("a", skills=("sign_in",), open_tickets=40), agent("b")], "b", id="no room left"),
        pytest.param([agent("a", languages=("de",))], "a", id="nobody speaks it: still somebody"),
        pytest.param([agent("a", team="billing")], None, id="nobody in the team"),
        pytest.param([], None, id="no agents known"),
    ],
)
def test_the_best_placed_agent_takes_it(agents: list[AgentState], chosen: str | None) -> None:
    call = route(shipped_desk(), situation(), [], agents)
    assert (call.queue, call.agent) == ("access", chosen)
    assert route(shipped_desk(), situation(), [], agents[::-1]) == call


@pytest.mark.parametrize(
    ("changes", "queue"),
    [
        ({}, "access"),
        ({"intent": "invoice_copy"}, "billing"),
        ({"intent": None}, "general"),
        ({"intent": "Fix problems"}, "general"),
        ({"out_of_scope": True}, "general"),
        ({"body": "We will take legal action"}, "compliance"),
        ({"intent": "service_outage", "body": "We will take legal action"}, "compliance"),
        ({"intent": "crm_sync_broken"}, "integrations"),
        ({"churn_risk": 0.9, "contract_value_cents": 90_000_000}, "access"),
    ],
)
def test_the_queue_follows_intent_and_escalation(changes: dict[str, Any], queue: str) -> None:
    asked = situation(**changes)
    assert route(shipped_desk(), asked, escalations(shipped_desk(), asked), []).queue == queue


def test_an_incident_goes_before_the_usual_queue_and_legal_weight_before_the_incident() -> None:
    crisis = EscalationCall("crisis", "9 accounts", "engineering")
    legal = EscalationCall("regulatory", "a lawyer", "compliance")
    assert route(shipped_desk(), situation(), [crisis], []).queue == "engineering"
    assert route(shipped_desk(), situation(), [crisis, legal], []).queue == "compliance"


def test_the_reason_is_readable() -> None:
    team = [agent("Mia", skills=("sign_in",), served_contact=True)]
    assert route(shipped_desk(), situation(), [], team).reason == (
        "access: handles 'password_reset' (99% sure); "
        "Mia speaks en, knows the subject, has helped this person before and has 5 open tickets"
    )


def test_nobody_is_said_to_lack_a_language_that_was_never_recorded() -> None:
    reason = route(shipped_desk(), situation(), [], [agent("Mia", languages=())]).reason
    assert "Mia has no languages on record" in reason
    assert "does not speak" not in reason


SHIFTS = {"early": "06:00-14:00", "late": "14:00-22:00"}


def with_shifts(agents: dict[str, Any], queue_calendar: str | None = None) -> Desk:
    """The shipped desk with an early and a late shift (UTC, every weekday), and these agents."""
    desk = shipped_desk()
    week = WEEKDAYS[:5]
    calendars = {
        name: Calendar.model_validate({"time_zone": "UTC", "hours": {day: [span] for day in week}})
        for name, span in SHIFTS.items()
    }
    queue = desk.queues["access"].model_copy(update={"calendar": queue_calendar})
    return desk.model_copy(
        update={
            "calendars": desk.calendars | calendars,
            "queues": desk.queues | {"access": queue},
            "agents": {name: AgentHours.model_validate(hours) for name, hours in agents.items()},
        }
    )


HOLIDAY = [{"first": "2026-06-29", "last": "2026-07-02"}]


@pytest.mark.parametrize(
    ("hours", "queue_calendar", "chosen", "when"),
    [
        pytest.param({"best": {"calendar": "early"}}, None, "best", None, id="on shift"),
        pytest.param({"best": {"calendar": "late"}}, None, "other", None, id="not on shift yet"),
        pytest.param({"best": {"away": HOLIDAY}}, None, "other", None, id="on holiday"),
        pytest.param(
            {"best": {"calendar": "early"}}, "late", "best", None, id="before the rest of the queue"
        ),
        pytest.param({}, "late", "best", "2026-07-01 14:00", id="nobody there: whoever comes first"),
        pytest.param(
            {"best": {"away": HOLIDAY}}, "late", "other", "2026-07-01 14:00", id="comes later still"
        ),
        pytest.param(
            {"best": {"away": HOLIDAY}, "other": {"away": HOLIDAY}},
            "early",
            "best",
            "2026-07-03 06:00",
            id="all on holiday until Friday",
        ),
    ],
)
def test_somebody_who_is_there_takes_it(
    hours: dict[str, Any], queue_calendar: str | None, chosen: str, when: str | None
) -> None:
    """On Wednesday 2026-07-01 at 08:00 UTC."""
    team = [agent("best", skills=("sign_in",)), agent("other")]
    call = route(with_shifts(hours, queue_calendar), situation(), [], team)
    assert call.agent == chosen
    assert ("is there first, from" in call.reason) == (when is not None)
    assert when is None or f"from {when} UTC" in call.reason


def test_days_away_are_refused_backwards_and_calendars_unknown() -> None:
    shipped = (Path(__file__).parents[2] / "policy" / "desk.yaml").read_text(encoding="utf-8")
    for written, said in (
        ("{calendar: nights}", "agents.a1.calendar: found 'nights'; allowed: office, around_the_clock"),
        ("{away: [{first: 2026-08-09, last: 2026-08-02}]}", "the last day is before the first"),
    ):
        with pytest.raises(DeskError, match=re.escape(said)):
            parse_desk(f"{shipped}\nagents:\n  a1: {written}\n")
