"""Tickets encoded once and then cut into blocks and splits."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from features.text import ticket_text
from models.encoders import TextEncoder
from models.lifts import circumstances

_CHARS_FOR_SCRIPT = 400


@dataclass(frozen=True)
class EncodedTickets:
    """``counts``: one row per ticket. ``circumstances``: one value per ticket and name."""

    texts: np.ndarray
    counts: sparse.csr_matrix
    circumstances: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.texts)

    def circumstances_of(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Circumstances of some rows."""
        return {name: values[rows] for name, values in self.circumstances.items()}

    def take(self, rows: np.ndarray) -> "EncodedTickets":
        """Some rows, by position or mask."""
        return EncodedTickets(self.texts[rows], self.counts[rows], self.circumstances_of(rows))


def encode_tickets(tickets: pd.DataFrame, encoder: TextEncoder) -> EncodedTickets:
    """Encode ``subject`` and ``body``, and take whatever circumstances ``tickets`` has as columns."""
    subjects, bodies = tickets["subject"].fillna("").tolist(), tickets["body"].fillna("").tolist()
    texts = [ticket_text(subject, body) for subject, body in zip(subjects, bodies, strict=True)]
    return EncodedTickets(np.array(texts, dtype=object), encoder.encode(texts), circumstances(tickets))


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
