"""docs/mapping-files.md says what the code does: every key is there, every example loads."""

import re
from pathlib import Path

import pytest

from connectors.mapping.checks import CASE_COLUMNS, EVENT_PREFIXES
from connectors.mapping.file import Lookup, Mapping, Rule, Source, parse_mapping
from connectors.mapping.recipes import Case, Column, Order, Part, Recipe
from connectors.mapping.schema import PARTS as ALL_PARTS
from connectors.mapping.schema import key_docs

PAGE = Path(__file__).parents[3] / "docs/mapping-files.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
PARTS: dict[str, type[Part]] = {
    "the file": Mapping,
    "a source": Source,
    "a rule (under `tables`)": Rule,
    "a column": Column,
    "several columns": Recipe,
    "a case": Case,
    "an entry of `order`": Order,
    "a look-up (besides those of a file above)": Lookup,
}


def keys_of(part: type[Part]) -> list[str]:
    rows, told = [], key_docs(part)
    for name, field in part.model_fields.items():
        if part is Lookup and name in Source.model_fields:
            continue
        about = " ".join(told.get(field.alias or name, "").split()).replace("``", "`").replace("|", "\\|")
        required = ", *required*" if field.is_required() else ""
        rows.append(f"| `{field.alias or name}`{required} | {about} |")
    return rows


def section() -> str:
    """The reference as the page must have it."""
    tables = [
        f"### In {title}\n\n| key | meaning |\n|---|---|\n" + "\n".join(keys_of(part))
        for title, part in PARTS.items()
    ]
    return "\n\n".join(tables)


def test_page_explains_every_key_as_the_models_do() -> None:
    found = re.search(r"<!-- keys:.*?-->\n(.*)<!-- end of keys -->", TEXT, re.DOTALL)
    assert found is not None
    assert found[1].strip() == section().strip(), (
        "paste the expected text between the two comments of the page"
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.partition("\n")[0])
def test_examples_of_the_page_are_valid_mappings(example: str) -> None:
    assert parse_mapping(example, str(PAGE)).sources


def test_page_names_what_an_event_log_adds() -> None:
    assert all(f"`{name}`" in TEXT for name in CASE_COLUMNS)
    assert all(f"`{prefix}COLUMN`" in TEXT for prefix in EVENT_PREFIXES)


def test_every_key_is_explained() -> None:
    assert set(PARTS.values()) == set(ALL_PARTS)
    keys = {(part, field.alias or name) for part in ALL_PARTS for name, field in part.model_fields.items()}
    assert keys == {(part, name) for part in ALL_PARTS for name in key_docs(part)}
