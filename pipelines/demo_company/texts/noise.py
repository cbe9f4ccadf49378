"""What fingers and tempers do to a text: typos, capitals, exclamation marks."""

from random import Random

_NEIGHBOURS = dict(zip("abcdefghiklmnoprstuvwy", "svxfrghjolknmpotdriert"[:22], strict=True))
"""A key beside each letter."""


def with_typos(rng: Random, text: str, rate: float) -> str:
    """``text`` in which each word of four letters or more is mistyped with probability ``rate``."""
    if rate <= 0:
        return text
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 3 and rng.random() < rate:
            words[place] = _mistyped(rng, word)
    return " ".join(words)


def _mistyped(rng: Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + _NEIGHBOURS.get(word[at], word[at]) + word[at + 1 :]


def shout(rng: Random, text: str) -> str:
    """``text`` as somebody shouts it: all or some words in capitals, full stops as exclamation marks."""
    if not text:
        return text
    if rng.random() < 0.5:
        text = text.upper()
    else:
        text = " ".join(w.upper() if len(w) > 3 and rng.random() < 0.2 else w for w in text.split(" "))
    return text.replace(". ", "! ").rstrip(".") + "!" * rng.randint(1, 3)
