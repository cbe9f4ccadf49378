"""What a mapping file must not say although each of its keys is well formed.

Every check yields problems: where (the path of keys) and what is wrong with the fix. They look at rules only
through ``RuleLike``, so that the models may call them.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol

from connectors.mapping.errors import Location, Problem
from connectors.mapping.recipes import Condition, Recipe
from features.schema import TABLES, Kind

CASE_COLUMNS = ("case.first", "case.last", "case.event")
EVENT_PREFIXES = ("before.", "changed.", "first.")
_LAST_EVENT = "case.last"


_STEPS_OF: dict[str, tuple[Kind, ...]] = {
    "whole": ("string",),
    "split": ("list",),
    "decimal": ("int", "float"),
    "scale": ("int", "float"),
    "time_format": ("time",),
    "time_zone": ("time",),
    "delay": ("time",),
}
"""Steps that only do something to values of these kinds."""


_CANNOT_BE_DELETED = {
    "accounts": "an account that left keeps its history: fill `churned_at` with when it did",
    "contacts": "a contact keeps the tickets it wrote: take its handles away with a later row, or leave such "
    "rows out with `skip_where`",
    "agents": "an agent keeps what it did: give its next version an empty `team`, and no ticket goes to it",
    "articles": "the next version counts from its moment on: give it an empty `intent`, and nothing cites it",
    "usage": "usage adds up: state the day again with amounts of 0 and `restates: true`",
}
"""Why rows of a table cannot say that a thing is gone, and what to do instead."""


class RuleLike(Protocol):
    """A rule as the checks see it."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def keep_where(self) -> Condition: ...  # noqa: D102
    @property
    def skip_where(self) -> Condition: ...  # noqa: D102
    @property
    def deleted_where(self) -> Condition: ...  # noqa: D102
    @property
    def columns(self) -> Mapping[str, Recipe]: ...  # noqa: D102


def column_problems(rule: RuleLike) -> Iterator[Problem]:
    """Columns that the table does not have, requires and does not get, or that cannot be made like this."""
    columns = TABLES[rule.table].columns
    for name, recipe in rule.columns.items():
        if name not in columns:
            yield ("columns", name), f"{rule.table} has no column {name}: one of {', '.join(columns)}"
        elif recipe.concat and columns[name].kind != "string":
            fix = "`concat` them under `derive` first"
            yield ("columns", name), f"{name} is a {columns[name].kind}, and `concat` makes text: {fix}"
        elif recipe.all_of and columns[name].kind != "list":
            fix = "use a list of columns (the first that yields a value) or `concat`"
            yield ("columns", name), f"{name} is a {columns[name].kind}, and `all_of` makes a list: {fix}"
        else:
            for where, said in step_problems(recipe, columns[name].kind):
                yield ("columns", name, *where), said
    if rule.deleted_where and rule.table in _CANNOT_BE_DELETED:
        fix = _CANNOT_BE_DELETED[rule.table]
        yield ("deleted_where",), f"is for tickets and ticket_events, not for {rule.table}: {fix}"
    missing = [name for name, spec in columns.items() if spec.required and name not in rule.columns]
    if missing:
        yield ("columns",), f"{rule.table} requires {', '.join(missing)}: say where they come from"


def step_problems(recipe: Recipe, kind: Kind) -> Iterator[Problem]:
    """Steps that would do nothing to a value of ``kind``, in silence."""
    for way in ("first_of", "all_of", "concat"):
        made: Kind = "string" if way == "concat" else "list" if way == "all_of" else kind
        for number, column in enumerate(getattr(recipe, way)):
            for step, kinds in _STEPS_OF.items():
                if step in column.model_fields_set and made not in kinds:
                    fix = f"`{step}` is for {' or '.join(kinds)} values, this is a {made}: take it out"
                    yield (way, number, step), fix


