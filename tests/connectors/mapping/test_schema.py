"""The schema for editors says what the models say, and `firstline mapping` says it to people and programs."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from connectors.mapping.report import check
from connectors.mapping.schema import SCHEMA_FILE, mapping_schema, schema_text
from features.schema import TABLES

ROOT = Path(__file__).parents[3]
MAPPINGS = sorted((ROOT / "connectors/mappings").glob("*.yaml"))
GOOD = """
about: one table
sources:
  - file: t.csv
    format: csv
    tables:
      - table: tickets
        columns: {ticket_id: id, known_at: at, created_at: at}
"""


def refusals(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(mapping_schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_schema_in_the_project_is_the_one_of_the_models() -> None:
    said = "run `firstline mapping schema > connectors/mapping.schema.json`"
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), said


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_schema_accepts_every_shipped_mapping(path: Path) -> None:
    assert refusals(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("hazard", "old", "new"),
    [
        ("misspelt key", "format: csv", "fromat: csv"),
        ("unknown format", "format: csv", "format: xlsx"),
        ("unknown table", "table: tickets", "table: cases"),
        ("column of another table", "known_at: at,", "known_at: at, seats: n,"),
        ("required column left out", "known_at: at,", ""),
        ("misspelt step", "known_at: at,", "known_at: {from: at, timeformat: iso},"),
    ],
)
def test_schema_underlines_what_would_be_refused(hazard: str, old: str, new: str) -> None:
    assert old in GOOD
    assert refusals(GOOD) == []
    assert refusals(GOOD.replace(old, new)), hazard


def test_schema_explains_every_canonical_column() -> None:
    tables = {
        part["if"]["properties"]["table"]["const"]: part["then"]
        for part in mapping_schema()["$defs"]["Rule"]["allOf"]
    }
    for name, table in TABLES.items():
        described = tables[name]["properties"]["columns"]["properties"]
        assert {
            column: spec.about in described[column]["description"] for column, spec in table.columns.items()
        } == (dict.fromkeys(table.columns, True))


def test_check_says_what_a_good_mapping_feeds_and_what_not(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(GOOD)
    passed, text = check(file, as_json=False)
    assert passed
    assert "t.csv (csv) -> tickets" in text
    assert "not fed: accounts, contacts" in text
    answer = json.loads(check(file, as_json=True)[1])
    assert (answer["valid"], answer["problems"]) == (True, [])


@pytest.mark.parametrize(
    ("hazard", "content", "line"),
    [
        ("wrong key", GOOD.replace("about", "abuot").encode(), 2),
        ("not there", None, 0),
        ("not UTF-8", b"about: \xff", 0),
    ],
)
def test_check_of_a_wrong_mapping_is_an_answer_and_no_traceback(
    tmp_path: Path, hazard: str, content: bytes | None, line: int
) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_bytes(content)
    passed, text = check(file, as_json=True)
    answer = json.loads(text)
    assert not passed
    assert not answer["valid"]
    assert {problem["line"] for problem in answer["problems"]} <= {line, 1}, hazard
    assert answer["problems"], hazard
