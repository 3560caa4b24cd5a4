"""One run of one thing at a time, also across processes, also after a crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recon.errors import UserError
from recon.io.locks import run_lock

HOLDER = """
import sys, time
from pathlib import Path
from recon.io.locks import run_lock
with run_lock(Path(sys.argv[1]), "stripe-acct-2026-11-20"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_at_once_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        message = (
            f"another run of stripe-acct-2026-11-20 is under way \\(process {holder.pid}\\); "
            "wait for it to end"
        )
        with pytest.raises(UserError, match=message):
            run_lock(tmp_path, "stripe-acct-2026-11-20").__enter__()
        with run_lock(tmp_path, "stripe-acct-2026-11-21"):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with run_lock(tmp_path, "stripe-acct-2026-11-20"):
        pass


def test_a_second_thread_or_call_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with (
        run_lock(tmp_path, "day"),
        pytest.raises(UserError, match=f"process {os.getpid()}"),
        run_lock(tmp_path, "day"),
    ):
        pytest.fail("the lock was given twice")
    with run_lock(tmp_path, "day"):
        pass


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, "day"):
        raise ZeroDivisionError
    with run_lock(tmp_path, "day"):
        pass


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "a/b", "a\\b", "a\nb", "支付宝", ".", "x" * 300]
)
def test_a_hostile_key_stays_a_file_in_the_folder(tmp_path: Path, key: str) -> None:
    with run_lock(tmp_path / "locks", key):
        assert [path.name for path in tmp_path.iterdir()] == ["locks"]
        assert len(list((tmp_path / "locks").iterdir())) == 1


def test_keys_that_look_alike_are_different_locks(tmp_path: Path) -> None:
    with run_lock(tmp_path, "a/b"), run_lock(tmp_path, "a_b"), run_lock(tmp_path, "a\\b"):
        assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(UserError, match="cannot make the lock file"):
        run_lock(tmp_path / "locks", "day").__enter__()
