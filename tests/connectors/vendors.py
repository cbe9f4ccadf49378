"""What the tests of all vendors share: fixtures with their source, and one company's records as raw files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import strategies as st

from connectors.intake.take_in import Input, Intake, take_in_all
from connectors.mapping.file import Mapping, load_mapping

Record = dict[str, Any]
_ROOT = Path(__file__).parent
RECEIVED = pd.Timestamp("2026-06-30T00:00:00Z")
"""When the files of these tests were delivered, unless a test says otherwise."""


def fixture(vendor: str, name: str) -> dict[str, Any]:
    """The payloads of ``fixtures/<name>.json`` by their own names."""
    path = _ROOT / vendor / "fixtures" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["payloads"]


def fixture_files() -> list[Path]:
    """Every fixture of every vendor."""
    return sorted(_ROOT.glob("*/fixtures/*.json"))


def generic_mapping(vendor: str) -> Mapping:
    """The shipped mapping of the vendor's standard exports."""
    return load_mapping(Path(f"connectors/mappings/{vendor}.yaml"))


def as_jsonl(records: list[Record]) -> str:
    """One object a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def took_in(folder: Path, vendor: str, files: dict[str, list[Record]]) -> Intake:
    """The records of ``files`` (object name -> records) through the vendor's generic mapping."""
    for name, records in files.items():
        path = folder / vendor / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_jsonl(records), encoding="utf-8")
    return take_in_all([Input(folder, generic_mapping(vendor))], lambda line: None, received_at=RECEIVED)


def whole_company(vendor: str, company: dict[str, list[Record]]) -> Any:
    """A fixture: ``company`` through the vendor's generic mapping, once for the tests of a module."""

    @pytest.fixture(scope="module", name="intake")
    def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Intake:
        return took_in(tmp_path_factory.mktemp(vendor), vendor, company)

    return taken_in


def rows_of(intake: Intake, table: str) -> list[Record]:
    """The kept rows of ``table`` without their empty cells."""
    frame = intake.tables[table].kept
    return [
        {name: cell for name, cell in row.items() if isinstance(cell, list) or not pd.isna(cell)}
        for row in frame.to_dict("records")
    ]


def quarantined(intake: Intake) -> list[Record]:
    """Every quarantined row of every table."""
    return [row for table in intake.tables.values() for row in table.quarantine.to_dict("records")]


def body_of(payload: Record) -> bytes:
    """A webhook body."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8")


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "type", "value", "name"]), inner, max_size=3)
    ),
    max_leaves=4,
)


JUNK: tuple[Any, ...] = (..., None, True, -1, 1e400, "", "x", [], ["x"], [None], {}, {"id": "x"}, {"id": {}})
"""What may stand where something else belongs; ``...`` is nothing at all."""


def every_damage(payloads: dict[str, Record]) -> Iterator[Record]:
    """Every payload with every one of its values, at any depth, replaced by every piece of ``JUNK``."""
    for payload in payloads.values():
        for path in _paths(payload):
            for junk in JUNK:
                yield _replaced(payload, path, junk)


@st.composite
def damaged(draw: st.DrawFn, payload: Record) -> Record:
    """``payload`` with one to three of its values, at any depth, replaced by anything or taken away."""
    for _ in range(draw(st.integers(1, 3))):
        if paths := _paths(payload):
            payload = _replaced(payload, draw(st.sampled_from(paths)), draw(st.just(...) | _ANYTHING))
    return payload


def _paths(value: Any) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [()] * (not items) + [
        path for key, one in items for path in ((key,), *((key, *p) for p in _paths(one) if p))
    ]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return value if new is ... else new
    key, *rest = path
    inner = new if not rest else _replaced(value[key], tuple(rest), new)
    copy = dict(value) if isinstance(value, dict) else list(value)
    if inner is ...:
        del copy[key]
    else:
        copy[key] = inner
    return copy
