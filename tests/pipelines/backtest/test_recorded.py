"""From recorded history to a replay: nothing from the future decides, and whatever is missing is named."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from features.schema import empty_table
from pipelines.backtest.alternatives import from_history, replay_both
from pipelines.backtest.compare import FIFO, FIRSTLINE, compare, report
from pipelines.backtest.page import render, table
from pipelines.backtest.proofs import path_proofs
from pipelines.backtest.recorded import History, Judgements, NothingToReplay, judge, replayed, world_of
from pipelines.backtest.rulings import churn_risks, surges_at
from pipelines.backtest.stage import headline, month_points
from pipelines.params import BacktestParams
from tests.pipelines.backtest.histories import desk, history

PARAMS = BacktestParams(seeds=1, warm_up_days=1, bootstrap=20)


@lru_cache(maxsize=1)
def judged() -> Judgements:
    return judge(desk(), history(), PARAMS)


def reported(given: History, rulings: Judgements | None = None) -> dict:
    found = rulings or judge(desk(), given, PARAMS)
    return report(compare(world_of(given, found, PARAMS), [1]))


def without(column: str, given: History) -> History:
    return replace(given, tickets=given.tickets.assign(**{column: np.nan}))


def events_where(keep: Callable[[pd.DataFrame], pd.Series]) -> History:
    given = history()
    events = given.tables["ticket_events"]
    return replace(given, tables={**given.tables, "ticket_events": events[keep(events)]})


def test_only_tickets_newer_than_what_the_models_learnt_from_are_replayed():
    assert set(replayed(history(), PARAMS)["split"]) == {"evaluation"}
    newest = replayed(history(), PARAMS.model_copy(update={"most_tickets": 30}))
    assert newest["ticket_id"].tolist() == history().tickets["ticket_id"].tolist()[-30:]
    old = replace(history(), tickets=history().tickets.assign(split="train"))
    with pytest.raises(NothingToReplay, match=r"split\.evaluation_share"):
        judge(desk(), old, PARAMS)


def test_tickets_without_any_event_are_replayed():
    found = reported(events_where(lambda events: events["kind"] == "never"))
    assert found["tickets"] > 0


def test_what_becomes_known_later_changes_no_ruling():
    """Planted: labels, ends and confirmations after each ticket's creation, and tickets that came later."""
    given, cut = history(), 60
    early = replayed(given, PARAMS).head(cut)
    end = early["created_at"].iloc[-1]
    events = given.tables["ticket_events"]
    known = events[events["known_at"] < end]
    tickets = given.tickets[given.tickets["created_at"] <= end]
    seen_then = replace(given, tickets=tickets, tables={**given.tables, "ticket_events": known})
    then = judge(desk(), seen_then, PARAMS).rulings
    assert then == judged().rulings[:cut]
    assert any(ruling.action == "auto_resolve" for ruling in then)


def test_a_path_is_proven_by_what_was_known_when_the_proof_was_drawn_up():
    """Planted: every older ticket is confirmed, and known to be, from that moment on."""
    given = history()
    moment = replayed(given, PARAMS)["created_at"].min()
    who = given.tickets[["ticket_id", "contact_id", "account_id", "created_at"]]
    events, usage = given.tables["ticket_events"], given.tables["usage"]
    solved = events[events["kind"] == "solved"]
    late = solved.assign(kind="confirmed", known_at=moment, event_id="x" + solved["event_id"])
    planted = pd.concat([events, late], ignore_index=True)
    proofs = [path_proofs(desk(), who, told, usage, [moment]) for told in (events, planted)]
    assert proofs[0] == proofs[1]
    assert proofs[0].as_of("login_help", moment.to_pydatetime()).record.confirmed > 10
    assert proofs[0].as_of("login_help", moment.to_pydatetime() - pd.Timedelta(hours=1)) is None


def test_a_surge_counts_only_what_came_before():
    at = pd.date_range("2026-01-01", periods=5, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {"ticket_id": list("abcde"), "created_at": at, "account_id": list("xxyzz"), "intent": "outage"}
    )
    assert [(s.tickets_24h, s.accounts_24h) for s in surges_at(frame, np.arange(5))] == [
        (0, 0),
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 3),
    ]


def test_churn_risk_is_that_of_the_newest_snapshot_not_later_than_the_ticket():
    day = lambda n: pd.Timestamp(f"2026-01-{n:02d}", tz="UTC")  # noqa: E731
    tickets = pd.DataFrame({"account_id": ["a", "a", None], "created_at": [day(1), day(15), day(15)]})
    snapshots = pd.DataFrame({"account_id": ["a", "a"], "as_of": [day(10), day(20)]})
    found = churn_risks(tickets, snapshots, np.array([0.2, 0.9]))
    assert found.isna().tolist() == [True, False, True]
    assert found.iloc[1] == 0.2


