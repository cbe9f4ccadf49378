"""One person is one contact: by strong handles only, never by what comes later, and as people decided."""

from random import Random

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.identity.decisions import Decision
from connectors.identity.people import MOST_RECORDS
from connectors.identity.person_index import PersonIndex, who_is_who
from features.schema import IDENTITIES, empty_table
from tests.connectors.people import asked, contacts, day, decided, told

MAIL, CALL, OTHER = "email:ann@x.example", "phone:+4930123456", "phone:+4930999999"


def persons(people: pd.DataFrame, *rows: tuple[str | None, float], decisions: tuple[Decision, ...] = ()):
    return told(PersonIndex(people, decisions).resolve(asked(*rows))["contact_id"])


@pytest.mark.parametrize(
    ("hazard", "people", "name", "person"),
    [
        ("a handle finds its contact", [("C1", 0, "A", [MAIL])], MAIL, "C1"),
        ("however it is written", [("C1", 0, "A", ["email:Ann <ANN@x.example>"])], "Ann@X.example", "C1"),
        ("two handles of one contact", [("C1", 0, "A", [MAIL, CALL])], CALL, "C1"),
        ("the contact known first", [("C2", 1, "A", [MAIL]), ("C1", 2, "A", [MAIL])], "C1", "C2"),
        ("at the same moment, the smaller id", [("C2", 1, "A", [MAIL]), ("C1", 1, "A", [MAIL])], "C2", "C1"),
        (
            "through a third record",
            [("C1", 0, "A", [MAIL]), ("C2", 1, "A", [MAIL, CALL]), ("C3", 2, "A", [CALL])],
            "C3",
            "C1",
        ),
        ("a contact without a company joins", [("C1", 0, "A", [MAIL]), ("C2", 1, None, [MAIL])], "C2", "C1"),
        (
            "role mailbox",
            [("C1", 0, "A", ["email:info@x.example"]), ("C2", 1, "A", ["email:info@x.example"])],
            "C2",
            "C2",
        ),
        ("a kind that tells nobody apart", [("C1", 0, "A", ["ip:1"]), ("C2", 1, "A", ["ip:1"])], "C2", "C2"),
        (
            "number of no country",
            [("C1", 0, "A", ["phone:0301"]), ("C2", 1, "A", ["phone:0301"])],
            "C2",
            "C2",
        ),
        ("seen on two accounts", [("C1", 0, "A", [MAIL]), ("C2", 1, "B", [MAIL])], "C2", "C2"),
        (
            "two accounts through one without",
            [("C1", 0, "A", [MAIL]), ("C2", 1, "B", [CALL]), ("C3", 2, None, [MAIL, CALL])],
            "C3",
            "C3",
        ),
        (
            "the number was given to somebody else",
            [("C1", 0, "A", [CALL]), ("C1", 1, "A", ["phone:+4930999999"]), ("C2", 2, "A", [CALL])],
            "C2",
            "C2",
        ),
        (
            "a new number keeps the old one theirs",
            [("C1", 0, "A", [CALL]), ("C1", 1, "A", ["phone:+4930999999"])],
            CALL,
            "C1",
        ),
        (
            "the number went to somebody else and came back: both have it now",
            [("C1", 0, "A", [CALL]), ("C1", 1, "A", [OTHER]), ("C2", 2, "A", [CALL]), ("C1", 3, "A", [CALL])],
            "C2",
            "C1",
        ),
        (
            "another source's row says nothing of the mail",
            [("C1", 0, "A", [MAIL]), ("C1", 1, "A", ["zendesk:1"]), ("C2", 2, "A", [MAIL])],
            "C2",
            "C1",
        ),
        (
            "an id that is a handle",
            [("zendesk:7", 0, "A", [MAIL]), ("C2", 1, "A", ["zendesk:7"])],
            "C2",
            "zendesk:7",
        ),
        ("a handle nobody has", [("C1", 0, "A", [MAIL])], "email:bob@x.example", "email:bob@x.example"),
        ("an unknown id", [("C1", 0, "A", [MAIL])], "C9", "C9"),
        ("a placeholder", [("C1", 0, "A", [MAIL])], "phone:anonymous", None),
        ("nobody", [("C1", 0, "A", [MAIL])], None, None),
        ("missing handles", [("C1", 0, "A", None)], "C1", "C1"),
    ],
)
def test_who_is_who(hazard, people, name, person):
    assert persons(contacts(*people), (name, 9)) == [person], hazard


def test_no_row_is_told_what_was_known_at_its_moment_or_later():
    people = contacts(("C1", 0, "A", [MAIL]), ("C2", 5, "A", [MAIL]))
    rows = [(MAIL, 0), (MAIL, 0.001), ("C2", 5), ("C2", 5.001)]
    assert persons(people, *rows) == [MAIL, "C1", "C2", "C1"]


