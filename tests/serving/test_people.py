"""The running service knows who is who by the rules of ingest, and by what people decided a moment ago."""

from datetime import datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.identity.decisions import Decision
from connectors.identity.person_index import PersonIndex, who_is_who
from features.repeats import same_intent_repeats
from features.rows import History
from features.schema import DERIVED, IDENTITIES, typed
from features.ticket import ticket_features
from pipelines.identity import with_persons
from serving import people
from serving.codec import to_frame
from serving.requests import TriageRequest
from serving.settings import Settings, store_url
from serving.store import Store
from serving.tables import CONTEXT, DERIVED_TABLES
from serving.triage import open_desk
from tests.connectors.identity.test_person_index import CHOICES, CONTACTS
from tests.connectors.people import contacts, day, decided, told

MAIL, CHAT, CALL = "email:ann@x.example", "intercom:77", "phone:+4930123456"


def stored(store: Store, name: str = IDENTITIES) -> pd.DataFrame:
    table = DERIVED_TABLES[name]
    with store.reading() as connection:
        rows = connection.execute(table.select().order_by(*table.primary_key)).all()
    return to_frame(name, rows)


def learn(store: Store, decision: Decision) -> bool:
    with store.writing() as connection:
        return people.learn_decision(connection, decision)


@given(rows=CONTACTS, choices=CHOICES, order=st.randoms(), size=st.integers(1, 5))
@settings(max_examples=8, deadline=None)
def test_learning_row_by_row_in_any_order_ends_where_ingest_does(
    tmp_path_factory, rows, choices, order, size
):
    store = Store(store_url(tmp_path_factory.mktemp("people")))
    made = [decided(f"d{n}", 2 * n + 1, *choice) for n, choice in enumerate(choices)]
    steps = [rows[start : start + size] for start in range(0, len(rows), size)] + [*made]
    order.shuffle(steps)
    for step in steps:
        if isinstance(step, Decision):
            learn(store, step)
        else:
            store.append("contacts", contacts(*step))
    expected = who_is_who(contacts(*rows), made)
    found = [stored(store, name) for name in DERIVED]
    store.close()
    for table, worked_out in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(table, worked_out)


def test_a_contact_that_comes_after_a_decision_about_its_handle_changes_what_that_decision_joins(tmp_path):
    first, later = contacts(("C1", 0, "A", None)), contacts(("C0", 0, "A", [MAIL]))
    joined = decided("d0", 1, "merge", "C1", MAIL)
    store = Store(store_url(tmp_path))
    store.append("contacts", first)
    learn(store, joined)
    store.append("contacts", later)
    found = stored(store)
    store.close()
    pd.testing.assert_frame_equal(found, who_is_who(pd.concat([first, later]), [joined]).identities)


@pytest.fixture
def desk(tmp_path):
    opened = open_desk(Settings(state=tmp_path / "state"))
    opened.store.append("contacts", contacts(("C1", 0, "A", [MAIL]), ("C2", 1, None, [CHAT, CALL])))
    yield opened
    opened.store.close()


def writes(desk, ticket_id: str, on_day: float, **who: str) -> list[str]:
    """Decides a ticket; returns the earlier tickets that are shown as the same person's, and remembers it."""
    request = {"ticket_id": ticket_id, "channel": "email", "body": "Where is my invoice?", **who}
    now = day(on_day)
    decision = desk.triage(TriageRequest.model_validate(request), now).decision
    return [ticket.ticket_id for ticket in decision.context.related_tickets]


def served_features(desk, at: datetime, **who: str | None) -> pd.DataFrame:
    """The features that the service computes for a ticket of now."""
    with desk.store.reading() as connection:
        person = people.person(connection, who.get("contact_id"), who.get("contact_handle"), at)
    history = desk.store.history_for(person.account_id, person.contact_id, at)
    row = {"ticket_id": "now", "created_at": at, "known_at": at, "body": "Where is my invoice?"}
    named = {"contact_id": person.contact_id, "writer": person.writer, "account_id": person.account_id}
    return ticket_features(pd.DataFrame([{**row, **named}]), history)


