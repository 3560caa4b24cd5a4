"""One run of one thing at a time, on this machine: a lock the operating system itself releases."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recon.errors import UserError
from recon.io.names import file_name


@contextmanager
def run_lock(directory: Path, key: str) -> Iterator[None]:
    """Hold `key` for the length of the block; a killed process lets go of it by itself.

    The lock file stays, because removing it could take it from under another process. Errors:
    UserError at once when somebody else holds it, naming the process, or when the folder cannot be
    written.
    """
    path = directory / f"{file_name(key)}.lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UserError(f"cannot make the lock file {path}: {error.strerror}") from None
    try:
        _take(lock, key)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)


def _take(lock: int, key: str) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        process = f" (process {holder})" if holder else ""
        raise UserError(f"another run of {key} is under way{process}; wait for it to end") from None
