"""Mapping files: what is refused, and that the message says where and what to do."""

from pathlib import Path

import pytest

from connectors.mapping.file import MappingError, load_mapping, parse_mapping
from features.schema import TABLES

GOOD = """
about: one table
sources:
  - file: tickets.csv
    format: csv
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: at, created_at: at}
"""


EVENTS = """
      - table: ticket_events
        columns: {event_id: id, ticket_id: id, known_at: at, occurred_at: at, kind: {value: solved}}
"""
STRAY_EVENTS = EVENTS.replace("ticket_id: id", "ticket_id: {from: id, prefix: x}")
OTHER_SYSTEM = f"""format: csv
    system: a
    tables:
{GOOD[GOOD.index("      - table") :]}  - file: old.csv
    format: csv
    system: b"""


@pytest.mark.parametrize(
    ("hazard", "old", "new", "place", "expected"),
    [
        ("misspelt key", "format: csv", "fromat: csv", "5:5",
         "sources.0.fromat: unknown key; did you mean `format`?"),
        ("key left out", "    format: csv\n", "", "4:5", "sources.0.format: missing"),
        ("unknown format", "format: csv", "format: xlsx", "5:5", "sources.0.format"),
        ("unknown table", "table: tickets", "table: cases", "7:9", "unknown table 'cases': one of accounts"),
        ("unknown column", "created_at: at", "created_at: at, priority: p", "8:64",
         "tickets has no column priority"),
        ("required column", ", created_at: at", "", "8:9", "tickets requires created_at"),
        ("no origin", "created_at: at", "created_at: {html: true}", "8:48", "exactly one of `from`"),
        ("two label maps", "ticket_id: id", "ticket_id: {from: id, map: {a: b}, lookup: l}", "8:19",
         "both `map` and"),
        ("unknown look-up", "ticket_id: id", "ticket_id: {from: id, lookup: owner}", "8:19",
         "no lookup 'owner'"),
        ("unknown time zone", "about: one table", "about: x\ntime_zone: Bonn", "3:1",
         "unknown time zone 'Bonn'"),
        ("bad delay", "known_at: at", "known_at: {from: at, delay: soon}", "8:55", "delay"),
        ("no time format", "known_at: at", "known_at: {from: at, time_format: dd.mm}", "8:55",
         "'dd.mm' is no time format"),
        ("bad directive", "known_at: at", "known_at: {from: at, time_format: [iso, '%Q']}", "8:74",
         "'%Q' is no time format"),
        ("deletions of what has no end", "- table: tickets\n",
         "- table: agents\n        deleted_where: {x: y}\n", "8:9", "give its next version an empty `team`"),
        ("not YAML", "about: one table", "about: [", "4:3", "is not valid YAML"),
        ("key said twice", "format: csv", "format: csv\n    format: json", "6:5", "'format' is said twice"),
        ("empty label", "ticket_id: id", "ticket_id: {from: id, map: {a: }}", "8:47", "is empty: write"),
        ("concatenated time", "known_at: at", "known_at: {concat: [day, hour]}", "8:34",
         "`concat` makes text"),
        ("step for another kind", "ticket_id: id", "ticket_id: {from: id, scale: 100}", "8:41",
         "`scale` is for int or float values, this is a string"),
        ("list of an id", "ticket_id: id", "ticket_id: {all_of: [a, b]}", "8:19",
         "`all_of` makes a list"),
        ("case of no case", "columns:", "keep_where: {case.first: true}\n        columns:", "7:9",
         "case.first needs `case:`"),
        ("restated tickets", "columns:", "restates: true\n        columns:", "8:9",
         "only usage can be restated"),
        ("same event id twice", "created_at: at}", "created_at: at}" + EVENTS + EVENTS.lstrip("\n"), "12:19",
         "the same event_id"),
        ("ids of two systems", "format: csv", OTHER_SYSTEM, "15:19", "a and b both number their tickets"),
        ("events of no ticket", "created_at: at}", "created_at: at}" + STRAY_EVENTS, "10:33",
         "no ticket begins with 'x'"),
    ],
)  # fmt: skip
def test_wrong_mapping_is_refused_naming_line_key_and_fix(
    hazard: str, old: str, new: str, place: str, expected: str
) -> None:
    assert old in GOOD
    with pytest.raises(MappingError, match=r"company\.yaml") as error:
        parse_mapping(GOOD.replace(old, new), "company.yaml")
    said = [line.partition(": ") for line in str(error.value).splitlines()]
    assert any(at == f"company.yaml:{place}" and expected in what for at, _, what in said), (hazard, said)


