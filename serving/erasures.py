"""What was erased on demand, and what of others was reduced: the ledger vouches for both.

An erased row is gone; the ledger's entry for it stays, with the hash of what nobody has any more, and a later
entry says that it was erased. A reduced row has lost what was somebody else's; a later entry vouches for what
is left. So the chain and every signed checkpoint hold as before, and each erasure can be counted.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from serving.ledger import ERASED, REDUCED, append_entry, subject_of
from serving.moments import microseconds
from serving.tables import erasures


def record_erased(connection: Connection, kind: str, identity: str, pseudonym: str, at: datetime) -> None:
    """Say that the row ``identity`` that the ledger vouches for as ``kind`` is gone, and on whose behalf."""
    subject = subject_of(kind, identity)
    row = {"subject": subject, "pseudonym": pseudonym, "at": microseconds(at)}
    connection.execute(insert(erasures).values(**row))
    append_entry(connection, ERASED, subject, row, at)


def record_reduced(
    connection: Connection, kind: str, identity: str, row: Mapping[str, Any], at: datetime
) -> None:
    """Vouch for the whole ``row`` as it is now, after what was somebody else's was taken out."""
    append_entry(connection, REDUCED, subject_of(kind, identity), row, at)


def is_erased(connection: Connection, kind: str, identity: str) -> bool:
    """Whether the row was there once and was erased on demand."""
    found = select(erasures.c.subject).where(erasures.c.subject == subject_of(kind, identity))
    return connection.scalar(found) is not None
