"""What the service was sent is judged by the suite that judged the training data."""

from datetime import timedelta

import pandas as pd

from features.expectations.checking import check
from features.schema import TABLES, empty_table, typed
from monitoring.evidence import Evidence, sent
from monitoring.window import Decided
from tests.pipelines.decisions import NOW


def received(**events: object) -> Decided:
    """One ticket of the window and an event about it; ``events`` overwrites columns of the event."""
    ticket = {
        "ticket_id": "t1",
        "known_at": NOW,
        "created_at": NOW,
        "account_id": "A1",
        "channel": "email",
        "subject": "x",
    }
    event = {
        "event_id": "e1",
        "ticket_id": "t1",
        "known_at": NOW + timedelta(hours=2),
        "occurred_at": NOW + timedelta(hours=1),
        "kind": "solved",
        "actor_kind": "agent",
    }
    rows = {"tickets": ticket, "ticket_events": event | events}
    history = {
        name: typed(name, pd.DataFrame([rows[name]])) if name in rows else empty_table(name)
        for name in TABLES
    }
    return Decided(pd.DataFrame(), history, pd.DataFrame(), {}, {})


def notes(decided: Decided) -> tuple[str, ...]:
    return Evidence(sent=check(sent(decided, NOW - timedelta(days=1)))).notes


def test_what_the_service_was_sent_is_held_to_the_suite_of_ingest():
    assert notes(received()) == ()
    (note,) = notes(received(occurred_at=NOW - timedelta(hours=5)))
    assert note.startswith("critical: ticket_events, expected that an event is not before its ticket")


def test_what_came_before_the_window_is_not_held_against_it():
    old = received(known_at=NOW - timedelta(days=9), occurred_at=NOW - timedelta(days=9))
    assert len(sent(old, NOW - timedelta(days=1))["ticket_events"]) == 0
    assert notes(old) == ()
