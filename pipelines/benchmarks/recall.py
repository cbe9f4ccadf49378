"""Embeddings kept in memory while several runs ask for the same texts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.encoded import Sentences
from models.sentences import SentenceSource


@dataclass
class Recalling:
    """Called with the sentences of a model, gives a source that encodes each text once."""

    known: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, sentences: Sentences) -> SentenceSource:
        """A source in front of ``sentences`` that shares what is known."""
        return _Recalled(sentences.source, self.known)


@dataclass(frozen=True)
class _Recalled:
    source: SentenceSource
    known: dict[str, np.ndarray]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        new = list(dict.fromkeys(text for text in texts if text not in self.known))
        vectors = self.source.encode(new)
        self.known.update(zip(new, vectors, strict=True))
        return np.stack([self.known[text] for text in texts]) if len(texts) else vectors
