"""A drafted desk must be valid for any company, name its own vocabulary only, and automate nothing."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema import typed
from policy.desk import parse_desk
from policy.draft import Filing, draft_desk, plans_by_use, queues_by_use, usual_filings

EXAMPLE = (Path(__file__).parents[2] / "policy" / "desk.yaml").read_text("utf-8")


def facts(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Ticket events (ticket, kind, value), a minute apart."""
    frame = pd.DataFrame(rows, columns=["ticket_id", "kind", "value"])
    moments = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(range(len(rows)), unit="min")
    return typed(
        "ticket_events", frame.assign(event_id=frame.index.astype(str), known_at=moments, occurred_at=moments)
    )


def tickets(**areas: str | None) -> pd.DataFrame:
    at = pd.Timestamp("2026-01-01", tz="UTC")
    rows = [{"ticket_id": t, "product_area": a, "known_at": at, "created_at": at} for t, a in areas.items()]
    return typed("tickets", pd.DataFrame(rows))


def test_intents_are_filed_where_most_of_their_tickets_ended() -> None:
    events = facts(
        ("a", "intent_set", "fault"), ("a", "queue_set", "office"), ("a", "queue_set", "workshop"),
        ("b", "intent_set", "order"), ("b", "intent_set", "fault"), ("b", "queue_set", "workshop"),
        ("c", "intent_set", "fault"), ("d", "intent_set", "order"), ("d", "queue_set", "office"),
    )  # fmt: skip
    filings = usual_filings(tickets(a="kiln", b="kiln", c=None, d=None), events)
    assert filings == {"fault": Filing("workshop", "kiln"), "order": Filing("office", None)}
    assert list(filings) == ["fault", "order"]
    assert queues_by_use(events) == ["workshop", "office"]


def test_an_account_s_plan_is_the_one_it_has_now() -> None:
    rows = [("A", 1, "Basic"), ("A", 2, "Premium"), ("B", 1, "Premium"), ("C", 1, "Basic"), ("D", 1, None)]
    frame = pd.DataFrame(rows, columns=["account_id", "day", "plan"])
    moments = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(frame.pop("day"), unit="D")
    assert plans_by_use(typed("accounts", frame.assign(known_at=moments))) == ["Premium", "Basic"]


@pytest.mark.parametrize(
    ("plans", "queues", "filings"),
    [
        (["Basic", "Premium: 24/7"], ["workshop", "#office"], {"fault: hot": Filing("workshop", None)}),
        ([], [], {}),
        (["yes"], ["12"], {"null": Filing(None, "3.5"), "Tür klemmt": Filing("12", "Ofen")}),
    ],
)
def test_a_draft_is_a_valid_desk_with_the_company_s_own_names(
    plans: list[str], queues: list[str], filings: dict[str, Filing]
) -> None:
    desk = parse_desk(draft_desk(EXAMPLE, "Kilnworks", plans, queues, filings))
    assert (list(desk.plans), list(desk.intents)) == (plans, list(filings))
    assert list(desk.queues) == (queues or ["general"])
    assert not desk.actions
    assert not desk.replies
    assert {intent.phase for intent in desk.intents.values()} <= {"assisted"}


def test_what_a_person_must_decide_is_marked_and_nothing_of_the_example_company_stays() -> None:
    draft = draft_desk(EXAMPLE, "Kilnworks", ["Basic"], ["workshop"], {"fault": Filing(None, None)})
    assert draft.count("CHECK") >= 4
    example = parse_desk(EXAMPLE)
    assert example.brand.name not in draft
    assert not [name for name in example.intents if name in draft]
