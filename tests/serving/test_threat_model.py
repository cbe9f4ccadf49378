"""Every threat of the threat model names a test that is there."""

import re
from pathlib import Path

PAGE = Path("docs/threat-model.md")
NAMED = re.compile(r"\| `(tests/[\w/]+\.py)(?:::(\w+))?` \|$", re.MULTILINE)


def test_every_threat_names_a_test_that_exists():
    page = PAGE.read_text("utf-8")
    threats = [
        line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| threat")
    ]
    named = NAMED.findall(page)
    assert len(named) == len(threats) > 20
    for file, test in named:
        source = Path(file).read_text("utf-8")
        assert not test or f"def {test}(" in source, f"{file} has no {test}"
