"""Lists of wordings that a support lead can read and extend, and how a text is searched for them.

A wording is a row of slots separated by spaces. Words of a slot are separated by ``|``; ``*`` at either end
of a word stands for any ending or beginning; ``?`` after a slot makes it optional; ``_`` joins words of one
slot; ``..`` stands for up to four other words of the same sentence::

    delet*|eras* .. my|our .. data|information

Text and wordings are compared after :func:`normalised_words`, so accents, capitals, invisible characters and
look-alike letters make no difference.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_LOOK_ALIKES = str.maketrans("авеёікмнорстухѕјԁԛԝһցոսαβεικνορτυχγı", "abeeikmhopctyxsjdqwhgnuabeikvoptuxyi")
_DIGITS_AS_LETTERS = str.maketrans("013457", "oleast")
_DIGIT_IN_WORD = re.compile(r"(?<=[a-z])[013457](?=[a-z])")
_SENTENCE_END = re.compile(r"[!?;…。！？]+|\.+(?!\s?\d)|\n\s*\n")
_NOT_WORD = re.compile(r"[\W_]+")
_UMLAUT = re.compile("[äöü]")
_GAP_WORDS = 4
_GAP = rf"(?:\w+ ){{0,{_GAP_WORDS}}}"


@lru_cache(maxsize=64)  # every detector asks for the words of the same ticket
def normalised_words(text: str) -> str:
    """``text`` as ``" words separated by one space . a full stop between sentences "``.

    NFKC, casefolded, without accents and invisible characters, Cyrillic and Greek letters that look Latin
    replaced, digits inside words read as letters.
    """
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    letters = unicodedata.normalize("NFD", visible.casefold())
    letters = "".join(c for c in letters if unicodedata.category(c) != "Mn").translate(_LOOK_ALIKES)
    letters = _DIGIT_IN_WORD.sub(lambda digit: digit[0].translate(_DIGITS_AS_LETTERS), letters)
    sentences = (_NOT_WORD.sub(" ", sentence).strip() for sentence in _SENTENCE_END.split(letters))
    return f" {' . '.join(filter(None, sentences))} "


class _Wording:
    """One compiled wording: what must occur at all, and the expression that decides."""

    def __init__(self, written: str) -> None:
        self.needed: list[tuple[str, ...]] = []
        expression = ["(?<= )"]
        for slot in written.split():
            if slot == "..":
                expression.append(_GAP)
                continue
            optional, words = slot.endswith("?"), slot.removesuffix("?").split("|")
            stems = [_stem(word.strip("*")) for word in words]
            if not all(stem for stem, _ in stems):
                raise ValueError(f"wording {written!r}: slot {slot!r} has no word")
            choices = "|".join(
                ("\\w*" if word.startswith("*") else "")
                + expression_of_stem
                + ("\\w*" if word.endswith("*") else "")
                for word, (_, expression_of_stem) in zip(words, stems, strict=True)
            )
            expression.append(f"(?:(?:{choices}) )" + ("?" if optional else ""))
            if not optional:
                self.needed.append(tuple(stem for stem, _ in stems))
        if not self.needed:
            raise ValueError(f"wording {written!r} would match every text")
        self._expression = re.compile("".join(expression))

    def spans(self, words: str) -> Iterator[tuple[int, int]]:
        """Where ``words`` (normalised) say this."""
        for stems in self.needed:  # loops, because this runs for every wording on every ticket
            for stem in stems:
                if stem in words:
                    break
            else:
                return
        yield from (found.span() for found in self._expression.finditer(words))


def _stem(written: str) -> tuple[str, str]:
    """The longest part that every spelling of a word shares, and the expression of all its spellings.

    ``ö`` is also written ``oe`` and ``o``; the same goes for ``ä`` and ``ü``.
    """
    word = written.casefold()
    parts = [normalised_words(part).strip(" .") for part in _UMLAUT.split(word)]
    umlauts = [f"{normalised_words(umlaut).strip()}e?" for umlaut in _UMLAUT.findall(word)]
    spellings = "".join(re.escape(part) + umlaut for part, umlaut in zip(parts, [*umlauts, ""], strict=True))
    return max(parts, key=len), spellings


@lru_cache(maxsize=4096)
def _wording(written: str) -> _Wording:
    return _Wording(written)


def _readable(written: str) -> str:
    _wording(written)
    return written


Wording = Annotated[str, AfterValidator(_readable)]
WordingsByLanguage = dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], tuple[Wording, ...]]


class Topic(BaseModel):
    """One thing a text may say. ``unless`` cancels what it overlaps: negations and near misses."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    about: str = ""
    asks: WordingsByLanguage = {}
    unless: WordingsByLanguage = {}

    def found_in(self, words: str) -> str | None:
        """The first wording in normalised ``words`` that says this, as found there; ``None`` if none does.

        Every language is tried: customers mix them, and a detector may be wrong about a short text.
        """
        cancelled: list[tuple[int, int]] | None = None
        for wordings in self.asks.values():
            for written in wordings:
                for start, end in _wording(written).spans(words):
                    if cancelled is None:
                        cancelled = self.cancelled_in(words)
                    if not any(start < until and since < end for since, until in cancelled):
                        return words[start:end].strip()
        return None

    def cancelled_in(self, words: str) -> list[tuple[int, int]]:
        """Where normalised ``words`` say something that ``unless`` lists."""
        return [
            span for wordings in self.unless.values() for w in wordings for span in _wording(w).spans(words)
        ]

    def extended(self, more: "Topic") -> "Topic":
        """This topic with the wordings of ``more`` added."""
        return Topic(
            about=more.about or self.about,
            asks=_joined(self.asks, more.asks),
            unless=_joined(self.unless, more.unless),
        )