def test_every_problem_is_listed_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace(
        "known_at: at, created_at: at", "known_at: &at {from: at, delay: soon}, created_at: *at"
    )
    with pytest.raises(MappingError) as error:
        parse_mapping(text.replace("format: csv", "fromat: csv"), "x.yaml")
    assert [(problem.line, problem.key) for problem in error.value.problems] == [
        (4, "sources.0.format"),
        (5, "sources.0.fromat"),
        (8, "sources.0.tables.0.columns.known_at.0.delay"),
    ]


@pytest.mark.parametrize("label", ["no", "off", "007", "1.10", "12:30", "2026-01-01", "true", "~x"])
def test_labels_stay_the_text_that_was_written(label: str) -> None:
    text = GOOD.replace("columns:", f"keep_where: {{flag: {label}}}\n        columns:")
    assert parse_mapping(text, "x.yaml").sources[0].tables[0].keep_where == {"flag": [label]}


LATER = """
about: an export of finished cases
sources:
  - file: cases.csv
    format: csv
    known_later: {outcome: closed, closed: closed, rated: []}
    derive: {summary: {concat: [title, outcome]}}
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: opened, created_at: opened, body: title}
      - table: ticket_events
        columns:
          {event_id: id, ticket_id: id, known_at: closed, occurred_at: closed, kind: {value: solved},
           value: outcome}
"""


@pytest.mark.parametrize(
    ("hazard", "old", "new", "expected"),
    [
        ("as a value", "body: title", "body: outcome",
         "columns.body: 'outcome' is known only from closed on"),
        ("by a derived column", "body: title", "body: summary", "columns.body: 'outcome' is known only"),
        ("as a condition", "columns: {ticket", "keep_where: {outcome: x}\n        columns: {ticket",
         "keep_where.outcome: 'outcome'"),
        ("as the condition of a value", "body: title", "body: {from: title, where: {outcome: x}}",
         "columns.body"),
        ("as the time of creation", "created_at: opened", "created_at: closed",
         "columns.created_at: 'closed'"),
        ("through the event before", "body: title", "body: before.outcome", "columns.body: 'outcome'"),
        ("known at no stated time", "body: title", "body: rated",
         "columns.body: 'rated' is only known later"),
        ("one of two moments is too early", "known_at: closed", "known_at: [closed, opened]",
         "columns.value: 'outcome'"),
    ],
)  # fmt: skip
def test_what_is_only_known_later_cannot_be_in_an_earlier_row(
    hazard: str, old: str, new: str, expected: str
) -> None:
    assert old in LATER
    parse_mapping(LATER, "later.yaml")
    with pytest.raises(MappingError) as error:
        parse_mapping(LATER.replace(old, new), "later.yaml")
    assert expected in str(error.value), hazard


@pytest.mark.parametrize(
    ("allowed", "old", "new"),
    [
        ("known when the file was received", "known_at: opened", "known_at: {received: true}"),
        ("the last event of a case", "columns: {ticket_id: id,",
         "keep_where: {case.last: true}\n        columns: {ticket_id: id,"),
    ],
)  # fmt: skip
def test_what_is_known_later_may_be_in_a_row_known_then(allowed: str, old: str, new: str) -> None:
    text = LATER.replace("body: title", "body: outcome").replace(old, new)
    text = text.replace("    derive:", "    case: {id: id}\n    derive:")
    assert parse_mapping(text, allowed)


@pytest.mark.parametrize(
    ("hazard", "first", "second"),
    [
        ("a prefix of its own", EVENTS.replace("event_id: id", "event_id: {from: id, prefix: 'a:'}"), EVENTS),
        (
            "other values of one column",
            EVENTS.replace("columns:", "keep_where: {type: NOTE}\n        columns:"),
            EVENTS.replace("columns:", "keep_where: {type: [call, mail]}\n        columns:"),
        ),
        (
            "one skips what the other keeps",
            EVENTS.replace("columns:", "keep_where: {type: NOTE}\n        columns:"),
            EVENTS.replace("columns:", "skip_where: {type: [note, call]}\n        columns:"),
        ),
    ],
)
def test_rules_may_share_ids_where_no_row_can_pass_both(hazard: str, first: str, second: str) -> None:
    assert parse_mapping(GOOD.rstrip() + first + second.lstrip("\n"), hazard)


def test_absent_mapping_file_is_named() -> None:
    with pytest.raises(MappingError, match=r"nowhere.yaml not found"):
        load_mapping(Path("nowhere.yaml"))


@pytest.mark.parametrize(
    "path", sorted(Path("connectors/mappings").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_mappings_are_valid(path: Path) -> None:
    assert {rule.table for source in load_mapping(path).sources for rule in source.tables} <= set(TABLES)
