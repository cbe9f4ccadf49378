"""What a request of legal weight is made of: groups of words that say it when they meet in one sentence.

``phrases.yaml`` lists wordings in their order; ``concepts.yaml`` lists verbs, objects and persons, and which
of them together carry legal weight, each by a word of its own. A word that is long enough is also recognised
with one slip, by the deletion neighbourhood of W. Garbe's SymSpell (words one slip apart share a form with a
letter less), unless it is a word in its own right (``no_slips``).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from policy.phrases import Topic, normalised_words

STEM_LETTERS = 7
"""Shorter stems are taken as they are written: too many words begin nearly like them."""
SPAN_WORDS = 14
"""Groups that stand further apart, counted in words, do not belong together."""
_MOST_NEIGHBOURS = 5
_SHIPPED = Path(__file__).with_name("concepts.yaml")
_SOUNDS = str.maketrans({"z": "s", "k": "c", "q": "c", "v": "b", "y": "i", "h": None})


class Language(BaseModel):
    """The groups of one language, and by topic which of them together say it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    groups: dict[str, str]
    says: dict[str, tuple[Annotated[str, Field(min_length=1)], ...]]
    slips_from_letters: Annotated[int, Field(ge=4)] = 7
    """Shorter words are taken as they are written."""
    shorthand: dict[str, str] = {}
    """What is written in haste, with what it stands for."""
    no_slips: str = ""
    """Words of any language that are one slip from a word of a group and mean something else."""

    @model_validator(mode="after")
    def only_known_groups(self) -> "Language":
        """This language, if every rule names groups that exist."""
        for topic, rules in self.says.items():
            for rule in rules:
                unknown = sorted(set(rule.split()) - set(self.groups))
                if unknown:
                    raise ValueError(f"{topic}: the rule {rule!r} names no group of this language: {unknown}")
        return self


GroupName = tuple[str, str]
"""Language and name of a group."""


class _Vocabulary:
    """Which groups a word belongs to."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._no_slips = frozenset(
            normalised_words(word).strip(" .")
            for told in languages.values()
            for word in told.no_slips.split()
        )
        self._shorthand = {
            normalised_words(short).strip(" ."): normalised_words(meant).strip(" .")
            for told in languages.values()
            for short, meant in told.shorthand.items()
        }
        self._exact: dict[str, set[GroupName]] = {}
        self._stems: dict[str, set[GroupName]] = {}
        self._near: dict[str, set[str]] = {}
        self._near_stems: dict[str, set[str]] = {}
        """What sounds like a form with at most one letter less."""
        self._heard: dict[str, set[GroupName]] = {}
        self._heard_stems: dict[str, set[GroupName]] = {}
        for code, told in languages.items():
            for name, entries in told.groups.items():
                for entry in entries.split():
                    words = normalised_words(entry.rstrip("*")).strip(" .")
                    self._learn((code, name), words, entry.endswith("*"), told.slips_from_letters)
        self._fewest = min((told.slips_from_letters for told in languages.values()), default=0)
        self._parts = {
            part for words in (*self._exact, *self._stems) if " " in words for part in words.split()
        }
        """The words of which neighbours are made."""
        self._near_parts: dict[str, set[str]] = {}
        self._heard_parts: dict[str, set[str]] = {}
        for part in sorted(part for part in self._parts if len(part) >= self._fewest):
            heard = as_it_sounds(part)
            self._heard_parts.setdefault(heard, set()).add(part)
            for form in _shortened(heard):
                self._near_parts.setdefault(form, set()).add(heard)
        self._lengths = sorted({len(stem) for stem in self._stems})
        lengths = {len(stem) + more for stem in self._heard_stems for more in (-1, 0, 1)}
        self._near_lengths = sorted(length for length in lengths if length >= self._fewest - 1)
        self.groups_of = lru_cache(maxsize=32_768)(self._groups_of)
        self.spelt = lru_cache(maxsize=32_768)(self._spelt)

    def _learn(self, group: GroupName, words: str, is_stem: bool, slips_from: int) -> None:
        (self._stems if is_stem else self._exact).setdefault(words, set()).add(group)
        if len(words) >= (max(slips_from, STEM_LETTERS) if is_stem else slips_from) and " " not in words:
            heard = as_it_sounds(words)
            (self._heard_stems if is_stem else self._heard).setdefault(heard, set()).add(group)
            for form in _shortened(heard):
                (self._near_stems if is_stem else self._near).setdefault(form, set()).add(heard)

    def _spelt(self, word: str) -> str:
        """``word``, or what it is shorthand for, or the part of neighbours of which it is a slip."""
        if word in self._shorthand:
            return self._shorthand[word]
        if word in self._parts or word in self._no_slips or len(word) < self._fewest - 1:
            return word
        near = {
            part
            for heard in _alike(as_it_sounds(word), self._near_parts)
            for part in self._heard_parts[heard]
        }
        return min(near) if near else word

    def _groups_of(self, word: str) -> frozenset[GroupName]:
        """The groups of one word, or of neighbours joined by spaces."""
        found = set(self._exact.get(word, ()))
        for length in self._lengths:
            if length > len(word):
                break
            found |= self._stems.get(word[:length], _NONE)
        if " " not in word and len(word) >= self._fewest - 1 and word not in self._no_slips:
            heard = as_it_sounds(word)
            for known in _alike(heard, self._near):
                found |= self._heard[known]
            for length in self._near_lengths:
                if length > len(heard):
                    break
                for known in _alike(heard[:length], self._near_stems):
                    found |= self._heard_stems[known]
        return frozenset(found)


_NONE: frozenset[GroupName] = frozenset()


def _alike(heard: str, near: Mapping[str, set[str]]) -> set[str]:
    """What of ``near`` is at most one slip apart from ``heard``."""
    candidates = {known for form in _shortened(heard) for known in near.get(form, ())}
    return {known for known in candidates if _one_slip_apart(heard, known)}


@lru_cache(maxsize=8192)
def _shortened(word: str) -> frozenset[str]:
    """``word`` and what is left of it without one of its letters but the first."""
    return frozenset([word, *(word[:i] + word[i + 1 :] for i in range(1, len(word)))])


def _one_slip_apart(one: str, other: str) -> bool:
    """Whether a letter more, less, changed or two letters swapped make one word of the other."""
    if one == other:
        return True
    start = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    a, b = one[start:], other[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


@lru_cache(maxsize=8192)
def as_it_sounds(word: str) -> str:
    """``word`` with letters that are often confused made one and doubled letters made single."""
    folded = word.translate(_SOUNDS)
    return "".join(c for i, c in enumerate(folded) if i == 0 or c != folded[i - 1])


class Concepts:
    """The groups and rules of all languages."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._vocabulary = _Vocabulary(languages)
        self._last: tuple[str, Mapping[str, Topic], tuple[str, str] | None] | None = None
        """What was found last: an escalation and a gate ask the same of one ticket."""
        self._rules = [
            (topic, tuple((code, name) for name in rule.split()))
            for code, told in languages.items()
            for topic, rules in told.says.items()
            for rule in rules
        ]

    def found_in(self, words: str, topics: Mapping[str, Topic]) -> tuple[str, str] | None:
        """(topic, the words that say it) for the first sentence of ``words`` (normalised) with legal weight.

        What an ``unless`` list of any topic covers is not counted. ``None`` where no rule holds.
        """
        last = self._last
        if last is None or last[0] != words or last[1] is not topics:
            sentences = (f" {sentence.strip()} " for sentence in words.split(" . "))
            said = (self._in_sentence(sentence, topics) for sentence in sentences)
            last = self._last = (words, topics, next((one for one in said if one is not None), None))
        return last[2]

    def _in_sentence(self, sentence: str, topics: Mapping[str, Topic]) -> tuple[str, str] | None:
        places = self._places(sentence)
        if not places:
            return None
        cancelled: list[tuple[int, int]] | None = None
        for topic, rule in self._rules:
            if topic not in topics or not all(group in places for group in rule):
                continue
            if cancelled is None:
                cancelled = [span for told in topics.values() for span in told.cancelled_in(sentence)]
            options = [_kept(places[group], cancelled) for group in rule]
            closest = _closest(options)
            if closest is not None:
                return topic, " … ".join(dict.fromkeys(sentence[a:b].strip() for a, b, _ in closest))
        return None

    def _places(self, sentence: str) -> dict[tuple[str, str], list[tuple[int, int, int]]]:
        found: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for word, place in _neighbours(sentence, self._vocabulary.spelt):
            for group in self._vocabulary.groups_of(word):
                found.setdefault(group, []).append(place)
        return found


