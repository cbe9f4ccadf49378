"""What one ticket costs does not grow with what is stored: questions look up the rows of the ticket."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from serving import context, same_issue
from serving.paths import MOST_TICKETS, Report, aftermaths
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving.large_store import FILLED, fill
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

STORED, MOST_READ = 8_000, 300


@pytest.fixture
def plans(tmp_path):
    """How SQLite means to answer each statement of a question: the lines of its query plans."""
    store = Store(f"sqlite:///{tmp_path}/s.db")

    def asked(question) -> list[str]:
        seen: list[tuple[str, tuple]] = []
        with store.reading() as connection:
            event.listen(connection, "before_cursor_execute", lambda *told: seen.append((told[2], told[3])))
            question(connection)
            lines = []
            for statement, values in list(seen):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                lines += [row[3] for row in plan]
        return lines

    yield asked
    store.close()


def test_whether_a_ticket_was_reported_before_is_asked_of_its_own_rows(plans) -> None:
    """By intent, each of a day's reports would go through every event that there ever was about it."""
    lines = plans(lambda connection: same_issue.surge(connection, "invoice_copy", NOON, 1.0))
    assert any(line.startswith("SEARCH before USING INDEX events_by_ticket") for line in lines)
    assert any(line.startswith("SEARCH decisions USING INDEX decisions_by_ticket") for line in lines)


def test_events_of_a_customer_and_of_solved_tickets_are_asked_of_their_tickets(plans) -> None:
    """By kind, as SQLite would without statistics, each ticket would go through all that was ever solved."""
    lines = plans(lambda connection: context.history_for(connection, "A1", "C1", NOON))
    lines += plans(lambda connection: same_issue.solved_about(connection, "invoice_copy", NOON, 20))
    read = [line for line in lines if line.startswith("SEARCH context_ticket_events")]
    assert [line.split("INDEX ")[1] for line in read] == [
        "events_by_ticket (ticket_id=? AND known_at<?)",
        "events_by_value (kind=? AND value=? AND known_at<?)",
        "events_by_ticket (ticket_id=? AND known_at<?)",
    ]


@pytest.mark.parametrize("proven_by", [None, "login"])
def test_what_became_of_a_path_s_tickets_is_asked_of_their_own_rows(plans, proven_by) -> None:
    """By kind, each intent would go through everything that was ever solved, once a day."""
    tickets = {str(number): Report(str(number), None, 0) for number in range(MOST_TICKETS)}
    lines = plans(lambda connection: aftermaths(connection, tickets, proven_by, 7, NOON))
    read = [line for line in lines if line.startswith("SEARCH context_ticket_events")]
    assert read
    assert all("events_by_ticket" in line for line in read)


def test_a_ticket_reads_a_few_rows_of_thousands_in_every_database(store, promote, tmp_path) -> None:
    """The whole decision, each statement as the database carries it out with its statistics fresh."""
    with store.writing() as connection:
        fill(connection, STORED)
    promote(store, tmp_path)
    desk = TriageDesk(store, Releases(store, tmp_path / "releases", DESK, 60))
    seen: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            seen.append((statement, values))

    for number in range(2):  # the first asks what is kept for a minute or a day as well
        seen.clear()
        request = TriageRequest(ticket_id=f"new {number}", channel="email", account_id="A5",
                                contact_id="C5", body="I forgot the password of my account")  # fmt: skip
        with store.reading() as connection:
            engine = connection.engine
        event.listen(engine, "before_cursor_execute", note)
        decision = desk.triage(request, NOON).decision
        event.remove(engine, "before_cursor_execute", note)
    assert (decision.intent.name, len(decision.context.related_tickets) > 0) == ("password_reset", True)
    read = plans_of_sqlite if engine.dialect.name == "sqlite" else rows_of_postgresql
    with store.reading() as connection:
        assert len(seen) > 10
        assert not [found for asked in seen for found in read(connection, *asked)]


def plans_of_sqlite(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """The filled tables that SQLite goes through for the statement; it says no numbers."""
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        if row[3].startswith("SCAN") and row[3].split()[1] in FILLED:
            yield f"{row[3]}: {statement}"


def rows_of_postgresql(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """The tables of which PostgreSQL read more rows than a ticket has for the statement."""
    ((plan,),) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
    nodes = [plan[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
        removed = sum(number for name, number in node.items() if name.startswith("Rows Removed"))
        rows = (node["Actual Rows"] + removed) * node["Actual Loops"]
        if "Scan" in node["Node Type"] and rows > MOST_READ:
            yield f"{node['Node Type']} of {node.get('Relation Name')}: {rows} rows: {statement}"
