"""What of an answer to one customer may be shown to another: no greeting, no names, no personal data."""

import re

from policy.phrases import Phrasebook, normalised_words, opens_with

_LEAST_CHARACTERS = 40
_LEAST_SHARE_KEPT = 0.5
_LONGEST_SALUTATION_WORDS = 6
_LONGEST_NAME_WORDS = 3
_EMAIL = re.compile(r"\S+\s?@\s?\S+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PRIVATE_LINK = re.compile(r"[?=@%]|[0-9a-f-]{16,}", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s()./-]?\d){4,}|\b[A-Za-z]+[-_#]?\d{3,}\b|#\d{2,}")
_SALUTATION_END = re.compile(r"[,!:;\n–—]|\.\s")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")


def reusable_part(phrases: Phrasebook, resolution: str) -> str:
    """The sentences of an agent's past reply that carry no personal data; empty if too little is left.

    The greeting and everything from the closing on are cut. A sentence with an e-mail address, a private
    link, a long number or identifier, or somebody addressed by title is left out whole: a masked one reads
    as if the desk did not know its customer. If less than half survives, the rest may have lost its sense.
    """
    body = _without_closing(phrases, _without_greeting(phrases, resolution.strip()))
    sentences = _sentences(phrases, body)
    kept = [sentence for sentence in sentences if not has_personal_data(phrases, sentence)]
    text = " ".join(kept)
    if len(text) < _LEAST_CHARACTERS or len(text) < _LEAST_SHARE_KEPT * sum(map(len, sentences)):
        return ""
    return text


def _sentences(phrases: Phrasebook, text: str) -> list[str]:
    """The sentences of ``text``; the full stop of a title before a name ends none."""
    found: list[str] = []
    for part in filter(None, map(str.strip, _SENTENCE_END.split(text))):
        if found and found[-1].split()[-1].rstrip(".") in phrases.name_titles:
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def has_personal_data(phrases: Phrasebook, sentence: str) -> bool:
    """Whether a sentence names an address, a private link, a number that may identify, or a titled person."""
    links = _LINK.findall(sentence)
    words = _LINK.sub(" ", sentence)
    titled = not set(sentence.replace(".", " ").split()).isdisjoint(phrases.name_titles)
    return bool(
        titled
        or any(_PRIVATE_LINK.search(link) for link in links)
        or _EMAIL.search(words)
        or _NUMBER.search(words)
    )


def common_language(phrases: Phrasebook, text: str) -> str | None:
    """The language (ISO 639-1) whose frequent words ``text`` has most; ``None`` where none stands out."""
    words = normalised_words(text).split()
    counts = {
        language: sum(word in frequent for word in words) for language, frequent in _folded(phrases).items()
    }
    ranked = sorted(counts.items(), key=lambda count: -count[1])
    if not ranked or ranked[0][1] < 2 or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _folded(phrases: Phrasebook) -> dict[str, frozenset[str]]:
    return {
        language: frozenset(normalised_words(" ".join(words)).split())
        for language, words in phrases.common_words.items()
    }


def _without_greeting(phrases: Phrasebook, text: str) -> str:
    end = _SALUTATION_END.search(text)
    if end is None:
        return text
    salutation = text[: end.start()]
    short = len(salutation.split()) <= _LONGEST_SALUTATION_WORDS
    return text[end.end() :].strip() if short and opens_with(phrases.reply_openings, salutation) else text


def _without_closing(phrases: Phrasebook, text: str) -> str:
    lines = text.splitlines()
    for position, line in enumerate(lines):
        short = len(line.split()) <= _LONGEST_SALUTATION_WORDS
        if position and short and opens_with(phrases.reply_closings, line):
            lines = lines[:position]
            break
    while len(lines) > 1 and _is_only_a_name(lines[-1]):
        lines.pop()
    return "\n".join(lines)


def _is_only_a_name(line: str) -> bool:
    return len(line.split()) <= _LONGEST_NAME_WORDS and not line.rstrip().endswith((".", "!", "?", "。"))
