"""Incidents in the store: opened and told once however often one looks, extended, closed."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from serving import context
from serving.incidents import Watched, incident_list, open_incident, watch_incidents
from serving.moments import microseconds
from serving.store import Store
from serving.tables import decisions, incident_tickets, ledger, outbox

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
OUTAGE = START + timedelta(days=42, hours=1)


def decided(store: Store, ticket_id: str, at: datetime, account: str | None, intent: str = "sync") -> None:
    row = {
        "decision_id": f"d-{ticket_id}",
        "ticket_id": ticket_id,
        "at": microseconds(at),
        "release": "none",
        "account_id": account,
        "intent": intent,
        "queue": "general",
        "action": "human",
        "value_at_risk": 0.0,
        "request": "{}",
        "record": "{}",
    }
    with store.writing() as connection:
        connection.execute(insert(decisions).values(**row))


def usual_weeks(store: Store) -> None:
    for day in range(42):
        decided(store, f"u{day}", START + timedelta(days=day), f"A{day}")


def outage(store: Store, first: int, until: int) -> None:
    for n in range(first, until):
        decided(store, f"o{n}", OUTAGE + timedelta(minutes=5 * n), f"B{n}")


def look(store: Store, at: datetime) -> Watched:
    with store.writing() as connection:
        return watch_incidents(connection, "engineering", at)


def told(store: Store) -> list[str]:
    with store.reading() as connection:
        actions = connection.scalars(select(outbox.c.kind)).all()
        entries = connection.scalars(select(ledger.c.kind)).all()
    assert actions.count("incident") == entries.count("incident")
    return [kind for kind in actions if kind == "incident"]


def test_usual_weeks_open_nothing(store):
    usual_weeks(store)
    assert look(store, OUTAGE) == Watched(0, 0, 0)


def test_an_outage_opens_one_incident_tells_it_once_and_takes_later_tickets_in(store):
    usual_weeks(store)
    outage(store, 0, 8)
    at = OUTAGE + timedelta(minutes=40)
    assert look(store, at) == Watched(1, 8, 0)
    assert look(store, at) == Watched(0, 0, 0)
    outage(store, 8, 12)
    assert look(store, OUTAGE + timedelta(hours=1)) == Watched(0, 4, 0)
    assert told(store) == ["incident"]
    with store.reading() as connection:
        [incident] = incident_list(connection, OUTAGE + timedelta(hours=1))
        belonging = connection.scalars(select(incident_tickets.c.ticket_id)).all()
    assert (incident["topic"], incident["accounts"], incident["tickets"]) == ("sync", 12, 12)
    assert sorted(belonging) == sorted(f"o{n}" for n in range(12))


def test_a_quiet_incident_closes_once_and_stays_one(store):
    usual_weeks(store)
    outage(store, 0, 8)
    look(store, OUTAGE + timedelta(minutes=40))
    assert look(store, OUTAGE + timedelta(hours=13)).closed == 1
    assert look(store, OUTAGE + timedelta(hours=14)) == Watched(0, 0, 0)
    assert told(store) == ["incident"]


def test_a_decision_knows_the_incident_that_was_open_when_it_was_made(store):
    usual_weeks(store)
    outage(store, 0, 8)
    look(store, OUTAGE + timedelta(minutes=40))
    look(store, OUTAGE + timedelta(hours=13))

    def seen(intent: str, at: datetime) -> bool:
        with store.reading() as connection:
            found = open_incident(connection, intent, at)
            assert context.surge(connection, intent, at).incident_id == found
        return found is not None

    assert seen("sync", OUTAGE + timedelta(hours=1))
    assert not seen("sync", OUTAGE - timedelta(hours=1)), "nothing from the future"
    assert not seen("sync", OUTAGE + timedelta(hours=20)), "it is over"
    assert not seen("billing", OUTAGE + timedelta(hours=1)), "another issue"


def test_tickets_of_nobody_are_their_own_accounts_and_an_old_surge_is_not_told(store):
    usual_weeks(store)
    for n in range(8):
        decided(store, f"n{n}", OUTAGE + timedelta(minutes=5 * n), None)
    assert look(store, OUTAGE + timedelta(days=9)) == Watched(0, 0, 0)
    assert look(store, OUTAGE + timedelta(hours=1)) == Watched(1, 8, 0)
