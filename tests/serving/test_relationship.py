"""Whoever is in charge of an account hears of it once a month, with evidence and an entry in the ledger."""

import json
from datetime import datetime, timedelta

import pandas as pd
from sqlalchemy import select

from features.rows import Rows
from features.schema import typed
from serving.decide import Judged, decide
from serving.situations import usage_growth
from serving.store import Store
from serving.tables import ledger, outbox
from tests.policy.examples import NOW, shipped_desk, situation
from tests.serving.sample import tickets

FULL = {"seats": 50, "active_people_28d": 49, "owner": "lea"}


def ticket(store: Store, number: int, at: datetime = NOW, **changes: object) -> None:
    asked = situation(ticket_id=f"T{number}", created_at=at, as_of=at, **changes)
    made = decide(shipped_desk(), asked, Judged((), (), (), "none"), f"d-{number}")
    store.accept_decision(made, "{}", "hash", tickets({"ticket_id": f"T{number}"}))


def told(store: Store) -> list[dict]:
    with store.reading() as connection:
        rows = connection.execute(select(outbox.c.payload).where(outbox.c.kind == "account")).all()
        entries = list(connection.scalars(select(ledger.c.kind)))
    assert entries.count("account") == len(rows)
    return [json.loads(row.payload) for row in rows]


def test_many_tickets_of_an_account_are_one_message_a_month_and_reason(store):
    for number in range(3):
        ticket(store, number, **FULL)
    [message] = told(store)
    assert {name: message[name] for name in ("about", "account_id", "queue", "agent", "ticket_id")} == {
        "about": "expansion", "account_id": "A-17", "queue": "relationship", "agent": "lea",
        "ticket_id": "T0",
    }  # fmt: skip
    assert "49 people used the product" in message["evidence"]
    ticket(store, 3, churn_risk=0.9, contract_value_cents=15_000_000, **FULL)
    ticket(store, 4, at=NOW + timedelta(days=31), **FULL)
    assert sorted(one["about"] for one in told(store)) == ["expansion", "expansion", "risk"]
    assert store.verify_ledger().intact


def test_a_usual_ticket_tells_nobody(store):
    ticket(store, 1)
    assert told(store) == []


def used(*rows: tuple[float, str | None, int]) -> Rows:
    """Usage: days before NOW, person, uses."""
    frame = pd.DataFrame(
        [
            {"account_id": "A1", "contact_id": who, "day": NOW - timedelta(days=days), "known_at": NOW,
             "feature": "login", "events": uses}
            for days, who, uses in rows
        ]
    )  # fmt: skip
    return Rows.of(typed("usage", frame))


def test_growth_compares_four_weeks_with_the_eight_before():
    usage = used((84, "a", 100), (40, "a", 100), (20, "a", 100), (10, "b", 50), (2, "b", 0), (1, "c", 0))
    assert usage_growth(usage, NOW) == {"uses_28d": 150, "usage_growth": 0.5, "active_people_28d": 2}


def test_what_usage_cannot_tell_is_unknown():
    young = used((40, None, 10), (3, None, 90))
    assert usage_growth(young, NOW) == {"uses_28d": 90, "usage_growth": None, "active_people_28d": None}
    nothing = {"uses_28d": None, "usage_growth": None, "active_people_28d": None}
    assert usage_growth(used(), NOW) == nothing
