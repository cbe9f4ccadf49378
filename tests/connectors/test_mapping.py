"""Mapping files: what is refused, and that the message says where and what to do."""

from pathlib import Path

import pytest

from connectors.mapping import MappingError, load_mapping, parse_mapping
from features.schema import TABLES

GOOD = """
about: one table
sources:
  - file: tickets.csv
    format: csv
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: at, created_at: at}
"""


@pytest.mark.parametrize(
    ("hazard", "old", "new", "expected"),
    [
        ("misspelt key", "format: csv", "fromat: csv", "sources.0.fromat: unknown key"),
        ("key left out", "    format: csv\n", "", "sources.0.format: missing"),
        ("unknown format", "format: csv", "format: xlsx", "sources.0.format"),
        ("unknown table", "table: tickets", "table: cases", "unknown table 'cases': one of accounts"),
        ("unknown column", "created_at: at", "created_at: at, priority: p", "tickets has no column priority"),
        ("required column", ", created_at: at", "", "tickets requires created_at"),
        ("no origin", "created_at: at", "created_at: {html: true}", "exactly one of `from`"),
        (
            "two label maps",
            "ticket_id: id",
            "ticket_id: {from: id, map: {a: b}, lookup: l}",
            "both `map` and",
        ),
        ("unknown look-up", "ticket_id: id", "ticket_id: {from: id, lookup: owner}", "no lookup 'owner'"),
        ("unknown time zone", "about: one table", "about: x\ntime_zone: Bonn", "unknown time zone 'Bonn'"),
        ("bad delay", "known_at: at", "known_at: {from: at, delay: soon}", "delay"),
        ("not YAML", "about: one table", "about: [", "is not valid YAML"),
    ],
)
def test_wrong_mapping_is_refused_naming_file_and_key(hazard: str, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError, match=r"company\.yaml") as error:
        parse_mapping(GOOD.replace(old, new), "company.yaml")
    assert expected in str(error.value), hazard


def test_absent_mapping_file_is_named() -> None:
    with pytest.raises(MappingError, match=r"nowhere.yaml not found"):
        load_mapping(Path("nowhere.yaml"))


@pytest.mark.parametrize(
    "path", sorted(Path("connectors/mappings").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_mappings_are_valid(path: Path) -> None:
    assert {rule.table for source in load_mapping(path).sources for rule in source.tables} <= set(TABLES)
