"""The database: opened and migrated, exact, never half-written, its errors readable."""

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recon.errors import ReconError, UserError
from recon.io import database as database_module
from recon.io import migrations
from recon.io.database import Database
from recon.io.schema import LEDGER_IMPORTS, METADATA, REVISION, REVISIONS

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def import_row(name: str) -> dict[str, Any]:
    counts = [column.name for column in LEDGER_IMPORTS.c if column.name.endswith("_count")]
    return {"name": name, "sha256": "0", "imported_at": NOW, **dict.fromkeys(counts, 0)}


def import_names(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(connection.execute(sa.select(LEDGER_IMPORTS.c.name)).scalars())


def describe(database: Database) -> dict[str, object]:
    """Everything a schema consists of, without the order in which it was made: a column that was
    added later stands last, and nothing here goes by the place of a column."""
    with database.connect() as connection:
        inspector = sa.inspect(connection)
        tables = sorted(inspector.get_table_names())
        described: dict[str, object] = {
            name: (
                sorted(
                    str({**column, "type": repr(column["type"])})
                    for column in inspector.get_columns(name)
                ),
                inspector.get_pk_constraint(name),
                sorted(map(str, inspector.get_foreign_keys(name))),
                sorted(
                    f"{ {**index, 'dialect_options': ''} } "
                    f"{sorted((k, str(v)) for k, v in index.get('dialect_options', {}).items())}"
                    for index in inspector.get_indexes(name)
                ),
            )
            for name in tables
        }
        if connection.dialect.name == "sqlite":
            statements = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master").all()
            described["sql"] = {
                name: sorted(re.split("[,()]+", "".join(str(sql).split())))
                for name, sql in statements
            }
        return described


# Opening and migrating


def test_a_new_database_has_all_tables_and_is_stamped(new_url: Callable[[], str]) -> None:
    url = new_url()
    database = Database.open(url)
    with database.connect() as connection:
        assert set(METADATA.tables) < set(sa.inspect(connection).get_table_names())
        stamp = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    assert stamp == REVISION
    database.dispose()
    Database.open(url).dispose()


def test_the_code_knows_exactly_the_revisions_alembic_finds() -> None:
    from alembic.script import ScriptDirectory

    found = ScriptDirectory(migrations.LOCATION).walk_revisions()
    assert tuple(revision.revision for revision in found)[::-1] == REVISIONS


def test_a_migrated_database_is_the_same_as_a_new_one(
    database: Database, new_url: Callable[[], str]
) -> None:
    url = new_url()
    migrated = Database(database_module._engine(url, busy_seconds=1), url, busy_seconds=1)
    with migrated.begin() as connection:
        migrations.upgrade(connection)
    assert describe(migrated) == describe(database)
    migrated.dispose()


def test_an_older_database_is_upgraded_when_it_is_opened(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(migrations.LOCATION, scripts)
    (scripts / "versions" / "9999_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = '9999', '{REVISION}'\n"
        "def upgrade():\n    op.add_column('run', sa.Column('note', sa.Text()))\n"
    )
    upgrade = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", lambda connection: upgrade(connection, scripts))
    monkeypatch.setattr(database_module, "REVISIONS", (*REVISIONS, "9999"))
    monkeypatch.setattr(database_module, "REVISION", "9999")
    upgraded = Database.open(database.url)
    with upgraded.connect() as connection:
        assert "note" in {column["name"] for column in sa.inspect(connection).get_columns("run")}
    upgraded.dispose()


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(UserError, match="0999, which is newer than this program knows"):
        Database.open(database.url)


def test_tables_without_a_version_are_refused_rather_than_guessed(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    with pytest.raises(UserError, match="no schema version"):
        Database.open(database.url)


def test_two_processes_may_create_the_same_database_at_once(new_url: Callable[[], str]) -> None:
    url = new_url()
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(Database.open(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for database in opened:
        database.dispose()


def test_making_and_opening_a_sqlite_database_imports_nothing_slow(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/recon.db"
    code = (
        "import sys; from recon.io.database import Database; import recon.io.ledger, "
        f"recon.io.inbox, recon.io.runs, recon.io.locks; Database.open({url!r}).dispose(); "
        f"Database.open({url!r}); "
        "print({'alembic', 'psycopg', 'adbc_driver_sqlite', 'pyarrow'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr


def test_sqlite_keeps_a_log_checks_references_and_survives_a_power_cut(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/recon.db", busy_seconds=7)
    expected = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 7000}
    with database.connect() as connection:
        for name, value in expected.items():
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value
    database.dispose()


# Errors


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be read"),
        ("sqlite://", "forgets everything"),
        ("mysql://user:hunter2@host/db", "mysql is not supported"),
        ("postgresql://user:hunter2@127.0.0.1:1/db", r"127\.0\.0\.1:1/db cannot be used"),
        ("postgresql://user:hunter2@host:port/db", "cannot be read"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises(ReconError, match=message) as caught:
        Database.open(url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "recon.db").write_bytes(b"PK\x03\x04 a workbook" * 100)
    with pytest.raises(UserError, match="not a SQLite file"):
        Database.open(f"sqlite:///{tmp_path}/recon.db")


def test_a_read_only_database_can_be_read_and_says_why_it_cannot_be_written(
    tmp_path: Path,
) -> None:
    Database.open(f"sqlite:///{tmp_path}/recon.db").dispose()
    database = Database.open(f"sqlite:///file:{tmp_path}/recon.db?mode=ro&uri=true")
    assert import_names(database) == []
    with pytest.raises(UserError, match="read-only"), database.begin() as connection:
        connection.execute(sa.insert(LEDGER_IMPORTS).values(import_row("a.csv")))
    database.dispose()


def test_f48_a_writer_that_waits_too_long_says_who_is_to_blame(database: Database) -> None:
    hasty = Database.open(database.url, busy_seconds=0.05)
    with database.begin():
        assert import_names(hasty) == []  # readers never wait
        with pytest.raises(ReconError, match=r"in use by another process for more than 0\.05 s"):
            hasty.begin().__enter__()
    hasty.dispose()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_f48_a_connection_lost_in_mid_write_leaves_nothing(database: Database) -> None:
    def write_and_lose_the_connection() -> None:
        with database.begin() as connection:
            connection.execute(sa.insert(LEDGER_IMPORTS).values(import_row("a.csv")))
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
            with database.connect() as killer:
                killer.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            connection.execute(sa.insert(LEDGER_IMPORTS).values(import_row("b.csv")))

    with pytest.raises(ReconError, match="cannot be used"):
        write_and_lose_the_connection()
    assert import_names(database) == []


# Transactions


def test_an_error_rolls_the_whole_transaction_back(database: Database) -> None:
    def write_and_fail() -> None:
        with database.begin() as connection:
            connection.execute(sa.insert(LEDGER_IMPORTS).values(import_row("a.csv")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert import_names(database) == []


def test_a_killed_process_leaves_nothing_half_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/recon.db"
    code = (
        "import os, signal\nfrom recon.io.database import Database\n"
        f"with Database.open({url!r}).begin() as connection:\n"
        '    connection.exec_driver_sql("INSERT INTO ledger_import VALUES '
        "(1, 'a', '0', '2026-11-20 00:00:00.000000', 0, 0, 0, 0)\")\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    database = Database.open(url)
    assert import_names(database) == []
    database.dispose()


def test_writers_take_turns_so_that_what_they_read_is_still_true(database: Database) -> None:
    def add_one() -> None:
        for _ in range(5):
            with database.begin() as connection:
                seen = len(connection.execute(sa.select(LEDGER_IMPORTS)).all())
                connection.execute(sa.insert(LEDGER_IMPORTS).values(import_row(f"{seen:02}")))

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert import_names(database) == [f"{number:02}" for number in range(20)]
