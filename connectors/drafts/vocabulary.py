"""How desks call their columns, files and values, in five languages (``words/``), the most telling first.

Names are compared in the form of ``profile.normal_name``, also without the word for the thing itself
(``ticket_subject``, ``case_status``). A file is read in the language that most of its columns are named in,
and in English besides, because many exports mix them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from connectors.drafts.profile import Profile, normal_name

_FOLDER = Path(__file__).with_name("words")
LANGUAGES = ("en", "de", "fr", "es", "pt")
Names = tuple[str, ...]

VENDOR_COLUMNS: dict[str, Sequence[frozenset[str]]] = {
    "zendesk.yaml": (
        frozenset({"requester_id", "via.channel"}),
        frozenset({"child_events", "ticket_id"}),
    ),
    "freshdesk.yaml": (frozenset({"requester_id", "responder_id", "source"}),),
    "intercom.yaml": (frozenset({"source.type", "source.body"}),),
    "salesforce_csv.yaml": (
        frozenset({"CaseNumber", "Status", "SystemModstamp"}),
        frozenset({"CaseId", "Field", "NewValue"}),
    ),
}
"""The mapping of the project that reads a vendor's export as it is, and what columns show that it is one."""
_THING = (
    "ticket",
    "case",
    "incident",
    "issue",
    "request",
    "customer",
    "account",
    "usage",
    "article",
    "agent",
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


@dataclass(frozen=True)
class Words:
    """The names to look for in one file. All names are in normal form."""

    created: Names
    updated: Names
    solved: Names
    ends: Names
    """Beginnings of words for the end of a case."""
    columns: Mapping[str, Mapping[str, Names]]
    """Canonical table -> column -> names. ``replies`` is no table of its own: messages of a ticket."""
    facts: Mapping[str, Names]
    """What became of a ticket: columns that say how it stands now, or in this event."""
    files: Mapping[str, Names]
    """Canonical table -> parts of the names of its files."""


def ready_mapping(columns: Sequence[str], is_csv: bool) -> str | None:
    """The name of the project's mapping for an export with these ``columns``, if they are a vendor's."""
    for name, shapes in VENDOR_COLUMNS.items():
        if any(shape <= set(columns) for shape in shapes):
            return name if is_csv else name.replace("_csv", "")
    return None


def words_for(columns: Iterable[str]) -> Words:
    """The words of the language that most of ``columns`` are named in, English among equals, and English."""
    called = {normal_name(column) for column in columns}
    best = max(LANGUAGES, key=lambda language: len(called & _all_names(language)))
    return _words(best)


@cache
def _words(language: str) -> Words:
    told = [_normal(_read(one)) for one in dict.fromkeys((language, "en"))]
    merged = told[0] if len(told) == 1 else _both(*told)
    return Words(**{name: merged[name] for name in Words.__dataclass_fields__})


@cache
def labels_of(kind: str) -> dict[str, Names]:
    """Canonical value -> words that its labels begin a word with, in every language.

    ``kind``: channel, level.
    """
    told = [_read(language)["values"][kind] for language in LANGUAGES]
    return {value: tuple(chain.from_iterable(one[value] for one in told)) for value in told[0]}


@cache
def words_of(kind: str) -> Names:
    """Words for one thing, in every language: ``done`` (a state), ``agent`` and ``customer`` (who wrote)."""
    return tuple(chain.from_iterable(_read(language)["values"][kind] for language in LANGUAGES))


@cache
def _read(language: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return told


@cache
def _all_names(language: str) -> frozenset[str]:
    told = _normal(_read(language))
    tables = [*told["columns"].values(), told["facts"]]
    return frozenset(chain.from_iterable(names for table in tables for names in table.values()))


def _normal(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _normal(value) for name, value in told.items()}
    spelled = chain.from_iterable((name, name.lower().translate(_UMLAUTS)) for name in told)
    return tuple(dict.fromkeys(normal_name(name) for name in spelled))


def _both(one: Any, other: Any) -> Any:
    """The names of both, those of ``one`` first."""
    if isinstance(one, dict):
        return {name: _both(one[name], other[name]) for name in other}
    return tuple(dict.fromkeys((*one, *other)))


def named(profiles: Sequence[Profile], names: Sequence[str], taken: Sequence[str] = ()) -> Profile | None:
    """The column called most like one of ``names``, the first of them first; never one of ``taken``."""
    free = [profile for profile in profiles if profile.name not in taken and profile.filled > 0]
    by_name = {normal_name(profile.name): profile for profile in reversed(free)}
    for thing in _THING:
        for name, profile in list(by_name.items()):
            by_name.setdefault(name.removeprefix(f"{thing}_"), profile)
    return next((by_name[name] for name in names if name in by_name), None)


def mentions(label: str, words: Sequence[str]) -> bool:
    """Whether a word of ``label`` begins with one of ``words``: "Resolved", but not "unresolved"."""
    folded = normal_name(label)
    return any(re.search(rf"(?:^|_){re.escape(normal_name(word))}", folded) for word in words)


def translated(labels: Sequence[str], words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Label -> canonical value, for the labels that mention one of its words; the others are left out."""
    found = {}
    for label in labels:
        value = next((value for value, known in words.items() if mentions(label, known)), None)
        if value is not None:
            found[label] = value
    return found
