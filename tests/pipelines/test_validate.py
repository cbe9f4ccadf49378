"""Stage validate: what a table as a whole must keep, judged by Great Expectations."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from features.expectations.checking import said
from features.expectations.suites import checkable, suite
from features.schema import TABLES, Tables, typed
from features.tables import write_tables
from pipelines.data_docs import local
from pipelines.validate import metrics, page, read_what_is_checked, validate

DAY = pd.Timestamp("2026-01-01T00:00:00Z")
HOUR = pd.Timedelta("1h")


def desk() -> dict[str, pd.DataFrame]:
    """Two accounts, three tickets, three events, two days of usage; nothing wrong."""
    rows: dict[str, dict[str, list[object]]] = {
        "accounts": {
            "account_id": ["A", "B"],
            "known_at": [DAY, DAY],
            "plan": ["team", "team"],
            "contract_value_cents": [1, 2],
            "seats": [3, 4],
        },
        "tickets": {
            "ticket_id": ["1", "2", "3"],
            "known_at": [DAY + HOUR] * 3,
            "created_at": [DAY] * 3,
            "account_id": ["A", "B", None],
            "contact_id": ["a", "b", "c"],
            "channel": ["email", "chat", "web"],
            "subject": ["x", None, "y"],
            "body": [None, "z", "y"],
        },
        "ticket_events": {
            "event_id": ["e1", "e2", "e3"],
            "ticket_id": ["1", "2", "3"],
            "known_at": [DAY + HOUR] * 3,
            "occurred_at": [DAY] * 3,
            "kind": ["reply", "solved", "csat"],
            "actor_kind": ["agent", "agent", "customer"],
        },
        "usage": {
            "account_id": ["A", "A"],
            "contact_id": ["a", None],
            "day": [DAY, DAY],
            "known_at": [DAY + HOUR, DAY + HOUR],
            "feature": ["login", "login"],
            "events": [1, 0],
        },
    }
    return {name: typed(name, pd.DataFrame(columns)) for name, columns in rows.items()}


def with_value(name: str, column: str, value: object) -> Callable[[Tables], dict[str, pd.DataFrame]]:
    """Changes one cell of the first row of a table."""

    def change(tables: Tables) -> dict[str, pd.DataFrame]:
        frame = tables[name].copy()
        frame[column] = frame[column].astype("object")
        frame.loc[0, column] = value
        return {**tables, name: typed(name, frame)}

    return change


def twice(name: str) -> Callable[[Tables], dict[str, pd.DataFrame]]:
    return lambda tables: {**tables, name: pd.concat([tables[name], tables[name].head(1)], ignore_index=True)}


def test_sound_tables_meet_every_expectation_and_missing_ones_are_not_judged(tmp_path: Path) -> None:
    found = validate(desk(), tmp_path / "docs")
    assert set(found) == {"accounts", "tickets", "ticket_events", "usage"}
    assert [f for findings in found.values() for f in findings if not f.success] == []
    pages = [page.name for page in (tmp_path / "docs").rglob("*.html")]
    assert "index.html" in pages
    assert "tickets.html" in pages


BROKEN = [
    ("no ticket id", with_value("tickets", "ticket_id", None), "tickets", "ticket_id is there", "critical"),
    ("ticket twice", twice("tickets"), "tickets", "ticket_id identifies a row", "critical"),
    (
        "usage row twice",
        twice("usage"),
        "usage",
        "account_id + contact_id + day + feature + known_at identifies a row",
        "critical",
    ),
    (
        "future knowledge",
        with_value("tickets", "known_at", DAY - HOUR),
        "tickets",
        "known_at is not before created_at",
        "critical",
    ),
    (
        "unknown channel",
        with_value("tickets", "channel", "fax"),
        "tickets",
        "channel has allowed values",
        "critical",
    ),
    (
        "unknown kind",
        with_value("ticket_events", "kind", "merged"),
        "ticket_events",
        "kind has allowed values",
        "critical",
    ),
    (
        "seconds read as milliseconds",
        with_value("accounts", "known_at", pd.Timestamp(1_767_261, unit="s", tz="UTC")),
        "accounts",
        "known_at is a plausible time",
        "critical",
    ),
    (
        "more uses taken back than there were",
        with_value("usage", "events", -1),
        "usage",
        "events of the day is not negative",
        "critical",
    ),
    (
        "milliseconds read as seconds",
        with_value("accounts", "known_at", pd.Timestamp("2999-01-01", tz="UTC")),
        "accounts",
        "known_at is not in the far future",
        "critical",
    ),
    (
        "ticket closes before it opens",
        with_value("ticket_events", "occurred_at", DAY - HOUR),
        "ticket_events",
        "an event is not before its ticket",
        "critical",
    ),
    (
        "accounts without plan",
        with_value("accounts", "plan", None),
        "accounts",
        "plan is mostly there",
        "warning",
    ),
    (
        "events of unknown tickets",
        with_value("ticket_events", "ticket_id", "99"),
        "ticket_events",
        "ticket_id is in tickets",
        "warning",
    ),
]


def test_each_hazard_fails_exactly_its_expectation(tmp_path: Path) -> None:
    for hazard, breaks, table, name, severity in BROKEN:
        tables = breaks(desk())
        failed = [
            (t, f)
            for t, findings in validate({table: tables[table], **others(tables, table)}, tmp_path).items()
            for f in findings
            if not f.success
        ]
        assert [(t, f.check.name, f.check.severity) for t, f in failed] == [(table, name, severity)], hazard
        sentence = said(*failed[0])
        assert sentence.startswith(f"{severity}: {table}, expected that {name}"), hazard


def others(tables: Tables, table: str) -> dict[str, pd.DataFrame]:
    """Only the tables that ``table`` refers to, to keep the check small."""
    wanted = {"ticket_events": "tickets", "tickets": "accounts", "usage": "accounts"}.get(table)
    return {wanted: tables[wanted]} if wanted else {}


def test_metrics_are_the_same_for_the_same_tables(tmp_path: Path) -> None:
    tables = with_value("accounts", "plan", None)(desk())
    first, second = (metrics(tables, validate(tables, tmp_path)) for _ in range(2))
    assert first == second
    assert first["accounts"] == {
        "rows": 2,
        "expectations": len(suite("accounts")),
        "failed_critical": 0,
        "failed_warning": 1,
        "unexpected": {"plan is mostly there": 1},
    }


def test_page_names_failures_and_escapes_what_the_data_says(tmp_path: Path) -> None:
    tables = {"tickets": with_value("tickets", "channel", "<script>")(desk())["tickets"]}
    html = page(tables, validate(tables, tmp_path))
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "channel has allowed values" in html
    assert "Not there, so not judged: accounts, contacts" in html


@pytest.mark.parametrize("table", TABLES)
def test_every_required_column_and_every_key_is_guarded(table: str) -> None:
    names = {check.name for check in suite(table)}
    required = [name for name, column in TABLES[table].columns.items() if column.required]
    assert {f"{name} is there" for name in required} <= names
    assert f"{' + '.join(TABLES[table].key)} identifies a row" in names


def test_references_to_a_missing_table_are_not_counted_against_a_desk(tmp_path: Path) -> None:
    tickets = desk()["tickets"]
    assert checkable("tickets", {"tickets": tickets})["account_id is known"].all()


def test_what_customers_wrote_is_not_held_in_memory_and_changes_no_finding(tmp_path):
    tables = desk()
    tables["tickets"] = tables["tickets"].assign(subject=[None, None, "y"], body=[None, "z" * 100_000, None])
    write_tables(tmp_path / "tables", tables)
    read = read_what_is_checked(tmp_path / "tables")
    assert "z" * 9 not in read["tickets"].to_csv()
    whole, checked = validate(tables, tmp_path / "whole"), validate(read, tmp_path / "checked")
    assert metrics(read, checked) == metrics(tables, whole)
    assert [f for f in checked["tickets"] if f.unexpected] == [f for f in whole["tickets"] if f.unexpected]


def test_without_tables_the_command_that_makes_them_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="dvc repro ingest"):
        read_what_is_checked(tmp_path / "nowhere")


def test_data_docs_ask_the_internet_for_nothing_and_the_index_reaches_every_page(tmp_path):
    validate({"tickets": desk()["tickets"]}, tmp_path)
    pages = list(tmp_path.rglob("*.html"))
    for one in pages:
        text = one.read_text()
        assert "<script" not in text
        assert not re.search(r"(src|href)=[\"'](https?:)?//[^\"']*\.(css|js|png)", text)
        assert not re.search(r"url\([\"']?https?:", text)
        assert one.name == "index.html" or "default-src 'none'" in text
    linked = re.findall(r'href="((?:validations|expectations)/[^"]*)"', (tmp_path / "index.html").read_text())
    assert {(tmp_path / unescape(path)).resolve() for path in linked} == {
        one.resolve() for one in pages if one.name != "index.html"
    }


@pytest.mark.parametrize(
    "asked",
    [
        '<script src="https://x.example/a.js"></script>',
        "<SCRIPT>alert(1)</SCRIPT >",
        '<link rel="stylesheet" href="//x.example/a.css">',
        '<img alt="" src="https://x.example/logo.png?d=20261122">',
        "<form action='https://x.example'><input></form>",
        "<style>p { background: url('https://x.example/a.png') }</style>",
    ],
)
def test_whatever_a_page_asks_of_other_hosts_is_taken_out(asked):
    html = local(f"<html><head></head><body><p>kept</p>{asked}</body></html>", "p {}")
    assert "<p>kept</p>" in html
    assert "x.example" not in html
    assert "alert(1)" not in html
