"""Every fixture says where its shape is from; every shipped mapping loads, also with its examples in use."""

import json
import re
from pathlib import Path

import pytest

from connectors.mapping.file import parse_mapping
from tests.connectors.vendors import fixture_files

MAPPINGS = sorted(
    path for path in Path("connectors/mappings").glob("*.yaml") if "#>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("path", fixture_files(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_fixture_names_its_source_and_says_whether_it_was_recorded(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content) == {"source", "recorded", "payloads"}
    assert content["source"]
    assert all(address.startswith("https://") for address in content["source"])
    assert "record" in content["recorded"]


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_mapping_loads_as_shipped_and_with_all_its_examples_in_use(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    with_examples = re.sub(r"^(\s*)#> ?", r"\1", text, flags=re.MULTILINE)
    assert with_examples != text
    parse_mapping(text, path.name)
    parse_mapping(with_examples, f"{path.name} with its examples")
