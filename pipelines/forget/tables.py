"""Tables, features and other outputs of stages without a forgotten person or account.

Rows that are theirs are told by their columns, whichever table has them. The files then differ from what
``dvc.lock`` knows, and the next ``dvc repro`` makes them again from the new version of the raw data.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from serving.forget_marks import Marks
from serving.forget_who import Forgotten

_TEXT = (pa.types.is_string, pa.types.is_large_string)


def rewrite_tables(folder: Path, who: Forgotten, marks: Marks, dry_run: bool) -> Counter[str]:
    """Write every Parquet, JSON and CSV file under ``folder`` that holds them again; returns rows by fate.

    Releases are left to ``pipelines.forget.places``: their files are vouched for one by one.
    """
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_file() or (folder / "release") in path.parents:
            continue
        if path.suffix == ".parquet":
            counts.update(rewrite_table(path, who, marks, dry_run))
        elif path.suffix in (".json", ".jsonl", ".csv"):
            counts.update(_rewrite_text(path, who, marks, dry_run))
    return counts


def rewrite_table(
    path: Path, who: Forgotten, marks: Marks, dry_run: bool, also: Collection[int] = ()
) -> Counter[str]:
    """Drop their rows, and ``also`` those at these places, from a Parquet file, and take them out of the
    others. Schema and order stay."""
    table = pq.read_table(path)
    named = {name: table[name].combine_chunks() for name in table.column_names}
    theirs = _theirs(named, who, len(table))
    theirs[list(also)] = True
    uses = {"contact_id", "feature", "day"} <= set(named)
    if uses:
        named["contact_id"] = _renamed(named["contact_id"], who.pseudonyms(marks.pseudonym))
    if {"actor_id", "text"} <= set(named):
        by_them = _is_in(named["actor_id"], who.aliases)
        named["text"] = pc.if_else(pa.array(by_them), pa.scalar(None, named["text"].type), named["text"])
        names = dict.fromkeys(who.aliases, marks.pseudonym)
        named["actor_id"] = _renamed(named["actor_id"], names)
    if "raw" in named and "reason" in named:  # quarantine: a record as it came
        theirs |= np.array([marks.is_in(raw or "") for raw in named["raw"].to_pylist()], dtype=bool)
    masked = {name: _masked(column, marks) for name, column in named.items()}
    after = pa.table(list(masked.values()), schema=table.schema).filter(pa.array(~theirs))
    counts = Counter({"rows deleted": int(theirs.sum())})
    if not theirs.any() and after.equals(table.combine_chunks()):
        return Counter()
    counts["rows reduced"] = int(not theirs.any() or not after.equals(table.filter(pa.array(~theirs))))
    if not dry_run:
        counts["files written again"] = 1
        beside = path.with_name(f".{path.name}.forgetting")
        pq.write_table(after, beside, compression="zstd")
        beside.replace(path)
    return +counts


def _theirs(named: dict[str, Any], who: Forgotten, rows: int) -> np.ndarray:
    uses = {"contact_id", "feature", "day"} <= set(named)
    columns: dict[str, Collection[str]] = {
        "ticket_id": who.tickets,
        "account_id": who.accounts,
        "alias": who.aliases,
        "writer": who.aliases,
        **({} if uses else {"contact_id": who.aliases}),
    }
    found = np.zeros(rows, dtype=bool)
    for name, values in columns.items():
        if name in named and any(is_text(named[name].type) for is_text in _TEXT):
            found |= _is_in(named[name], values)
    return found


def _is_in(column: Any, values: Collection[str]) -> np.ndarray:
    among = pc.is_in(column, value_set=pa.array(sorted(values), column.type))
    return np.asarray(among.to_numpy(zero_copy_only=False), dtype=bool)


def _renamed(column: Any, names: dict[str, str]) -> Any:
    if not _is_in(column, names).any():
        return column
    return pa.array([names.get(value, value) for value in column.to_pylist()], column.type)


def _masked(column: Any, marks: Marks) -> Any:
    """``column`` without marks; only distinct values that may hold one are looked into."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        rows = column.to_pylist()
        after = [row if row is None else [marks.masked(str(value)) for value in row] for row in rows]
        return column if after == rows else pa.array(after, column.type)
    if not any(is_text(column.type) for is_text in _TEXT):
        return column
    new = {text: marks.masked(text) for text in column.unique().to_pylist() if text is not None}
    changed = {text: told for text, told in new.items() if text != told}
    return _renamed(column, changed) if changed else column


def _rewrite_text(path: Path, who: Forgotten, marks: Marks, dry_run: bool) -> Counter[str]:
    before = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        after = _document(before, who, marks)
    else:
        after = "".join(_lines(before, path.suffix == ".jsonl", who, marks))
    if after == before:
        return Counter()
    if not dry_run:
        beside = path.with_name(f".{path.name}.forgetting")
        beside.write_text(after, encoding="utf-8")
        beside.replace(path)
    return Counter({"files reduced": 1})


def _document(text: str, who: Forgotten, marks: Marks) -> str:
    content = json.loads(text)
    after = marks.masked_value(content)
    if isinstance(content, dict) and isinstance(content.get("decisions"), list):  # who is who
        kept = [one for one in content["decisions"] if not _is_theirs(one, who)]
        after = marks.masked_value({**content, "decisions": kept})
    return text if after == content else json.dumps(after, indent=2, ensure_ascii=False) + "\n"


def _lines(text: str, is_json: bool, who: Forgotten, marks: Marks) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        if is_json and line.strip() and _is_theirs(json.loads(line), who):
            continue
        yield marks.masked_cell(line.rstrip("\n")) + line[len(line.rstrip("\n")) :]


def _is_theirs(record: Any, who: Forgotten) -> bool:
    if not isinstance(record, dict):
        return False
    columns = {"ticket_id": who.tickets, "account_id": who.accounts, "contact_id": who.aliases,
               "subject": who.aliases, "other": who.aliases}  # fmt: skip
    return any(record.get(name) in values for name, values in columns.items())
