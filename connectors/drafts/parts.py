"""The parts of a drafted mapping: recipes as YAML, each with the reason for the guess."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.drafts.profile import Profile

_PLAIN = re.compile(r"[A-Za-z_](?:[\w ./-]*[\w])?")
_NOT_PLAIN = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True)
class Line:
    """One canonical column: its recipe in YAML, and why."""

    column: str
    recipe: str
    why: str


@dataclass
class RuleDraft:
    """One rule: its table, which rows it takes, its columns, and required columns nothing was found for."""

    table: str
    about: str
    lines: list[Line] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, column: str, recipe: str | None, why: str) -> None:
        """One more column; without a recipe it is missing, and ``why`` says what was looked for."""
        if recipe is None:
            self.missing.append(f"{self.table}.{column}: {why}")
        else:
            self.lines.append(Line(column, recipe, why))


@dataclass
class SourceDraft:
    """What one kind of file may feed; ``score`` says how well its columns fit."""

    rules: list[RuleDraft]
    score: int
    options: list[str] = field(default_factory=list)
    known_later: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @property
    def missing(self) -> list[str]:
        """Required columns that nothing was found for."""
        return [missing for rule in self.rules for missing in rule.missing]


def quoted(text: str) -> str:
    """``text`` as a YAML scalar that reads as itself."""
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _NOT_PLAIN
    return text if plain else json.dumps(text, ensure_ascii=False)


def flow(entries: Mapping[str, object]) -> str:
    """A YAML mapping on one line."""
    return "{" + ", ".join(f"{quoted(name)}: {_flow_value(value)}" for name, value in entries.items()) + "}"


def _flow_value(value: object) -> str:
    if isinstance(value, Mapping):
        return flow(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow_value, value)) + "]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return quoted(str(value))


def column(profile: Profile, **steps: object) -> str:
    """The recipe that takes a raw column; short where nothing is done to it."""
    given = {name: step for name, step in steps.items() if step not in (None, "", False)}
    return flow({"from": profile.name, **given}) if given else quoted(profile.name)


def id_column(profile: Profile, **steps: object) -> str:
    """The recipe of a column of ids, written alike where a data frame made numbers of them."""
    return column(profile, whole=profile.is_whole_with_zeros, **steps)


def time_column(profile: Profile, **steps: object) -> str:
    """The recipe of a column of times."""
    formats = profile.time.formats if profile.time else ("iso",)
    pattern = None if formats == ("iso",) else formats[0] if len(formats) == 1 else formats
    return column(profile, time_format=pattern, **steps)


def why_time(profile: Profile) -> str:
    """How the times of a column look, and what about them must be checked."""
    if profile.time is None:
        return "no times"
    said = [f"like {profile.time.example!r}"]
    first = profile.time.formats[0][:2]
    if profile.time.day_or_month_first:
        said.append(f"CHECK: {'day' if first == '%d' else 'month'} first? No value decides it")
    elif first in ("%d", "%m") and "%b" not in profile.time.formats[0].lower():
        said.append(f"{'day' if first == '%d' else 'month'} first")
    if first == "ex":
        said.append("CHECK: days as a spreadsheet counts them?")
    if not profile.time.has_zone:
        said.append("no zone stated: see time_zone")
    return ", ".join(said)


def number_column(profile: Profile, **steps: object) -> str:
    """The recipe of a column of numbers."""
    return column(profile, decimal=profile.decimal, **steps)


def rendered(rule: RuleDraft) -> Iterator[str]:
    """The rule as lines of YAML below ``tables:``."""
    yield f"      - table: {rule.table}   # {rule.about}"
    yield from (f"        {condition}" for condition in rule.conditions)
    yield "        columns:"
    for line in rule.lines:
        yield f"          {line.column}: {line.recipe}" + (f"   # {line.why}" if line.why else "")
    yield from (f"          # MISSING {missing}" for missing in rule.missing)


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Names for people, the first of many."""
    shown = ", ".join(map(repr, names[:limit]))
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
