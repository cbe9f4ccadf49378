"""Who works when: read off acts, declared by the desk, or assumed; and what is read off tickets' lives."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.schema import empty_table, typed
from pipelines.backtest.history import first_answer_share, lives, relative_effort, waits_for_customers
from pipelines.backtest.roster import Window, assumed_agents, roster
from policy.desk_schema import AgentHours, Away, Queue
from tests.policy.examples import BERLIN, shipped_desk

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = Window(MONDAY, MONDAY + timedelta(days=7), 0.0)


def acts(agent: str, hours: range, days: range, weeks: int = 4, since: datetime = MONDAY) -> list[dict]:
    """A reply in the middle of every hour of the shift."""
    return [
        event("t", since + timedelta(weeks=w, days=d, hours=h, minutes=30), "reply", actor_id=agent)
        for w in range(weeks)
        for d in days
        for h in hours
    ]


def event(
    ticket: str, at: datetime, kind: str, value: str | None = None, who: str = "agent", **more: str
) -> dict:
    return {
        "ticket_id": ticket,
        "known_at": at,
        "occurred_at": at,
        "kind": kind,
        "value": value,
        "actor_kind": who,
        **more,
    }


def events(rows: list[dict]) -> pd.DataFrame:
    numbered = [{"event_id": f"e{n:05d}", **row} for n, row in enumerate(rows)]
    return typed("ticket_events", pd.DataFrame(numbered, columns=list(empty_table("ticket_events").columns)))


def people(rows: list[dict], desk=None, agents: pd.DataFrame | None = None):
    table = empty_table("agents") if agents is None else agents
    homes = pd.Series({"t": "billing"}, dtype="object")
    return roster(desk or shipped_desk(), table, events(rows), homes, WEEK)


def test_shifts_are_read_off_when_somebody_answered():
    [found] = people(acts("a", range(9, 17), range(5), since=MONDAY - timedelta(weeks=4)))
    assert found.team == "billing"
    assert found.starts.tolist() == [24 * d + 9.0 for d in range(5)]
    assert found.ends.tolist() == [24 * d + 17.0 for d in range(5)]
    assert found.staffed_hours == 40.0


def test_one_late_evening_makes_no_shift_and_nights_over_midnight_do():
    early = MONDAY - timedelta(weeks=4)
    rows = acts("a", range(9, 17), range(5), since=early) + acts("a", range(22, 23), range(1), 1, early)
    assert people(rows)[0].staffed_hours == 40.0
    [night] = people(
        acts("n", range(22, 24), range(7), since=early) + acts("n", range(4), range(7), since=early)
    )
    assert night.staffed_hours == 42.0


def test_nobody_is_there_before_their_first_act():
    [found] = people(acts("new", range(9, 17), range(5), since=MONDAY + timedelta(days=2)))
    assert found.starts.min() == 48 + 9.5


def test_somebody_who_hardly_acted_has_everybodys_hours():
    early = MONDAY - timedelta(weeks=4)
    rows = acts("a", range(9, 17), range(5), since=early) + acts("b", range(9, 10), range(2), 1, early)
    assert [each.staffed_hours for each in people(rows)] == [40.0, 40.0]


def test_what_the_desk_declares_wins_and_absences_count():
    away = AgentHours(calendar="berlin", away=(Away(first="2026-06-02", last="2026-06-03"),))
    desk = shipped_desk().model_copy(
        update={"calendars": {**shipped_desk().calendars, "berlin": BERLIN}, "agents": {"a": away}}
    )
    [found] = people(acts("a", range(24), range(7), since=MONDAY - timedelta(weeks=4)), desk)
    assert found.staffed_hours == 8 + 9 + 7  # Monday, Thursday and Friday in Berlin


def test_the_table_of_agents_says_team_skills_and_languages():
    table = typed(
        "agents",
        pd.DataFrame(
            {
                "agent_id": ["a"],
                "known_at": [MONDAY],
                "team": ["access"],
                "skills": [["sso"]],
                "languages": [["fr"]],
            }
        ),
    )
    [found] = people(acts("a", range(9, 17), range(5)), agents=table)
    assert (found.team, found.skills, found.languages) == ("access", ("sso",), ("fr",))


def test_reviewers_and_customers_are_nobody_who_works():
    rows = [event("t", MONDAY, "reply", who="customer", actor_id="c")]
    rows += [event("t", MONDAY, "intent_set", "x", who="reviewer", actor_id="r")]
    assert people(rows) == []


@pytest.mark.parametrize(("calendar", "hours"), [(None, 45.0), ("berlin", 8 + 9 + 9 + 9 + 7)])
def test_assumed_people_work_office_hours_or_the_queues(calendar, hours):
    desk = shipped_desk().model_copy(
        update={
            "calendars": {**shipped_desk().calendars, "berlin": BERLIN},
            "queues": {"night": Queue(about="nights", calendar=calendar)},
        }
    )
    assert [each.staffed_hours for each in assumed_agents(desk, "night", 2, WEEK)] == [hours, hours]


def test_the_life_of_a_ticket_is_read_off_its_events():
    h = lambda n: MONDAY + timedelta(hours=n)  # noqa: E731
    rows = [
        event("t", h(0), "queue_set", "general", who="system"),
        event("t", h(1), "queue_set", "billing"),
        event("t", h(1), "assigned", "a"),
        event("t", h(2), "reply"),
        event("t", h(5), "reply", who="customer"),
        event("t", h(6), "reply"),
        event("t", h(6), "solved"),
        event("t", h(9), "reply", who="customer"),
        event("t", h(9), "reopened", who="customer"),
        event("t", h(10), "csat", "4", who="customer"),
        event("u", h(0), "solved", who="model"),
    ]
    found = lives(events(rows))
    life = found.loc["t"]
    assert (life["first_queue"], life["final_queue"], life["handoffs"]) == ("general", "billing", 1)
    assert (life["questions"], life["answers"], life["csat"]) == (1, 2, 4.0)
    assert bool(life["came_back"]) is True
    assert [life[name] - pd.Timestamp(MONDAY) for name in ("assigned_at", "answered_at", "solved_at")] == [
        timedelta(hours=1),
        timedelta(hours=2),
        timedelta(hours=6),
    ]
    assert found["automated"].to_dict() == {"t": False, "u": True}
    assert not bool(lives(events(rows), pd.Timestamp(h(8))).loc["t", "came_back"])
    assert waits_for_customers(events(rows)).tolist() == [3.0, 3.0]


def test_effort_is_relative_and_rare_issues_are_drawn_to_the_usual():
    rows, tickets = [], []
    for n in range(220):
        issue, hours = ("long", 7) if n % 2 else ("short", 1)
        issue = "rare" if n == 0 else issue
        rows += [event(f"t{n}", MONDAY, "assigned", "a")]
        rows += [event(f"t{n}", MONDAY + timedelta(hours=1), "reply"), event(f"t{n}", MONDAY, "note")]
        rows += [event(f"t{n}", MONDAY + timedelta(hours=hours + 1), kind) for kind in ("reply", "solved")]
        tickets.append({"ticket_id": f"t{n}", "intent": issue})
    known = lives(events(rows))
    found = relative_effort(pd.DataFrame(tickets), known)
    assert found["long"] > 1.2 > 1 > found["short"] > 0.4
    assert abs(found["rare"] - 1) < 0.05
    assert first_answer_share(known) == pytest.approx(np.median([1 / 2, 1 / 8]), abs=0.2)
    assert first_answer_share(known.head(10)) is None
