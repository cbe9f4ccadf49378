"""An append-only hash chain over decisions, feedback and promotions.

An entry holds the SHA-256 of what it vouches for, not the content, so that a person can be forgotten without
breaking the chain: a later entry says what was erased or reduced (``serving.erasures``). ``verify`` finds
edited, removed, inserted and reordered entries and contents. Cutting off the newest entries together with
their contents is found only against a checkpoint kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from serving.database import one_at_a_time
from serving.moments import microseconds
from serving.tables import decisions, erasures, feedback, ledger, pointer_moves, review_draws, trials

GENESIS = "0" * 64
ERASED, REDUCED = "erased", "reduced"
"""Kinds of entries that say that a row which the ledger vouches for is gone, or lost what was not its own."""
_BATCH = 1000
_NEWEST = select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
_VOUCHED: dict[str, tuple[Table, str]] = {
    "decision": (decisions, "decision_id"),
    "feedback": (feedback, "feedback_id"),
    "pointer": (pointer_moves, "move_id"),
    "trial": (trials, "trial_id"),
    "review_draw": (review_draws, "week"),
    ERASED: (erasures, "subject"),
}


@dataclass(frozen=True)
class LedgerCheck:
    """What ``verify`` found: entries read, the newest hash, and every contradiction in words."""

    entries: int
    head: str
    problems: tuple[str, ...]
    erased: int = 0
    """Rows that were erased on demand."""
    reduced: int = 0
    """Rows that lost what was somebody else's."""

    @property
    def intact(self) -> bool:
        """Whether nothing contradicts the chain."""
        return not self.problems


def canonical_json(content: Mapping[str, Any]) -> str:
    """``content`` as JSON that is the same for the same content: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of ``content``, in hex."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def subject_of(kind: str, identity: str) -> str:
    """How entries about erasing name the row ``identity`` that another entry vouches for as ``kind``."""
    return f"{kind} {identity}"


def append_entry(
    connection: Connection, kind: str, subject: str, content: Mapping[str, Any], at: datetime
) -> int:
    """Vouch for the row ``content`` (exactly its columns) of ``subject``; returns the sequence number.

    Writers of any number of processes queue up, each until the transaction before it has ended.
    """
    one_at_a_time(connection)
    newest = connection.execute(_NEWEST).one_or_none()
    seq, previous = (newest.seq + 1, newest.hash) if newest else (1, GENESIS)
    entry = {"seq": seq, "at": microseconds(at), "kind": kind, "subject": subject, "digest": digest(content)}
    linked = {**entry, "previous": previous, "hash": _chained(entry, previous)}
    connection.execute(insert(ledger), linked)
    return seq


def verify(connection: Connection) -> LedgerCheck:
    """Walk the whole chain and everything it vouches for."""
    problems: list[str] = []
    vouched: dict[str, dict[str, str]] = {kind: {} for kind in _VOUCHED}
    reduced = set()
    previous, expected_seq = GENESIS, 1
    for row in connection.execute(select(ledger).order_by(ledger.c.seq)).mappings():
        entry = {k: row[k] for k in ("seq", "at", "kind", "subject", "digest")}
        if row["seq"] != expected_seq:
            problems.append(f"entry {expected_seq} is missing: the next one is {row['seq']}")
        if row["previous"] != previous:
            problems.append(f"entry {row['seq']} does not follow the entry before it")
        if row["hash"] != _chained(entry, row["previous"]):
            problems.append(f"entry {row['seq']} was edited")
        previous, expected_seq = row["hash"], row["seq"] + 1
        kind, subject = row["kind"], row["subject"]
        if kind == REDUCED:
            reduced.add(subject)
            kind, _, subject = subject.partition(" ")
            if subject not in vouched.get(kind, {}):
                problems.append(f"entry {row['seq']} reduces a {kind} that was never recorded")
        vouched.setdefault(kind, {})[subject] = row["digest"]
    erased = vouched[ERASED]
    for kind, (table, identity) in _VOUCHED.items():
        problems.extend(_content_problems(connection, kind, table, identity, vouched[kind], erased))
    return LedgerCheck(expected_seq - 1, previous, tuple(problems), len(erased), len(reduced))


def _content_problems(
    connection: Connection,
    kind: str,
    table: Table,
    identity: str,
    vouched: dict[str, str],
    erased: Mapping[str, str],
) -> Iterator[str]:
    missing = set(vouched)
    rows = connection.execution_options(yield_per=_BATCH).execute(select(table)).mappings()
    for row in rows:
        subject = str(row[identity])
        missing.discard(subject)
        if subject not in vouched:
            yield f"{kind} {subject} has no ledger entry"
        elif subject_of(kind, subject) in erased:
            yield f"{kind} {subject} was erased and is there again"
        elif digest(dict(row)) != vouched[subject]:
            yield f"{kind} {subject} was edited after it was recorded"
    gone = (subject for subject in sorted(missing) if subject_of(kind, subject) not in erased)
    yield from (f"{kind} {subject} is recorded but gone" for subject in gone)


def _chained(entry: Mapping[str, Any], previous: str) -> str:
    return hashlib.sha256(f"{previous}\n{canonical_json(entry)}".encode()).hexdigest()
