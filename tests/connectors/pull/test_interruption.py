"""Killed between any two steps, a pull goes on as if nothing had been: no record lost, none twice.

The pull runs in a forked child that ends itself, without any clean-up, before its n-th act: a request, a
line written, a flush, a sync, a rename, a removal, a statement to the ledger. Then the same command runs to
its end.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.pull import ledger, run, segments
from connectors.pull.command import EXIT_INTERRUPTED
from connectors.pull.stream import Stream
from connectors.pull.vendors import vendor_named
from connectors.pull.wire import Wire
from tests.connectors.pull.conftest import World
from tests.connectors.pull.desks import Zendesk
from tests.connectors.pull.stub import served

KILLED, ENDED, FAILED = 9, 0, 70

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed by forking one")


@pytest.fixture
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A desk with 3 tickets in pages of 2, a file each."""
    monkeypatch.setattr(run, "SEGMENT_RECORDS", 2)
    desk = Zendesk(page_size=2)
    desk.fill(3)
    with served(desk.answer) as stub:
        yield World(desk, stub, tmp_path)


class Acts:
    """Counts what the pull does to the world, and ends the process before one of the acts."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.done = 0

    def before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(*args: Any, **kwargs: Any) -> Any:
            self.done += 1
            if self.done == self.last:
                os._exit(KILLED)
            return act(*args, **kwargs)

        return acted

    def watch(self) -> None:
        """From now on, in this process."""
        acts = self

        class Connection(sqlite3.Connection):
            execute = acts.before(sqlite3.Connection.execute)
            executemany = acts.before(sqlite3.Connection.executemany)

        connect = sqlite3.connect
        ledger.sqlite3.connect = lambda *a, **k: connect(*a, factory=Connection, **k)  # type: ignore[assignment]
        segments.json.dumps = self.before(json.dumps)  # type: ignore[assignment]
        os.fsync = self.before(os.fsync)  # type: ignore[assignment]
        for name in ("rename", "unlink", "mkdir", "open"):
            setattr(Path, name, self.before(getattr(Path, name)))
        segments.Segment.add = self.before(segments.Segment.add)  # type: ignore[method-assign]
        Wire.get = self.before(Wire.get)  # type: ignore[method-assign]


def pull_and_die(world: World, before_act: int) -> int:
    """Pull in a child process that is gone before its ``before_act``-th act; its exit status."""
    child = os.fork()
    if child == 0:
        try:
            Acts(before_act).watch()
            world.pull()
            os._exit(ENDED)
        finally:  # the child must never go on with the tests of its parent
            os._exit(FAILED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_before_any_act_it_goes_on_as_if_nothing_had_been(small_world: World, tmp_path: Path):
    act, ended = 0, KILLED
    while True:
        act += 1
        small_world.folder = tmp_path / str(act)
        ended = pull_and_die(small_world, act)
        if ended == ENDED:
            break
        assert ended == KILLED
        for path in small_world.files:
            assert path.suffix == ".part" or path.read_bytes().endswith(b"\n"), "half a file under its name"
        small_world.pull()
        assert small_world.versions_on_disk() == small_world.versions_at_the_desk(), (
            f"killed before act {act}"
        )
        assert all(path.suffix == ".jsonl" for path in small_world.files)
    assert act > 40, "the child was hardly ever killed"


def test_killed_again_and_again_it_still_arrives(small_world: World):
    for acts in range(1, 200, 3):
        ended = pull_and_die(small_world, acts)
        if ended == ENDED:
            break
        assert ended == KILLED
    else:
        pytest.fail("it never got to the end")
    assert small_world.versions_on_disk() == small_world.versions_at_the_desk()


def test_an_interruption_by_hand_keeps_whole_pages_and_says_how_to_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    expand = Stream.expand
    seen: list[object] = []

    def interrupted(stream: Stream, wire: object, record: Any) -> Any:
        seen.append(record)
        if len(seen) == 8:
            raise KeyboardInterrupt
        return expand(stream, wire, record)  # type: ignore[arg-type]

    (main,) = (s for s in vendor_named(world.desk.vendor).streams(None) if s.name == world.desk.main)
    monkeypatch.setattr(type(main), "expand", interrupted)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_INTERRUPTED
    assert len(world.on_disk()) == 5, "the first page is whole, the second is not"
    world.pull()
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_half_a_page_is_cut_off(small_world: World, monkeypatch: pytest.MonkeyPatch):
    line, lines = segments._line, []

    def interrupted(record: Any) -> bytes:
        lines.append(record)
        if len(lines) == 2:
            raise KeyboardInterrupt
        return line(record)

    monkeypatch.setattr(segments, "_line", interrupted)
    assert small_world.pull().exit_status == EXIT_INTERRUPTED
    assert small_world.files == [], "one line of a page of two was written, and counts for nothing"
    small_world.pull()
    assert small_world.versions_on_disk() == small_world.versions_at_the_desk()


def test_what_a_killed_pull_left_of_another_list_is_removed(small_world: World):
    small_world.pull()
    left = small_world.files[0].parent / ".users.part"
    left.write_text('{"id": 1')
    small_world.pull()
    assert left not in small_world.files


def test_what_is_renamed_was_synced_and_what_is_noted_was_renamed(
    small_world: World, monkeypatch: pytest.MonkeyPatch
):
    """A power cut must not leave a cursor beyond data that never reached the disk."""
    steps: list[str] = []
    fsync, rename, commit = os.fsync, Path.rename, ledger.Ledger.commit
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("sync"), fsync(file))[1])
    monkeypatch.setattr(Path, "rename", lambda self, to: (steps.append("rename"), rename(self, to))[1])
    monkeypatch.setattr(ledger.Ledger, "commit", lambda self, *a: (steps.append("note"), commit(self, *a))[1])
    small_world.pull()
    assert steps[:8] == ["sync", "rename", "sync", "note"] * 2
