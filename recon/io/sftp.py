"""Statements from an SFTP server: only from the pinned host, only whole, only when they are ready.

A file is downloaded to a `.part` whose name holds its remote size and time, so that the next run
continues it while both are unchanged. After the download both are asked again, the checksum is
compared where there is one, and only then does the file get its name.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from time import sleep
from typing import TypeVar

from recon.errors import NotProvedError, ReconError
from recon.io.inbox import safe_name
from recon.io.sftp_session import RemoteFile, Session
from recon.io.sources import SftpSource
from recon.io.transfers import (
    CredentialsError,
    Errand,
    Fetched,
    HostKeyError,
    NotReadyError,
    TransferError,
    retried,
)

T = TypeVar("T")


def fetch_sftp(errand: Errand) -> Fetched:
    """Download the files of the errand's days; see `transfers.Fetched`.

    Errors: HostKeyError, CredentialsError, UserError at once; TransferError after all attempts.
    """
    source: SftpSource = errand.source
    fetched = Fetched()
    with Session(source, errand.base) as session:

        def again(action: Callable[[], T]) -> T:
            return retried(action, attempts=source.attempts, first_delay=source.retry_seconds)

        wanted: dict[str, set[str]] = {}
        for day in errand.period:
            wanted.setdefault(source.folder(day), set()).update(source.globs(day, errand.accounts))
        ready: list[RemoteFile] = []
        is_dated = "{" in source.path
        for folder, globs in wanted.items():
            found = again(partial(session.listing, folder, may_be_absent=is_dated))
            chosen, problems = _choose(source, found, globs)
            fetched.problems += problems
            ready += chosen
        growing = _growing(session, source, ready)
        failures = 0
        for file in sorted(ready, key=lambda file: (file.modified_at, file.path)):
            try:
                if file in growing:
                    again(partial(session.steady, file.path))
                fetched.files.append(again(partial(session.download, file, errand.staging)))
            except ReconError as error:
                fetched.problems.append((f"{source.host}:{file.shown}", error))
                failures += isinstance(error, TransferError)
                # One file can be a bad one; two mean the server, which is not asked all night long,
                # and one that refuses us is not asked again at all.
                if failures == 2 or isinstance(error, (HostKeyError, CredentialsError)):
                    break
    return fetched


def probe_sftp(errand: Errand) -> str:
    """Log in and look, without fetching: a sentence that says what is there."""
    source: SftpSource = errand.source
    with Session(source, errand.base) as session:
        folder = source.fixed_folder()
        count = session.count(folder)
    return f"sftp {source.host}:{source.port} lets us in; {folder} holds {count:,} names"


def _choose(
    source: SftpSource, found: list[RemoteFile], globs: set[str]
) -> tuple[list[RemoteFile], list[tuple[str, NotProvedError]]]:
    """Which files of a listing are wanted and announced as complete, and what is odd about it."""
    names = {file.name for file in found}
    besides = [pattern for pattern in (source.marker, source.checksum) if pattern]
    chosen: list[RemoteFile] = []
    problems: list[tuple[str, NotProvedError]] = []
    for file in found:
        is_beside = any(fnmatchcase(file.name, beside.format(name="*")) for beside in besides)
        if is_beside or not any(fnmatchcase(file.name, glob) for glob in globs):
            continue
        lacking = [
            b.format(name=file.name) for b in besides if b.format(name=file.name) not in names
        ]
        if lacking:
            said = f"{safe_name(lacking[0])} is not there yet; the file is taken when it is"
            problems.append((f"{source.host}:{file.shown}", NotReadyError(said)))
            continue
        chosen.append(file)
    for file in found:
        marked = _marked_by(source, file.name)
        if marked and marked not in names and any(fnmatchcase(marked, glob) for glob in globs):
            said = f"announces {safe_name(marked)}, which is not there; ask the provider"
            problems.append((f"{source.host}:{file.shown}", NotProvedError(said)))
    return chosen, problems


def _marked_by(source: SftpSource, name: str) -> str | None:
    """The name of the file that a marker belongs to; None: it is no marker."""
    if source.marker is None:
        return None
    before, after = source.marker.split("{name}")
    if not (name.startswith(before) and name.endswith(after)):
        return None
    return name[len(before) : len(name) - len(after)] or None


def _growing(session: "Session", source: SftpSource, ready: list[RemoteFile]) -> set[RemoteFile]:
    """Files that change while we wait a moment; a marker has said already that they do not."""
    if source.marker is not None or not ready or not source.settle_seconds:
        return set()
    sleep(source.settle_seconds)
    now: set[RemoteFile] = set()
    for folder in {file.folder for file in ready}:
        now.update(session.listing(folder, may_be_absent=True))
    return set(ready) - now
