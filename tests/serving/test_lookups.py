"""What one ticket costs does not grow with what is stored: questions look up the rows of the ticket."""

import pytest
from sqlalchemy import event

from serving import context
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
    lines = plans(lambda connection: context.surge(connection, "invoice_copy", NOON, 1.0))
    assert any(line.startswith("SEARCH before USING INDEX events_by_ticket") for line in lines)
    assert any(line.startswith("SEARCH decisions USING INDEX decisions_by_ticket") for line in lines)