def _joined(one: WordingsByLanguage, more: WordingsByLanguage) -> WordingsByLanguage:
    return {language: one.get(language, ()) + more.get(language, ()) for language in sorted({*one, *more})}


def opens_with(wordings: WordingsByLanguage, text: str) -> bool:
    """Whether ``text`` begins with one of ``wordings``."""
    words = normalised_words(text)
    return any(start == 1 for ws in wordings.values() for w in ws for start, _ in _wording(w).spans(words))


class Phrasebook(BaseModel):
    """Everything the desk recognises by wording."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    regulatory: dict[str, Topic] = {}
    own_regulatory: dict[str, Topic] = {}
    """Wordings of ``regulatory`` that the desk itself added: each is enough alone."""
    human_request: Topic = Topic()
    expansion: Topic = Topic()
    """Questions about more than the account has: seats, plans, limits."""
    instructions: Topic = Topic()
    """Text that tries to steer the desk's software instead of asking for something."""
    reply_openings: WordingsByLanguage = {}
    reply_closings: WordingsByLanguage = {}
    name_titles: tuple[str, ...] = ()
    """Words before a person's name, as written."""
    common_words: dict[str, tuple[str, ...]] = {}
    """Frequent words by which the language of a past reply is recognised."""
    concepts: str = ""
    """The file ``concepts.yaml`` that a release brought, as text; empty: the one of the platform."""

    def extended(self, more: "Phrasebook") -> "Phrasebook":
        """This book with the wordings of ``more`` added."""
        topics = {
            name: self.regulatory.get(name, Topic()).extended(more.regulatory.get(name, Topic()))
            for name in (*self.regulatory, *(name for name in more.regulatory if name not in self.regulatory))
        }
        return Phrasebook(
            regulatory=topics,
            own_regulatory={
                name: Topic(about=topics[name].about, asks=topic.asks, unless=topics[name].unless)
                for name, topic in more.regulatory.items()
            },
            human_request=self.human_request.extended(more.human_request),
            expansion=self.expansion.extended(more.expansion),
            instructions=self.instructions.extended(more.instructions),
            reply_openings=_joined(self.reply_openings, more.reply_openings),
            reply_closings=_joined(self.reply_closings, more.reply_closings),
            name_titles=self.name_titles + more.name_titles,
            common_words={**self.common_words, **more.common_words},
            concepts=more.concepts or self.concepts,
        )
