"""Incidents in the store: opened and told once however often one looks, extended, closed."""

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from serving import same_issue
from serving.incidents import Watched, incident_list, open_incident, watch_incidents
from serving.moments import microseconds
from serving.store import Store
from serving.tables import decisions, incident_tickets, ledger, outbox
from tests.policy.examples import shipped_desk
from tests.serving.sample import tickets

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
OUTAGE = START + timedelta(days=42, hours=1)


def decided(store: Store, ticket_id: str, at: datetime, account: str | None, **row: object) -> None:
    decide_all(store, [(ticket_id, at, account)], **row)


def decide_all(
    store: Store,
    some: list[tuple[str, datetime, str | None]],
    intent: str | None = "sync",
    record: str = "{}",
) -> None:
    """Decisions about tickets: id, moment, account."""
    rows = [
        {
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
            "record": record,
        }
        for ticket_id, at, account in some
    ]
    with store.writing() as connection:
        connection.execute(insert(decisions), rows)


def asked(store: Store, *written: tuple[str, datetime, str, str | None], **row: object) -> None:
    """Tickets (id, moment, text, product area), decided as of these moments."""
    texts = [{"ticket_id": t, "body": text, "product_area": area} for t, _, text, area in written]
    store.append("tickets", tickets(*texts))
    decide_all(store, [(t, at, f"C{t}") for t, at, _, _ in written], **row)


def usual_weeks(store: Store) -> None:
    decide_all(store, [(f"u{day}", START + timedelta(days=day), f"A{day}") for day in range(42)])


def outage(store: Store, first: int, until: int) -> None:
    decide_all(store, [(f"o{n}", OUTAGE + timedelta(minutes=5 * n), f"B{n}") for n in range(first, until)])


def look(store: Store, at: datetime) -> Watched:
    with store.writing() as connection:
        return watch_incidents(connection, shipped_desk(), at)


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
            found = open_incident(connection, [intent], at)
            assert same_issue.surge(connection, intent, at, 0.5).incident_id == found
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


UNNAMED = json.dumps({"intent": {"name": "sync", "out_of_scope": True}})
SAME = "Since this morning the purple widget shows error 0x88F when I open it. Regards, "


def unnamed(store: Store, first: int, until: int, **row: object) -> None:
    some = [(f"x{n}", OUTAGE + timedelta(minutes=5 * n), f"{SAME}{n}", None) for n in range(first, until)]
    asked(store, *some, **{"record": UNNAMED, **row})


def test_an_issue_that_has_no_intent_yet_is_one_by_nearly_the_same_texts(store):
    usual_weeks(store)
    unnamed(store, 0, 6)
    for n, text in enumerate(["Hi", "Where do I find my invoice of May?", "Is there an app for my watch?"]):
        sent = OUTAGE + timedelta(minutes=20, seconds=n)
        asked(store, (f"other{n}", sent, text, None), record=UNNAMED)
    at = OUTAGE + timedelta(minutes=30)
    assert look(store, at) == Watched(1, 6, 0)
    assert look(store, at) == Watched(0, 0, 0)
    with store.reading() as connection:
        [incident] = incident_list(connection, at)
        alike = same_issue.unnamed_surge(connection, f"{SAME}and it is still broken", 0.5, at)
        unlike = same_issue.unnamed_surge(connection, "Can I change the colour of my widget?", 0.5, at)
    assert incident["topic"] == "like ticket x0"
    assert (alike.incident_id, unlike.incident_id) == (incident["incident_id"], None)


def test_such_an_incident_keeps_its_name_while_its_first_tickets_grow_old(store):
    usual_weeks(store)
    unnamed(store, 0, 8)
    look(store, OUTAGE + timedelta(minutes=40))
    for n in range(8, 14):  # one every ten hours: it stays open for days
        at = OUTAGE + timedelta(hours=10 * (n - 7))
        asked(store, (f"x{n}", at, f"{SAME}{n}", None), record=UNNAMED)
        look(store, at + timedelta(minutes=1))
    assert told(store) == ["incident"]
    with store.reading() as connection:
        [incident] = incident_list(connection, at)
    assert (incident["tickets"], incident["accounts"], incident["closed_at"]) == (14, 14, None)


def test_texts_of_a_known_intent_are_counted_with_it_and_not_by_likeness(store):
    usual_weeks(store)
    unnamed(store, 0, 8, record="{}", intent="sync")
    look(store, OUTAGE + timedelta(minutes=40))
    with store.reading() as connection:
        assert [i["topic"] for i in incident_list(connection, OUTAGE + timedelta(hours=1))] == ["sync"]


def test_a_surge_in_one_product_area_is_an_incident_of_that_area_only(store):
    usual = [  # six a day: as a whole, seven within half an hour are many, but not that many
        (f"u{n}", START + timedelta(hours=4 * n), "Sync fails", "mail" if n % 12 else "calendar")
        for n in range(42 * 6)
    ]
    burst = [(f"o{n}", OUTAGE + timedelta(minutes=3 * n), f"Sync fails {n}", "calendar") for n in range(7)]
    asked(store, *usual, *burst)
    at = OUTAGE + timedelta(minutes=30)
    look(store, at)
    with store.reading() as connection:
        [incident] = incident_list(connection, at)
        seen = {
            area: same_issue.surge(connection, "sync", at, 6.0, area).incident_id
            for area in ("calendar", "mail", None)
        }
    assert incident["topic"] == "sync × calendar"
    assert seen == {"calendar": incident["incident_id"], "mail": None, None: None}


def test_a_topic_with_a_long_name_is_told_all_the_same(store):
    usual_weeks(store)
    long = "an intent whose name is a whole sentence " * 4
    for n in range(8):
        decided(store, f"l{n}", OUTAGE + timedelta(minutes=5 * n), f"B{n}", intent=long)
    assert look(store, OUTAGE + timedelta(minutes=40)).opened == 1
    assert told(store) == ["incident"]


def test_the_desk_says_what_a_surge_is(store):
    usual_weeks(store)
    outage(store, 0, 8)
    patient = shipped_desk().surges.model_copy(update={"least_accounts": 9})
    with store.writing() as connection:
        desk = shipped_desk().model_copy(update={"surges": patient})
        assert watch_incidents(connection, desk, OUTAGE + timedelta(minutes=40)).opened == 0
    assert look(store, OUTAGE + timedelta(minutes=40)).opened == 1
