"""The phrases of one language, read from its YAML file: what can be said, not how it is put together."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Request:
    """How one intent is asked for: subjects, the problem itself, and details that may follow."""

    subjects: tuple[str, ...]
    problems: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Phrasebook:
    """All phrases of a language. ``voice`` holds what does not depend on the intent, by purpose and mood."""

    language: str
    voice: dict[str, Any]
    slots: dict[str, tuple[str, ...]]
    shared: dict[str, tuple[str, ...]]
    """Problems that fit every intent of a cluster."""
    requests: dict[str, Request]
    replies: dict[str, tuple[str, ...]]
    desk_voice: dict[str, tuple[str, ...]]
    articles: dict[str, tuple[str, str]]
    """Intent to title and steps; steps are separated by `` / ``."""
    synonyms: tuple[tuple[str, str], ...]
    """Content words and what to put in their place, longest first."""


@lru_cache(maxsize=8)
def load_phrasebook(language: str) -> Phrasebook:
    """Read ``<language>.yaml`` (customers) and ``<language>_desk.yaml`` (replies, articles, synonyms)."""
    asks = _read(FOLDER / f"{language}.yaml")
    desk = _read(FOLDER / f"{language}_desk.yaml")
    return Phrasebook(
        language=language,
        voice=_phrases(asks["voice"]),
        slots=_phrases(asks["slots"]),
        shared=_phrases(asks["shared"]),
        requests={name: Request(**_phrases(parts)) for name, parts in asks["requests"].items()},
        replies=_phrases(desk["replies"]),
        desk_voice=_phrases(desk["voice"]),
        articles=_phrases(desk["articles"]),
        synonyms=tuple(sorted(desk["synonyms"].items(), key=lambda pair: (-len(pair[0]), pair[0]))),
    )


def _phrases(block: dict[str, Any]) -> dict[str, Any]:
    """Every text of ``block`` as a tuple of its lines: one phrase a line."""
    return {
        name: _phrases(inside) if isinstance(inside, dict) else tuple(inside.strip().splitlines())
        for name, inside in block.items()
    }


def _read(path: Path) -> dict[str, Any]:
    """A YAML file by the fast loader where PyYAML has one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders
