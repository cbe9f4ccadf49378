"""Erasures under way: what a killed one needs to go on, and nothing that tells who it is about.

A pseudonym is HMAC-SHA-256 of the id under a salt of its own. The salt lies in ``state/forgetting`` (in no
backup) until the erasure is complete and is thrown away then: nobody, we included, can tell afterwards from a
name which pseudonym stood for it.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FOLDER = "forgetting"


@dataclass(frozen=True)
class Journal:
    """One erasure under way; ``path`` is its file."""

    path: Path
    salt: bytes
    names: frozenset[str]
    """Digests of every name of theirs, under the salt."""

    @property
    def pseudonym(self) -> str:
        """What stands for them from now on."""
        return self.path.stem

    def knows(self, name: str) -> bool:
        """Whether ``name`` is one of theirs."""
        return _digest(self.salt, name) in self.names

    def close(self) -> None:
        """The erasure is complete: throw the salt away."""
        self.path.write_bytes(secrets.token_bytes(self.path.stat().st_size))
        self.path.unlink()


def unfinished(state: Path) -> list[Journal]:
    """Erasures that were begun and not completed."""
    found = []
    for path in sorted((state / FOLDER).glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        found.append(Journal(path, bytes.fromhex(told["salt"]), frozenset(told["names"])))
    return found


def opened(state: Path, kind: str, key: str, names: Iterable[str], at: datetime) -> Journal:
    """The journal of this erasure: the one that an interrupted run left, else a new one with a new salt."""
    for journal in unfinished(state):
        if journal.knows(key):
            return journal
    salt = secrets.token_bytes(32)
    digests = frozenset(_digest(salt, name) for name in {key, *names})
    path = state / FOLDER / f"forgotten-{_digest(salt, f'{kind}:{key}')[:16]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"salt": salt.hex(), "names": sorted(digests), "kind": kind, "started_at": at.isoformat()}
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(told))
        file.flush()
        os.fsync(file.fileno())
    part.chmod(0o600)
    part.replace(path)
    return Journal(path, salt, digests)


def _digest(salt: bytes, name: str) -> str:
    return hmac.new(salt, name.casefold().encode(), hashlib.sha256).hexdigest()
