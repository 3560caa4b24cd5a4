"""F46: a run killed at any moment leaves nothing half-done; the next one completes the day."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recon.cli import invoke
from tests.support import copy_place

ROOT = Path(__file__).parents[2]
DAY = ("run", "--date", "2026-11-18", "--provider", "wechatpay")


def _place(folder: Path) -> list[str]:
    ledgers = copy_place(folder, "wechatpay")
    common = ["--config", str(folder / "configs"), "--workspace", str(folder / "workspace")]
    assert invoke(["ledger", "import", *map(str, ledgers), *common]) == 0
    return common


def _reports(folder: Path) -> dict[str, bytes]:
    reports = folder / "workspace" / "reports"
    return {str(p.relative_to(reports)): p.read_bytes() for p in reports.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert invoke([*DAY, *_place(folder)]) == 0
    return _reports(folder)


# What the run does last before it is killed, by a hook that a killed process cannot outlive.
MOMENTS = [
    ("recon.io.inbox.Inbox", "receive"),
    ("recon.pipeline", "normalize"),
    ("recon.matching.engine", "match"),
    ("recon.io.days", "write_day"),
    ("recon.io.runs.RunStore", "record"),
    ("recon.io.runs", "follow"),
    ("recon.io.days", "_publish"),
    ("recon.io.days", "keep_head"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), MOMENTS, ids=[name for _, name in MOMENTS])
def test_f46_a_killed_run_is_completed_by_the_next(
    tmp_path: Path, undisturbed: dict[str, bytes], owner: str, name: str, after: bool
) -> None:
    common = _place(tmp_path)
    program = f"""
import os, pkgutil, signal, sys
owner = pkgutil.resolve_name({owner!r})
stage = getattr(owner, {name!r})
def killed(*args, **kwargs):
    if {after}:
        stage(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, {name!r}, killed)
from recon.cli import invoke
sys.exit(invoke({[*DAY, *common]!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert invoke([*DAY, *common]) == 0
    assert _reports(tmp_path) == undisturbed
    assert not list((tmp_path / "workspace" / "staging").iterdir())


def test_f46_a_superseded_report_survives_a_kill_between_transaction_and_reports(
    tmp_path: Path,
) -> None:
    common = _place(tmp_path)
    assert invoke([*DAY, *common]) == 0
    before = _reports(tmp_path)
    bill = tmp_path / "sample_statements/wechatpay/1600000001_trade_all_2026-11-18.csv"
    lines = bill.read_bytes().split(b"\r\n")
    lines[1], lines[2] = lines[2], lines[1]
    bill.write_bytes(b"\r\n".join(lines))
    os.utime(bill, ns=(time.time_ns(), time.time_ns()))
    program = f"""
import os, signal, sys
from recon.io import days
days._publish = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
from recon.cli import invoke
invoke({[*DAY, *common]!r})
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert invoke([*DAY, *common]) == 0
    kept = {
        re.sub(r"superseded/[^/]+/", "", name): data
        for name, data in _reports(tmp_path).items()
        if "superseded" in name
    }
    assert kept == before