def test_an_empty_account_is_filled_with_the_one_of_that_time_and_a_given_one_stays():
    people = contacts(("C1", 0, "A", [MAIL]), ("C1", 5, "B", [MAIL]), ("C2", 6, None, [MAIL]))
    index = PersonIndex(people)
    rows = asked((MAIL, 0), (MAIL, 3), (MAIL, 7), ("C2", 7), ("C9", 7))
    assert told(index.resolve(rows)["account_id"]) == [None, "A", "B", "B", None]
    assert told(index.resolve(asked((MAIL, 3), account_id="Z"))["account_id"]) == ["Z"]


def test_a_shared_mailbox_of_one_company_is_nobody_but_of_that_company():
    mail = "email:info@x.example"
    index = PersonIndex(contacts(("C1", 0, "A", [mail]), ("C2", 1, "A", [mail]), ("C3", 5, "B", [mail])))
    found = index.resolve(asked((mail, 0.5), (mail, 3), (mail, 6)))
    assert told(found["contact_id"]) == ["C1", mail, mail]
    assert told(found["account_id"]) == ["A", "A", None]


def test_a_handle_of_very_many_contacts_is_nobody_and_does_not_join_them():
    many = [(f"C{n:03}", n, None, [MAIL]) for n in range(MOST_RECORDS + 15)]
    index = PersonIndex(contacts(*many))
    found = index.resolve(asked((MAIL, 2.5), (MAIL, 99), ("C001", 2.5), ("C001", 99), ("C039", 99)))
    assert told(found["contact_id"]) == ["C000", MAIL, "C000", "C001", "C039"]
    assert found["account_id"].isna().all()


def test_the_evidence_names_rule_handle_records_and_time():
    rows = who_is_who(contacts(("C1", 0, "A", [MAIL]), ("C2", 3, "A", ["email:ANN@x.example"]))).identities
    last = rows[rows["alias"] == "C2"].iloc[-1]
    assert (last["contact_id"], last["rule"], last["handle"]) == ("C1", "shared handle", MAIL)
    assert list(last["records"]) == ["C1", "C2"]
    assert last["known_at"] == day(3)


@pytest.mark.parametrize(
    ("people", "alias", "because"),
    [
        ([("C1", 0, "A", [MAIL]), ("C2", 1, "B", [MAIL])], MAIL, "several accounts have it: A, B"),
        (
            [("C1", 0, "A", ["email:hr@x.example"]), ("C2", 1, "A", ["email:hr@x.example"])],
            "email:hr@x.example",
            "role",
        ),
        ([(f"C{n}", 0, "A", [MAIL]) for n in range(MOST_RECORDS + 1)], MAIL, "more than"),
        (
            [("C1", 0, "A", [MAIL]), ("C2", 1, "B", [CALL]), ("C3", 2, None, [MAIL, CALL])],
            "C3",
            "accounts: A, B",
        ),
    ],
)
def test_what_a_person_should_decide_is_reported_with_the_reason(people, alias, because):
    rows = who_is_who(contacts(*people)).identities
    unclear = rows[rows["rule"] == "ambiguous"]
    assert unclear["alias"].tolist()[-1:] == [alias]
    assert because in unclear["because"].iloc[-1]


TWO = contacts(("C1", 0, "A", [MAIL, CALL]), ("C2", 1, "A", [CALL]), ("C3", 2, "B", ["email:c@y.example"]))


@pytest.mark.parametrize(
    ("hazard", "decisions", "expected"),
    [
        ("none", [], {"C2": "C1", CALL: "C1", "C3": "C3"}),
        ("split a contact", [("split", "C2")], {"C2": "C2", CALL: "C1", MAIL: "C1"}),
        ("split the contact known first", [("split", "C1")], {"C1": "C1", CALL: "C2", MAIL: "C1"}),
        ("split a handle", [("split", CALL)], {"C2": "C2", CALL: CALL, MAIL: "C1"}),
        ("split a handle from one", [("split", CALL, "C1")], {"C2": "C2", CALL: "C2", MAIL: "C1"}),
        ("merge across accounts", [("merge", "C3", "C1")], {"C3": "C1", "email:c@y.example": "C1"}),
        ("merge then split", [("merge", "C3", "C1"), ("split", "C3")], {"C3": "C3", "C2": "C1"}),
        ("split then merge", [("split", "C2"), ("merge", "C2", "C1")], {"C2": "C1", CALL: "C1"}),
        ("a handle is one contact's", [("merge", CALL, "C2")], {CALL: "C2", "C2": "C2", "C1": "C1"}),
        ("a handle nobody had", [("merge", "twitter:ann", "C1")], {"twitter:ann": "C1", CALL: "C1"}),
        ("two handles", [("merge", "twitter:ann", MAIL)], {"twitter:ann": "C1", MAIL: "C1", "C2": "C1"}),
        (
            "two names of nobody",
            [("merge", "twitter:z", "email:z@z.example")],
            {"twitter:z": "email:z@z.example"},
        ),
        ("an id without a contact", [("merge", "X9", "C1")], {"X9": "C1"}),
        ("undone merge", [("merge", "C3", "C1"), ("undo", "d0")], {"C3": "C3"}),
        ("undone split", [("split", "C2"), ("undo", "d0")], {"C2": "C1", CALL: "C1"}),
        ("undone undo", [("split", "C2"), ("undo", "d0"), ("undo", "d1")], {"C2": "C2"}),
        ("undone handle", [("split", CALL), ("undo", "d0")], {"C2": "C1", CALL: "C1"}),
        ("undo of nothing", [("undo", "d9")], {"C2": "C1"}),
    ],
)
def test_a_decision_counts_from_its_moment_on_and_can_be_undone(hazard, decisions, expected):
    made = tuple(decided(f"d{n}", 10 + n, *decision) for n, decision in enumerate(decisions))
    assert persons(TWO, *((name, 20) for name in expected), decisions=made) == list(expected.values()), hazard
    before = persons(TWO, *((name, 10) for name in expected))
    assert persons(TWO, *((name, 10) for name in expected), decisions=made) == before, (
        "history stays as it was"
    )


