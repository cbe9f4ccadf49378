"""``firstline pull``: the edge of a pull, where environment, folders and the clock come from."""

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from connectors.deliveries import received_at_of, record_delivery
from connectors.pull.clock import Clock
from connectors.pull.errors import Declined, PullError, Unreachable
from connectors.pull.ledger import Ledger
from connectors.pull.run import Fetched, Watch, pull_stream, recover
from connectors.pull.segments import finished
from connectors.pull.stream import Stream
from connectors.pull.vendor import Vendor, variable
from connectors.pull.vendors import vendor_named
from connectors.pull.wire import Wire

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

EXIT_COMPLETE = 0
EXIT_PUT_RIGHT = 1
"""Something must be put right by a person: credentials, address, rights, options."""
EXIT_RUN_AGAIN = 3
"""The vendor failed or limits the rate; what was fetched is kept, and the same command continues."""
EXIT_INTERRUPTED = 130


@dataclass
class Outcome:
    """What a pull did: one ``Fetched`` a stream, in order, and what ended it early, if anything did."""

    vendor: str
    folder: Path
    streams: list[Fetched] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    exit_status: int = EXIT_COMPLETE

    def as_json(self) -> dict[str, Any]:
        """The same, for ``--json``."""
        streams = [
            {**asdict(fetched), "reached": fetched.reached.isoformat() if fetched.reached else None}
            for fetched in self.streams
        ]
        return {**asdict(self), "folder": str(self.folder), "streams": streams}


def pull(
    vendor: str,
    name: str,
    address: str | None = None,
    since: str | None = None,
    only: Sequence[str] = (),
    page_size: int | None = None,
    data: Path = Path("data"),
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    watch: Watch = lambda _: None,
    waiting: Callable[[float], None] = lambda _: None,
) -> Outcome:
    """Fetch what is new at ``vendor`` into ``data/name/vendor/``, from where the last pull stopped.

    ``since`` (ISO 8601) is where the first pull starts; without it, at the beginning. ``only`` names streams.
    ``watch`` is told after every page, ``waiting`` before every pause, in seconds.
    Raises ``PullError`` before anything is asked: wrong options, missing credentials, another pull running.
    """
    environment = os.environ if environment is None else environment
    clock = clock or Clock()
    chosen = vendor_named(vendor)
    if not name or Path(name).name != name:
        raise PullError(f"--name {name!r} is not a folder name: use letters, digits and _")
    start = _moment(since, clock.now())
    streams = _chosen(chosen, only, page_size)
    wire = _opened(chosen, address, environment, _announced(clock, waiting))
    outcome = Outcome(chosen.name, data / name / chosen.name)
    ledger_path = Path(environment.get("FIRSTLINE_STATE", "state")) / "pull" / name / f"{chosen.name}.sqlite"
    try:
        with Ledger(ledger_path) as ledger:
            recover(outcome.folder, chosen.streams(page_size), ledger)
            _pull_all(streams, wire, ledger, start, clock, outcome, watch)
            _deliver(data / name, chosen.name, clock.now())
    finally:
        wire.close()
    return outcome


def _pull_all(
    streams: Sequence[Stream],
    wire: Wire,
    ledger: Ledger,
    since: datetime,
    clock: Clock,
    outcome: Outcome,
    watch: Watch,
) -> None:
    """One stream after the other. One that is declined does not keep the others from being read."""
    for stream in streams:
        fetched = Fetched(stream.name)
        outcome.streams.append(fetched)
        try:
            pull_stream(stream, wire, ledger, outcome.folder, since, clock, fetched, watch)
        except Declined as declined:
            outcome.errors.append(str(declined))
            outcome.exit_status = EXIT_PUT_RIGHT
        except PullError as error:
            outcome.errors.append(str(error))
            outcome.exit_status = EXIT_RUN_AGAIN if isinstance(error, Unreachable) else EXIT_PUT_RIGHT
            return
        except (OSError, sqlite3.Error) as error:
            outcome.errors.append(f"cannot write under {outcome.folder}/ or the state folder: {error}")
            outcome.exit_status = EXIT_PUT_RIGHT
            return
        except KeyboardInterrupt:
            outcome.errors.append("interrupted; the same command continues from here")
            outcome.exit_status = EXIT_INTERRUPTED
            return


def _announced(clock: Clock, waiting: Callable[[float], None]) -> Clock:
    def sleep(seconds: float) -> None:
        waiting(seconds)
        clock.sleep(seconds)

    return replace(clock, sleep=sleep)


def _deliver(folder: Path, vendor: str, received_at: datetime) -> None:
    """Note when the files were received that no delivery names yet, those of an interrupted pull included."""
    noted = received_at_of(folder)
    files = [path.relative_to(folder).as_posix() for path in finished(folder / vendor)]
    new = [name for name in files if name not in noted]
    if new:
        record_delivery(folder, new, pd.Timestamp(received_at))


def _opened(vendor: Vendor, address: str | None, environment: Mapping[str, str], clock: Clock) -> Wire:
    name = variable(vendor.name, "address")
    address = address or environment.get(name) or (vendor.address if vendor.is_shared_address else None)
    if not address:
        raise PullError(f"{vendor.name}: no address: give --address {vendor.address}, or set {name}")
    credentials = vendor.credentials(environment, address, clock)
    return Wire(vendor.name, address, credentials, vendor.pace(), clock, vendor.headers)


def _chosen(vendor: Vendor, only: Sequence[str], page_size: int | None) -> list[Stream]:
    if page_size is not None and page_size < 1:
        raise PullError(f"--page-size {page_size}: at least 1")
    streams = {stream.name: stream for stream in vendor.streams(page_size)}
    unknown = [name for name in only if name not in streams]
    if unknown:
        raise PullError(f"--only {unknown[0]}: {vendor.name} has {', '.join(streams)}")
    return [stream for name, stream in streams.items() if not only or name in only]


def _moment(text: str | None, now: datetime) -> datetime:
    if text is None:
        return BEGINNING
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PullError(f"--since {text!r} is not a time: write 2025-01-31 or 2025-01-31T12:00:00Z") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment > now:
        raise PullError(f"--since {text} is in the future")
    return max(moment, BEGINNING)
