"""What deleted rows leave behind in a database's files, overwritten: free pages, dead rows, the log before.

SQLite: ``VACUUM`` writes every page anew and a checkpoint empties the write-ahead log. PostgreSQL: ``VACUUM
FULL`` writes every table anew, and what the planner remembers of values is gathered again; its own log is
recycled by later checkpoints, and an archive of it is a backup.
"""

import sqlite3
from contextlib import closing
from time import monotonic, sleep

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from serving.tables import metadata

_PATIENCE_SECONDS = 60.0


class NotScrubbed(RuntimeError):
    """Somebody keeps the old pages in use; the message says what to do."""


def scrub(database_url: str) -> list[str]:
    """Rewrite the files of the store; returns what could not be done for want of a right, in words.

    Writers wait meanwhile: seconds a gigabyte. Raises ``NotScrubbed`` where a reader never lets go.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        _scrub_sqlite(str(url.database))
        return []
    return _scrub_postgres(database_url)


def _scrub_sqlite(path: str) -> None:
    with closing(sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        until = monotonic() + _PATIENCE_SECONDS
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if monotonic() > until:
                raise NotScrubbed(
                    f"{path}-wal is in use by a long reader: end it, and run the same command again"
                )
            sleep(0.2)


def _scrub_postgres(database_url: str) -> list[str]:
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    left = []
    try:
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                connection.execute(text(f'VACUUM (FULL, ANALYZE) "{table.name}"'))
            for statement in ("VACUUM (FULL) pg_statistic", "CHECKPOINT"):
                try:
                    connection.execute(text(statement))
                except DBAPIError as error:
                    left.append(f"{statement}: {str(error.orig).splitlines()[0]}")
    finally:
        engine.dispose()
    return left
