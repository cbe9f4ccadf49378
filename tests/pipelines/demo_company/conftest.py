"""One small company, written once per worker; its tables as lists of rows."""

import csv
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.demo_company import write_company
from pipelines.params import DemoCompanyParams

SMALL = DemoCompanyParams(seed=3, accounts=120, months=6, tickets=2500, end=date(2026, 7, 1))


@dataclass(frozen=True)
class Written:
    """A written company: its folders, and readers of its files."""

    data: Path
    truth: Path

    def json_lines(self, pattern: str) -> list[dict[str, Any]]:
        paths = sorted(self.data.glob(pattern))
        assert paths, f"no file matches {pattern}"
        return [json.loads(line) for p in paths for line in p.read_text(encoding="utf-8").splitlines()]

    def csv_rows(self, pattern: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = []
        for path in sorted(self.data.glob(pattern)):
            with path.open(encoding="utf-8", newline="") as file:
                rows.extend(csv.DictReader(file))
        assert rows, f"no row in {pattern}"
        return rows

    def ticket_truth(self) -> dict[int, dict[str, Any]]:
        lines = (self.truth / "demo_company.jsonl").read_text(encoding="utf-8").splitlines()
        return {int(row["ticket_id"]): row for row in map(json.loads, lines)}

    def changes(self, field: str) -> list[tuple[dict[str, Any], str]]:
        """(audit, new value) of every change of a field or a custom field."""
        found = []
        for audit in self.json_lines("zendesk/ticket_events-*.jsonl"):
            for child in audit["child_events"]:
                value = child.get(field, child.get("custom_ticket_fields", {}).get(field))
                if value is not None:
                    found.append((audit, value))
        return found


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("company")
    write_company(SMALL, folder / "data", folder / "truth")
    return Written(folder / "data", folder / "truth")
