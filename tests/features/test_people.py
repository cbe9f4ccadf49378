"""A fact counts for whoever its name stands for when it is asked, and for nobody else."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import DAY, HOUR, arrow_strings, microseconds
from features.asof import EventLog
from features.people import Names, Persons
from features.schema import IDENTITIES, empty_table, typed
from features.ticket import ticket_features
from tests.features.histories import START

NAMES = ["A", "B", "mail", "phone"]


def identities(*rows: tuple[str, int, str]) -> pd.DataFrame:
    """(alias, hour, person)."""
    frame = pd.DataFrame(rows, columns=["alias", "hour", "contact_id"])
    known_at = START + pd.to_timedelta(frame["hour"].astype("int64"), unit="h")
    return typed(IDENTITIES, frame.assign(known_at=known_at, rule="handle"))


def hours(values: list[int]) -> np.ndarray:
    return microseconds(pd.Series(START + pd.to_timedelta(values, unit="h"), dtype="datetime64[us, UTC]"))


def person(rows: list[tuple[str, int, str]], name: str, moment: int) -> str:
    """By reading the rows one by one."""
    known = [row for row in rows if row[0] == name and row[1] < moment]
    return max(known, key=lambda row: row[1])[2] if known else name


def mentioned(pairs: list[tuple[str, int]]) -> pa.Array:
    return arrow_strings(pd.Series([name for name, _ in pairs], dtype="str"))


ROWS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 9), st.sampled_from(NAMES)),
    max_size=10,
    unique_by=lambda row: row[:2],
)
MENTIONS = st.lists(st.tuples(st.sampled_from([*NAMES, "stranger"]), st.integers(0, 12)), max_size=12)


@given(rows=ROWS, facts=MENTIONS, asked=MENTIONS, window=st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_reading_every_row(rows, facts, asked, window):
    names, times = mentioned(facts), hours([t for _, t in facts])
    questions, moments = mentioned(asked), hours([t for _, t in asked])
    persons = Persons(Names(identities(*rows)), questions, moments)
    found = persons.facts(names, times)
    log = EventLog(found.keys, found.known_at, times[found.rows])
    expected = [
        sum(
            known < t and known >= t - window and person(rows, name, t) == person(rows, asking, t)
            for name, known in facts
        )
        for asking, t in asked
    ]
    assert log.at(persons.keys, moments).count(window * HOUR).tolist() == expected


def ticket(ticket_id: str, hour: int, writer: str, contact_id: str | None = None) -> pd.DataFrame:
    at = START + pd.Timedelta(hours=hour)
    row = {"ticket_id": ticket_id, "created_at": at, "known_at": at, "writer": writer}
    return typed(
        "tickets", pd.DataFrame([{**row, "contact_id": contact_id or writer, "body": "my invoice?"}])
    )


@pytest.mark.parametrize(
    ("hazard", "rows", "repeats"),
    [
        ("two strangers", [], 0),
        ("known to be one before either wrote", [("mail", 0, "A"), ("phone", 0, "A")], 1),
        ("known to be one only after the first wrote", [("mail", 15, "A"), ("phone", 0, "A")], 1),
        ("known to be one too late", [("mail", 0, "A"), ("phone", 20, "A")], 0),
        (
            "the first was given to somebody else since",
            [("mail", 0, "A"), ("phone", 0, "A"), ("mail", 15, "B")],
            0,
        ),
        (
            "and given back",
            [("mail", 0, "A"), ("phone", 0, "A"), ("mail", 15, "B"), ("mail", 16, "A")],
            1,
        ),
    ],
)
def test_an_email_and_then_a_call_by_one_person_is_a_repeat(hazard, rows, repeats):
    tickets = pd.concat([ticket("1", 10, "mail"), ticket("2", 20, "phone")], ignore_index=True)
    history = {"tickets": tickets, IDENTITIES: identities(*rows) if rows else empty_table(IDENTITIES)}
    found = ticket_features(tickets.iloc[1:], history)
    assert found["contact_tickets_7d"].tolist() == [repeats], hazard
    assert found["similar_text_repeats_30d"].tolist() == [repeats], hazard


def test_without_the_table_the_contact_of_the_ticket_counts():
    tickets = pd.concat([ticket("1", 10, "mail", "A"), ticket("2", 20, "phone", "A")], ignore_index=True)
    assert ticket_features(tickets.iloc[1:], {"tickets": tickets})["contact_tickets_7d"].tolist() == [1]


def test_usage_under_another_name_of_the_person_is_theirs():
    day = {
        "account_id": "x",
        "contact_id": "login-7",
        "day": START,
        "feature": "login",
        "events": 3,
        "errors": 3,
    }
    usage = typed("usage", pd.DataFrame([{**day, "known_at": START + pd.Timedelta(hours=30)}]))
    history = {"usage": usage, IDENTITIES: identities(("login-7", 0, "A"))}
    asked = ticket("1", 40, "A").assign(account_id="x")
    assert ticket_features(asked, history)["contact_errors_24h"].tolist() == [3]
    assert DAY > 0
