"""F47, F49-F51: two at once, database and files of different moments, no room to write or think."""

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recon.cli import invoke
from recon.io import apart, statements
from tests.faults.place import DAY, TRADES, Place
from tests.generator import DaySpec, generate_day
from tests.generator.writing import write_files
from tests.support import copy_place

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def reports(place: Place) -> dict[str, bytes]:
    folder = place.workspace / "reports" / str(DAY) / "wechatpay"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_f47_two_processes_at_once_give_one_run(place: Place) -> None:
    common = ["--config", str(place.folder / "configs"), "--workspace", str(place.workspace)]
    command = [sys.executable, "-m", "recon", "run", "--date", str(DAY), *common]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate()[1].decode() for process in both]
    codes = [process.returncode for process in both]
    # Either one is refused, or it came when the other was done, and has found nothing new.
    assert 0 in codes
    for code, said in zip(codes, told, strict=True):
        assert code == 0 or (code == 2 and "another run of wechatpay" in said)
    again = place.recon("run", "--date", DAY)
    assert "nothing changed since the run before" in again.out
    trail = place.recon("audit", "show", "--json").json
    assert sum(row["event"] == "run" for row in trail) == 1


def test_f49_a_database_older_than_its_files_is_told_and_catches_up(place: Place) -> None:
    database = place.workspace / "recon.db"
    backup = place.folder / "backup.db"
    with sqlite3.connect(database) as now, sqlite3.connect(backup) as copy:
        now.backup(copy)
    assert place.recon("run", "--date", DAY).code == 0
    made = reports(place)
    for leftover in place.workspace.glob("recon.db*"):
        leftover.unlink()
    shutil.copy(backup, database)

    said = place.recon("check").err
    assert "file(s) that the database does not know" in said
    assert "which the database does not know: it is older than the report" in said
    assert "audit.head knows of" in said
    assert "the database does not know this run" in place.recon("report", "--date", DAY).out
    assert place.recon("report", "--date", DAY).code == 3
    assert "removed at the end" in place.recon("audit", "verify").err

    assert place.recon("run", "--date", DAY).code == 0
    assert reports(place) == made
    assert "the database does not know" not in place.recon("check").err


def test_f49_reports_that_are_gone_are_told_and_made_again(place: Place) -> None:
    assert place.recon("run", "--date", DAY).code == 0
    made = reports(place)
    shutil.rmtree(place.workspace / "reports")
    assert f"make it again: recon run --date {DAY}" in place.recon("check").err
    assert place.recon("run", "--date", DAY).code == 0
    assert reports(place) == made


def test_f50_where_reports_cannot_be_written_the_result_is_kept(place: Place) -> None:
    in_the_way = place.workspace / "reports" / str(DAY) / "wechatpay"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("not a folder")
    said = place.recon("run", "--date", DAY)
    assert said.code == 2
    assert "cannot write" in said.err
    assert "the result is recorded" in said.err
    assert place.recon("discrepancies", "--date", DAY, "--json").json
    in_the_way.unlink()
    assert place.recon("run", "--date", DAY).code == 0
    assert reports(place)


def test_f50_an_account_that_cannot_be_worked_on_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = copy_place(tmp_path, "wechatpay", "tpwallet")
    common = ["--config", str(tmp_path / "configs"), "--workspace", str(tmp_path / "w")]
    assert invoke(["ledger", "import", *map(str, ledgers), *common]) == 0
    in_the_way = tmp_path / "w" / "staging" / f"wechatpay-1600000001-{DAY}"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("not a folder")
    assert invoke(["run", "--date", str(DAY), *common]) == 3
    told = f"recon: wechatpay 1600000001 {DAY}: {in_the_way}: File exists"
    assert told in capsys.readouterr().err
    assert (tmp_path / "w" / "reports" / str(DAY) / "tpwallet").is_dir()


def test_what_the_system_refuses_is_one_line(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(prefix: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"/tmp/{prefix}1")

    monkeypatch.setattr(statements, "TemporaryDirectory", full)
    said = place.recon("normalize", place.dropped / TRADES)
    assert (said.code, said.err) == (3, "recon: /tmp/recon-1: No space left on device\n")


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_summary_that_cannot_be_read_is_as_good_as_none(place: Place, text: str) -> None:
    assert place.recon("run", "--date", DAY).code == 0
    made = reports(place)
    for summary in place.workspace.glob("reports/**/summary.json"):
        summary.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "is missing or damaged; make it again: recon run" in place.recon("check").err
    assert "is not the report of its run" in place.recon("sign-off", "--date", DAY).err
    assert f"there is no report of {DAY}" in place.recon("report", "--date", DAY).err
    assert place.recon("run", "--date", DAY, "--no-fetch").code == 0
    assert reports(place) == made


def test_f51_an_account_without_memory_fails_and_the_others_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledgers = copy_place(tmp_path, "wechatpay", "tpwallet")
    spec = DaySpec("wechatpay", "1600000001", DAY, rows=40_000)
    write_files(generate_day(spec).files, tmp_path / "sample_statements" / "wechatpay")
    common = ["--config", str(tmp_path / "configs"), "--workspace", str(tmp_path / "w")]
    assert invoke(["ledger", "import", *map(str, ledgers), *common]) == 0
    monkeypatch.setattr(apart, "LARGE_BYTES", 10_000_000)
    monkeypatch.setattr(apart, "_run", run_short_of_memory)
    assert invoke(["run", "--date", str(DAY), *common]) == 3
    said = capsys.readouterr()
    assert "recon: wechatpay 1600000001 2026-11-18: its process" in said.err
    assert (tmp_path / "w" / "reports" / str(DAY) / "tpwallet").is_dir()
    assert not (tmp_path / "w" / "reports" / str(DAY) / "wechatpay").exists()
    monkeypatch.undo()
    assert invoke(["run", "--date", str(DAY), *common]) == 0
    assert (tmp_path / "w" / "reports" / str(DAY) / "wechatpay").is_dir()


def run_short_of_memory(parent: Any, task: Any) -> None:
    """In the process of a large day: when the day begins there is not much more memory."""
    reconcile = apart.reconcile

    def short_of_memory(*given: Any, **more: Any) -> Any:
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        allowed = in_use + 32 * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))
        return reconcile(*given, **more)

    apart.reconcile = short_of_memory
    apart._run(parent, task)
