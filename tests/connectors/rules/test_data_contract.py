"""docs/data-contract.md says what the code does."""

import re
from pathlib import Path

from connectors.mapping.file import parse_mapping
from features.schema import TABLES, Table

PAGE = Path("docs/data-contract.md").read_text(encoding="utf-8")


def section(name: str, table: Table) -> str:
    """The description of one canonical table as the page must have it."""
    lines = [
        f"### {name}",
        f"A row: {table.grain}. Key: {', '.join(f'`{column}`' for column in table.key)}.",
        "| column | kind | meaning |\n|---|---|---|",
    ]
    described = "\n".join(
        f"| `{column}` | {spec.kind}{', *required*' if spec.required else ''} | {spec.about}"
        f"{': ' + ', '.join(spec.allowed) if spec.allowed else ''} |"
        for column, spec in table.columns.items()
    )
    return "\n\n".join(lines) + f"\n{described}\n"


def test_page_describes_the_tables_as_the_schema_has_them() -> None:
    expected = "\n".join(section(name, table) for name, table in TABLES.items())
    found = re.search(r"<!-- tables:.*?-->\n(.*)<!-- end of tables -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1].strip() == expected.strip(), (
        "paste the expected text between the two comments of the page"
    )


def test_example_mapping_of_the_page_is_a_valid_mapping() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 1
    assert len(parse_mapping(examples[0], "the page's example").sources) == 2
