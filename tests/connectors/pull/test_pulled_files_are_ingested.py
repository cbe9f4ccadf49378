"""What a pull writes is what the vendor's shipped mapping reads: file names, formats, versions."""

import shutil
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from connectors.intake.take_in import take_in
from connectors.mapping.file import load_mapping
from connectors.pull.vendors import VENDORS
from pipelines.adopt import adopt
from tests.connectors.pull.conftest import World
from tests.connectors.pull.stub import NOW

MAPPINGS = Path("connectors/mappings")

READ_IF_DELIVERED = {
    "freshdesk": {"freshdesk/conversations*.json*"},
}
"""Patterns of the mappings that a pull has no files for: other ways to export."""


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_mapping_reads_every_list_and_every_list_is_read(vendor: str):
    patterns = set(load_mapping(MAPPINGS / f"{vendor}.yaml").file_patterns())
    names = [stream.name for stream in VENDORS[vendor].streams(None)]
    files = [PurePosixPath(f"{vendor}/{name}-20260101T000000Z-20260102T000000Z.jsonl") for name in names]
    unread = [file.name for file in files if not any(file.match(pattern) for pattern in patterns)]
    unfed = {pattern for pattern in patterns if not any(file.match(pattern) for file in files)}
    assert unread == []
    assert unfed == READ_IF_DELIVERED.get(vendor, set())


def test_each_ticket_becomes_one_row_however_often_its_versions_were_pulled(world: World):
    mapping = MAPPINGS / f"{world.desk.vendor}.yaml"
    world.pull()
    for ticket in world.desk.tickets[:5]:
        world.desk.change(ticket, NOW - timedelta(minutes=5))
    world.pull()
    assert len(world.files) == 2
    intake = take_in(world.folder / "data" / "acme", load_mapping(mapping), lambda _: None)
    tickets = intake.tables["tickets"]
    assert list(tickets.quarantine["reason"]) == []
    assert len(tickets.kept) == 23
    assert set(tickets.kept["subject"].dropna()) <= {
        ticket.get("subject") for ticket in world.desk.tickets
    } | {ticket.get("Subject") for ticket in world.desk.tickets}
    assert intake.unread_files == []


def test_ingest_takes_the_pulled_folder_as_it_lies(world: World):
    """What ``firstline pull`` says to do next: nothing is copied, and nothing counts as delivered twice."""
    project, mapping = world.folder, f"{world.desk.vendor}.yaml"
    (project / MAPPINGS).mkdir(parents=True)
    shutil.copy(MAPPINGS / mapping, project / MAPPINGS / mapping)
    shutil.copy("params.yaml", project)
    world.pull()
    deliveries = sorted((project / "data" / "acme" / "deliveries").iterdir())
    said = adopt(
        project / "data" / "acme",
        project / MAPPINGS / mapping,
        "acme",
        data_folder=project / "data",
        params_file=project / "params.yaml",
    )
    assert said[0].endswith("added to {}/: 0; there already: 1".format(project / "data" / "acme"))
    assert sorted((project / "data" / "acme" / "deliveries").iterdir()) == deliveries
