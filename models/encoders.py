"""Text encoders: a text becomes a row of numbers. Interchangeable; each is named in the saved model."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sparse
from sklearn.feature_extraction.text import HashingVectorizer

LONGEST_TEXT_CHARS = 4_000
"""An encoder reads this much of a text: what a ticket is about stands at its beginning."""
COLUMNS_OF_A_KIND = 2**17


@runtime_checkable
class TextEncoder(Protocol):
    """Stateless: the same text gives the same row, whatever else was encoded and whenever."""

    @property
    def name(self) -> str:
        """The key of this encoder in ``ENCODERS``."""

    def encode(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """One row of non-negative float32 weights per text."""


class NgramEncoder:
    """Counts of word 1-2-grams and of character 3-5-grams within words, hashed into 2 x 2^17 columns.

    Hashing keeps no vocabulary: nothing is learnt here, so nothing can leak, and any script is accepted
    (Weinberger et al. 2009, "Feature hashing for large scale multitask learning").
    """

    name = "ngrams"

    def __init__(self) -> None:
        self._words = _hasher("word", (1, 2), r"(?u)\b\w+\b")
        self._characters = _hasher("char_wb", (3, 5))

    def encode(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Log-damped counts, float32, shape (texts, 2^18): words in the left half, then characters."""
        if not texts:
            return sparse.csr_matrix((0, 2 * COLUMNS_OF_A_KIND), dtype=np.float32)
        beginnings = [text[:LONGEST_TEXT_CHARS] for text in texts]
        both = [self._words.transform(beginnings), self._characters_of(beginnings)]
        counts = sparse.hstack(both, format="csr", dtype=np.float32)
        counts.data = np.log1p(counts.data)
        return counts

    def _characters_of(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Counts of character n-grams: those of each different word, found once, times how often it occurs.

        They do not cross words, so the counts are those of the texts read one by one, to the last bit.
        """
        if len(texts) == 1:
            return self._characters.transform(texts)
        places: defaultdict[str, int] = defaultdict()
        places.default_factory = places.__len__
        words = [[places[word] for word in text.lower().split()] for text in texts]
        if not places:
            return self._characters.transform(texts)
        starts = np.cumsum([0, *map(len, words)])
        columns = np.fromiter(chain.from_iterable(words), np.int32, starts[-1])
        ones = np.ones(len(columns), np.float32)
        occurring = sparse.csr_matrix((ones, columns, starts), (len(texts), len(places)))
        counts = occurring @ self._characters.transform(list(places))
        counts.sort_indices()
        return counts


def _hasher(analyzer: str, ngram_range: tuple[int, int], pattern: str | None = None) -> HashingVectorizer:
    return HashingVectorizer(
        analyzer=analyzer,
        ngram_range=ngram_range,
        token_pattern=pattern,
        n_features=COLUMNS_OF_A_KIND,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )


ENCODERS: dict[str, type[TextEncoder]] = {"ngrams": NgramEncoder}


def encoder_named(name: str) -> TextEncoder:
    """The encoder a saved model was trained with. Raises ``ValueError`` naming those that exist."""
    if name not in ENCODERS:
        raise ValueError(f"text encoder {name!r} is unknown; known are {sorted(ENCODERS)}")
    return ENCODERS[name]()
