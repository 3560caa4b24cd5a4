"""What every channel that downloads shares: its errors, patience, and files whole or not at all."""

import errno
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from recon.errors import NotProvedError, ReconError, UserError
from recon.periods import Period

_LONGEST_WAIT_SECONDS: Final = 60

T = TypeVar("T")


class NotReadyError(NotProvedError):
    """It is not there in full yet: try again later."""


class TransferError(NotProvedError):
    """The connection failed, or the server did not do what it said: tried again, then given up."""


class ChecksumError(NotProvedError):
    """The bytes are not those the provider announced; `path` is where they are."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class HostKeyError(UserError):
    """The server is not the one that was pinned. Never tried again."""


class CredentialsError(UserError):
    """The server, or the key file, refuses who we are. Never tried again."""


@dataclass(frozen=True)
class Errand:
    """What to fetch: the files of a provider's accounts for some business dates."""

    provider: str
    source: Any  # one of `recon.io.sources.SourceSettings`
    accounts: tuple[str, ...]
    period: Period
    base: Path  # where relative paths of the configuration start
    staging: Path  # a folder of the errand's own; what is left there is found by the next run
    # What an API is asked for: the kinds of statement by account, and the highest part of each that
    # the inbox has, by account and kind.
    statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    last_parts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # Account, kind and day of the statements that are here and that nobody corrects any more.
    settled: frozenset[tuple[str, str, date]] = frozenset()


@dataclass
class Fetched:
    """Files to receive, in the order of their age, and what could not be had. Files in the staging
    folder belong to the receiver; all others are left where they are."""

    files: list[Path] = field(default_factory=list)
    problems: list[tuple[str, ReconError]] = field(default_factory=list)
    quiet: list[tuple[str, date]] = field(default_factory=list)  # the provider says: nothing there


def retried(action: Callable[[], T], *, attempts: int, first_delay: float) -> T:
    """Do it, and again after growing, jittered delays while it fails in a way that may pass.

    Errors: the last one of `action`; all but TransferError and NotReadyError at once.
    """
    for attempt in range(attempts - 1):
        try:
            return action()
        except (TransferError, NotReadyError):
            delay = min(_LONGEST_WAIT_SECONDS, first_delay * 2**attempt)
            time.sleep(delay * random.uniform(0.5, 1))
    return action()


@contextmanager
def writing(part: Path) -> Iterator[None]:
    """Turn a failure of our own disk into one sentence, and give a full disk its space back."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            part.unlink(missing_ok=True)
        raise ReconError(
            f"cannot write {part}: {error.strerror}; nothing was received, make room and run again"
        ) from None


def settle(part: Path, final: Path) -> Path:
    """Give a whole download its name, so that it survives a power cut under that name only."""
    with writing(part):
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(final)
        sync_folder(final.parent)
    return final


def sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, as the bytes do already."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
