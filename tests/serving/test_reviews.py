"""Weekly reviews: drawn once, looked at once, heard by all that learns; and what happens if nobody does."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from policy.reviews import Candidate, draw
from serving.budgets import demotions, reinstate
from serving.decide import Judged, decide
from serving.outbox import dry_run
from serving.problems import Problem
from serving.review_deadlines import overdue_reviews
from serving.review_draws import draw_due_weeks
from serving.reviews import ReviewRequest, accept_review, review_cases_page, standings
from serving.settings import store_url
from serving.store import Store
from serving.tables import decisions, ledger, review_cases, review_draws
from serving.tick import tick
from tests.policy.examples import NOW, shipped_desk, situation
from tests.serving.sample import tickets

DESK = shipped_desk()
MONDAY = datetime.fromisoformat("2026-07-06T00:05:00+00:00")
"""Minutes after the week of NOW is over."""
INTENT, ACTION = {"field": "intent", "verdict": "right"}, {"field": "action", "verdict": "right"}
HANDED = {"field": "action", "verdict": "wrong", "value": "human", "reason": "she was upset"}


def resolved(store: Store, number: int, at: datetime = NOW, **changes: object) -> str:
    """A password reset that the desk resolved by itself, unless ``changes`` keep it from that."""
    asked = situation(ticket_id=f"T{number}", created_at=at, as_of=at, **changes)
    decision = decide(DESK, asked, Judged((), (), (), "none"), f"d-{number:03d}")
    store.accept_decision(decision, "{}", "hash", tickets({"ticket_id": f"T{number}"}))
    return decision.decision_id


def week(store: Store, automated: int = 12, human: int = 4) -> None:
    for number in range(automated):
        resolved(store, number)
    for number in range(automated, automated + human):
        resolved(store, number, intent="invoice_copy", intent_probability=0.2)


def drawn(store: Store, at: datetime = MONDAY) -> int:
    with store.writing() as connection:
        return draw_due_weeks(connection, DESK, at)


def cases(store: Store, state: str = "open", at: datetime = MONDAY, limit: int = 100, after=None) -> list:
    with store.reading() as connection:
        return review_cases_page(connection, state, at, limit, after)


def look(store: Store, decision_id: str, *verdicts: dict, key: str | None = None, days: float = 1) -> str:
    said = {"decision_id": decision_id, "reviewer": "lea", "verdicts": list(verdicts or (INTENT, ACTION))}
    return accept_review(store, ReviewRequest.model_validate(said), MONDAY + timedelta(days=days), key)


def demoted(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return demotions(connection)


def told(store: Store, kind: str) -> int:
    with store.reading() as connection:
        return list(connection.scalars(select(ledger.c.kind))).count(kind)


def test_a_week_is_drawn_once_with_the_numbers_of_the_desk_and_can_be_drawn_again_from_its_seed(store):
    week(store)
    resolved(store, 90, at=MONDAY)  # of this week: not yet
    assert drawn(store) == 11
    assert drawn(store, MONDAY + timedelta(days=6)) == 0
    found = cases(store)
    assert Counter((c.intent, c.action, c.sampled, c.population) for c in found) == {
        ("password_reset", "auto_resolve", 10, 12): 10,
        ("invoice_copy", "human", 1, 4): 1,
    }
    with store.reading() as connection:
        [kept] = connection.execute(select(review_draws)).all()
        candidates = [
            Candidate(*row)
            for row in connection.execute(
                select(decisions.c.decision_id, decisions.c.intent, decisions.c.action).where(
                    decisions.c.decision_id != "d-090"
                )
            )
        ]
    again = draw(candidates, DESK.reviews.cases.model_dump(), kept.seed)
    assert {c.decision_id for c in again} == {c.decision_id for c in found}
    assert (kept.week, kept.decisions, told(store, "review_draw")) == ("2026-W27", 16, 1)
    assert store.verify_ledger().intact


def test_replicas_that_tick_at_the_same_moment_draw_once(tmp_path):
    replicas = [Store(store_url(tmp_path / "state")) for _ in range(4)]
    week(replicas[0])
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(drawn, replicas)) == [0, 0, 0, 11]
    for replica in replicas:
        replica.close()


def test_replicas_on_either_database_draw_once(store, database_url):
    week(store, automated=3, human=0)
    other = Store(database_url)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(drawn, (store, other))) == [0, 3]
    other.close()


def test_weeks_in_which_nobody_ticked_are_drawn_late_and_very_old_ones_not(store):
    resolved(store, 0)
    assert drawn(store) == 1
    for number in range(1, 7):
        resolved(store, number, at=NOW + timedelta(weeks=number))
    assert drawn(store, MONDAY + timedelta(weeks=6)) == 4
    with store.reading() as connection:
        weeks = sorted(connection.scalars(select(review_draws.c.week)))
    assert weeks == ["2026-W27", "2026-W30", "2026-W31", "2026-W32", "2026-W33"]


def test_pages_end_and_miss_nothing(store):
    week(store)
    drawn(store)
    seen, after = [], None
    while page := cases(store, limit=4, after=after):
        seen += page
        after = (page[-1].due_at, page[-1].decision_id)
    assert seen == cases(store)
    assert len(seen) == 11


def test_a_look_is_kept_as_feedback_with_its_reason_and_leaves_the_list(store):
    week(store)
    drawn(store)
    [first, *others] = cases(store)
    review_id = look(store, first.decision_id, INTENT, HANDED)
    said = store.feedback().set_index("field")
    assert said.loc["action", ["verdict", "value", "reason", "agent_id"]].tolist() == [
        "override", "human", "she was upset", "lea",
    ]  # fmt: skip
    assert said.loc["intent", "verdict"] == "approve"
    assert said["feedback_id"].str.startswith(review_id).all()
    assert cases(store) == others
    [done] = cases(store, "done")
    assert (done.decision_id, done.wrong, done.reviewer) == (first.decision_id, ("action",), "lea")
    assert (told(store, "review"), told(store, "feedback")) == (1, 2)
    assert store.verify_ledger().intact


def test_a_look_sent_twice_counts_once_and_another_one_is_refused(store):
    week(store)
    drawn(store)
    decision_id = cases(store)[0].decision_id
    ids = {look(store, decision_id, key="k") for _ in range(3)}
    assert len(ids) == 1
    assert len(store.feedback()) == 2
    for verdicts, key in [((INTENT, HANDED), "k"), ((INTENT, ACTION), "other"), ((INTENT, ACTION), None)]:
        with pytest.raises(Problem) as refused:
            look(store, decision_id, *verdicts, key=key)
        assert refused.value.status == 409
    assert len(store.feedback()) == 2


def test_what_was_not_drawn_cannot_be_reviewed(store):
    week(store)
    with pytest.raises(Problem) as refused:
        look(store, "d-000")
    assert (refused.value.status, len(store.feedback())) == (404, 0)


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([INTENT], "at least 2 items"),
        ([INTENT, {"field": "priority", "verdict": "right"}], "a verdict about action"),
        ([INTENT, ACTION, ACTION], "one verdict a field"),
        ([INTENT, {"field": "action", "verdict": "wrong"}], "say why action is wrong"),
        ([INTENT, ACTION | {"value": "human"}], "leave its value out"),
        ([INTENT, {"field": "mood", "verdict": "right"}], "Input should be"),
    ],
)
def test_half_a_look_is_refused(verdicts, said):
    with pytest.raises(ValueError, match=said):
        ReviewRequest.model_validate({"decision_id": "d", "reviewer": "lea", "verdicts": verdicts})


def test_a_value_that_no_decision_can_have_is_refused(store):
    week(store)
    drawn(store)
    with pytest.raises(Problem) as refused:
        look(store, cases(store)[0].decision_id, INTENT, HANDED | {"value": "robot"})
    assert refused.value.status == 422
    assert len(cases(store)) == 11


def test_the_precision_of_automation_is_told_once_a_stratum_was_looked_at_as_a_whole(store):
    week(store)
    drawn(store)
    automated = [c.decision_id for c in cases(store) if c.action == "auto_resolve"]
    for number, decision_id in enumerate(automated[:-1]):
        look(store, decision_id, INTENT, ACTION if number else HANDED)

    def standing() -> dict:
        with store.reading() as connection:
            return {s.intent: s for s in standings(connection, MONDAY)}

    assert standing()["password_reset"]._replace(automated=None)[1:4] == (1, 0, 9)
    assert standing()["password_reset"].automated is None, "the one left out may be the bad one"
    look(store, automated[-1])
    found = standing()["password_reset"].automated
    assert (found.share, found.cases, found.decisions) == pytest.approx((0.9, 10, 12))
    assert standing()["invoice_copy"].automated is None, "none was resolved by the desk"


def test_looks_refute_a_promise_of_automation(store):
    week(store, automated=10, human=0)
    drawn(store)
    for case in cases(store):
        look(store, case.decision_id, INTENT, HANDED)
    done = tick(store, DESK, dry_run, MONDAY + timedelta(days=2))
    assert [d.intent for d in done.demotions] == ["password_reset"]
    assert "intent right: 10 of 10 wrong" in demoted(store)["password_reset"]


def test_overdue_reviews_warn_then_demote_and_doing_them_gives_the_automation_back(store):
    week(store)
    clock = {days: MONDAY + timedelta(days=days) for days in (0, 6, 8, 15, 16)}
    lines = {days: tick(store, DESK, dry_run, at).lines() for days, at in clock.items() if days < 8}
    assert "11 decisions of last week drawn for review" in lines[0]
    assert not any("warning" in line for line in lines[0] + lines[6])
    late = tick(store, DESK, dry_run, clock[8]).lines()
    assert any(line.startswith("warning: 10 weekly reviews of password_reset not done") for line in late)
    assert demoted(store) == {}
    found = tick(store, DESK, dry_run, clock[15])
    assert [d.intent for d in found.demotions] == ["invoice_copy", "password_reset"]
    assert demoted(store)["password_reset"] == "10 weekly reviews not done, due since 2026-07-13"
    assert tick(store, DESK, dry_run, clock[16]).demotions == ()
    assert told(store, "demotion") == 2
    for case in cases(store):
        assert case.intent in demoted(store)
        look(store, case.decision_id, days=17)
    assert demoted(store) == {}
    assert told(store, "reinstatement") == 2
    assert store.verify_ledger().intact


def test_an_intent_that_people_answer_anyway_is_warned_about_and_not_demoted(store):
    resolved(store, 1, intent="refund_request")
    drawn(store)
    done = tick(store, DESK, dry_run, MONDAY + timedelta(days=15))
    assert [late.intent for late in done.overdue] == ["refund_request"]
    assert demoted(store) == {}


def test_a_person_cannot_wave_overdue_reviews_through(store):
    week(store, human=0)
    drawn(store)
    tick(store, DESK, dry_run, MONDAY + timedelta(days=15))
    with store.writing() as connection, pytest.raises(KeyError, match="GET /reviews lists them"):
        reinstate(connection, "password_reset", "lea", "no time", MONDAY)


def test_a_decision_that_was_erased_keeps_nobody_waiting(store):
    with store.writing() as connection:
        row = dict.fromkeys(review_cases.c.keys(), None) | {
            "decision_id": "gone", "week": "2026-W27", "intent": "password_reset", "action": "auto_resolve",
            "sampled": 1, "population": 1, "due_at": 0, "demote_at": 0,
        }  # fmt: skip
        connection.execute(insert(review_cases).values(**row))
    with store.reading() as connection:
        assert overdue_reviews(connection, MONDAY) == []
    assert cases(store) == []
    assert tick(store, DESK, dry_run, MONDAY).demotions == ()
