"""What every vendor's lists have in common: pages of records, and a place from which to read on."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.pull.wire import Wire
from connectors.shapes import Record

Cursor = dict[str, Any]
"""A place in a vendor's list as small JSON; only the stream that made it understands it."""


@dataclass(frozen=True)
class Page:
    """Some records and the place after them. ``done``: there is nothing more for now."""

    records: list[Record]
    cursor: Cursor
    done: bool
    note: str | None = None
    """Something the person who runs the pull must know, in one sentence."""


@dataclass(frozen=True)
class Identity:
    """``id``, ``version`` (when it last changed, as the vendor writes it), and that moment where readable."""

    id: str
    version: str
    changed_at: datetime | None

    def key(self, stream: str) -> bytes:
        """16 bytes that differ for every version of every record of every stream."""
        text = "\0".join((stream, self.id, self.version))
        return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).digest()


@dataclass(frozen=True)
class ById:
    """How records are told apart: by a field with the id, and the first filled one of when it changed."""

    id: str = "id"
    changed: tuple[str, ...] = ("updated_at", "created_at")

    def __call__(self, record: Record) -> Identity:
        """A record without id or time is told apart by its content: kept, and ingest says what is wrong."""
        version = next((str(record[name]) for name in self.changed if record.get(name) is not None), "")
        if record.get(self.id) is None or not version:
            content = json.dumps(record, sort_keys=True)
            version += hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
            return Identity(str(record.get(self.id, "")), version, None)
        return Identity(str(record[self.id]), version, moment(version))


@dataclass(frozen=True, kw_only=True)
class Stream(ABC):
    """One list of a vendor, read from a moment on, page by page, in any number of runs."""

    name: str
    """What the records are; files are named after it."""
    page_size: int
    overlap: timedelta | None = None
    """How far before the last change seen it is safe to read on from, should the stored place be refused.
    ``None``: the list is not in order of change, so only its beginning is safe."""
    by: ById = ById()

    @abstractmethod
    def start(self, since: datetime) -> Cursor:
        """The place from which everything changed at or after ``since`` follows."""

    @abstractmethod
    def page(self, wire: Wire, cursor: Cursor, now: datetime) -> Page:
        """The next page. Raises ``CursorExpired``, ``NotOffered`` or ``PullError``."""

    def expand(self, wire: Wire, record: Record) -> Record:
        """The record with what the list leaves out; asked only for records that are new."""
        return record

    def identity(self, record: Record) -> Identity:
        """Which thing the record is about, and which version of it."""
        return self.by(record)


def settled(changes: Iterable[datetime | None]) -> datetime | None:
    """How far a page that is in order of change surely reaches, by when its records changed.

    A record that changed between being put into the list and being sent shows a time beyond its place in the
    list; to go on from there would skip what lies between. So the latest tenth (at least one) is not counted.
    """
    known = sorted(change for change in changes if change is not None)
    index = len(known) - 1 - max(1, len(known) // 10)
    return known[index] if index >= 0 else None


def moment(value: object) -> datetime | None:
    """ISO 8601 or Unix seconds as UTC; ``None`` for anything else."""
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
            return datetime.fromtimestamp(float(value), UTC)
        parsed = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
