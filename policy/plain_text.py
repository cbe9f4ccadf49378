"""Whether a text is what it seems: a short plain request, with nothing hidden, quoted or smuggled in."""

import re
import unicodedata

from policy.phrases import Topic, normalised_words

_QUOTED_LINE = re.compile(r"(?m)^\s*(>|-{2,}\s*\w[^\n]{0,40}-{2,}\s*$|_{8,})")
_HEADER_LINE = re.compile(r"(?m)^\s*[\w-]{2,12}:\s*\S+@\S+")
_WORD = re.compile(r"\w+")


def oddities(text: str, instructions: Topic, max_words: int) -> list[str]:
    """What keeps ``text`` from being a plain request, in words; empty if nothing does.

    These are reasons to let a person read it. None of them can speak *for* automation.
    """
    found = []
    words = _WORD.findall(text)
    if len(words) > max_words:
        found.append(f"{len(words)} words, more than {max_words}")
    if hidden := sum(_is_hidden(character) for character in text):
        found.append(f"{hidden} invisible characters")
    if mixed := [word for word in words if len(_scripts(word)) > 1]:
        found.append(f"letters of several scripts in {len(mixed)} words")
    if _QUOTED_LINE.search(text) or _HEADER_LINE.search(text):
        found.append("quoted mail")
    if steering := instructions.found_in(normalised_words(text)):
        found.append(f'instructions to software ("{steering}")')
    return found


def _is_hidden(character: str) -> bool:
    """Format, private and unassigned characters, and controls other than line breaks and tabs."""
    return character not in "\n\r\t" and unicodedata.category(character) in ("Cf", "Cc", "Co", "Cn")


def _scripts(word: str) -> set[str]:
    """The scripts of the letters of a word, by the first word of their Unicode names, Japanese as one."""
    names = {unicodedata.name(c, "UNKNOWN").split(" ")[0] for c in word if c.isalpha()}
    return {"JAPANESE" if n in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK") else n for n in names}
