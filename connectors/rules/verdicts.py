"""Why a raw row does not become a canonical one."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

QUARANTINE_COLUMNS = ("table", "source_file", "row_number", "reason", "raw")
"""Columns of a row that became no canonical one, the raw row itself as JSON."""


@dataclass
class Verdicts:
    """One verdict a row of a chunk; the first reason found counts ("" is none); filtered wins over rejected.

    Filtered: the mapping does not want the row. Rejected: the row breaks the contract and goes to quarantine.
    """

    rows: int
    filtered: np.ndarray = field(init=False)
    rejected: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.filtered = np.full(self.rows, "", dtype=object)
        self.rejected = np.full(self.rows, "", dtype=object)

    def filter(self, mask: pd.Series, reason: str) -> None:
        """Filter the rows in ``mask``."""
        self.filtered[(self.filtered == "") & mask.to_numpy(dtype=bool)] = reason

    def reject(self, mask: pd.Series, reason: str) -> None:
        """Reject the rows in ``mask``."""
        self.rejected[(self.rejected == "") & mask.to_numpy(dtype=bool)] = reason

    def add(self, other: "Verdicts", positions: np.ndarray) -> None:
        """Take over the verdicts of ``other``, which looked at the rows at ``positions`` only."""
        self.filtered[positions] = np.where(
            self.filtered[positions] == "", other.filtered, self.filtered[positions]
        )
        self.rejected[positions] = np.where(
            self.rejected[positions] == "", other.rejected, self.rejected[positions]
        )

    @property
    def is_filtered(self) -> np.ndarray:
        """Rows the mapping does not want."""
        return self.filtered != ""

    @property
    def is_rejected(self) -> np.ndarray:
        """Rows the mapping wants, but that break the contract."""
        return (self.rejected != "") & (self.filtered == "")
