"""What has been fetched: for each stream the place to read on from, and a key for every version on disk.

A SQLite file beside the data. It can be lost without harm: ``register`` rebuilds it from the files, and a
stream that has lost its place starts again without writing anything twice.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Self

from connectors.pull.errors import PullError
from connectors.pull.stream import Cursor

_BATCH = 500
_TABLES = """
CREATE TABLE IF NOT EXISTS place (stream TEXT PRIMARY KEY, since TEXT, cursor TEXT, reached TEXT);
CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class Place:
    """Where a stream stands: all since ``since`` is asked for; the list was read up to ``reached``."""

    since: datetime
    cursor: Cursor
    reached: datetime | None = None

    def moved(self, cursor: Cursor, reached: datetime | None) -> "Place":
        """The place after a page of the list that surely reaches up to ``reached``."""
        known = [moment for moment in (self.reached, reached) if moment is not None]
        return replace(self, cursor=cursor, reached=max(known, default=None))


class Ledger:
    """The ledger of one vendor's pulls. Held by one process at a time: ``PullError`` while another has it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._database = sqlite3.connect(path, timeout=0.1, isolation_level=None)
        try:
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute("BEGIN EXCLUSIVE")
            for table in _TABLES.split(";"):
                self._database.execute(table)
            self._database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._database.close()
            raise PullError(f"{path} is in use ({error}): another pull is running; wait for it") from error
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise PullError(
                f"{path} is damaged ({error}): delete it; it is rebuilt from the files that were pulled"
            ) from error

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let other processes have it."""
        self._database.close()

    def place(self, stream: str) -> Place | None:
        """Where ``stream`` stands; ``None`` if it was never read, or the ledger was lost."""
        row = self._database.execute(
            "SELECT since, cursor, reached FROM place WHERE stream = ?", (stream,)
        ).fetchone()
        if row is None:
            return None
        since, cursor, reached = row
        return Place(
            datetime.fromisoformat(since),
            json.loads(cursor),
            datetime.fromisoformat(reached) if reached else None,
        )

    def unseen(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of ``keys`` that no file on disk holds."""
        wanted = set(keys)
        rest = iter(list(wanted))
        while batch := list(islice(rest, _BATCH)):
            marks = ",".join("?" * len(batch))
            found = self._database.execute(f"SELECT key FROM seen WHERE key IN ({marks})", batch)
            wanted -= {row[0] for row in found}
        return wanted

    def is_registered(self, name: str) -> bool:
        """Whether the records of the file ``name`` are in the ledger."""
        return self._database.execute("SELECT 1 FROM file WHERE name = ?", (name,)).fetchone() is not None

    def commit(self, stream: str, place: Place, keys: Iterable[bytes], file: str | None) -> None:
        """Store, in one step, that ``file`` is on disk with the versions ``keys``, and where to read on."""
        self._database.execute("BEGIN")
        self._remember(keys, file)
        self._database.execute(
            "INSERT OR REPLACE INTO place (stream, since, cursor, reached) VALUES (?, ?, ?, ?)",
            (
                stream,
                place.since.isoformat(),
                json.dumps(place.cursor),
                place.reached.isoformat() if place.reached else None,
            ),
        )
        self._database.execute("COMMIT")

    def register(self, file: str, keys: Iterable[bytes]) -> None:
        """Take a file into the ledger that an interrupted pull had finished but not yet noted."""
        self._database.execute("BEGIN")
        self._remember(keys, file)
        self._database.execute("COMMIT")

    def _remember(self, keys: Iterable[bytes], file: str | None) -> None:
        rows = ((key,) for key in keys)
        self._database.executemany("INSERT OR IGNORE INTO seen (key) VALUES (?)", rows)
        if file is not None:
            self._database.execute("INSERT OR IGNORE INTO file (name) VALUES (?)", (file,))
