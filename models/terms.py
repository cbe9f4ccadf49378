"""Which of an encoder's columns occur in a training set, and how much each weighs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from sklearn.preprocessing import normalize

FEWEST_DOCUMENTS = 2
"""A column seen in one text only cannot tell anything about another."""


def has_terms(counts: sparse.csr_matrix) -> bool:
    """Whether any column occurs in enough rows to be learnt from; tickets without text have none."""
    return bool((np.bincount(counts.indices, minlength=1) >= FEWEST_DOCUMENTS).any())


@dataclass(frozen=True)
class Terms:
    """Kept columns of an encoder with ``size`` columns, sorted, and their inverse document frequencies."""

    size: int
    columns: np.ndarray
    idf: np.ndarray

    @classmethod
    def fit(cls, counts: sparse.csr_matrix) -> "Terms":
        """Keep what occurs in at least ``FEWEST_DOCUMENTS`` rows; idf is ln((1 + n) / (1 + df)) + 1."""
        documents = np.bincount(counts.indices, minlength=counts.shape[1])
        columns = np.flatnonzero(documents >= FEWEST_DOCUMENTS).astype(np.int32)
        idf = np.log((1 + counts.shape[0]) / (1 + documents[columns])) + 1
        return cls(counts.shape[1], columns, idf.astype(np.float32))

    @cached_property
    def _places(self) -> np.ndarray:
        places = np.full(self.size, -1, np.int32)
        places[self.columns] = np.arange(len(self.columns), dtype=np.int32)
        return places

    def weights(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Counts of the kept columns times idf, rows of length one (or zero, if no column is known)."""
        places = self._places[counts.indices]
        known = places >= 0
        starts = np.r_[0, np.cumsum(known)][counts.indptr]
        places = places[known]
        shape = (counts.shape[0], len(self.columns))
        return normalize(
            sparse.csr_matrix((counts.data[known] * self.idf[places], places, starts), shape), copy=False
        )

    def unknown_share(self, counts: sparse.csr_matrix) -> np.ndarray:
        """Share of each row's columns that are not kept; 1 for an empty row."""
        known = np.r_[0, np.cumsum(self._places[counts.indices] >= 0)]
        held = np.diff(counts.indptr)
        return 1 - np.diff(known[counts.indptr]) / np.maximum(held, 1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays for ``.npz``."""
        return {"size": np.array(self.size), "columns": self.columns, "idf": self.idf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Terms":
        """The inverse of ``to_arrays``."""
        return cls(int(arrays["size"]), arrays["columns"], arrays["idf"])
