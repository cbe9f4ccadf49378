"""How much more often a class occurs where a ticket's circumstances have a given value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.rows import Rows

CIRCUMSTANCES = ("channel", "language", "plan", "product_area")
COUNTED_CIRCUMSTANCES = ("usage_errors_7d", "contact_errors_24h", "failed_logins_24h")
"""Counts, read in four steps: unknown, none, one or two, three and more."""
_SMOOTHING = 20.0


def circumstances(tickets: pd.DataFrame | Rows) -> dict[str, np.ndarray]:
    """Those circumstances that ``tickets`` has as columns, each as one string per ticket."""
    rows = Rows.of(tickets)
    found = {
        name: np.array([value or "" for value in rows.values(name)], dtype=str)
        for name in CIRCUMSTANCES
        if name in rows
    }
    for name in COUNTED_CIRCUMSTANCES:
        if name in rows:
            counts = rows.numbers(name)
            steps = np.where(
                np.isnan(counts), "", np.where(counts < 1, "0", np.where(counts < 3, "1-2", "3+"))
            )
            found[name] = steps.astype(str)
    return found


@dataclass(frozen=True)
class Lifts:
    """``tables[name][value]`` holds ln P(class | value) - ln P(class) for every class."""

    tables: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def fit(cls, values: Mapping[str, np.ndarray], codes: np.ndarray, classes: int) -> "Lifts":
        """Learn from one value per ticket and circumstance, and the class code of each ticket."""
        base = (np.bincount(codes, minlength=classes) + 1.0) / (len(codes) + classes)
        tables: dict[str, dict[str, np.ndarray]] = {}
        for name, column in values.items():
            counts = pd.crosstab(column, codes).reindex(columns=range(classes), fill_value=0)
            rates = (counts.to_numpy() + _SMOOTHING * base) / (
                counts.to_numpy().sum(axis=1, keepdims=True) + _SMOOTHING
            )
            if len(counts) < 2:  # what is the same for every ticket tells no class from another
                tables[name] = {}
                continue
            lifts = np.round(np.log(rates / base), 6)
            tables[name] = {str(value): row for value, row in zip(counts.index, lifts, strict=True) if value}
        return cls(tables)

    @property
    def names(self) -> tuple[str, ...]:
        """The circumstances learnt, in order."""
        return tuple(self.tables)

    def of(self, values: Mapping[str, np.ndarray], candidates: np.ndarray) -> np.ndarray:
        """Lift of each candidate, shape (tickets, candidates, circumstances); 0 where a value is unknown."""
        lifts = np.zeros((*candidates.shape, len(self.tables)))
        for i, (name, table) in enumerate(self.tables.items()):
            for ticket, value in enumerate(values.get(name, ())):
                if value in table:
                    lifts[ticket, :, i] = table[value][candidates[ticket]]
        return lifts

    def to_json(self) -> list[Any]:
        """Plain lists and dicts; a list, because the order of the circumstances counts."""
        return [
            [name, {value: row.tolist() for value, row in table.items()}]
            for name, table in self.tables.items()
        ]

    @classmethod
    def from_json(cls, document: Sequence[tuple[str, Mapping[str, Sequence[float]]]]) -> "Lifts":
        """The inverse of ``to_json``."""
        return cls({name: {v: np.array(row) for v, row in table.items()} for name, table in document})
