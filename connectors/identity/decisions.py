"""What people decided about who is who: one append-only JSON line a decision, never changed, only undone.

``merge`` says that two names stand for one person, ``split`` that a contact is nobody else (or that a handle
is nobody's, or not this contact's), ``undo`` that an earlier decision no longer counts, which may be an undo.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

Name = str
"""A contact id or a normal handle."""


class DecisionError(ValueError):
    """A decision cannot be read or does not make sense. Names the file or the decision, and the fix."""


class Decision(BaseModel):
    """One decision, known from ``at`` on. ``subject`` is a name, for ``undo`` the id of a decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision_id: str = Field(min_length=1)
    kind: Literal["merge", "split", "undo"]
    subject: Name = Field(min_length=1)
    other: Name | None = None
    by: str = Field(min_length=1)
    why: str = Field(min_length=1)
    at: AwareDatetime

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "merge" and self.other in (None, self.subject):
            raise ValueError("merge needs two different names")
        if self.kind == "undo" and self.other is not None:
            raise ValueError("undo needs one decision_id and nothing else")
        return self

    @property
    def known_at(self) -> int:
        """Microseconds since 1970 UTC."""
        since = self.at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    def said(self) -> str:
        """Who decided it and why, for the evidence."""
        return f"{self.kind} by {self.by}: {self.why} ({self.decision_id})"


RULES_FILE = "identities.json"
"""Beside the canonical tables: what ingest went by, for the service to do likewise."""


class Rules(BaseModel):
    """How handles were brought into one form, and what people had decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phone_region: str = ""
    decisions: list[Decision] = []


@dataclass
class Standing:
    """What decisions say at one moment, each with the decision that says so."""

    alone: dict[Name, Decision] = field(default_factory=dict)
    """Contacts that are nobody else, handles that are nobody's."""
    cut: dict[tuple[Name, Name], Decision] = field(default_factory=dict)
    """(handle, contact) that do not belong together."""
    joined: dict[frozenset[Name], Decision] = field(default_factory=dict)
    """Two names of one person."""


def in_order(decisions: Iterable[Decision]) -> list[Decision]:
    """Oldest first; two of the same moment by their ids."""
    return sorted(decisions, key=lambda decision: (decision.known_at, decision.decision_id))


def standing(decisions: Sequence[Decision]) -> Standing:
    """What holds after ``decisions``, oldest first: of two about the same names the later one does."""
    now = Standing()
    for decision in in_force(decisions):
        if decision.kind == "merge":
            names = frozenset((decision.subject, str(decision.other)))
            now.joined[names] = decision
            for pair in ((decision.subject, str(decision.other)), (str(decision.other), decision.subject)):
                now.cut.pop(pair, None)
        elif decision.other is not None:
            now.cut[decision.subject, decision.other] = decision
            now.joined.pop(frozenset((decision.subject, decision.other)), None)
        else:
            now.alone[decision.subject] = decision
            now.joined = {names: by for names, by in now.joined.items() if decision.subject not in names}
    return now


def in_force(decisions: Sequence[Decision]) -> list[Decision]:
    """``decisions``, oldest first, without undone ones and without the undoing."""
    void: set[str] = set()
    kept = []
    for decision in reversed(decisions):
        if decision.decision_id in void:
            continue
        if decision.kind == "undo":
            void.add(decision.subject)
        else:
            kept.append(decision)
    return kept[::-1]


def read_decisions(folder: Path) -> list[Decision]:
    """Every decision in the ``*.jsonl`` files of ``folder``, oldest first; none where there is no folder.

    The same decision in two files counts once. Raises ``DecisionError`` naming file and line.
    """
    found: dict[str, Decision] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                decision = Decision.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(str(part) for part in first["loc"]) or "line"
                raise DecisionError(
                    f"{path} line {number}: {where}: {first['msg']}; decisions are written by `firstline "
                    "identity`, add a correct one instead of changing a file"
                ) from error
            if found.setdefault(decision.decision_id, decision) != decision:
                raise DecisionError(
                    f"{path} line {number}: {decision.decision_id} is there already with other content; "
                    "give every decision its own decision_id"
                )
    return in_order(found.values())


def write_decision(folder: Path, decision: Decision) -> Path:
    """Add ``decision`` to ``folder`` as a file of its own; an existing file is never touched."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{decision.at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{decision.decision_id}.jsonl"
    with path.open("x", encoding="utf-8") as file:
        file.write(decision.model_dump_json(exclude_none=True) + "\n")
    return path
