"""One database, SQLite or PostgreSQL: opened, migrated, its errors made readable.

A writer has the database to itself: BEGIN IMMEDIATE on SQLite, one advisory lock on PostgreSQL. So
a transaction that reads before it writes decides on what is still true when it commits.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from weakref import finalize

import polars as pl
import sqlalchemy as sa

from recon.errors import ReconError, UserError
from recon.io import control_schema  # noqa: F401  (its tables are part of METADATA)
from recon.io.frames import AnySelect, read_rows, write_frame
from recon.io.schema import METADATA, REVISION, REVISIONS
from recon.settings import AccountSettings
from recon.tables import Schema

__all__ = ["Database", "of_accounts", "read_frame", "readable_errors", "write_frame"]

BUSY_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 10
_WRITER_LOCK: Final = 7_326_661  # any number, as long as every version of this program uses it
_EXAMPLES: Final = "sqlite:////data/recon.db or postgresql://user@host/recon"


class Database:
    """A migrated database. `url` is as given, `place` is the same without any credentials."""

    def __init__(self, engine: sa.Engine, url: str, busy_seconds: float) -> None:
        self.url = url
        self.place = place_of(engine.url)
        self._engine = engine
        self._writer = engine.execution_options(begin_statement="BEGIN IMMEDIATE")
        self._busy_seconds = busy_seconds
        # At the latest when the program ends: whoever closes SQLite last leaves one whole file.
        finalize(self, engine.dispose)

    @classmethod
    def open(cls, url: str, *, busy_seconds: float = BUSY_SECONDS) -> "Database":
        """Open, create or migrate the database at `url` (sqlite:///path or postgresql://...).

        `busy_seconds` is how long a writer waits for another one. Errors: UserError for a bad URL,
        an unreachable or read-only database, and for one that a newer version of recon has written.
        """
        database = cls(_engine(url, busy_seconds), url, busy_seconds)
        with ExitStack() as on_failure:
            on_failure.callback(database.dispose)
            with database.connect() as connection:
                current = _revision(connection)
            if current != REVISION:
                _bring_up_to_date(database)
            on_failure.pop_all()
        return database

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A connection in a write transaction: committed at the end, rolled back on any error.

        Errors: ReconError when another writer is not done within `busy_seconds`, when the
        connection is lost, when the disk is full; UserError when the database is read-only.
        """
        with self._readable_errors(), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                wait = f"{int(self._busy_seconds * 1000)}ms"
                connection.execute(sa.select(sa.func.set_config("lock_timeout", wait, True)))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
            yield connection

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection for reading; on SQLite all its reads see one state of the database."""
        with self._readable_errors(), self._engine.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every connection; the object can be used again."""
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"Database({self.place!r})"

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        with readable_errors(self._engine, self._busy_seconds):
            yield


def read_frame(database: Database, select: AnySelect, schema: Schema) -> pl.DataFrame:
    """Run `select` and return exactly `schema`; no order is promised. See `frames.read_rows`."""
    with database.connect() as connection:
        return read_rows(connection, select, schema)


def of_accounts(frame: pl.DataFrame, accounts: Sequence[AccountSettings]) -> pl.DataFrame:
    """The rows of some accounts, told by `provider` and `account`; no order is promised."""
    whose = [(account.provider, account.account) for account in accounts]
    names = ["provider", "account"]
    return frame.join(pl.DataFrame(whose, schema=names, orient="row"), on=names, how="semi")


def place_of(url: sa.URL) -> str:
    """What an error may say about a URL: neither user, nor password, nor query."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    server = url.host or "local server"
    return f"{server}{f':{url.port}' if url.port else ''}/{url.database}"


@contextmanager
def readable_errors(engine: sa.Engine, busy_seconds: float = BUSY_SECONDS) -> Iterator[None]:
    """Turn what goes wrong outside of our program into one line; our own mistakes pass through."""
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise _explained(error.orig or error, engine.url, busy_seconds) from error
    except (driver.OperationalError, driver.InterfaceError) as error:
        raise _explained(error, engine.url, busy_seconds) from error
    except (sa.exc.DatabaseError, driver.DatabaseError) as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise _explained(error, engine.url, busy_seconds) from error
        raise


def _explained(error: BaseException, url: sa.URL, busy_seconds: float) -> ReconError:
    text = " ".join(str(error).split())
    if url.password:
        text = text.replace(str(url.password), "***")
    where = f"the database {place_of(url)}"
    if "is locked" in text or "lock timeout" in text:
        return ReconError(
            f"{where} has been in use by another process for more than {busy_seconds:g} s; "
            "wait for that one to end and run the same command again"
        )
    if "readonly" in text or "read-only" in text:
        return UserError(f"{where} is read-only; give this user the right to write to it")
    if "unable to open" in text:
        return UserError(f"{where} cannot be opened; check that the folder exists and is writable")
    if "not a database" in text:
        return UserError(f"{where} is not a SQLite file; move it away or name another one")
    if "malformed" in text:
        return ReconError(f"{where} is damaged; restore it from a backup and run again")
    if "disk is full" in text or "No space left" in text:
        return ReconError(f"{where} has no disk space left; nothing of this was recorded")
    return ReconError(f"{where} cannot be used: {text}")


def _engine(url: str, busy_seconds: float) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise UserError(f"{backend} is not supported for recon's own database; use {_EXAMPLES}")
        if backend == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
            arguments = {"connect_timeout": _CONNECT_SECONDS}
            return sa.create_engine(parsed, pool_pre_ping=True, connect_args=arguments)
        if parsed.database in (None, "", ":memory:"):
            raise UserError(f"a database in memory forgets everything; use {_EXAMPLES}")
        engine = sa.create_engine(parsed, connect_args={"timeout": busy_seconds})
    except (sa.exc.ArgumentError, ValueError):  # the message may repeat the URL, with a password
        raise UserError(f"the database URL cannot be read; write it like {_EXAMPLES}") from None
    if parsed.query.get("mode") != "ro":
        _make_parent(Path(str(parsed.database)))
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_parent(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder of the database {file} cannot be made: {error.strerror}"
        ) from None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions are off: it would begin them late, and never for a SELECT.
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what is committed survives a power cut
    connection.execute("PRAGMA cache_size = -65536")  # 64 MiB; a bulk insert with indexes needs it


def _begin_sqlite(connection: sa.Connection) -> None:
    statement = connection.get_execution_options().get("begin_statement", "BEGIN")
    connection.exec_driver_sql(statement)


def _revision(connection: sa.Connection) -> str | None:
    """The schema the database is at; None when it has none of our tables."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _bring_up_to_date(database: Database) -> None:
    with database.begin() as connection:
        current = _revision(connection)  # again: another process may have been faster
        if current is None:
            _create(connection, database.place)
        elif current not in REVISIONS:
            raise UserError(
                f"the database {database.place} is at schema {current}, which is newer than this "
                f"program knows ({REVISION}); install the newer version of recon"
            )
        elif current != REVISION:
            from recon.io.migrations import upgrade  # takes a second to import

            upgrade(connection)


def _create(connection: sa.Connection, place: str) -> None:
    ours = set(METADATA.tables) & set(sa.inspect(connection).get_table_names())
    if ours:
        raise UserError(
            f"the database {place} has tables of ours ({', '.join(sorted(ours))}) but no schema "
            "version; it was not made by recon, or was restored in part: name another database"
        )
    METADATA.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    stamp = sa.text("INSERT INTO alembic_version (version_num) VALUES (:revision)")
    connection.execute(stamp, {"revision": REVISION})
