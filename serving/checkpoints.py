"""Signed checkpoints of the ledger, kept in a file outside the database.

Whoever can write the database can rewrite the whole chain, or cut off its end; a checkpoint says, under a
signature that they cannot make, how long the chain was and what its newest hash was. What came after the
newest checkpoint can still be cut off: make one often, and keep a copy of the file elsewhere. Ed25519
(RFC 8032): the private key signs, and everybody who has the public one can check.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, select

from serving.ledger import GENESIS, canonical_json, digest, verify
from serving.tables import ledger

PRIVATE_KEY, PUBLIC_KEY = "FIRSTLINE_AUDIT_KEY", "FIRSTLINE_AUDIT_PUBLIC_KEY"


class AuditKeyError(ValueError):
    """The environment holds no usable audit key; the message names the variable and the fix."""


class Checkpoint(NamedTuple):
    """What the chain was at ``at``: its number of entries and newest hash, after the checkpoint before."""

    entries: int
    head: str
    at: str
    previous: str
    signature: str

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return canonical_json({k: v for k, v in self._asdict().items() if k != "signature"}).encode()


class Audit(NamedTuple):
    """What an audit found: entries and checkpoints read, and every contradiction in words."""

    entries: int
    checkpoints: int
    unsigned_entries: int
    """Entries after the newest checkpoint: their loss would not show."""
    problems: tuple[str, ...]
    erased: int = 0
    """Rows that were erased on demand, each told by an entry of its own."""
    reduced: int = 0
    """Rows that lost what was somebody else's, who was forgotten."""


def new_keys() -> tuple[str, str]:
    """A private key and its public one, as the environment wants them."""
    private = Ed25519PrivateKey.generate()
    return _text(private.private_bytes_raw()), _text(private.public_key().public_bytes_raw())


def private_key(environment: Mapping[str, str] = os.environ) -> Ed25519PrivateKey | None:
    """The key that signs, ``None`` where none is set. Raises ``AuditKeyError``."""
    found = environment.get(PRIVATE_KEY, "").strip()
    return Ed25519PrivateKey.from_private_bytes(_bytes(PRIVATE_KEY, found)) if found else None


def public_key(environment: Mapping[str, str] = os.environ) -> Ed25519PublicKey:
    """The key that checks: the public one, or that of the private one. Raises ``AuditKeyError``."""
    found = environment.get(PUBLIC_KEY, "").strip()
    if found:
        return Ed25519PublicKey.from_public_bytes(_bytes(PUBLIC_KEY, found))
    private = private_key(environment)
    if private is None:
        raise AuditKeyError(
            f"neither {PUBLIC_KEY} nor {PRIVATE_KEY} is set: `firstline audit keys` makes both"
        )
    return private.public_key()


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """The checkpoints in the file, oldest first. Raises ``ValueError`` for a line that is none."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(Checkpoint(**json.loads(line)))
        except (ValueError, TypeError):
            raise ValueError(f"{path}, line {number}: not a checkpoint: the file was changed") from None
    return found


def append_checkpoint(
    connection: Connection, path: Path, key: Ed25519PrivateKey, at: datetime
) -> Checkpoint | None:
    """Sign the chain as it is and append that to the file, durably; ``None`` where nothing is new."""
    newest = connection.execute(
        select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
    ).first()
    before = read_checkpoints(path)
    if newest is None or (before and before[-1].head == newest.hash):
        return None
    previous = digest(before[-1]._asdict()) if before else GENESIS
    unsigned = Checkpoint(newest.seq, newest.hash, at.isoformat(), previous, "")
    made = unsigned._replace(signature=_text(key.sign(unsigned.signed)))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(canonical_json(made._asdict()) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def audit(connection: Connection, checkpoints: Sequence[Checkpoint], key: Ed25519PublicKey | None) -> Audit:
    """The chain, everything it vouches for, and every checkpoint against it."""
    chain = verify(connection)
    problems = [*chain.problems]
    previous, entries = GENESIS, 0
    for number, checkpoint in enumerate(checkpoints, start=1):
        problems += (
            f"checkpoint {number} {wrong}" for wrong in _wrong(connection, checkpoint, key, previous)
        )
        if checkpoint.entries < entries:
            problems.append(f"checkpoint {number} is of a shorter chain than the one before")
        previous, entries = digest(checkpoint._asdict()), checkpoint.entries
    unsigned = max(chain.entries - entries, 0)
    return Audit(chain.entries, len(checkpoints), unsigned, tuple(problems), chain.erased, chain.reduced)


def _wrong(
    connection: Connection, found: Checkpoint, key: Ed25519PublicKey | None, previous: str
) -> list[str]:
    wrong = []
    if key is not None:
        try:
            key.verify(_bytes("signature", found.signature), found.signed)
        except (InvalidSignature, AuditKeyError):
            wrong.append("is not signed by this key")
    if found.previous != previous:
        wrong.append("does not follow the one before it")
    there = connection.scalar(select(ledger.c.hash).where(ledger.c.seq == found.entries))
    if there is None:
        wrong.append(f"knows entry {found.entries}, which is gone: the chain was cut off")
    elif there != found.head:
        wrong.append(f"knows another entry {found.entries}: the chain was rewritten")
    return wrong


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(name: str, text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if name != "signature" and len(raw) != 32:
        raise AuditKeyError(f"{name} is not 32 bytes in base64: `firstline audit keys` makes one")
    return raw
