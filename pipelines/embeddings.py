"""Embeddings remembered between runs: a ticket that was encoded once is not encoded again."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.sentences import SentenceSource


@dataclass(frozen=True)
class RememberedSentences:
    """``source``, with a file of what it said: digests of texts (no text) and half-precision vectors.

    The file is written again at each use and holds exactly the texts asked for last, so that a text that was
    deleted from the tickets is gone from it too. Vectors of another encoder are never taken.
    """

    source: SentenceSource
    path: Path
    encoder_sha256: str

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As ``source``; equal, because a vector is rounded to what is stored."""
        digests = np.array([_digest(text) for text in texts], dtype="S32")
        distinct, first, place = np.unique(digests, return_index=True, return_inverse=True)
        if not len(distinct):
            return self.source.encode(texts)
        known, vectors = self._read()
        at = np.minimum(np.searchsorted(known, distinct), max(len(known) - 1, 0))
        found = known[at] == distinct if len(known) else np.zeros(len(distinct), dtype=bool)
        new = self.source.encode([texts[i] for i in first[~found]])
        every = np.zeros((len(distinct), new.shape[1]), np.float32)
        every[~found] = new
        if found.any():
            every[found] = vectors[at[found]]
        self._write(distinct, every)
        return every[place]

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                if str(stored["encoder"]) == self.encoder_sha256:
                    return stored["digests"], stored["vectors"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            pass  # absent or damaged: what it held is computed again
        return np.zeros(0, "S32"), np.zeros((0, 0), np.float16)

    def _write(self, digests: np.ndarray, vectors: np.ndarray) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with beside.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                encoder=np.array(self.encoder_sha256),
                digests=digests,
                vectors=vectors.astype(np.float16),
            )
        beside.replace(self.path)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32].encode()