def earlier_tickets(desk, on_day: float, handle: str) -> int:
    """Tickets of the person before, as the features count them."""
    return int(served_features(desk, day(on_day), contact_handle=handle)["contact_tickets_30d"].iloc[0])


def test_an_email_and_then_a_chat_of_one_person_is_a_repeat(desk):
    desk.store.append("contacts", contacts(("C2", 5, None, [CHAT, CALL, MAIL])))
    assert writes(desk, "1", 10, contact_handle="email:Ann <ANN@x.example>") == []
    assert writes(desk, "2", 11, contact_handle=CHAT) == ["1"]
    assert writes(desk, "3", 12, contact_id="C2") == ["2", "1"]
    assert earlier_tickets(desk, 13, MAIL) == 3


def test_a_link_learned_later_brings_the_earlier_tickets(desk):
    writes(desk, "1", 2, contact_handle=CHAT)
    assert writes(desk, "2", 3, contact_handle=MAIL) == []
    desk.store.append("contacts", contacts(("C2", 4, None, [CHAT, MAIL])))
    assert writes(desk, "3", 5, contact_handle=MAIL) == ["2", "1"]
    assert earlier_tickets(desk, 4, MAIL) == 1
    assert earlier_tickets(desk, 6, MAIL) == 3


def test_a_wrong_merge_is_undone_at_once_and_the_undoing_too(desk):
    desk.store.append("contacts", contacts(("C2", 2, None, [CHAT, MAIL])))
    writes(desk, "1", 3, contact_handle=CHAT)
    assert writes(desk, "2", 4, contact_handle=MAIL) == ["1"]
    assert learn(desk.store, decided("d1", 5, "split", "C2"))
    assert not learn(desk.store, decided("d1", 5, "split", "C2"))
    assert earlier_tickets(desk, 6, MAIL) == 1
    assert earlier_tickets(desk, 6, CHAT) == 1
    assert learn(desk.store, decided("d2", 8, "undo", "d1"))
    assert earlier_tickets(desk, 9, MAIL) == 2
    assert earlier_tickets(desk, 9, CHAT) == 2
    assert earlier_tickets(desk, 7, CHAT) == 1, "what was known on that day stays explainable"


def test_a_stranger_is_known_again_by_the_handle_alone(desk):
    assert writes(desk, "1", 3, contact_handle="twitter:@Zoe") == []
    assert writes(desk, "2", 4, contact_handle="x:zoe") == ["1"]
    assert writes(desk, "3", 5, contact_handle="twitter:anonymous") == []
    assert writes(desk, "4", 6, contact_handle="twitter:anonymous") == []


def features_of_stored_tickets(store: Store) -> pd.DataFrame:
    """The features of every ticket from all rows at once, which are those from the rows of its customer."""
    with store.reading() as connection:
        tickets = to_frame("tickets", connection.execute(CONTEXT["tickets"].select()).all())
        events = to_frame("ticket_events", connection.execute(CONTEXT["ticket_events"].select()).all())
    tables = {"tickets": tickets, "ticket_events": events, **{name: stored(store, name) for name in DERIVED}}
    intents = pd.Series("refund", tickets.index, dtype="str")
    known = tickets[["ticket_id", "known_at"]].assign(intent="refund")

    def features(some: pd.DataFrame, history: History) -> pd.DataFrame:
        repeats = same_intent_repeats(some, intents[some.index], history, known)
        return ticket_features(some, history).join(repeats)

    offline = features(tickets, tables)
    for place, ticket in enumerate(tickets.itertuples()):
        who = (None if pd.isna(one) else one for one in (ticket.account_id, ticket.contact_id))
        history = store.history_for(*who, ticket.known_at.to_pydatetime())
        one = features(tickets.iloc[[place]], history)
        pd.testing.assert_frame_equal(one, offline.iloc[[place]], check_exact=True)
    return offline


