"""What is wrong with a mapping file: where in its text, which key, what was found and the fix."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from connectors.mapping.yaml_places import Document, Place

Location = tuple[str | int, ...]
"""A path of keys and places in lists."""
Problem = tuple[Location, str]


class MappingProblem(BaseModel):
    """One thing that is wrong with a mapping file, and where (lines and columns count from 1)."""

    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        """The key, and what is wrong with it."""
        return f"{self.key}: {self.message}" if self.key else self.message


class MappingError(ValueError):
    """A mapping file says something that cannot be carried out. Names the file, the key and the fix.

    ``problems`` lists what is wrong with the text itself; empty where only the raw files show it.
    """

    def __init__(self, message: str, problems: Iterable[MappingProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def refuse(title: str, problems: Iterable[Problem]) -> None:
    """Raise one ``ValidationError`` that says where each problem is; nothing without problems."""
    details = [
        InitErrorDetails(type=PydanticCustomError("mapping", "{said}", {"said": said}), loc=where, input={})
        for where, said in problems
    ]
    if details:
        raise ValidationError.from_exception_data(title, details)


def mapping_error(name: str, problems: Iterable[MappingProblem]) -> MappingError:
    """One error about the mapping ``name``, a line for every problem in the order of the file, each once."""
    by_place = {
        (problem.line, problem.column, problem.message): problem for problem in reversed(list(problems))
    }
    problems = [by_place[place] for place in sorted(by_place)]
    lines = [f"{name}:{problem.line}:{problem.column}: {problem}" for problem in problems]
    return MappingError("\n".join(lines), problems)


def problem_at(place: Place, key: str, message: str) -> MappingProblem:
    """A problem with ``key``, which stands at ``place``."""
    return MappingProblem(line=place.line, column=place.column, key=key, message=message)


def problems_of(
    error: ValidationError, document: Document, known_keys: Sequence[str]
) -> list[MappingProblem]:
    """What pydantic refused, at its places in the text; misspelt keys with the nearest of ``known_keys``."""
    return [_problem(dict(detail), document, known_keys) for detail in error.errors()]


def _problem(detail: dict[str, Any], document: Document, known_keys: Sequence[str]) -> MappingProblem:
    location = detail["loc"]
    key = ".".join(str(part) for part in location if part not in ("first_of",)) or "(file)"
    message = _said(detail, str(location[-1]) if location else "", known_keys)
    return problem_at(document.place(location), key, message)


def _said(detail: dict[str, Any], key: str, known_keys: Sequence[str]) -> str:
    if detail["type"] == "extra_forbidden":
        close = get_close_matches(key, known_keys, n=1)
        hint = f"did you mean `{close[0]}`?" if close else "remove it or correct its spelling"
        return f"unknown key; {hint} (see docs/mapping-files.md)"
    if detail["type"] == "missing":
        return "missing; add it"
    found = "" if isinstance(detail["input"], dict | list) else f" (found {detail['input']!r})"
    return f"{detail['msg'].removeprefix('Value error, ')}{found}"
