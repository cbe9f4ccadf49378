"""One rule applied to one chunk: canonical rows, rows for quarantine with the reason, rows filtered."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from connectors.mapping.file import Rule
from connectors.mapping.recipes import RECEIVED_AT
from connectors.readers.rows import RAW_CHARACTERS, Malformed, beginning
from connectors.rules.columns import Reading, matches, recipe_values
from connectors.rules.contract import breaches
from connectors.rules.verdicts import QUARANTINE_COLUMNS, Verdicts
from features.schema import TABLES, typed


@dataclass(frozen=True)
class RuleRows:
    """What a rule made of some raw rows.

    ``kept``: canonical columns, ``row_number``, ``is_deleted``, ``is_restated``; ``quarantine``: with
    ``QUARANTINE_COLUMNS``; ``filtered``: rows by reason.
    """

    kept: pd.DataFrame
    quarantine: pd.DataFrame
    filtered: Counter[str]


def rule_rows(rows: pd.DataFrame, numbers: np.ndarray, rule: Rule, reading: Reading, file: str) -> RuleRows:
    """Apply ``rule`` to raw ``rows`` with record ``numbers`` of ``file``. Raises ``MappingError``."""
    filtered: Counter[str] = Counter()
    wanted = matches(rows, rule.keep_where, reading)
    filtered[f"not {_said(rule.keep_where)}"] += int((~wanted).sum())
    for name, values in rule.skip_where.items():
        unwanted = wanted & matches(rows, {name: values}, reading)
        filtered[_said({name: values})] += int(unwanted.sum())
        wanted &= ~unwanted
    rows, numbers = rows[wanted], numbers[wanted.to_numpy(dtype=bool)]
    verdicts = Verdicts(len(rows))
    frame = _canonical(rows, rule, reading, verdicts)
    deleted = _deleted(rows, rule, reading)
    if deleted.any():
        frame = _known_when_received(frame, rows, deleted)
        _forgive(verdicts, deleted, rule.table)
    for reason, broken in breaches(rule.table, frame[list(rule.columns)]):
        is_told = not deleted.any() or _decides(reason, rule.table)
        verdicts.reject(broken if is_told else broken & ~deleted, reason)
    rejected = verdicts.is_rejected
    filtered.update(verdicts.filtered[verdicts.is_filtered])
    reasons = list(verdicts.rejected[rejected])
    kept = ~verdicts.is_filtered & ~rejected
    return RuleRows(
        frame[kept].assign(row_number=numbers[kept], is_deleted=deleted[kept], is_restated=rule.restates),
        quarantined(rule.table, file, numbers[rejected], reasons, as_json(rows[rejected])),
        +filtered,
    )


def _canonical(rows: pd.DataFrame, rule: Rule, reading: Reading, verdicts: Verdicts) -> pd.DataFrame:
    specs = TABLES[rule.table].columns
    columns = {
        name: recipe_values(recipe, specs[name].kind, rows, reading, verdicts, name)
        for name, recipe in rule.columns.items()
    }
    return typed(rule.table, pd.DataFrame(columns, index=rows.index))


def _deleted(rows: pd.DataFrame, rule: Rule, reading: Reading) -> pd.Series:
    if not rule.deleted_where:
        return pd.Series(False, index=rows.index)
    return matches(rows, rule.deleted_where, reading)


def _known_when_received(frame: pd.DataFrame, rows: pd.DataFrame, deleted: pd.Series) -> pd.DataFrame:
    """A deletion without a time of its own is known when its file was delivered."""
    if RECEIVED_AT not in rows:
        return frame
    received = pd.to_datetime(rows[RECEIVED_AT], utc=True, format="ISO8601").dt.as_unit("us")
    return frame.assign(known_at=frame["known_at"].fillna(received.where(deleted)))


def _decides(reason: str, table: str) -> bool:
    """Whether a reason concerns what even a deletion must say: its key and when it was known."""
    return reason in {f"{name}: missing" for name in (*TABLES[table].key, "ticket_id", "known_at")}


def _forgive(verdicts: Verdicts, deleted: pd.Series, table: str) -> None:
    """Values of a deleted thing do not matter: systems empty them."""
    needed = (*TABLES[table].key, "ticket_id")
    for position in np.flatnonzero(deleted.to_numpy(dtype=bool) & (verdicts.rejected != "")):
        if verdicts.rejected[position].partition(":")[0] not in needed:
            verdicts.rejected[position] = ""


def _said(condition: dict[str, list[str]]) -> str:
    return " and ".join(
        f"{name} is {' or '.join(value or 'empty' for value in values)}" for name, values in condition.items()
    )


def as_json(rows: pd.DataFrame) -> list[str]:
    """Each row as it was delivered, as JSON without empty cells; of a very long cell only the beginning."""
    rows = rows.drop(columns=RECEIVED_AT, errors="ignore")
    records = rows.astype("object").where(rows.notna(), None).to_dict("records")
    return [
        json.dumps(
            {name: _shortened(cell) for name, cell in record.items() if cell is not None},
            ensure_ascii=False,
            default=str,
        )
        for record in records
    ]


def _shortened(cell: Any) -> Any:
    if isinstance(cell, np.ndarray):
        return list(cell)
    return beginning(cell) if isinstance(cell, str) and len(cell) > RAW_CHARACTERS else cell


def malformed_rows(malformed: Sequence[Malformed], table: str, file: str) -> pd.DataFrame:
    """Records that could not be read, for quarantine."""
    numbers = np.array([row.row_number for row in malformed], dtype=np.int64)
    raws = [json.dumps(row.raw, ensure_ascii=False) for row in malformed]
    return quarantined(table, file, numbers, [row.reason for row in malformed], raws)


def quarantined(
    table: str, file: str | Sequence[str], numbers: np.ndarray, reasons: Sequence[str], raws: Sequence[str]
) -> pd.DataFrame:
    """Rows for quarantine, with ``QUARANTINE_COLUMNS``."""
    columns = {"table": table, "source_file": file, "row_number": numbers, "reason": reasons, "raw": raws}
    frame = pd.DataFrame(columns, columns=list(QUARANTINE_COLUMNS), index=range(len(numbers)))
    return frame.astype({name: "int64" if name == "row_number" else "str" for name in QUARANTINE_COLUMNS})
