"""YAML text -> its content, and where in the text each of its keys stands.

Scalars stay the text that was written (``no``, ``007``, ``1.10``, ``2026-01-01``), because they are compared
with the text of raw cells; whoever needs a number or true and false converts it. Only an empty value (or
``null``) is ``None``.
"""

from dataclasses import dataclass
from typing import Any

import yaml

Location = tuple[str | int, ...]
_STILL_RESOLVED = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")


class _TextLoader(yaml.SafeLoader):
    """Reads every scalar as text, but nothing as ``None``, and ``<<`` as a merge."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _STILL_RESOLVED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, order=True)
class Place:
    """A place in a text; lines and columns count from 1, as editors do."""

    line: int
    column: int


class YamlError(ValueError):
    """The text is no YAML, or says one key twice. ``place`` says where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Document:
    """A YAML document with the places of its keys."""

    content: Any
    _root: yaml.Node | None

    def place(self, location: Location) -> Place:
        """Where the key at the end of ``location`` stands, or the last part of it that the text has.

        Parts that the text does not have (defaults, short forms written out) are passed over.
        """
        node, mark = self._root, self._root.start_mark if self._root else None
        for part in location:
            found = _child(node, part)
            if found is not None:
                mark, node = found
        return Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None


def read_yaml(text: str) -> Document:
    """Parse one YAML document. Raises ``YamlError``; of plain data only, as ``yaml.safe_load`` does."""
    try:
        root = yaml.compose(text, Loader=_TextLoader)
        if root is not None:
            _refuse_repeated_keys(root)
        return Document(yaml.load(text, Loader=_TextLoader), root)  # noqa: S506, a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        said = ": ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(f"is not valid YAML: {said}", place) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise YamlError(f"is not valid YAML: {error.reason}", place) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, YamlError):
            raise
        raise YamlError(f"is not valid YAML: {error}", Place(1, 1)) from error


def _refuse_repeated_keys(root: yaml.Node) -> None:
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        elif isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in names:
                        mark = key.start_mark
                        raise YamlError(
                            f"{key.value!r} is said twice here: keep one",
                            Place(mark.line + 1, mark.column + 1),
                        )
                    names.add(key.value)
                todo.append(value)
