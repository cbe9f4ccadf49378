"""What a mapping file says, or what is wrong with it, for people and for programs."""

import json
from pathlib import Path
from typing import Any

from connectors.mapping.file import Mapping, MappingError, Rule, load_mapping
from features.schema import TABLES


def check(path: Path, as_json: bool) -> tuple[bool, str]:
    """Whether the mapping file can be carried out, and the answer as text or as one JSON object."""
    try:
        mapping = load_mapping(path)
    except MappingError as error:
        return False, _as_json(path, None, error) if as_json else str(error)
    return True, _as_json(path, mapping, None) if as_json else "\n".join(_summary(path, mapping))


def _summary(path: Path, mapping: Mapping) -> list[str]:
    lines = [f"{path}: no error. {mapping.about}"]
    for source in mapping.sources:
        log = ", an event log" if source.case else ""
        lines.append(f"  {source.file} ({source.format}{log}) -> {', '.join(map(_fed, source.tables))}")
    lines += [f"  look-up {name}: {lookup.file}" for name, lookup in mapping.lookups.items()]
    fed = {rule.table for source in mapping.sources for rule in source.tables}
    if left := [name for name in TABLES if name not in fed]:
        lines.append(f"  not fed: {', '.join(left)} (docs/data-contract.md says what is then left out)")
    return lines


def _fed(rule: Rule) -> str:
    kind = rule.columns.get("kind")
    constants = [column.value for column in kind.columns if column.value] if kind else []
    return f"{rule.table} ({', '.join(constants)})" if constants else rule.table


def _as_json(path: Path, mapping: Mapping | None, error: MappingError | None) -> str:
    problems: list[dict[str, Any]] = [problem.model_dump() for problem in error.problems] if error else []
    if error and not problems:
        problems = [{"line": 0, "column": 0, "key": "", "message": str(error)}]
    sources = mapping.sources if mapping else []
    answer = {
        "mapping": str(path),
        "valid": mapping is not None,
        "problems": problems,
        "sources": [
            {"file": source.file, "format": source.format, "tables": [rule.table for rule in source.tables]}
            for source in sources
        ],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)
