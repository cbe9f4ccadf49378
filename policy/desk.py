"""Reading ``desk.yaml``: a whole valid desk, or an error that names every line to correct."""

import difflib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from policy.concepts import read_concepts
from policy.desk_schema import AUTOMATED_PHASES, Desk
from policy.phrases import Phrasebook

__all__ = ["Desk", "DeskError", "load_desk", "parse_desk"]

Where = tuple[str | int, ...]
WORDINGS = ("phrases.yaml", "concepts.yaml")
"""Files that may lie beside a desk file and then count instead of those that come with the platform: a
release brings its own, so that what a decision was read by cannot change under it."""
_SHIPPED = Path(__file__).parent


class DeskError(ValueError):
    """A desk that cannot be used. Each problem: the line, what was found, what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Problem(NamedTuple):
    where: Where
    found: object
    allowed: str


def load_desk(path: Path) -> Desk:
    """The desk in the file ``path``, with the ``WORDINGS`` beside it, else those of the platform.

    Raises ``DeskError`` if one of them is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeskError([f"{path}: cannot be read ({error.strerror}); name a desk.yaml"]) from error
    return parse_desk(text, str(path), _phrases_beside(path))


def wordings_of(desk: Path) -> dict[str, Path]:
    """The files of ``WORDINGS`` that count for the desk file ``desk``, by name."""
    beside = {name: desk.with_name(name) for name in WORDINGS}
    return {name: path if path.is_file() else _SHIPPED / name for name, path in beside.items()}


def _phrases_beside(path: Path) -> Phrasebook:
    found = wordings_of(path)
    if all(file.parent == _SHIPPED for file in found.values()):
        return shipped_phrases()
    try:
        book = Phrasebook.model_validate(yaml.safe_load(found["phrases.yaml"].read_text(encoding="utf-8")))
        concepts = found["concepts.yaml"].read_text(encoding="utf-8")
        read_concepts(concepts)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DeskError([f"{path.parent}: the wording lists cannot be read: {error}"]) from error
    return book.model_copy(update={"concepts": concepts})


def parse_desk(text: str, name: str = "desk.yaml", phrases: Phrasebook | None = None) -> Desk:
    """The desk that ``text`` (YAML) describes; ``name`` is used in errors.

    ``phrases``: the wording lists that the desk extends; default those that come with the platform.
    Raises ``DeskError`` with one line per problem: invalid YAML, unknown or missing or repeated keys, values
    that are not allowed, and names (queue, calendar, action, ...) that nothing defines.
    """
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise DeskError(
            [f"{name} line {line}: not readable as YAML ({getattr(error, 'problem', error)})"]
        ) from error
    if not isinstance(tree, yaml.MappingNode):
        raise DeskError(
            [f"{name} line 1: found no keys; a desk starts with 'brand:', 'calendars:', 'plans:'"]
        )
    lines = dict(_lines(tree, ()))
    problems = list(_repeated_keys(tree, ()))
    if not problems:
        try:
            desk = Desk.model_validate({"phrases": {}} | yaml.safe_load(text))
            problems = list(_undefined_names(desk))
        except ValidationError as error:
            problems = [_described(dict(detail)) for detail in error.errors()]
    if problems:
        raise DeskError([_message(name, lines, problem) for problem in problems])
    return desk.model_copy(update={"phrases": (phrases or shipped_phrases()).extended(desk.phrases)})


@lru_cache(maxsize=1)
def shipped_phrases() -> Phrasebook:
    """The wording lists that come with the platform, ``policy/phrases.yaml``."""
    return Phrasebook.model_validate(yaml.safe_load((_SHIPPED / "phrases.yaml").read_text(encoding="utf-8")))


def _lines(node: yaml.Node, where: Where) -> Iterator[tuple[Where, int]]:
    """The line at which every part of the document stands, counted from one."""
    yield where, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*where, key.value)
            yield from _lines(value, inner)
            yield inner, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*where, position))


def _repeated_keys(node: yaml.Node, where: Where) -> Iterator[_Problem]:
    if isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _repeated_keys(value, (*where, position))
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            yield _Problem((*where, key.value), f"the key '{key.value}' twice", "every key once")
        seen.add(key.value)
        yield from _repeated_keys(value, (*where, key.value))


