"""Which release serves: named pointers (champion, challenger, last_good) that move and never forget.

The store's pointer wins; the aliases of the MLflow registry mirror it.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.tables import pointer_moves


class PointerMove(NamedTuple):
    """One move of a pointer: where to, by whom, why, when."""

    name: str
    release_id: str
    by: str
    reason: str
    at: datetime


def move_pointer(connection: Connection, move: PointerMove) -> None:
    """Point ``move.name`` at a release from now on, and record it in the ledger."""
    row = {**move._asdict(), "at": microseconds(move.at)}
    statement = insert(pointer_moves).values(**row).returning(pointer_moves.c.move_id)
    move_id = connection.execute(statement).scalar_one()
    append_entry(connection, "pointer", str(move_id), {"move_id": move_id, **row}, move.at)


def pointer(connection: Connection, name: str) -> str | None:
    """Id of the release that ``name`` points at, ``None`` where it never pointed anywhere."""
    return connection.scalar(
        select(pointer_moves.c.release_id)
        .where(pointer_moves.c.name == name)
        .order_by(pointer_moves.c.move_id.desc())
        .limit(1)
    )


def pointer_history(connection: Connection, name: str) -> list[PointerMove]:
    """Every move of the pointer ``name``, oldest first."""
    statement = select(pointer_moves).where(pointer_moves.c.name == name).order_by(pointer_moves.c.move_id)
    return [
        PointerMove(row.name, row.release_id, row.by, row.reason, moment(row.at))
        for row in connection.execute(statement)
    ]
