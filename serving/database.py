"""One database behind the store: SQLite in WAL mode with full durability, or PostgreSQL by its URL."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import QueuePool

from serving.migration import migrate

_BUSY_SECONDS = 10
"""How long a writer waits for another process, unless the URL says otherwise (``?timeout=``)."""
_POSTGRES_OPTIONS = "-c synchronous_commit=on -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
_CONNECT_SECONDS = 3
_POOL = 10
"""Connections kept open by one process; as many again when they are busy."""
_ONE_STATE: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.psycopg.dialect()}
_OPENING = 0x46697273
"""Advisory lock under which one replica at a time migrates."""
_LEDGER = 0x46697274
"""Advisory lock under which one replica at a time appends to the ledger."""


class UnknownDatabase(ValueError):
    """The URL names a database that the store cannot be kept in."""


class Database:
    """Short reading and writing transactions on one engine; on SQLite, writers of this process queue up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._one_writer = threading.Lock() if self.is_sqlite else nullcontext()
        with self.writing() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_OPENING})"))
            migrate(connection)

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state."""
        with self.engine.connect() as connection:
            seen = connection if self.is_sqlite else connection.execution_options(**_ONE_STATE)
            with seen.begin():
                yield seen

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
    names = list(table.c.keys())
    if connection.dialect.name == "sqlite":
        values: list[Any] = [tuple(row) for row in rows]
    else:
        values = [dict(zip(names, map(_storable, row), strict=True)) for row in rows]
    return max(connection.exec_driver_sql(_insert_new(table, connection.dialect.name), values).rowcount, 0)


@cache
def _insert_new(table: Table, dialect: str) -> str:
    insert = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    compiled = insert.on_conflict_do_nothing().compile(
        dialect=_DIALECTS[dialect], column_keys=list(table.c.keys())
    )
    return str(compiled)


def one_at_a_time(connection: Connection) -> None:
    """Let no other transaction append to the ledger until this one ends; SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LEDGER})"))


def _storable(value: Any) -> Any:
    """PostgreSQL stores no NUL character in text."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed)
    if parsed.get_backend_name() != "sqlite":
        raise UnknownDatabase(
            f"FIRSTLINE_DATABASE_URL names {parsed.get_backend_name()}: use postgresql://user@host/name, "
            "or leave it out for SQLite"
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    waits: dict[str, Any] = {} if "timeout" in parsed.query else {"timeout": _BUSY_SECONDS}
    if parsed.query.get("mode") == "memory":  # shared by the connections of all threads
        engine = create_engine(url, connect_args=waits | {"check_same_thread": False}, poolclass=QueuePool)
    else:
        engine = create_engine(url, connect_args=waits)

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


def _postgres(url: URL) -> Engine:
    options = " ".join(filter(None, [_POSTGRES_OPTIONS, str(url.query.get("options", ""))]))
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": options},
        pool_size=_POOL,
        max_overflow=_POOL,
        pool_pre_ping=True,
    )
