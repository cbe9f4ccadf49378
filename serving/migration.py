"""Bring a store to the tables of this version: Alembic migrations, run when a store is opened.

Migrations add and never take away, so that replicas of the version before go on working meanwhile. A store
made before there were migrations is adopted: it has the tables of the first one. The context's columns follow
``features.schema`` by themselves, and so do indexes.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from serving.tables import metadata

FOLDER = Path(__file__).with_name("migrations")
BASELINE = "0001"
HEAD = "0009"
"""The newest revision in ``migrations/versions``."""
VERSION_TABLE = "alembic_version"


class StoreTooNew(RuntimeError):
    """The store was opened by a newer version of Firstline before; the message names both revisions."""


def migrate(connection: Connection) -> str | None:
    """Run what is missing, in the transaction of ``connection``; returns the revision before, if any.

    Raises ``StoreTooNew`` where a newer version of Firstline migrated the store.
    """
    tables = set(inspect(connection).get_table_names())
    before = revision(connection) if VERSION_TABLE in tables else None
    if before is not None and before > HEAD:
        raise StoreTooNew(f"the store is at revision {before}, this version knows {HEAD}: update Firstline")
    if before != HEAD:
        if before is None and "decisions" in tables:
            _stamp(connection, BASELINE)
        _upgrade(connection)
    _add_missing(connection)
    return before


def revision(connection: Connection) -> str | None:
    """The revision that the store says it is at."""
    found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(FOLDER))

    def upgrade(current: object, _context: object) -> object:
        return scripts._upgrade_revs("head", current)  # type: ignore[arg-type]  # as alembic.command does

    with EnvironmentContext(Config(), scripts, fn=upgrade, destination_rev="head") as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        environment.run_migrations()


def _stamp(connection: Connection, revision: str) -> None:
    connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:revision)"), {"revision": revision})


def _add_missing(connection: Connection) -> None:
    """Optional columns that the canonical schema got since start empty; indexes hold what is there."""
    found = inspect(connection)
    columns, indexes = found.get_multi_columns(), found.get_multi_indexes()
    for table in metadata.sorted_tables:
        there = {column["name"] for column in columns[None, table.name]}
        for column in (column for column in table.c if column.name not in there):
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
        made = {index["name"] for index in indexes[None, table.name]}
        for index in (index for index in table.indexes if index.name not in made):
            index.create(connection, checkfirst=True)
