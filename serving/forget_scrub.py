"""What deleted rows leave behind in a database's files, overwritten: free pages, dead rows, the log before.

SQLite: ``VACUUM`` writes every page anew and a checkpoint empties the write-ahead log. PostgreSQL: ``VACUUM
FULL`` writes every table anew, and what the planner remembers of values is gathered again. Its write-ahead
log keeps whole pages as they were before, also in files that wait to be used again: a checkpoint lets go of
them, and each of these files is then gone through, because ``pg_switch_wal`` fills the rest of a file with
zeros (https://www.postgresql.org/docs/current/wal-configuration.html). An archive of the log is a backup.
"""

import sqlite3
from contextlib import closing
from time import monotonic, sleep

from sqlalchemy import Connection, create_engine, make_url, text
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
    left: list[str] = []
    try:
        with engine.connect() as connection:
            # a table of another owner is passed over with a warning
            connection.connection.driver_connection.add_notice_handler(  # type: ignore[union-attr]
                lambda notice: left.append(f"VACUUM (FULL): {notice.message_primary}")
            )
            for table in metadata.sorted_tables:
                connection.execute(text(f'VACUUM (FULL, ANALYZE) "{table.name}"'))
            connection.execute(text("VACUUM (FULL) pg_statistic"))
            try:
                left += _overwrite_log(connection)
            except DBAPIError as error:
                left.append(
                    f"write-ahead log: {_first_line(error)}: give the role pg_checkpoint, pg_monitor and "
                    "EXECUTE on pg_switch_wal(), or let a superuser run the same command"
                )
    finally:
        engine.dispose()
    return left


def _overwrite_log(connection: Connection) -> list[str]:
    """Take every file of the log into use anew; returns what keeps old ones, in words."""
    _next_file(connection)
    connection.execute(text("CHECKPOINT"))
    waiting = connection.execute(text(_LOG_FILES)).scalars().all()
    oldest_needed = connection.execute(text("SELECT redo_wal_file FROM pg_control_checkpoint()")).scalar_one()
    for _ in waiting:
        if _next_file(connection) > max(waiting):
            break
    kept = sum(name < oldest_needed for name in waiting)
    if not kept:
        return []
    return [
        f"write-ahead log: {kept} files are kept for a replica, a slot or an archive: once these have them, "
        "run the same command again"
    ]


_LOG_FILES = "SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY name"


def _next_file(connection: Connection) -> str:
    """End the present file of the log, which zeros its rest, and begin the next; returns its name."""
    connection.execute(text("SELECT pg_logical_emit_message(false, 'firstline', '')"))
    connection.execute(text("SELECT pg_switch_wal()"))
    connection.execute(text("SELECT pg_logical_emit_message(false, 'firstline', '')"))
    return str(connection.execute(text("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")).scalar_one())


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0]
