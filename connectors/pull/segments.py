"""Files that are either complete or not there: written under another name, synced, then renamed."""

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from connectors.pull.stream import Identity
from connectors.shapes import Record

_NAME = re.compile(r"(?P<stream>[a-z][a-z0-9_]*)-\d{8}T\d{6}Z-\d{8}T\d{6}Z(-\d+)?\.jsonl")
_UNFINISHED = ".part"


class Segment:
    """One file of a stream, being written. Pages count when they are whole; half a page is cut off."""

    def __init__(self, folder: Path, stream: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.keys: set[bytes] = set()
        self.rows = 0
        self._folder = folder
        self._stream = stream
        self._path = folder / f".{stream}{_UNFINISHED}"
        self._file = self._path.open("wb")
        self._complete_bytes = 0
        self._is_finishing = False
        self._first: datetime | None = None
        self._last: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether ``finish`` has not begun."""
        return not self._is_finishing

    def add(self, records: list[tuple[Record, Identity]], keys: set[bytes]) -> None:
        """Append the records of one page, a JSON object a line; ``keys`` are what they are known by."""
        for record, _ in records:
            self._file.write(_line(record))
        self._file.flush()
        changed = [identity.changed_at for _, identity in records if identity.changed_at is not None]
        if changed:
            self._first = min(changed) if self._first is None else min(self._first, *changed)
            self._last = max(changed) if self._last is None else max(self._last, *changed)
        self.keys |= keys
        self.rows += len(records)
        self._complete_bytes = self._file.tell()

    def finish(self, now: datetime) -> Path | None:
        """Make the file durable under the name that says when its records changed; ``None`` if it is empty.

        ``now`` stands in where no record says when it changed.
        """
        self._is_finishing = True
        self._file.truncate(self._complete_bytes)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if not self.rows:
            self._path.unlink()
            return None
        first, last = self._first or now, self._last or now
        path = _free_name(self._folder, f"{self._stream}-{first:%Y%m%dT%H%M%SZ}-{last:%Y%m%dT%H%M%SZ}")
        self._path.rename(path)
        _sync_folder(self._folder)
        return path


def discard_unfinished(folder: Path) -> None:
    """Remove what an interrupted pull had not finished; its records are fetched again."""
    for path in folder.glob(f".*{_UNFINISHED}"):
        path.unlink()


def finished(folder: Path) -> dict[Path, str]:
    """The complete files of ``folder`` and the stream each belongs to, sorted by name."""
    named = ((path, _NAME.fullmatch(path.name)) for path in sorted(folder.glob("*.jsonl")))
    return {path: match["stream"] for path, match in named if match}


def records_of(path: Path) -> Iterator[Record]:
    """The records of a complete file, one after the other."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _line(record: Record) -> bytes:
    # A lone surrogate is legal in JSON but not in UTF-8: it stays escaped.
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _free_name(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.jsonl", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.jsonl", number + 1
    return path


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened to be synced
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
