"""Which language a text is in, by py3langid's multinomial Bayes model (97 languages, no network)."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNDETERMINED = "und"
READ_CHARS = 400
"""Beginning of a text that is read: more does not change the answer, only the time."""
MIN_CONFIDENCE = 0.5
"""Below it the best guess is wrong more often than right (``password reset`` reads as Afrikaans)."""


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=MIN_CONFIDENCE)


def languages_of(texts: Sequence[str]) -> list[tuple[str, float]]:
    """Language (ISO 639-1) and confidence (0 to 1) of each text.

    ``und`` where it cannot be told: below ``MIN_CONFIDENCE``, and with confidence 0 without any letter.
    """
    identifier = _identifier()
    return [
        identifier.classify(text[:READ_CHARS]) if any(map(str.isalpha, text)) else (UNDETERMINED, 0.0)
        for text in texts
    ]


def detect_language(texts: Sequence[str]) -> pd.DataFrame:
    """As ``languages_of``: columns ``language`` and ``language_confidence``, one row per text."""
    found = languages_of(texts)
    return pd.DataFrame(
        {
            "language": pd.Series([language for language, _ in found], dtype="str"),
            "language_confidence": pd.Series([confidence for _, confidence in found], dtype="float64"),
        }
    )
