"""One desk of each vendor behind a local server, and a pull from it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.pull.command import Outcome, pull
from tests.connectors.pull.desks import DESKS, Desk
from tests.connectors.pull.stub import HeldClock, Stub, served


@dataclass
class World:
    """A desk, the server in front of it, and the folders of whoever pulls from it."""

    desk: Desk
    stub: Stub
    folder: Path
    time: HeldClock = field(default_factory=HeldClock)

    def pull(self, **options: Any) -> Outcome:
        self.time.moment += timedelta(seconds=1)
        options = {"page_size": 5, "only": (self.desk.main,), "environment": {}, **options}
        environment = {**self.desk.environment, "FIRSTLINE_STATE": str(self.folder / "state")}
        options["environment"] = {**environment, **options["environment"]}
        return pull(
            self.desk.vendor,
            "acme",
            address=self.stub.address,
            data=self.folder / "data",
            clock=self.time.clock(),
            **options,
        )

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "data" / "acme" / self.desk.vendor).glob("*"))

    def on_disk(self, stream: str | None = None) -> list[dict[str, Any]]:
        """Every record of a stream's files, in order."""
        files = [path for path in self.files if path.name.startswith(f"{stream or self.desk.main}-")]
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]

    def versions_on_disk(self) -> list[tuple[str, str]]:
        return sorted(self.desk.version(record) for record in self.on_disk())

    def versions_at_the_desk(self) -> list[tuple[str, str]]:
        return sorted(self.desk.version(record) for record in self.desk.tickets)


@contextmanager
def world_of(desk: Desk, folder: Path) -> Iterator[World]:
    """``desk`` behind a server."""
    with served(desk.answer) as stub:
        yield World(desk, stub, folder)


@pytest.fixture(params=DESKS, ids=lambda desk: desk.vendor)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A desk of each vendor with 23 tickets, one an hour."""
    desk = request.param()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        yield world
