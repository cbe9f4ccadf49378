"""A replay: who is served when, by whom, and what it costs; the order is policy's, the luck is shared."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.backtest.arms import Arm, Life, Luck
from pipelines.backtest.simulation import Replay
from pipelines.backtest.verdicts import handled
from pipelines.backtest.waiting import overtaking_bound_days
from pipelines.backtest.world import World
from policy.metrics import automation_rate, handoffs, routing_accuracy
from policy.routing import route
from tests.pipelines.backtest.worlds import NEVER_BACK, PARAMS, agent, case, world
from tests.policy.examples import shipped_desk

FIFO, REPORTED, FIRSTLINE = Arm("fifo", "fifo"), Arm("r", "reported_priority"), Arm("f", "firstline")
OFTEN_BACK = replace(NEVER_BACK, back_otherwise=0.3)
PROVEN = {"automation_threshold": 0.97}
LARGE = {"contract_value_cents": 60_000_000, "renewal_in_days": 10.0}


def replayed(here: World, arm: Arm, seed: int = 0) -> dict[str, Life]:
    lives = Replay(here, arm, Luck.draw(here, seed)).run()
    return {each.ticket_id: life for each, life in zip(here.cases, lives, strict=True)}


def order(lives: dict[str, Life]) -> list[str]:
    """Ticket ids in the order in which they were solved."""
    return sorted(lives, key=lambda name: lives[name].turns[-1][0])


@pytest.mark.parametrize(
    ("arm", "first_served"),
    [
        (FIFO, ["busy", "early", "claims", "large"]),
        (REPORTED, ["busy", "claims", "early", "large"]),
        (FIRSTLINE, ["busy", "large", "early", "claims"]),
    ],
)
def test_each_way_to_run_the_desk_has_its_own_order(arm, first_served):
    cases = [
        case("busy", 0.0),
        case("early", 0.1),
        case("claims", 0.2, claimed_level=3),
        case("large", 0.3, facts=LARGE),
    ]
    assert order(replayed(world(cases, [agent("a")]), arm)) == first_served


def test_work_stops_at_the_end_of_a_shift_and_goes_on_in_the_next():
    lives = replayed(world([case("t", 1.5)], [agent("a", spans=((0, 2), (24, 26)))]), FIFO)
    assert lives["t"].turns == [(24.5, "reply", "agent"), (24.5, "solved", "agent")]


def test_a_ticket_of_the_night_waits_for_the_morning():
    lives = replayed(world([case("t", 3.0)], [agent("a", spans=((0, 2), (24, 26)))]), FIRSTLINE)
    assert lives["t"].turns[-1][0] == 25.0


def test_nobody_idles_while_a_ticket_of_their_team_waits():
    cases = [case(str(n), 0.0) for n in range(4)]
    lives = replayed(world(cases, [agent("a"), agent("b")]), FIFO)
    assert sorted(life.turns[-1][0] for life in lives.values()) == [1.0, 1.0, 2.0, 2.0]


def test_a_wrong_first_queue_costs_a_handoff_and_a_second_wait():
    here = world([case("t", 0.0, first_queue="billing")], [agent("a"), agent("b", "billing")], params=PARAMS)
    by_the_desk, by_firstline = replayed(here, FIFO)["t"], replayed(here, FIRSTLINE)["t"]
    assert by_the_desk.turns[-1][0] == 1.5
    assert by_the_desk.hands_on_hours == 1.5
    assert by_firstline.turns[-1][0] == 1.0
    found = [handled(here, [life], Luck.draw(here, 0)) for life in (by_the_desk, by_firstline)]
    assert [routing_accuracy(tickets) for tickets in found] == [0.0, 1.0]
    assert [handoffs(tickets[0]) for tickets in found] == [1, 0]


def test_a_question_waits_for_the_customer_with_the_clock_paused():
    life = replayed(world([case("t", 0.0, questions=1)], [agent("a")]), FIRSTLINE)["t"]
    assert [(at, kind, who) for at, kind, who in life.turns] == [
        (0.5, "reply", "agent"),
        (5.5, "reply", "customer"),
        (6.0, "reply", "agent"),
        (6.0, "solved", "agent"),
    ]
    assert life.paused_hours == 5.0


def test_an_early_answer_goes_out_after_its_share_of_the_work():
    life = replayed(world([case("t", 0.0, early_answer=True)], [agent("a")]), FIFO)["t"]
    assert [at for at, *_ in life.turns] == [0.25, 1.0, 1.0]


@pytest.mark.parametrize(
    ("arm", "facts", "automated"),
    [
        (FIRSTLINE, PROVEN, True),
        (FIRSTLINE, {}, False),
        (FIRSTLINE, PROVEN | {"frustration": 0.9}, False),
        (replace(FIRSTLINE, phase="assisted"), PROVEN, False),
        (replace(FIRSTLINE, phases=(("2026-06", "intelligence"),)), PROVEN, False),
        (replace(FIRSTLINE, phases=(("2026-05", "intelligence"),)), PROVEN, True),
        (replace(FIRSTLINE, hold_out_share=1.0), PROVEN, False),
        (FIFO, PROVEN, False),
    ],
)
def test_only_what_the_gates_and_the_phase_allow_is_resolved_without_a_person(arm, facts, automated):
    here = world([case("t", 0.0, facts=facts)], [agent("a")])
    life = replayed(here, arm)["t"]
    assert life.automated is automated
    assert (life.hands_on_hours == 0) is automated


def test_a_wrong_automatic_answer_comes_back_to_people_and_is_no_automation():
    params = PARAMS.model_copy(update={"wrong_answer_back_share": 1.0})
    here = world([case("t", 0.0, facts=PROVEN, understood=False)], [agent("a")], params=params)
    life = replayed(here, FIRSTLINE)["t"]
    assert [kind for _, kind, _ in life.turns] == ["reply", "solved", "reopened", "reply", "solved"]
    assert life.hands_on_hours == 1.0
    assert automation_rate(handled(here, [life], Luck.draw(here, 0))) == 0.0


def test_tickets_have_the_same_luck_under_every_policy_and_a_seed_repeats_itself():
    params = PARAMS.model_copy(update={"handling_spread": 0.6})
    cases = [case(str(n), n / 4, facts=LARGE if n % 3 else {}) for n in range(40)]
    here = world(
        cases, [agent("a"), agent("b")], params=params, rates=replace(NEVER_BACK, back_otherwise=0.3)
    )
    runs = [replayed(here, arm, seed=3) for arm in (FIFO, FIRSTLINE, FIRSTLINE)]
    hours = [{name: life.hands_on_hours for name, life in run.items()} for run in runs]
    assert hours[0] == pytest.approx(hours[1])
    assert runs[1] == runs[2]
    assert runs[1] != replayed(here, FIRSTLINE, seed=4)


def test_policy_says_who_of_several_free_people_takes_a_ticket():
    cases = [case("t", 1.0)]
    french = replace(agent("french"), languages=("fr",), skills=())
    here = world(cases, [french, agent("english")])
    told = cases[0].ruling
    assert route(here.desk, told.situation, told.escalations, ()).queue == "access"
    assert replayed(here, FIRSTLINE)["t"].agent == "english"
    assert replayed(here, FIFO)["t"].agent == "french"


@pytest.mark.parametrize(("cost", "starves"), [(80_000.0, False), (0.0, True)])
def test_waiting_bounds_how_long_valuable_newcomers_can_overtake_a_small_customer(cost, starves):
    """More valuable tickets than one person can serve: only the cost of waiting gives the small one its turn.

    It waits until those are served that came before nobody overtakes it any more.
    """
    load = 1 / 0.9
    shipped = shipped_desk()
    desk = shipped.model_copy(
        update={"ranking": shipped.ranking.model_copy(update={"waiting_cost_per_day": cost})}
    )
    small = case("small", 0.5, facts={"contract_value_cents": 100_000, "renewal_in_days": 300.0}, desk=desk)
    newcomers = [case(f"n{n}", n / load, facts=LARGE, desk=desk) for n in range(350)]
    here = world([small, *newcomers], [agent("a", spans=((0.0, 315.0),))], hours=315.0, desk=desk)
    turns = replayed(here, FIRSTLINE)["small"].turns
    assert starves is (not turns)
    clock = max(each.ruling.rank.stake for each in newcomers) * desk.ranking.clock_hazard
    ahead = max(each.ruling.rank.value_at_risk for each in newcomers) + clock
    bound = overtaking_bound_days(ahead, small.ruling.rank.value_at_risk, cost)
    waited_days = (turns[-1][0] - 1.5) / 24 if turns else float("inf")
    assert 1 < waited_days <= bound * load + 1 / 24
    assert starves or bound * load < 315 / 24


def test_a_rating_stays_between_one_and_five():
    here = world([case(str(n), 0.0) for n in range(200)], [agent("a")])
    lives = list(replayed(here, FIFO).values())
    told = replace(Luck.draw(here, 1), score=np.full(200, 9.0), rated=np.zeros(200))
    assert {ticket.csat for ticket in handled(here, lives, told)} == {5}
