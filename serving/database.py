"""One database behind the store: SQLite in WAL mode with full durability by default, any SQLAlchemy URL."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite

from serving.tables import metadata

_BUSY_SECONDS = 30


class Database:
    """Short reading and writing transactions on one engine; on SQLite, writers of this process queue up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._one_writer = threading.Lock() if self.is_sqlite else nullcontext()
        with self.writing() as connection:
            metadata.create_all(connection)
            _add_new_columns(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose changes are durable when the block ends, or undone when it raises."""
        with self._one_writer, self.engine.connect() as connection:
            writer = connection.execution_options(firstline_writes=True)
            with writer.begin():
                yield writer

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def insert_new(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> int:
    """Insert ``rows`` (values in column order), leaving out those whose key is there already.

    Returns the number of rows that were new.
    """
    if not rows:
        return 0
    dialect = connection.dialect
    insert = (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(table)
    compiled = insert.on_conflict_do_nothing().compile(dialect=dialect, column_keys=list(table.c.keys()))
    names = list(table.c.keys())
    if compiled.positional:
        order = [names.index(name) for name in compiled.positiontup or names]
        same = order == list(range(len(names)))
        values: list[Any] = [tuple(r) if same else tuple(r[i] for i in order) for r in rows]
    else:
        values = [dict(zip(names, row, strict=True)) for row in rows]
    return max(connection.exec_driver_sql(str(compiled), values).rowcount, 0)


def _add_new_columns(connection: Connection) -> None:
    """A store made before the schema had some optional column gets it, empty, with its indexes."""
    found = inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        new = [column for column in table.c if column.name not in there]
        for column in new:
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
        for index in table.indexes if new else ():
            index.create(connection, checkfirst=True)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("firstline_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
