"""The same grammar in other words: content words replaced by synonyms, to test that nobody relies on them."""

import re
from functools import lru_cache
from typing import Literal

from pipelines.demo_company.texts.phrasebook import load_phrasebook

Vocabulary = Literal["original", "synonyms"]


@lru_cache(maxsize=8)
def _pattern(language: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word, _ in load_phrasebook(language).synonyms)
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


def in_vocabulary(text: str, language: str, vocabulary: Vocabulary) -> str:
    """``text`` with every content word of the language's table replaced, capitals kept."""
    if vocabulary == "original":
        return text
    table = dict(load_phrasebook(language).synonyms)

    def replaced(match: re.Match[str]) -> str:
        word = match.group(0)
        other = table[word.lower()]
        if word.isupper():
            return other.upper()
        return other[:1].upper() + other[1:] if word[0].isupper() else other

    return _pattern(language).sub(replaced, text)
