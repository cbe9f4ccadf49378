"""The loop of a pull: page after page into files, and only then the place to read on from.

At-least-once on the wire, once on disk: whatever is interrupted is fetched again, and a version of a record
that a file holds already is not written again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from connectors.pull.clock import Clock
from connectors.pull.errors import CursorExpired, NotOffered, PullError, Unreachable
from connectors.pull.ledger import Ledger, Place
from connectors.pull.segments import Segment, discard_unfinished, finished, records_of
from connectors.pull.stream import Cursor, Identity, Stream, settled
from connectors.pull.wire import Wire
from connectors.shapes import Record

SEGMENT_RECORDS = 20_000
SEGMENT_SECONDS = 600.0
"""A file is finished after so many records or seconds: what a hard kill can cost is at most one file."""
MAX_RESTARTS = 3
MAX_STUCK = 5


@dataclass
class Fetched:
    """What one run did with one stream. ``share`` of the way from the first change to now, where known."""

    stream: str
    records: int = 0
    """Written now."""
    repeated: int = 0
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    offered: bool = True
    finished: bool = False
    reached: datetime | None = None
    share: float | None = None


Watch = Callable[[Fetched], None]
"""Told after every page."""


def recover(folder: Path, streams: Sequence[Stream], ledger: Ledger) -> None:
    """Put right what an interrupted pull left: unfinished files go, finished ones enter the ledger."""
    discard_unfinished(folder)
    by_name = {stream.name: stream for stream in streams}
    for path, name in finished(folder).items():
        if name in by_name and not ledger.is_registered(path.name):
            identity = by_name[name].identity
            ledger.register(path.name, (identity(record).key(name) for record in records_of(path)))


def pull_stream(
    stream: Stream,
    wire: Wire,
    ledger: Ledger,
    folder: Path,
    since: datetime,
    clock: Clock,
    fetched: Fetched,
    watch: Watch = lambda _: None,
) -> None:
    """Fetch what changed in ``stream`` since the last run, or since ``since``, into files of ``folder``.

    An earlier ``since`` than ever before reads again from there. Says in ``fetched`` what was done, also when
    ``PullError`` or an interruption ends it early: whole pages are kept then.
    """
    place = ledger.place(stream.name)
    if place is None or since < place.since:
        place = Place(since, stream.start(since))
    progress = _Progress(place.reached or since, clock)
    restarts = stuck_in_a_row = 0
    segment, opened = Segment(folder, stream.name), clock.ticks()
    try:
        while not fetched.finished:
            try:
                page = stream.page(wire, place.cursor, clock.now())
            except CursorExpired as expired:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise PullError(
                        f"{wire.vendor} {stream.name}: the place to read on from was refused {restarts} "
                        f"times ({expired}). What was fetched is kept; try again later"
                    ) from expired
                place = replace(place, cursor=restart_cursor(stream, place))
                fetched.notes.append(f"{stream.name}: the stored place had expired ({expired}); read again")
                continue
            except (AttributeError, KeyError, TypeError) as error:
                raise PullError(
                    f"{wire.vendor} {stream.name}: an answer is not of the documented shape "
                    f"({type(error).__name__}: {error}). What was fetched is kept; has the API changed?"
                ) from error
            except NotOffered as missing:
                fetched.offered = False
                fetched.notes.append(f"{stream.name}: not offered by this account ({missing})")
                break
            is_stuck = page.cursor == place.cursor and not page.records and not page.done
            stuck_in_a_row = stuck_in_a_row + 1 if is_stuck else 0
            if stuck_in_a_row > MAX_STUCK:
                raise Unreachable(
                    f"{wire.vendor} {stream.name}: an empty page that is not the last, {stuck_in_a_row} "
                    "times in a row. What was fetched is kept: run the same command again later"
                )
            new, keys, repeated = _unseen(stream, wire, ledger, segment, page.records)
            segment.add(new, keys)
            changes = [stream.identity(record).changed_at for record in page.records]
            place = place.moved(page.cursor, settled(changes))
            fetched.records += len(new)
            fetched.repeated += repeated
            fetched.reached = max((at for at in (fetched.reached, *changes) if at), default=None)
            fetched.notes += [page.note] if page.note else []
            fetched.finished = page.done
            fetched.share = 1.0 if page.done else progress.share(changes)
            if segment.rows >= SEGMENT_RECORDS or clock.ticks() - opened >= SEGMENT_SECONDS:
                _store(stream, segment, ledger, place, clock, fetched)
                segment, opened = Segment(folder, stream.name), clock.ticks()
            watch(fetched)
    finally:
        if segment.is_open:  # else it is finished, and the next run takes it in where this one could not
            _store(stream, segment, ledger, place, clock, fetched)


def restart_cursor(stream: Stream, place: Place) -> Cursor:
    """Where to read on from when the stored place is refused: a little before the last change on disk."""
    if stream.overlap is None or place.reached is None:
        return stream.start(place.since)
    return stream.start(max(place.since, place.reached - stream.overlap))


def _store(
    stream: Stream, segment: Segment, ledger: Ledger, place: Place, clock: Clock, fetched: Fetched
) -> None:
    path = segment.finish(clock.now())
    ledger.commit(stream.name, place, segment.keys, path.name if path else None)
    fetched.files += [path.name] if path else []


def _unseen(
    stream: Stream, wire: Wire, ledger: Ledger, segment: Segment, records: list[Record]
) -> tuple[list[tuple[Record, Identity]], set[bytes], int]:
    """The records not on disk yet, whole; the keys they are known by; how many were there already."""
    listed = [(record, stream.identity(record).key(stream.name)) for record in records]
    wanted = ledger.unseen(key for _, key in listed) - segment.keys
    new: list[tuple[Record, Identity]] = []
    keys: set[bytes] = set()
    for record, key in listed:
        if key not in wanted or key in keys:
            continue
        whole = stream.expand(wire, record)
        identity = stream.identity(whole)
        own = identity.key(stream.name)
        # Between the list and the record itself a newer version may have come, which may be on disk by now.
        is_new = own == key or (own not in keys and own not in segment.keys and bool(ledger.unseen([own])))
        keys |= {key, own}
        if is_new:
            new.append((whole, identity))
    return new, keys, len(records) - len(new)


class _Progress:
    """How far a stream is, judged by when its records changed: from the first of them to now."""

    def __init__(self, since: datetime, clock: Clock) -> None:
        self._since = since
        self._clock = clock
        self._first: datetime | None = None

    def share(self, changed: list[datetime | None]) -> float | None:
        known = [moment for moment in changed if moment is not None]
        if not known:
            return None
        self._first = self._first or max(self._since, min(known))
        whole = (self._clock.now() - self._first).total_seconds()
        return min(max((max(known) - self._first).total_seconds() / whole, 0.0), 1.0) if whole > 0 else None
