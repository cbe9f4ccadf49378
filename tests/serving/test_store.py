"""The store keeps what it is given once, shows nothing from the future, and forgets nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from features.schema import TABLES, empty_table, typed
from serving import context, pointers, same_issue
from serving.codec import to_frame, to_rows
from serving.database import UnknownDatabase
from serving.moments import microseconds, moment, time_ordered_id
from serving.people import PHONE_REGION, person
from serving.store import Store
from tests.serving.sample import NOON, tickets

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 120 * 365 * 86400 * 10**6).map(lambda us: EPOCH + timedelta(microseconds=us))
SOME_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
VALUES = {
    "string": SOME_TEXT,
    "time": MOMENTS,
    "int": st.integers(-(2**62), 2**62),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "list": st.lists(SOME_TEXT, max_size=3),
}


@st.composite
def canonical_frames(draw, name):
    """Canonical frames of one table, with missing values wherever the schema does not forbid them."""
    columns = TABLES[name].columns
    row = st.fixed_dictionaries(
        {c: VALUES[s.kind] if s.required else st.none() | VALUES[s.kind] for c, s in columns.items()}
    )
    return typed(name, pd.DataFrame(draw(st.lists(row, max_size=4)), columns=list(columns)))


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_no_value_changes_on_the_way_through_a_row(name, data):
    frame = data.draw(canonical_frames(name))
    assert_frame_equal(to_frame(name, to_rows(name, frame)), frame)


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_stays_canonical(name):
    assert_frame_equal(to_frame(name, []), empty_table(name))


@given(at=MOMENTS)
def test_moments_are_exact_to_the_microsecond(at):
    assert moment(microseconds(at)) == at


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        microseconds(datetime(2026, 1, 1))  # noqa: DTZ001


def test_ids_sort_by_time_and_never_repeat():
    ids = [time_ordered_id(NOON + timedelta(milliseconds=i)) for i in range(200)]
    assert ids == sorted(ids)
    assert len({time_ordered_id(NOON) for _ in range(2000)}) == 2000


def test_appending_the_same_rows_again_adds_nothing(store):
    frame = tickets({"ticket_id": "1"}, {"ticket_id": "2"})
    assert store.append("tickets", frame) == 2
    assert store.append("tickets", frame) == 0
    assert store.append("tickets", tickets({"ticket_id": "2", "body": "changed"}, {"ticket_id": "3"})) == 1
    kept = store.history_for("A1", None, NOON + timedelta(seconds=1))["tickets"]
    assert kept["body"].tolist() == ["I forgot my password."] * 3


def test_usage_of_an_unknown_person_is_appended_once(store):
    day = {"account_id": "A1", "day": NOON.replace(hour=0), "feature": "login", "known_at": NOON, "events": 3}
    usage = typed("usage", pd.DataFrame([{**day, "contact_id": None}, {**day, "contact_id": "C1"}]))
    assert [store.append("usage", usage) for _ in range(2)] == [2, 0]
    kept = store.history_for("A1", None, NOON + timedelta(seconds=1))["usage"]
    assert sorted(kept["contact_id"].fillna("nobody")) == ["C1", "nobody"]


@given(known=st.lists(st.integers(-3, 3), min_size=1, max_size=6, unique=True), cut=st.integers(-4, 4))
@settings(max_examples=25, deadline=None)
def test_history_holds_nothing_known_at_or_after_as_of(tmp_path_factory, known, cut):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('store')}/s.db")
    rows = [{"ticket_id": str(k), "known_at": NOON + timedelta(microseconds=k)} for k in known]
    store.append("tickets", tickets(*rows))
    events = pd.DataFrame(rows).assign(kind="reply", occurred_at=NOON)
    store.append("ticket_events", typed("ticket_events", events.assign(event_id=events["ticket_id"])))
    history = store.history_for("A1", None, NOON + timedelta(microseconds=cut))
    store.close()
    expected = [str(k) for k in sorted(known) if k < cut]
    assert history["tickets"]["ticket_id"].tolist() == expected
    assert history["ticket_events"]["ticket_id"].tolist() == expected


def test_history_is_of_the_account_or_the_person_and_of_nobody_else(store):
    store.append(
        "tickets",
        tickets(
            {"ticket_id": "same account", "contact_id": "C9"},
            {"ticket_id": "same person elsewhere", "account_id": "A9"},
            {"ticket_id": "stranger", "account_id": "A9", "contact_id": "C9"},
            {"ticket_id": "nobody", "account_id": None, "contact_id": None},
        ),
    )
    later = NOON + timedelta(days=1)
    seen = store.history_for("A1", "C1", later)["tickets"]["ticket_id"]
    assert sorted(seen) == ["same account", "same person elsewhere"]
    assert store.history_for(None, None, later)["tickets"].empty


def test_every_history_table_is_canonical_even_when_empty(store):
    for name, frame in store.history_for("A1", "C1", NOON).items():
        assert_frame_equal(frame, empty_table(name))


@pytest.mark.parametrize(
    ("handle", "found"),
    [
        ("email:ann@x.example", "C1"),
        ("email:ANN@x.example ", "C1"),
        ("phone:+49 30 123456", "C2"),
        ("email:b@x.example", "email:b@x.example"),
        ("email:anonymous", None),
    ],
)
def test_a_person_is_found_by_any_handle(store, handle, found):
    people = [
        {"contact_id": "C1", "account_id": "A1", "known_at": NOON, "handles": ["email:Ann@x.example"]},
        {"contact_id": "C2", "account_id": "A1", "known_at": NOON, "handles": ["phone:004930123456"]},
    ]
    store.set_mark(PHONE_REGION, "DE")
    store.append("contacts", typed("contacts", pd.DataFrame(people)))
    with store.reading() as connection:
        who = person(connection, None, handle, NOON + timedelta(seconds=1))
        too_early = person(connection, None, handle, NOON)
    assert (who.contact_id if who else None) == found
    assert too_early is None or too_early.account_id is None


def test_a_surge_counts_accounts_and_tickets_once(store):
    now = NOON + timedelta(days=40)
    hours_ago = {"t1": 1, "t2": 2, "t3": 3, "old": 24 * 10, "older": 24 * 20, "ancient": 24 * 35}
    owner = {"t1": "A1", "t2": "A1", "t3": "A2"}
    store.append("tickets", tickets(*({"ticket_id": t, "account_id": owner.get(t, "A3")} for t in hours_ago)))
    events = [
        {
            "event_id": f"{ticket}-{n}",
            "ticket_id": ticket,
            "known_at": now - timedelta(hours=h),
            "occurred_at": NOON,
            "kind": "intent_set",
            "value": "outage",
        }
        for ticket, h in hours_ago.items()
        for n in range(2)  # labelled twice
    ]
    events.append(events[-5] | {"event_id": "closed today", "known_at": now - timedelta(hours=1)})
    assert events[-1]["ticket_id"] == "old", "it was known to be about this long ago: no new report"
    store.append("ticket_events", typed("ticket_events", pd.DataFrame(events)))
    with store.reading() as connection:
        usual = same_issue.usual_per_day(connection, "outage", now)
        found = same_issue.surge(connection, "outage", now, usual)
    assert (found.accounts_24h, found.tickets_24h, found.baseline_per_day) == (2, 3, 2 / 28)


def test_agents_are_as_busy_as_their_unsolved_tickets(store):
    facts = [("t1", "assigned", "ann", 1), ("t1", "solved", None, 2), ("t2", "assigned", "ann", 1)]
    facts += [("t3", "assigned", "ann", 1), ("t3", "assigned", "bob", 2), ("t4", "assigned", "bob", 9)]
    events = [
        {"event_id": str(i), "ticket_id": t, "kind": k, "value": v, "known_at": NOON + timedelta(hours=h)}
        for i, (t, k, v, h) in enumerate(facts)
    ]
    store.append("ticket_events", typed("ticket_events", pd.DataFrame(events).assign(occurred_at=NOON)))
    with store.reading() as connection:
        assert context.open_tickets_by_agent(connection, NOON + timedelta(hours=5)) == {"ann": 1, "bob": 1}


def test_a_pointer_moves_and_remembers(store):
    assert store.pointer("champion") is None
    store.set_pointer("champion", "r1", "ann", "first release", NOON)
    store.set_pointer("champion", "r2", "bob", "better", NOON + timedelta(hours=1))
    assert store.pointer("champion") == "r2"
    assert [(m.release_id, m.by) for m in store.pointer_history("champion")] == [("r1", "ann"), ("r2", "bob")]
    assert store.verify_ledger().entries == 2


def test_a_character_that_a_database_cannot_hold_costs_itself_and_not_the_row(store):
    assert store.append("tickets", tickets({"ticket_id": "1", "body": "before\x00after"})) == 1
    (kept,) = store.history_for("A1", None, NOON + timedelta(days=1))["tickets"]["body"]
    assert kept.replace("\x00", "\ufffd") == "before\ufffdafter"


def test_rows_of_one_moment_come_in_the_same_order_from_every_database(store):
    names = ["a", "B", "ä", "_", "Z", "é", "-1", "10", "9"]
    store.append("tickets", tickets(*({"ticket_id": name} for name in names)))
    kept = store.history_for("A1", None, NOON + timedelta(days=1))["tickets"]["ticket_id"]
    assert kept.tolist() == sorted(names)


def test_a_mark_is_replaced(store):
    assert store.mark("backfill") is None
    store.set_mark("backfill", "one")
    store.set_mark("backfill", "two")
    assert store.mark("backfill") == "two"


def test_nothing_half_written_stays_when_a_transaction_fails(store):
    def fails_half_way():
        with store.writing() as connection:
            context.append(connection, "tickets", tickets({"ticket_id": "1"}))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fails_half_way()
    assert store.history_for("A1", None, NOON + timedelta(days=1))["tickets"].empty


def test_writers_at_the_same_time_all_get_through(store):
    with ThreadPoolExecutor(8) as pool:
        moves = [pool.submit(store.set_pointer, "champion", f"r{i}", "t", "race", NOON) for i in range(40)]
        for move in moves:
            move.result()
    check = store.verify_ledger()
    assert (check.entries, check.intact) == (40, True)
    assert len(store.pointer_history("champion")) == 40


def test_every_commit_is_durable(store):
    with store.reading() as connection:
        if connection.dialect.name == "sqlite":
            asked = ("PRAGMA journal_mode", "PRAGMA synchronous")
            found = tuple(connection.exec_driver_sql(question).scalar() for question in asked)
            assert found == ("wal", 2)
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_reader_sees_one_state_however_others_write(store):
    with store.reading() as connection:
        before = pointers.pointer(connection, "champion")
        store.set_pointer("champion", "r1", "ann", "meanwhile", NOON)
        assert (before, pointers.pointer(connection, "champion")) == (None, None)
    assert store.pointer("champion") == "r1"


def test_a_database_that_is_neither_is_refused_by_name():
    with pytest.raises(UnknownDatabase, match="mysql: use postgresql://"):
        Store("mysql://localhost/firstline")
