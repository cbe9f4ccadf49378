"""Stores on every kind of database that there is here."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url, text

from pipelines.postgres import PostgresMissing, running_postgres

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of these tests; they are skipped where none is installed."""
    try:
        with running_postgres(durable=False) as url:
            yield url
    except PostgresMissing as error:
        pytest.skip(str(error))


def new_database(server: str) -> str:
    """URL of a new, empty database on ``server``."""
    name = f"t_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path) -> str:
    """URL of a new database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'firstline.db'}"
    return new_database(request.getfixturevalue("postgres"))