def later_problems(
    rules: Sequence[RuleLike], derive: Mapping[str, Recipe], known_later: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Rows that would hold what was only known later than their ``known_at``.

    ``known_later``: raw column -> the raw time columns from which on it is known; none: only a row
    that is known at a column of ``known_later``, at receipt, or that is the last event of its case may use it
    """
    if not known_later:
        return
    for number, rule in enumerate(rules):
        if rule.keep_where.get(_LAST_EVENT) == ["true"]:
            continue
        known_at = rule.columns.get("known_at")
        if known_at is None:
            continue
        origins = {"received" if column.received else column.source for column in known_at.columns}
        for where, names in _raw_names(rule):
            for name in sorted(_resolved(names, derive) & set(known_later)):
                moments = set(known_later[name]) or set(known_later)
                if not origins <= moments | {"received"}:
                    yield ("tables", number, *where), _too_early(name, known_later[name], known_at)


def _raw_names(rule: RuleLike) -> Iterator[tuple[Location, set[str]]]:
    for name, recipe in rule.columns.items():
        yield ("columns", name), recipe.raw_names()
    for key in ("keep_where", "skip_where", "deleted_where"):
        for name in getattr(rule, key):
            yield (key, name), {name}


def _resolved(names: set[str], derive: Mapping[str, Recipe]) -> set[str]:
    """``names`` and every raw column behind them: of derived columns, and of columns of a case."""
    behind: set[str] = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        behind.add(name)
        more = derive[name].raw_names() if name in derive else set()
        more |= {name.removeprefix(prefix) for prefix in EVENT_PREFIXES if name.startswith(prefix)}
        todo |= more - behind
    return behind


def _too_early(name: str, moments: Sequence[str], known_at: Recipe) -> str:
    since = f"known only from {' or '.join(moments)} on" if moments else "only known later"
    said = ", ".join(
        repr(column.source) if column.source is not None else "a constant" for column in known_at.columns
    )
    fix = f"make known_at of {' or '.join(moments)}" if moments else "give it a known_at of its own"
    return (
        f"{name!r} is {since} (`known_later`), but this row is known at {said}: {fix}, "
        "or leave the column out"
    )


def id_problems(rules: Sequence[RuleLike]) -> Iterator[Problem]:
    """Two rules that would make rows with the same key of one raw row."""
    for (_, first), (number, second) in combinations(enumerate(rules), 2):
        if first.table != second.table or not _same_key(first, second) or _exclude(first, second):
            continue
        name = TABLES[second.table].key[0]
        yield (
            ("tables", number, "columns", name),
            f"another rule of this source gives its {second.table} rows the same {name}: "
            "give each a `prefix` of its own, or `keep_where` with different values of one column",
        )


def _same_key(first: RuleLike, second: RuleLike) -> bool:
    return all(first.columns.get(name) == second.columns.get(name) for name in TABLES[first.table].key)


def _exclude(first: RuleLike, second: RuleLike) -> bool:
    """Whether no raw row can pass both rules."""
    for name in set(first.keep_where) & set(second.keep_where):
        if not _folded(first.keep_where[name]) & _folded(second.keep_where[name]):
            return True
    for one, other in ((first, second), (second, first)):
        for name in set(one.keep_where) & set(other.skip_where):
            if _folded(one.keep_where[name]) <= _folded(other.skip_where[name]):
                return True
    return False


def _folded(values: Sequence[str]) -> set[str]:
    return {value.casefold() for value in values}


def system_problems(rules: Sequence[tuple[Location, str | None, RuleLike]]) -> Iterator[Problem]:
    """Ids of two systems that may collide, and events whose tickets cannot exist.

    ``rules``: where each is, the system its source comes from (``None``: not said), and the rule.
    """
    owners: dict[tuple[str, str], str] = {}
    for where, system, rule in rules:
        name = {"tickets": "ticket_id", "ticket_events": "event_id"}.get(rule.table)
        if system is None or name is None or name not in rule.columns:
            continue
        for prefix in sorted(rule.columns[name].prefixes()):
            owner = owners.setdefault((rule.table, prefix), system)
            if owner != system:
                yield (
                    (*where, "columns", name),
                    f"{owner} and {system} both number their {rule.table}, so two ids may be equal: "
                    f"give {name} a `prefix` of its own"
                    + (" (and the ticket_id of its events)" if rule.table == "tickets" else ""),
                )
    yield from _ticketless(rules)


def _ticketless(rules: Sequence[tuple[Location, str | None, RuleLike]]) -> Iterator[Problem]:
    made = [
        rule.columns["ticket_id"].prefixes()
        for _, _, rule in rules
        if rule.table == "tickets" and "ticket_id" in rule.columns
    ]
    known = set().union(*made)
    for where, _, rule in rules:
        if rule.table != "ticket_events" or not made or "ticket_id" not in rule.columns:
            continue
        named = rule.columns["ticket_id"].prefixes()
        if not named & known:
            yield (
                (*where, "columns", "ticket_id"),
                f"no ticket begins with {_quoted(named)}; tickets.ticket_id begins with {_quoted(known)}: "
                "use the same `prefix`",
            )


def _quoted(prefixes: set[str]) -> str:
    return " or ".join(repr(prefix) for prefix in sorted(prefixes))
