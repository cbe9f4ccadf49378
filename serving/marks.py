"""Small values that the store remembers by name."""

from sqlalchemy import Connection, insert, select, update

from serving.tables import marks


def mark(connection: Connection, name: str) -> str | None:
    """The value last kept under ``name``; ``None`` where there is none."""
    return connection.scalar(select(marks.c.value).where(marks.c.name == name))


def keep_mark(connection: Connection, name: str, value: str) -> None:
    """Remember ``value`` under ``name``, replacing what was there."""
    changed = connection.execute(update(marks).where(marks.c.name == name).values(value=value))
    if changed.rowcount == 0:
        connection.execute(insert(marks).values(name=name, value=value))
