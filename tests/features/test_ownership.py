"""A ticket whose source names no account counts for the one its writer, as now understood, had then."""

from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.identity.person_index import who_is_who
from features.arrays import microseconds
from features.ownership import accounts_as_of
from features.rows import Rows
from features.schema import ACCOUNT_REVISIONS, IDENTITIES, typed
from tests.connectors.identity.test_person_index import CHOICES, CONTACTS, EVERYBODY
from tests.connectors.people import contacts, day, decided, told

MAIL, CHAT = "email:ann@x.example", "intercom:77"


def tickets(*rows: tuple[str | None, float, str | None, str | None]) -> pd.DataFrame:
    """(writer, day it came, account on the row, account_from)."""
    columns = ["writer", "known_at", "account_id", "account_from"]
    frame = pd.DataFrame([(who, day(at), its, by) for who, at, its, by in rows], columns=columns)
    return typed("tickets", frame.assign(contact_id=frame["writer"], created_at=frame["known_at"]))


def accounts(frame: pd.DataFrame, people: pd.DataFrame, decisions: list, on_day: float) -> list[str | None]:
    found = who_is_who(people, decisions)
    history = {IDENTITIES: found.identities, ACCOUNT_REVISIONS: found.account_revisions}
    as_of = int(microseconds(pd.Series([day(on_day)]))[0])
    return accounts_as_of(Rows.of(frame), history, as_of).to_pylist()


def by_reading_every_row(writer: str, came: float, known: pd.DataFrame, rows: pd.DataFrame) -> str | None:
    """The account, from what is ``known`` of contacts and the ``rows`` of identities that follow from it."""
    rows = rows[rows["alias"] == writer]
    if rows.empty:
        return None
    records = list(rows.iloc[-1]["records"])
    then = known[(known["known_at"] < day(came)) & known["account_id"].notna()]
    newest = then.sort_values("known_at").groupby("contact_id")["account_id"].last()
    companies = {newest.get(record) for record in records}
    is_person = writer in records or rows.iloc[-1]["contact_id"] != writer
    if is_person and newest.get(records[0]) is not None:
        return newest[records[0]]
    companies -= {None} if is_person else set()
    return companies.pop() if len(companies) == 1 else None


@given(rows=CONTACTS, choices=CHOICES, on_day=st.integers(0, 10))
@settings(max_examples=12, deadline=None)
def test_accounts_are_those_of_reading_every_row(rows, choices, on_day):
    people = contacts(*rows)
    decisions = [decided(f"d{n}", 2 * n + 1, *choice) for n, choice in enumerate(choices)]
    asked = [(name, came) for name, came in product(EVERYBODY, (0.5, 3.5, 6, 9)) if came <= on_day]
    frame = tickets(*((name, came, None, None) for name, came in asked))
    known = people[people["known_at"] < day(on_day)]
    then = who_is_who(known, [d for d in decisions if d.at < day(on_day)]).identities
    expected = [by_reading_every_row(*one, known, then) for one in asked]
    assert accounts(frame, people, decisions, on_day) == expected


TWO = contacts(("ann", 0, "A", [MAIL]), ("bo", 1, "B", [CHAT]), ("bo", 20, "Z", [CHAT]))
MERGED, UNDONE = decided("d1", 4, "merge", "bo", "ann"), decided("d2", 8, "undo", "d1")


@pytest.mark.parametrize(
    ("hazard", "ticket", "on_day", "expected"),
    [
        ("filled before the merge", (CHAT, 3, "B", "writer"), 3.5, "B"),
        ("and merged", (CHAT, 3, "B", "writer"), 6, "A"),
        ("a decision of this very moment is not known yet", (CHAT, 3, "B", "writer"), 4, "B"),
        ("and undone", (CHAT, 3, "B", "writer"), 9, "B"),
        ("filled by the merge", (CHAT, 5, "A", "writer"), 6, "A"),
        ("and undone", (CHAT, 5, "A", "writer"), 9, "B"),
        ("named by the source", (CHAT, 5, "A", None), 9, "A"),
        ("a person who went to another company since", (CHAT, 5, "A", "writer"), 25, "B"),
        ("written there", (CHAT, 21, "Z", "writer"), 25, "Z"),
        ("before anybody was known", (CHAT, 0.5, None, None), 9, None),
        ("at the very moment its writer became known", (CHAT, 1, None, None), 9, None),
        ("a stranger", ("email:zoe@x.example", 5, None, None), 9, None),
        ("nobody", (None, 5, None, None), 9, None),
    ],
)
def test_whose_account_a_ticket_counts_for(hazard, ticket, on_day, expected):
    assert accounts(tickets(ticket), TWO, [MERGED, UNDONE], on_day) == [expected], hazard


def test_a_handle_learned_later_brings_the_tickets_that_came_while_its_owner_was_known():
    people = contacts(("ann", 2, "A", None), ("ann", 6, "A", [CHAT]))
    frame = tickets((CHAT, 1, None, None), (CHAT, 4, None, None))
    assert accounts(frame, people, [], 5) == [None, None]
    assert accounts(frame, people, [], 7) == [None, "A"]


def test_rows_without_the_mark_keep_their_account():
    frame = tickets((CHAT, 5, "A", "writer")).drop(columns="account_from")
    assert accounts(frame, TWO, [MERGED, UNDONE], 9) == ["A"]
    assert told(frame["account_id"]) == ["A"]