def test_served_and_offline_features_are_equal_with_links_in_time(desk):
    desk.store.append("contacts", contacts(("C2", 4, None, [CHAT, MAIL]), ("C3", 6, "A", [CALL])))
    learn(desk.store, decided("d1", 7, "split", CALL))
    said = {"1": (2, CHAT), "2": (3, MAIL), "3": (5, CALL), "4": (6.5, "C3"), "5": (8, MAIL), "6": (9, CALL)}
    for ticket_id, (on_day, handle) in said.items():
        name = {"contact_id": handle} if handle.startswith("C") else {"contact_handle": handle}
        writes(desk, ticket_id, on_day, **name)
    offline = features_of_stored_tickets(desk.store)
    assert offline["contact_tickets_30d"].tolist() == [0, 0, 2, 3, 2, 1]


def test_a_store_from_before_a_column_existed_gets_it(tmp_path):
    url = store_url(tmp_path)
    older = Store(url)
    with older.writing() as connection:
        connection.exec_driver_sql("DROP INDEX tickets_by_writer")
        connection.exec_driver_sql("ALTER TABLE context_tickets DROP COLUMN writer")
    older.close()
    newer = Store(url)
    rows = contacts(("C1", 0, "A", [MAIL]))
    assert newer.append("contacts", rows) == 1
    assert newer.history_for("A", "C1", day(1) + timedelta(days=1))["tickets"].empty
    newer.close()
    assert told(rows["contact_id"]) == ["C1"]


BO = [("ann", 0, "A", [MAIL]), ("bo", 1, "B", [CHAT]), ("bo", 20, "Z", [CHAT])]
MISTAKEN = [decided("d1", 4, "merge", "bo", "ann"), decided("d2", 8, "undo", "d1")]
WRITTEN = [
    ("bo before", 3, CHAT, None, 0),
    ("bo meanwhile", 5, CHAT, None, 1),  # for A, which has all of bo's until day 8
    ("for A by its source", 6, CHAT, "A", 2),
    ("of A meanwhile", 6.5, None, "A", 3),
    ("of B meanwhile", 6.5, None, "B", 0),
    ("ann", 7, MAIL, None, 4),
    ("of A afterwards", 9, None, "A", 3),  # without bo's, but with what the source said is A's
    ("of B afterwards", 9, None, "B", 3),
    ("bo at Z", 22, CHAT, None, 0),
    ("of B later", 23, None, "B", 4),  # what bo wrote stays B's, he takes nothing along
    ("of Z later", 23, None, "Z", 1),
]


def test_an_account_that_a_wrong_merge_filled_in_is_taken_back_by_the_undoing(tmp_path):
    """Bo of B is taken for Ann of A from day 4 until day 8; on day 20 he goes to Z."""
    rows = [
        {
            "ticket_id": f"{n:02}",
            "created_at": day(at),
            "known_at": day(at),
            "contact_id": who,
            "account_id": its,
        }
        for n, (_, at, who, its, _) in enumerate(WRITTEN)
    ]
    store = Store(store_url(tmp_path))
    store.append("contacts", contacts(*BO))
    for decision in MISTAKEN:
        learn(store, decision)
    tickets = typed("tickets", pd.DataFrame(rows))
    store.append("tickets", with_persons(tickets, PersonIndex(contacts(*BO), MISTAKEN)))
    features = features_of_stored_tickets(store)
    store.close()
    assert features["account_tickets_30d"].tolist() == [expected for *_, expected in WRITTEN]
    assert features["account_open_tickets"].tolist() == [expected for *_, expected in WRITTEN]
    assert features["same_intent_account_30d"].tolist() == [expected for *_, expected in WRITTEN]


def test_a_ticket_taken_from_an_account_is_not_shown_as_related_to_it(tmp_path):
    desk = open_desk(Settings(state=tmp_path / "state"))
    desk.store.append("contacts", contacts(*BO))
    learn(desk.store, MISTAKEN[0])
    assert writes(desk, "bo", 5, contact_handle=CHAT) == []
    assert writes(desk, "ann", 6, contact_handle=MAIL) == ["bo"]
    learn(desk.store, MISTAKEN[1])
    assert writes(desk, "ann again", 9, contact_handle=MAIL) == ["ann"]
    assert writes(desk, "somebody of B", 10, account_id="B") == ["bo"]
    desk.store.close()