def _neighbours(sentence: str, spelt: Callable[[str], str]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Every word and row of neighbouring words, with its place: start, end, number of the first word.

    Rows come as they are written and, if that differs, as ``spelt``.
    """
    starts, at = [], 1
    words = sentence.split()
    meant = [spelt(word) for word in words]
    for word in words:
        starts.append(at)
        at += len(word) + 1
    for first in range(len(words)):
        for count in range(1, min(_MOST_NEIGHBOURS, len(words) - first) + 1):
            written = words[first : first + count]
            joined = " ".join(written)
            place = (starts[first], starts[first] + len(joined), first)
            yield joined, place
            if meant[first : first + count] != written:
                yield " ".join(meant[first : first + count]), place


def _kept(places: list[tuple[int, int, int]], cancelled: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    return [
        place for place in places if not any(place[0] < end and start < place[1] for start, end in cancelled)
    ]


def _closest(options: list[list[tuple[int, int, int]]]) -> tuple[tuple[int, int, int], ...] | None:
    """The first choice of one place a group that lies within ``SPAN_WORDS``, in the order of the text.

    No word stands for two groups.
    """
    for choice in product(*(places[:4] for places in options)):
        if len(set(choice)) < len(choice):
            continue
        numbers = [place[2] for place in choice]
        if max(numbers) - min(numbers) <= SPAN_WORDS:
            return tuple(sorted(choice))
    return None


def read_concepts(written: str) -> Concepts:
    """The concepts in the YAML text ``written``.

    Raises ``ValueError`` saying what is wrong and where.
    """
    try:
        content = yaml.safe_load(written)
        if not isinstance(content, dict):
            raise ValueError("expected a mapping of language codes")
        return Concepts({code: Language.model_validate(told) for code, told in content.items()})
    except (yaml.YAMLError, ValidationError, ValueError) as error:
        raise ValueError(f"the concepts of legal weight cannot be read: {error}") from error


@lru_cache(maxsize=1)
def shipped_concepts() -> Concepts:
    """What comes with the platform, ``policy/concepts.yaml``."""
    return read_concepts(_SHIPPED.read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def concepts_in(written: str) -> Concepts:
    """The concepts in ``written``; empty: those of the platform. Raises ``ValueError``."""
    return read_concepts(written) if written else shipped_concepts()
