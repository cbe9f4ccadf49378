"""A store of any version becomes one of this version, with everything that was in it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from serving.migration import BASELINE, FOLDER, HEAD, StoreTooNew
from serving.store import Store
from serving.tables import metadata
from tests.serving.sample import NOON, tickets

FILLED = {
    "context_tickets": "('T1', 1, 2, 'A1', 'C1', NULL, 'email', 'Hello', 'Ünïcode', 'en', NULL, NULL)",
    "decisions": "('D1', 'T1', 5, 'r1', 'A1', 'refund', 'billing', 'human', 1.5, '{}', '{}')",
    "feedback": "('F1', 'D1', 6, 'approve', NULL, NULL, NULL, 'ann')",
    "outbox": "('D1:route', 'D1', 5, 'route', '{}', 'pending', NULL)",
    "idempotency": "('triage', 'T1', 'h', 'D1')",
    "marks": "('backfilled_from', 'abc')",
}
"""A row of each of these tables, in the column order of the first version."""


@pytest.fixture
def baseline(empty_database_url) -> str:
    """A filled store as the first version left it: no Alembic, only tables."""
    store = Store(empty_database_url)
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(text(f'DROP TABLE "{table.name}"'))
        connection.execute(text("DROP TABLE alembic_version"))
        upgrade_to(connection, BASELINE)
        connection.execute(text("DROP TABLE alembic_version"))
        for table, row in FILLED.items():
            connection.execute(text(f"INSERT INTO {table} VALUES {row}"))
    store.close()
    return empty_database_url


def upgrade_to(connection, revision: str) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    scripts = ScriptDirectory(str(FOLDER))
    steps = lambda current, _: scripts._upgrade_revs(revision, current)  # noqa: E731
    with EnvironmentContext(Config(), scripts, fn=steps, destination_rev=revision) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def contents(url: str) -> dict[str, list[tuple]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {name: connection.execute(text(f"SELECT * FROM {name}")).all() for name in FILLED}
    engine.dispose()
    return {name: [tuple(row) for row in rows] for name, rows in found.items()}


def test_a_filled_store_of_the_first_version_is_adopted_with_every_value(baseline):
    before = contents(baseline)
    store = Store(baseline)
    assert store.mark("backfilled_from") == "abc"
    store.close()
    after = contents(baseline)
    for name, rows in before.items():
        assert [row[: len(rows[0])] for row in after[name]] == rows, name


def test_what_migrations_make_is_what_the_code_expects(baseline):
    Store(baseline).close()
    engine = create_engine(baseline)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_the_head_named_in_the_code_is_the_newest_migration():
    assert ScriptDirectory(str(FOLDER)).get_heads() == [HEAD]


def test_opening_again_changes_nothing(database_url):
    store = Store(database_url)
    store.append("tickets", tickets({"ticket_id": "1"}))
    store.set_pointer("champion", "r1", "ann", "because", NOON)
    store.close()
    store = Store(database_url)
    assert store.pointer("champion") == "r1"
    assert store.append("tickets", tickets({"ticket_id": "1"})) == 0
    store.close()


def test_a_store_of_a_newer_version_is_left_alone(database_url):
    store = Store(database_url)
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreTooNew, match="9999"):
        Store(database_url)


def test_replicas_that_open_a_new_store_at_once_make_it_once(empty_database_url):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store(empty_database_url), range(4)))
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
        assert "decisions" in inspect(connection).get_table_names()
    engine.dispose()
    for store in stores:
        store.close()
