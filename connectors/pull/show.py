"""What a person sees of a pull: how far each stream is, how long the rest will take, and what came of it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from connectors.pull.command import Outcome
from connectors.pull.run import Fetched, Watch

SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Shown:
    """``watch`` shows what was fetched after every page, ``waiting`` why nothing happens for some seconds."""

    watch: Watch
    waiting: Callable[[float], None]


@contextmanager
def shown_progress(vendor: str) -> Iterator[Shown]:
    """A bar a stream on a terminal; elsewhere a line now and then. Both to standard error."""
    if not sys.stderr.isatty():
        yield Shown(_Lines(), lambda seconds: _say_wait(Console(stderr=True), vendor, seconds))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def watch(fetched: Fetched) -> None:
            if fetched.stream not in tasks:
                tasks[fetched.stream] = progress.add_task(fetched.stream, total=None, records=0)
            share = fetched.share
            progress.update(
                tasks[fetched.stream],
                total=None if share is None else 1.0,
                completed=share or 0.0,
                records=fetched.records,
            )

        yield Shown(watch, lambda seconds: _say_wait(progress.console, vendor, seconds))


def report(outcome: Outcome) -> str:
    """What was written where, what was there already, and what a person should know, as text."""
    table = Table(box=None, pad_edge=False)
    for heading in ("stream", "new", "there already", "files", "changes up to"):
        table.add_column(heading, justify="left" if heading in ("stream", "changes up to") else "right")
    for one in outcome.streams:
        reached = _minute(one.reached) if one.offered else "not offered"
        table.add_row(one.stream, f"{one.records:,}", f"{one.repeated:,}", str(len(one.files)), reached)
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(table)
    notes = [f"  {note}" for one in outcome.streams for note in one.notes]
    if any(one.files for one in outcome.streams):
        mapping, folder = f"connectors/mappings/{outcome.vendor}.yaml", outcome.folder.parent
        notes.append(f"next: firstline ingest {folder} --mapping {mapping} --name {folder.name}")
    lines = [f"{outcome.vendor} -> {outcome.folder}/", capture.get().rstrip(), *notes]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())


def _say_wait(console: Console, vendor: str, seconds: float) -> None:
    if seconds >= SECONDS_BETWEEN_LINES:
        console.print(f"waiting {seconds:.0f} s for {vendor}", style="dim", highlight=False)


class _Lines:
    """Progress for logs: the same at most every few seconds."""

    def __init__(self) -> None:
        self._stream = ""
        self._began = self._said = time.monotonic()

    def __call__(self, fetched: Fetched) -> None:
        now = time.monotonic()
        if fetched.stream != self._stream:
            self._stream, self._began = fetched.stream, now
        if now - self._said < SECONDS_BETWEEN_LINES:
            return
        self._said = now
        left = _seconds_left(now - self._began, fetched.share)
        text = (
            f"{fetched.stream}: {fetched.records:,} records, changes up to {_minute(fetched.reached)}{left}"
        )
        print(text, file=sys.stderr, flush=True)


def _seconds_left(elapsed_seconds: float, share: float | None) -> str:
    if not share or share >= 1.0:
        return ""
    return f", about {elapsed_seconds / share * (1 - share):.0f} s left"


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"