def test_the_evidence_of_a_decision_says_who_and_why():
    rows = who_is_who(TWO, [decided("d1", 10, "split", "C2")]).identities
    last = rows[rows["alias"] == "C2"].iloc[-1]
    assert (last["rule"], last["because"]) == ("decision", "split by ann: they told us (d1)")


def test_without_contacts_there_are_no_identities_and_handles_stand_for_themselves():
    nobody = empty_table("contacts")
    assert len(who_is_who(nobody).identities) == 0
    assert list(who_is_who(nobody).identities.columns) == list(empty_table(IDENTITIES).columns)
    assert persons(nobody, ("Ann@x.example", 1), ("C1", 1)) == [MAIL, "C1"]


HANDLES = st.sampled_from(
    [f"email:{name}@x.example" for name in "abcde"] + ["phone:+4930123450", "email:info@x.example"]
)
CONTACTS = st.lists(
    st.tuples(
        st.sampled_from([f"C{n}" for n in range(6)]),
        st.integers(0, 8),
        st.sampled_from(["A", "A", "A", "B", None]),
        st.none() | st.lists(HANDLES, max_size=3),
    ),
    max_size=14,
    unique_by=lambda row: row[:2],
)
NAMES = st.sampled_from(["C0", "C1", "C2", "C3", "X9", "email:a@x.example", "email:b@x.example", "twitter:z"])
CHOICES = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), NAMES, NAMES).filter(lambda choice: choice[1] != choice[2]),
        st.tuples(st.just("split"), NAMES),
        st.tuples(st.just("undo"), st.sampled_from(["d0", "d1", "d2"])),
    ),
    max_size=4,
)
EVERYBODY = [
    *(f"C{n}" for n in range(6)),
    *(f"email:{name}@x.example" for name in "abcde"),
    "phone:+4930123450",
    "email:info@x.example",
    "X9",
    "twitter:z",
]


GAVE_THE_MAIL_AWAY_AND_GOT_IT_BACK = [
    ("C0", 1, "A", ["email:a@x.example"]),
    ("C1", 0, "A", ["email:a@x.example"]),
    ("C1", 1, "A", ["email:b@x.example"]),
    ("C1", 2, "A", ["email:a@x.example"]),
]


@given(rows=CONTACTS, choices=CHOICES, moment=st.integers(0, 10), seed=st.randoms())
@example(rows=GAVE_THE_MAIL_AWAY_AND_GOT_IT_BACK, choices=[], moment=2, seed=Random(0))
@settings(max_examples=25, deadline=None)
def test_what_comes_later_and_the_order_of_rows_change_nothing(rows, choices, moment, seed):
    made = tuple(decided(f"d{n}", 2 * n + 1, *choice) for n, choice in enumerate(choices))
    question = asked(*((name, moment) for name in EVERYBODY))
    whole = PersonIndex(contacts(*rows), made).resolve(question)
    seed.shuffle(rows)
    past = PersonIndex(
        contacts(*(row for row in rows if row[1] < moment)),
        tuple(decision for decision in made if decision.at < day(moment)),
    ).resolve(question)
    pd.testing.assert_frame_equal(whole, past)


@given(rows=CONTACTS, choices=CHOICES, moment=st.integers(0, 10))
@settings(max_examples=25, deadline=None)
def test_a_person_stands_for_itself_and_has_one_company(rows, choices, moment):
    made = tuple(decided(f"d{n}", 2 * n + 1, *choice) for n, choice in enumerate(choices))
    index = PersonIndex(contacts(*rows), made)
    found = index.resolve(asked(*((name, moment) for name in EVERYBODY)))
    again = index.resolve(asked(*((name, moment) for name in told(found["contact_id"]))))
    assert told(again["contact_id"]) == told(found["contact_id"])
    assert told(again["account_id"]) == told(found["account_id"])
