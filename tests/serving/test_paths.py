"""The record of a path, read from the store: only what was known, only what is known to have worked."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from features.schema import typed
from policy.resolution import PathRecord
from serving.paths import path_proof, record_of_path
from serving.store import Store
from tests.policy.examples import shipped_desk
from tests.serving.sample import NOON, tickets

MUCH_LATER = NOON + timedelta(days=60)


def day(number: float) -> datetime:
    return NOON + timedelta(days=number)


def history(
    store: Store, ticket_id: str, *steps: tuple[str, float], contact: str = "", at: float = 0
) -> None:
    """A ticket written on day ``at`` and labelled password_reset at once, and what came of it."""
    contact = contact or f"C-{ticket_id}"
    row = {"ticket_id": ticket_id, "created_at": day(at), "known_at": day(at), "contact_id": contact}
    store.append("tickets", tickets(row))
    for number, (kind, when) in enumerate([("intent_set", at), *steps]):
        value = "password_reset" if kind == "intent_set" else None
        event = {"event_id": f"{ticket_id}-{number}", "ticket_id": ticket_id, "kind": kind, "value": value}
        event |= {"known_at": day(when), "occurred_at": day(when)}
        store.append("ticket_events", typed("ticket_events", pd.DataFrame([event])))


def logged_in(store: Store, contact: str, when: float, errors: int = 0) -> None:
    midnight = day(when).replace(hour=0)
    row = {
        "account_id": "A1",
        "contact_id": contact,
        "day": midnight,
        "known_at": midnight + timedelta(days=1),
    }
    row |= {"feature": "login", "events": 1, "errors": errors}
    store.append("usage", typed("usage", pd.DataFrame([row])))


def record(store: Store, as_of: datetime = MUCH_LATER, proven_by: str | None = "login") -> PathRecord:
    with store.reading() as connection:
        return record_of_path(connection, "password_reset", proven_by, 3, as_of)


@pytest.fixture
def worked(store):
    history(store, "confirmed", ("solved", 1), ("confirmed", 2))
    history(store, "used", ("solved", 1))
    logged_in(store, "C-used", 3)
    history(store, "used too late", ("solved", 1))
    logged_in(store, "C-used too late", 6)
    history(store, "tried in vain", ("solved", 1))
    logged_in(store, "C-tried in vain", 3, errors=1)
    history(store, "used by a colleague", ("solved", 1))
    logged_in(store, "C-somebody else", 3)
    history(store, "reopened", ("solved", 1), ("confirmed", 2), ("reopened", 5))
    history(store, "silent", ("solved", 1))
    history(store, "never solved")
    history(store, "first", ("solved", 1), contact="C-same")
    history(store, "again", ("solved", 9), ("confirmed", 10), contact="C-same", at=8)
    return store


def test_only_confirmed_and_the_persons_own_usage_count_as_success(worked):
    assert record(worked) == PathRecord(confirmed=2, usage_verified=1, recontacted=2, silent=4)
    assert record(worked, proven_by=None).usage_verified == 0


def test_nothing_is_judged_before_it_could_have_come_back_nor_known_before_it_happened(worked):
    assert record(worked, as_of=day(14.9)) == PathRecord()
    assert record(worked, as_of=day(15.1)) == PathRecord(
        confirmed=1, usage_verified=1, recontacted=2, silent=4
    )


def test_the_bound_is_proven_and_missing_where_no_outcome_is_known(worked):
    proof = path_proof(worked, shipped_desk(), "password_reset", MUCH_LATER)
    assert proof.record.judged == 4  # the shipped desk asks for a log-in within one day
    assert proof.lower_bound == pytest.approx(0.0976, abs=1e-3)  # 2 of 4, one-sided 95 %
    assert path_proof(worked, shipped_desk(), "invoice_copy", MUCH_LATER) == (PathRecord(), None)
