"""Tickets encoded once and then cut into blocks and splits."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from features.language import UNDETERMINED
from features.text import ticket_text
from models.encoders import TextEncoder
from models.lifts import circumstances
from models.sentences import EncoderIdentity, SentenceSource, encoder_like

_CHARS_FOR_SCRIPT = 400


SURELY = 0.9
"""With this confidence in a language that the sentence encoder does not know, a text gets no embedding."""


@dataclass(frozen=True)
class Sentences:
    """Where embeddings come from, and the languages (ISO 639-1) they are taken in; none named means all."""

    source: SentenceSource
    identity: EncoderIdentity
    languages: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a saved model must find again."""
        return {**self.identity.to_json(), "languages": list(self.languages)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Sentences":
        """The installed encoder, if it is the same. Raises ``EncoderMissingError``."""
        parts = dict(document)
        languages = tuple(parts.pop("languages"))
        identity = EncoderIdentity.from_json(parts)
        return cls(encoder_like(identity), identity, languages)

    def vectors(self, texts: list[str], tickets: pd.DataFrame) -> np.ndarray:
        """Embeddings of ``texts``, float32; a row of zeros where the ticket's language is surely another.

        ``language`` and ``language_confidence`` are columns of ``tickets``; what lacks them is encoded.
        """
        known = np.ones(len(texts), dtype=bool)
        if self.languages and {"language", "language_confidence"} <= set(tickets):
            other = ~tickets["language"].isin([*self.languages, UNDETERMINED]).to_numpy(dtype=bool)
            known = ~(other & (tickets["language_confidence"].to_numpy(dtype=float, na_value=0) >= SURELY))
        places = np.flatnonzero(known)
        found = self.source.encode([texts[place] for place in places])
        vectors = np.zeros((len(texts), found.shape[1]), np.float32)
        vectors[places] = found
        return vectors


def _no_vectors() -> np.ndarray:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class EncodedTickets:
    """``counts``: one row per ticket. ``circumstances``: one value per ticket and name.

    ``vectors``: sentence embeddings, shape (tickets, dimensions), a row of zeros for a ticket without one;
    shape (tickets, 0) where there is no sentence encoder.
    """

    texts: np.ndarray
    counts: sparse.csr_matrix
    circumstances: dict[str, np.ndarray]
    vectors: np.ndarray = field(default_factory=_no_vectors)

    def __post_init__(self) -> None:
        if not len(self.vectors):
            object.__setattr__(self, "vectors", np.zeros((len(self.texts), 0), np.float32))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> "EncodedTickets":
        """Some rows, by position or mask."""
        values = {name: values[rows] for name, values in self.circumstances.items()}
        return EncodedTickets(self.texts[rows], self.counts[rows], values, self.vectors[rows])


def encode_tickets(
    tickets: pd.DataFrame, encoder: TextEncoder, sentences: Sentences | None = None
) -> EncodedTickets:
    """Encode ``subject`` and ``body``, and take whatever circumstances ``tickets`` has as columns."""
    subjects, bodies = tickets["subject"].fillna("").tolist(), tickets["body"].fillna("").tolist()
    texts = [ticket_text(subject, body) for subject, body in zip(subjects, bodies, strict=True)]
    counts, known = encoder.encode(texts), circumstances(tickets)
    vectors = _no_vectors() if sentences is None else sentences.vectors(texts, tickets)
    return EncodedTickets(np.array(texts, dtype=object), counts, known, vectors)


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNNAMED").partition(" ")[0]


def _letters(text: str) -> list[str]:
    return [c for c in text[:_CHARS_FOR_SCRIPT] if c.isalpha()]


def common_scripts(texts: Iterable[str], smallest_share: float = 0.001) -> tuple[str, ...]:
    """Scripts (Unicode's first word: LATIN, CJK, ...) that make up enough of the letters in ``texts``."""
    seen = pd.Series([_script(c) for text in texts for c in _letters(text)], dtype="str")
    shares = seen.value_counts(normalize=True)
    return tuple(sorted(shares.index[shares >= smallest_share]))


def readable(text: str, scripts: tuple[str, ...]) -> bool:
    """Whether ``text`` has letters and at least half of them are of known scripts."""
    letters = _letters(text)
    return bool(letters) and 2 * sum(_script(c) in scripts for c in letters) >= len(letters)
