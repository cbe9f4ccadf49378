"""Nearest examples of a text, by cosine between short sketches of its n-gram weights."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from sklearn.preprocessing import normalize

from models.terms import Terms

SKETCH_DIMENSIONS = 256
EXAMPLES_PER_CLASS = 150
VOTERS = 15
ALONE = 4
"""So many texts at once are scored on one thread."""
_CHUNK = 2_000
_STEPS = 2_048
"""Parts of a unit vector are rounded to 1/2048, which half precision keeps. Products of such numbers add up
exactly in float32, in any order, for 2048^2 is below 2^24: a text alone has the cosines it has among many."""


@cache
def _folding(size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    places = rng.integers(0, SKETCH_DIMENSIONS, size).astype(np.int32)
    return places, rng.choice(np.array([-1.0, 1.0], np.float32), size)


def exact(units: np.ndarray) -> np.ndarray:
    """``units`` (rows of length one) in steps of 1/2048, float32."""
    return (np.rint(units * _STEPS) / _STEPS).astype(np.float32)


def inner(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Inner products of two sets of rows. A few are not worth waking the threads of a BLAS for: on a busy
    machine one ticket then waits for a core longer than its answer takes."""
    return np.einsum("ij,kj->ik", rows, others) if len(rows) <= ALONE else rows @ others.T


def sketch(weights: sparse.csr_matrix, terms: Terms) -> np.ndarray:
    """Signed random folding of the terms into ``SKETCH_DIMENSIONS``, rows of length one, float32.

    Keeps inner products in expectation (Charikar et al. 2002, "Finding frequent items", count sketch).
    """
    places, signs = _folding(terms.size)
    columns = terms.columns[weights.indices]
    folded = (weights.data * signs[columns], places[columns], weights.indptr)
    return normalize(sparse.csr_matrix(folded, (weights.shape[0], SKETCH_DIMENSIONS)).toarray(), copy=False)


@dataclass(frozen=True)
class ExampleBank:
    """Sketches of labelled examples, sorted by class: ``starts[c]`` is the first row of class ``c``."""

    examples: np.ndarray
    codes: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, sketches: np.ndarray, codes: np.ndarray) -> "ExampleBank":
        """Keep the newest (last) ``EXAMPLES_PER_CLASS`` rows of each class; every class must occur."""
        kept = np.concatenate(
            [np.flatnonzero(codes == c)[-EXAMPLES_PER_CLASS:] for c in range(codes.max() + 1)]
        )
        starts = np.flatnonzero(np.r_[True, np.diff(codes[kept]) > 0])
        return cls(exact(sketches[kept]), codes[kept].astype(np.int32), starts)

    def nearest_and_votes(self, sketches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cosine to the nearest example of each class, and each class's share among the ``VOTERS`` nearest.

        Both of shape (texts, classes); votes weigh by cosine.
        """
        parts = [self._look_up(sketches[i : i + _CHUNK]) for i in range(0, max(len(sketches), 1), _CHUNK)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _look_up(self, sketches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cosines = inner(exact(sketches), self.examples)
        nearest = np.maximum.reduceat(cosines, self.starts, axis=1)
        voters = min(VOTERS, cosines.shape[1])
        chosen = np.argpartition(-cosines, voters - 1, axis=1)[:, :voters]
        weights = np.maximum(np.take_along_axis(cosines, chosen, axis=1), 0) + 1e-6
        votes = np.zeros((len(sketches), len(self.starts)), np.float32)
        rows = np.repeat(np.arange(len(sketches)), voters)
        np.add.at(votes, (rows, self.codes[chosen].ravel()), weights.ravel())
        return nearest, votes / votes.sum(axis=1, keepdims=True)

    def save(self, path: Path) -> None:
        """Write plain arrays (``.npz``, loadable without pickle)."""
        np.savez(path, examples=self.examples.astype(np.float16), codes=self.codes, starts=self.starts)

    @classmethod
    def load(cls, path: Path) -> "ExampleBank":
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["examples"].astype(np.float32), stored["codes"], stored["starts"])