def _described(detail: dict[str, Any]) -> _Problem:
    """A validation error of pydantic in the desk's own words."""
    where: Where = detail["loc"]
    where = tuple(part for part in where if part != "[key]")
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _Problem(where, f"the unknown key '{where[-1]}'", _keys_allowed_at(where[:-1], str(where[-1])))
    if kind == "missing":
        return _Problem(where, "no such key", f"'{where[-1]}' is required")
    if "expected" in detail.get("ctx", {}):
        return _Problem(where, repr(detail["input"]), str(detail["ctx"]["expected"]))
    found = detail["input"]
    shown = "this entry" if isinstance(found, dict | BaseModel) else repr(found)
    return _Problem(where, shown, detail["msg"].removeprefix("Value error, "))


def _keys_allowed_at(where: Where, found: str) -> str:
    """The keys that the part of a desk at ``where`` may have, the likely meant one first."""
    model: Any = Desk
    for part in where:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        else:
            model = get_args(model)[-1] if get_args(model) else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return "nothing"
    return _closest_first(found, list(model.model_fields))


def _closest_first(found: str, names: list[str]) -> str:
    closest = difflib.get_close_matches(found, names, n=1)
    listed = ", ".join(names) or "nothing is defined yet"
    return f"{listed} (did you mean '{closest[0]}'?)" if closest else listed


def _undefined_names(desk: Desk) -> Iterator[_Problem]:
    """Names that are used but defined nowhere, and promises that could not be kept."""

    def used(where: Where, name: str | None, defined: dict[str, Any]) -> Iterator[_Problem]:
        if name is not None and name not in defined:
            yield _Problem(where, repr(name), _closest_first(name, list(defined)))

    yield from used(("default_queue",), desk.default_queue, desk.queues)
    yield from used(("default_plan",), desk.default_plan, desk.plans)
    for name, plan in desk.plans.items():
        yield from used(("plans", name, "calendar"), plan.calendar, desk.calendars)
    for name, queue in desk.queues.items():
        yield from used(("queues", name, "calendar"), queue.calendar, desk.calendars)
    for name, agent in desk.agents.items():
        yield from used(("agents", name, "calendar"), agent.calendar, desk.calendars)
    for kind, team in desk.escalation.queues.items():
        yield from used(("escalation", "queues", kind), team, desk.queues)
    yield from used(("deadlines", "queue"), desk.deadlines.queue, desk.queues)
    for name in desk.follow_ups.by_action:
        yield from used(("follow_ups", "by_action", name), name, desk.actions)
    for name in desk.replies:
        yield from used(("replies", name), name, desk.intents)
    for name, intent in desk.intents.items():
        where: Where = ("intents", name)
        yield from used((*where, "queue"), intent.queue, desk.queues)
        yield from used((*where, "action"), intent.action, desk.actions)
        if intent.phase in AUTOMATED_PHASES:
            yield from _automation_lacks(desk, name, where)


def _automation_lacks(desk: Desk, name: str, where: Where) -> Iterator[_Problem]:
    intent = desk.intents[name]
    if intent.action is None:
        yield _Problem(
            where, f"phase '{intent.phase}' without an action", _closest_first("", list(desk.actions))
        )
    elif intent.action in desk.actions and not desk.actions[intent.action].reversible:
        yield _Problem(
            (*where, "action"), f"'{intent.action}', which cannot be undone", "a reversible action"
        )
    missing = [
        language for language in desk.automation.languages if language not in desk.replies.get(name, {})
    ]
    if missing:
        found = f"phase '{intent.phase}' without a reply in {', '.join(missing)}"
        yield _Problem((*where, "phase"), found, f"replies.{name} in every language of automation.languages")


def _message(name: str, lines: dict[Where, int], problem: _Problem) -> str:
    where = problem.where
    while where and where not in lines:
        where = where[:-1]
    path = ".".join(str(part) for part in problem.where)
    return f"{name} line {lines[where]}: {path}: found {problem.found}; allowed: {problem.allowed}"
