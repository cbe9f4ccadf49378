"""What one ticket costs does not grow with what is stored: questions look up the rows of the ticket."""

import pytest
from sqlalchemy import event

from serving import same_issue
from serving.paths import MOST_TICKETS, Report, aftermaths
from serving.store import Store
from tests.serving.sample import NOON


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


@pytest.mark.parametrize("proven_by", [None, "login"])
def test_what_became_of_a_path_s_tickets_is_asked_of_their_own_rows(plans, proven_by) -> None:
    """By kind, each intent would go through everything that was ever solved, once a day."""
    tickets = {str(number): Report(str(number), None, 0) for number in range(MOST_TICKETS)}
    lines = plans(lambda connection: aftermaths(connection, tickets, proven_by, 7, NOON))
    read = [line for line in lines if line.startswith("SEARCH context_ticket_events")]
    assert read
    assert all("events_by_ticket" in line for line in read)
