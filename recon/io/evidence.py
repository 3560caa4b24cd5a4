"""Bytes kept as evidence: as they came, under the digest they are known by, for their owner only.

A file appears under its name when it is whole, and is never written again.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import BinaryIO, Final

from recon.errors import ReconError, UserError
from recon.io.transfers import sync_folder

_COPY_BYTES: Final = 1024 * 1024


def keep(source: Path | bytes, target: Path, *, digest: str, size: int) -> None:
    """Copy what is known by its sha256, complete or not at all; also over a copy that was cut.

    The name of `target` begins with the digest. Errors: UserError when the source is not, or no
    longer, what the digest is of; ReconError when it cannot be stored.
    """
    if is_whole(target, size):
        return
    part = target.with_name(f"{digest}.{os.getpid()}.{get_ident()}.part")
    with _storing(target, part):
        for folder in (target.parents[1], target.parent):  # evidence is nobody else's business
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in abandoned(target.parent, f"{digest}.*.part"):
            left.unlink(missing_ok=True)
        with part.open("wb") as copy:
            copied = _copy(source, copy)
            os.fchmod(copy.fileno(), 0o400)
            os.fsync(copy.fileno())
        if copied != digest:
            raise UserError(
                f"{source!s} changed while it was read; wait until it is complete and try again"
            )
        part.replace(target)
        sync_folder(target.parent)


def is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def abandoned(folder: Path, pattern: str) -> Iterator[Path]:
    """What killed processes have left in a folder: `<anything>.<number of the process>.<more>`."""
    return (path for path in folder.glob(pattern) if not _runs(int(path.name.split(".")[1])))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it is somebody else's
    return True


def _copy(source: Path | bytes, copy: BinaryIO) -> str:
    if isinstance(source, bytes):
        copy.write(source)
        return hashlib.sha256(source).hexdigest()
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while data := file.read(_COPY_BYTES):
            digest.update(data)
            copy.write(data)
    return digest.hexdigest()


@contextmanager
def _storing(target: Path, part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReconError(f"cannot store {target}: {error.strerror}; nothing was kept") from None
    finally:
        part.unlink(missing_ok=True)
