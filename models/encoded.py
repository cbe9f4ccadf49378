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
from features.rows import Rows
from features.text import ticket_text
from models.encoders import TextEncoder
from models.lifts import circumstances
from models.sentences import EncoderIdentity, SentenceSource, encoder_like

_CHARS_FOR_SCRIPT = 400


SURELY = 0.9
"""From this confidence on a text is in the language detected: none of 30,000 short English ones was not."""
FEWEST_OF_A_LANGUAGE = 10
"""With fewer tickets in a language nothing was learnt of it."""


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

    def vectors(self, texts: list[str], tickets: pd.DataFrame | Rows) -> np.ndarray:
        """Embeddings of ``texts``, float32; a row of zeros where the ticket's language is surely another.

        ``language`` and ``language_confidence`` are columns of ``tickets``; what lacks them is encoded.
        """
        known = [not self.languages or one in ("", *self.languages) for one in sure_languages(tickets)]
        places = np.flatnonzero(known)
        found = self.source.encode([texts[place] for place in places])
        vectors = np.zeros((len(texts), found.shape[1]), np.float32)
        vectors[places] = found
        return vectors


def sure_languages(tickets: pd.DataFrame | Rows) -> list[str]:
    """Language (ISO 639-1) of each ticket as detected, an empty string where it is unsure or unknown."""
    rows = Rows.of(tickets)
    if not {"language", "language_confidence"} <= set(rows):
        return [""] * len(rows)
    told = zip(rows.values("language"), rows.numbers("language_confidence").tolist(), strict=True)
    return [
        name if sure >= SURELY and isinstance(name, str) and name != UNDETERMINED else ""
        for name, sure in told
    ]


def _no_vectors() -> np.ndarray:
    return np.zeros((0, 0), np.float32)


def _no_languages() -> np.ndarray:
    return np.zeros(0, dtype=str)


@dataclass(frozen=True)
class EncodedTickets:
    """``counts``: one row per ticket. ``circumstances``: one value per ticket and name. ``languages``: see
    ``sure_languages``.

    ``vectors``: sentence embeddings, shape (tickets, dimensions), a row of zeros for a ticket without one;
    shape (tickets, 0) where there is no sentence encoder.
    """

    texts: np.ndarray
    counts: sparse.csr_matrix
    circumstances: dict[str, np.ndarray]
    vectors: np.ndarray = field(default_factory=_no_vectors)
    languages: np.ndarray = field(default_factory=_no_languages)

    def __post_init__(self) -> None:
        if not len(self.vectors):
            object.__setattr__(self, "vectors", np.zeros((len(self.texts), 0), np.float32))
        if not len(self.languages):
            object.__setattr__(self, "languages", np.full(len(self.texts), "", dtype=object))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> "EncodedTickets":
        """Some rows, by position or mask."""
        values = {name: values[rows] for name, values in self.circumstances.items()}
        told = self.vectors[rows], self.languages[rows]
        return EncodedTickets(self.texts[rows], self.counts[rows], values, *told)


def encode_tickets(
    tickets: pd.DataFrame | Rows, encoder: TextEncoder, sentences: Sentences | None = None
) -> EncodedTickets:
    """Encode ``subject`` and ``body``, and take whatever circumstances ``tickets`` has as columns."""
    rows = Rows.of(tickets)
    parts = zip(rows.values("subject"), rows.values("body"), strict=True)
    texts = [ticket_text(subject, body) for subject, body in parts]
    counts, known = encoder.encode(texts), circumstances(rows)
    vectors = _no_vectors() if sentences is None else sentences.vectors(texts, rows)
    languages = np.array(sure_languages(rows), dtype=object)
    return EncodedTickets(np.array(texts, dtype=object), counts, known, vectors, languages)


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


def common_languages(languages: np.ndarray) -> tuple[str, ...]:
    """Those in which enough tickets surely are; none where no language was detected."""
    names, counts = np.unique(languages[languages != ""].astype(str), return_counts=True)
    return tuple(names[counts >= FEWEST_OF_A_LANGUAGE].tolist())


def readable(text: str, scripts: tuple[str, ...]) -> bool:
    """Whether ``text`` has letters and at least half of them are of known scripts."""
    letters = _letters(text)
    return bool(letters) and 2 * sum(_script(c) in scripts for c in letters) >= len(letters)
