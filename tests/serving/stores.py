"""Stores on every kind of database that there is here."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from pipelines.postgres import PostgresMissing, running_postgres
from serving.store import Store

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server of these tests; they are skipped where none is installed."""
    try:
        with running_postgres(durable=False) as url:
            yield url
    except PostgresMissing as error:
        pytest.skip(str(error))


def new_database(server: str, template: str = "template1") -> str:
    """URL of a new database on ``server``, a copy of ``template``."""
    name = f"t_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=KINDS)
def empty_database_url(request, tmp_path) -> str:
    """URL of a database of each kind that holds no table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'firstline.db'}"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """A SQLite store with every table and no row: copied, because making one takes longer."""
    path = tmp_path_factory.mktemp("template") / "firstline.db"
    Store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres) -> str:
    """Name of a PostgreSQL database with every table and no row."""
    url = new_database(postgres)
    Store(url).close()
    return str(make_url(url).database)


@pytest.fixture(params=KINDS)
def database_url(request, tmp_path) -> str:
    """URL of a new store of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "state" / "firstline.db"
        path.parent.mkdir()
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        return f"sqlite:///{path}"
    template = request.getfixturevalue("migrated_database")
    return new_database(request.getfixturevalue("postgres"), template)
