"""Hostile data, from files to tables: whatever is wrong with a vendor's object, no row is lost in silence."""

import random
from pathlib import Path
from types import ModuleType

import pytest

from tests.connectors.freshdesk import test_export as freshdesk
from tests.connectors.intercom import test_export as intercom
from tests.connectors.salesforce import test_export as salesforce
from tests.connectors.vendors import every_damage, rows_of, took_in
from tests.connectors.zendesk import test_export as zendesk

MODULES = {"zendesk": zendesk, "freshdesk": freshdesk, "intercom": intercom, "salesforce": salesforce}
PLAIN = ("groups", "agents", "contacts", "teams", "users", "articles")
"""Files that are plain JSON lines, or that look-ups read: left whole here."""
DAMAGED_ROWS = 400


@pytest.mark.parametrize(("vendor", "module"), MODULES.items())
def test_no_damage_stops_the_run_and_every_row_is_accounted_for(
    tmp_path: Path, vendor: str, module: ModuleType
) -> None:
    chance = random.Random(7)
    files = {}
    for name, records in module.COMPANY.items():
        damaged = [] if name in PLAIN else list(every_damage({str(n): one for n, one in enumerate(records)}))
        files[name] = records + chance.sample(damaged, min(DAMAGED_ROWS, len(damaged)))
    intake = took_in(tmp_path, vendor, files)
    for name, table in intake.tables.items():
        accounted = len(table.kept) + len(table.quarantine) + table.filtered.total() + table.duplicates
        assert table.rows_in + table.from_tickets == accounted + table.to_events, name
        assert table.quarantine["reason"].str.len().gt(0).all()
    assert {row["ticket_id"] for row in rows_of(intake, "tickets")} >= {
        row["ticket_id"] for row in rows_of(took_in(tmp_path / "whole", vendor, module.COMPANY), "tickets")
    }
