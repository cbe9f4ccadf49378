"""Questions about the context tables, put together once.

A statement that is built anew for each ticket costs more than the database needs to answer it; one that is
kept is put together once, and SQLAlchemy remembers its text. So questions are module constants, and what
differs from ticket to ticket is a parameter.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, func, select

from features.rows import Rows
from features.schema import TABLES
from serving.codec import plain_rows
from serving.tables import CONTEXT

BEFORE: BindParameter[int] = bindparam("before")
"""The moment asked about, in microseconds; a row counts if it was known strictly before it."""


def any_of(name: str) -> BindParameter[Any]:
    """The parameter ``name`` of an ``in_``: a list of any length, also an empty one."""
    return bindparam(name, expanding=True)


def is_one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether ``column`` is one of ``values``, of rows that another condition looks up.

    Asked of an expression, so that no index on the column is taken for it: SQLite went through every event
    of a kind, whosever it was.
    """
    return func.coalesce(column, "").in_(values)


def known(name: str, where: ColumnElement[bool]) -> Select[Any]:
    """Rows of context table ``name`` that ``where`` chooses, known before ``BEFORE``, oldest first."""
    table = CONTEXT[name]
    order = [table.c.known_at, *(table.c[k] for k in TABLES[name].key if k != "known_at")]
    return select(table).where(where, table.c.known_at < BEFORE).order_by(*order)


def rows_of(connection: Connection, name: str, question: Select[Any], **values: Any) -> Rows:
    """The answer to a question that ``known`` made of table ``name``, as plain columns."""
    return plain_rows(name, connection.execute(question, values).all())
