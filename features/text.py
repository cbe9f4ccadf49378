"""Ticket text: one normal form for every model, and the signals that its form alone gives away."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats

MAX_CHARS = 20_000
"""Longest text any model sees: what a person writes is shorter, what a log dump adds is noise."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r"\s*\n\s*")
_WORDS = re.compile(r"\w+")


def normalise(text: str) -> str:
    """``text`` in Unicode normal form KC, without invisible characters, spaces collapsed, lines kept.

    At most ``MAX_CHARS`` characters are read and returned, so that a megabyte costs no more than a page.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:MAX_CHARS]))
    return _BREAKS.sub("\n", _SPACES.sub(" ", text))[:MAX_CHARS].strip()


def ticket_text(subject: str | None, body: str | None) -> str:
    """Subject and body as one normalised text; empty if both are."""
    return normalise(f"{(subject or '')[:MAX_CHARS]}\n{body or ''}")


def folded(text: str) -> str:
    """Letters and digits only, without case and accents, words separated by one space."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(_WORDS.findall(plain))


@dataclass(frozen=True)
class TextSignals:
    """Form of a batch of texts, one value per ticket: lengths, and marks of an agitated writer."""

    chars: Floats
    words: Floats
    caps_share: Floats
    """Capitals among letters that have case; ``NaN`` where none has."""
    exclamation_marks: Floats
    question_marks: Floats
    subject_empty: Floats


def text_signals(subjects: Sequence[str], texts: Sequence[str]) -> TextSignals:
    """Signals of normalised ``texts``; ``subjects`` as the customer wrote them."""
    upper = np.array([sum(map(str.isupper, text)) for text in texts], float)
    lower = np.array([sum(map(str.islower, text)) for text in texts], float)
    cased = upper + lower
    return TextSignals(
        chars=np.array([len(text) for text in texts], float),
        words=np.array([len(text.split()) for text in texts], float),
        caps_share=np.divide(upper, cased, out=np.full(len(texts), np.nan), where=cased > 0),
        exclamation_marks=np.array([text.count("!") for text in texts], float),
        question_marks=np.array([text.count("?") + text.count("؟") for text in texts], float),
        subject_empty=np.array([not subject.strip() for subject in subjects], float),
    )