def test_a_whole_report_says_what_each_way_to_run_the_desk_comes_to():
    found = reported(history(), judged())
    fifo, ours = found["arms"][FIFO], found["arms"][FIRSTLINE]
    assert found["tickets"] == 112
    assert fifo["automation_rate"]["value"] == 0.0
    assert ours["automation_rate"]["value"] > 0.02
    assert ours["routing_accuracy"]["value"] > fifo["routing_accuracy"]["value"]
    assert ours["hands_on_hours"]["value"] < fifo["hands_on_hours"]["value"]
    assert 0.4 < fifo["agent_utilisation"]["value"] < 1.1
    assert found["teams"]["parcels"]["agents"] == 3
    assert found["estimated"]["csat_effects_from"].startswith("history")
    assert found["notes"] == []
    assert "of first in, first out" in headline(found)
    assert "Valuable accounts" in render(found)
    assert "valuable accounts" in table(found)
    assert month_points(found)["figure"].nunique() == 2


def test_the_same_seed_gives_the_same_figures():
    assert reported(history(), judged()) == reported(history(), judged())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (lambda: without("contract_value_cents", history()), "no contract values"),
        (lambda: without("plan", history()), "no plans"),
        (
            lambda: replace(history(), tables={**history().tables, "agents": empty_table("agents")}),
            "no table of agents",
        ),
        (lambda: events_where(lambda e: e["kind"] != "queue_set"), "no queues recorded"),
        (lambda: events_where(lambda e: e["actor_kind"] != "agent"), "no agent is on record"),
        (lambda: events_where(lambda e: e["kind"] != "csat"), "too few ratings"),
        (lambda: without("label", history()), "nobody filed intents"),
        (
            lambda: replace(
                without("intent", history()), absent={"intent": "nothing to learn from"}, thresholds={}
            ),
            "no intent model: nothing to learn from",
        ),
        (lambda: without("priority_score", history()), ""),
    ],
)
def test_a_desk_that_lacks_something_is_replayed_and_told_so(given, named):
    found = reported(given())
    assert any(named in note for note in found["notes"]) or not named
    assert found["arms"][FIRSTLINE]["first_response_hours_median"]["value"] is not None
    assert bool(found["valuable"]) is (named != "no contract values")
    assert "Three ways to run the same desk" in render(found)
    assert table(found)


def test_other_rules_are_replayed_with_the_same_luck_and_history_says_what_it_can():
    given = history()
    now = world_of(given, judged(), PARAMS)
    stricter = {name: proof._replace(threshold=None) for name, proof in given.thresholds.items()}
    then = world_of(given, judge(desk(), given, PARAMS, stricter), PARAMS)
    found = replay_both(now, then, [1, 2])["all"]
    assert found["what_if"]["automation_rate"]["value"] == 0.0
    assert found["difference"]["automation_rate"]["high"] < 0
    assert found["difference"]["hands_on_hours"]["value"] > 0
    same = replay_both(now, now, [1, 2])["all"]["difference"]
    assert {told["value"] for told in same.values() if told["value"] is not None} == {0.0}
    by_people, by_rules = (from_history(given, each, [1]) for each in (then, now))
    seen = given.tables["ticket_events"]
    late = {case.ticket_id for case in now.cases if case.counted}
    rated = seen[(seen["kind"] == "csat") & seen["ticket_id"].isin(late)]["value"].astype(float)
    assert by_people["csat"]["tried_share"] == 1.0
    assert by_people["csat"]["low"] < rated.mean() + 0.3
    assert by_people["csat"]["high"] > rated.mean()
    assert by_rules["csat"]["tried_share"] < 1.0
    assert by_rules["came_back"]["high"] > by_people["came_back"]["high"]


def test_nothing_to_replay_is_told_on_the_page_in_the_plots_and_in_the_line():
    found = {"absent": "no ticket is newer <b>"}
    assert "no ticket is newer &lt;b&gt;" in render(found)
    assert month_points(found).empty
    assert "left out" in headline(found)
    assert "no ticket is newer" in table(found)


def test_names_of_issues_and_teams_are_shown_as_text():
    given = history()
    hostile = given.tickets.assign(
        label=given.tickets["label"].replace("login_help", "<script>alert(1)</script>")
    )
    page = render(reported(replace(given, tickets=hostile), judged()))
    assert "<script>" not in page
