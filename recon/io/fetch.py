"""From a provider's source into the inbox: one table of channels, the same care for all of them.

To add a channel: its settings in sources.py, and here a function that fetches (an `Errand` in,
`Fetched` out) and one that only looks.
"""

import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from recon.errors import NotProvedError, ReconError, StatementError, UserError
from recon.io import archives
from recon.io.config import Config
from recon.io.days import Workspace
from recon.io.deliveries import declare_quiet, record_quiet_days
from recon.io.inbox import StatementFileRecord, content_of, safe_name
from recon.io.locks import run_lock
from recon.io.sources import SourceSettings
from recon.io.transfers import ChecksumError, Errand, Fetched
from recon.periods import Period, one_day


@dataclass(frozen=True)
class Failure:
    """A day that could not be run, or a file that was refused, and why."""

    what: str
    message: str
    exit_code: int
    may_pass: bool = False  # by itself, as when a server does not answer

    def __str__(self) -> str:
        """One line. Most of what is said of a file begins with its name: that is not told twice."""
        for name in (self.what, Path(self.what).name):
            rest = self.message.removeprefix(name)
            if rest != self.message and rest.startswith((":", ",", " ")):
                return self.what + rest
        return f"{self.what}: {self.message}"


@dataclass(frozen=True)
class Arrival:
    """A statement that was delivered: from where, and whether it is news."""

    provider: str
    origin: str  # such as `sftp reports.example.com:22/outgoing`
    file: StatementFileRecord
    state: Literal["new", "duplicate", "corrected"]


@dataclass
class FetchReport:
    """What came, and what was refused or could not be had."""

    arrivals: list[Arrival] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def refuse(self, what: str, error: ReconError) -> None:
        """One file's trouble makes the run not proved; whose mistake it is does not matter."""
        code = NotProvedError.exit_code
        self.failures.append(Failure(what, str(error), code, may_pass=error.exit_code == code))


@dataclass(frozen=True)
class Channel:
    """How a kind of source is asked."""

    fetch: Callable[[Errand], Fetched]
    probe: Callable[[Errand], str]  # one sentence; Errors: what would stop fetching


# Files that programs leave beside others: hidden ones, and Excel's locks.
_NO_STATEMENTS: Final = (".", "~$")


def fetch_folder(errand: Errand) -> Fetched:
    """Every file that was dropped, of whatever date; they are left where they are."""
    dropped_at = {path: at for path in _listed(errand) if (at := _dropped_at(path)) is not None}
    wanted = (
        path
        for path in dropped_at
        if not path.name.startswith(_NO_STATEMENTS) and ".golden." not in path.name
    )
    # A corrected file comes after the one it corrects; names decide where times are equal.
    return Fetched(sorted(wanted, key=lambda path: (dropped_at[path], path.name)))


def probe_folder(errand: Errand) -> str:
    count = sum(_dropped_at(path) is not None for path in _listed(errand))
    return f"the folder {errand.base / errand.source.path} holds {count:,} files"


def _listed(errand: Errand) -> list[Path]:
    folder: Path = errand.base / errand.source.path
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"the folder {folder} does not exist") from None
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read: {error.strerror}") from None


def _dropped_at(path: Path) -> int | None:
    """When a file was last written; None for what is no file, or is gone since it was listed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns if stat.S_ISREG(found.st_mode) else None


def fetch_sftp(errand: Errand) -> Fetched:
    from recon.io import sftp  # a third of a second, and only for those who have such a source

    return sftp.fetch_sftp(errand)


def probe_sftp(errand: Errand) -> str:
    from recon.io import sftp

    return sftp.probe_sftp(errand)


def fetch_https(errand: Errand) -> Fetched:
    from recon.io import https  # the same of an API

    return https.fetch_https(errand)


def probe_https(errand: Errand) -> str:
    from recon.io import https

    return https.probe_https(errand)


CHANNELS: Final = {
    "folder": Channel(fetch_folder, probe_folder),
    "sftp": Channel(fetch_sftp, probe_sftp),
    "https": Channel(fetch_https, probe_https),
}


def fetch_all(
    workspace: Workspace,
    providers: Iterable[str],
    period: Period,
    *,
    now: datetime | None = None,
    ask_again: bool = False,
) -> FetchReport:
    """Take new statements of some providers into the inbox.

    APIs are not asked for old statements that are here, unless `ask_again` says so. What stops one
    provider does not stop the others.
    """
    now = now or datetime.now(UTC)
    report = FetchReport()
    for provider in sorted(providers):
        failures_before = len(report.failures)
        errand = _errand(workspace, provider, period, None if ask_again else now)
        _fetch_one(workspace, errand, now, report)
        if len(report.failures) == failures_before:
            config = workspace.config
            accounts = [account for account in config.accounts if account.provider == provider]
            asked = [(a, config.schedules[a.provider, a.account]) for a in accounts]
            record_quiet_days(workspace.database, asked, period, now)
    return report


def probe_all(config: Config, root: Path) -> Iterator[tuple[str, str | ReconError]]:
    """Ask every source: what it says, or why it cannot be asked."""
    day = one_day(datetime.now(UTC).date())
    for provider, source in config.sources.items():
        try:
            answer = CHANNELS[source.channel].probe(_plain_errand(config, root, provider, day))
            yield provider, answer
        except ReconError as error:
            yield provider, error


def _errand(
    workspace: Workspace, provider: str, period: Period, asked_at: datetime | None
) -> Errand:
    """What to fetch; `asked_at` decides which of the statements that are here are not asked for."""
    errand = _plain_errand(workspace.config, workspace.root, provider, period)
    source, inbox = errand.source, workspace.inbox
    settled: frozenset[tuple[str, str, date]] = frozenset()
    if asked_at is not None and source.channel == "https":
        until = asked_at.date() - timedelta(days=source.ask_again_days)
        here = inbox.statements_between(provider, period)
        settled = frozenset(one for one in here if one[2] < until)
    return replace(errand, last_parts=inbox.last_parts(provider), settled=settled)


def _plain_errand(config: Config, root: Path, provider: str, period: Period) -> Errand:
    return Errand(
        provider=provider,
        source=config.sources[provider],
        accounts=tuple(a.account for a in config.accounts if a.provider == provider),
        period=period,
        base=config.base,
        staging=root / "staging" / "incoming" / provider,
        statements={a.account: a.statements for a in config.accounts if a.provider == provider},
    )


def _fetch_one(workspace: Workspace, errand: Errand, now: datetime, report: FetchReport) -> None:
    try:
        with _alone(workspace, errand):
            fetched = CHANNELS[errand.source.channel].fetch(errand)
            for account, day in fetched.quiet:
                declare_quiet(workspace.database, errand.provider, account, day, now)
            for what, error in fetched.problems:
                report.refuse(what, error)
                if isinstance(error, ChecksumError):
                    _clear(workspace, errand, error.path, is_refused=True)
            for path in fetched.files:
                _receive(workspace, errand, path, now, report)
    except ReconError as error:
        may_pass = error.exit_code == NotProvedError.exit_code
        report.failures.append(Failure(errand.provider, str(error), error.exit_code, may_pass))


@contextmanager
def _alone(workspace: Workspace, errand: Errand) -> Iterator[None]:
    """Nobody else downloads for this provider; folders that are left empty are removed."""
    if errand.source.channel == "folder":
        yield
        return
    with run_lock(workspace.root / "locks", f"fetch-{errand.provider}"):
        try:
            yield
        finally:
            for folder in (*errand.staging.glob("*"), errand.staging):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()


def _receive(
    workspace: Workspace, errand: Errand, path: Path, now: datetime, report: FetchReport
) -> None:
    """One delivered file, or every statement in one delivered archive, into the inbox."""
    failures_before = len(report.failures)
    try:
        if archives.form_of(path) is None:
            _take(workspace, errand, path, None, now, report)
        else:
            scratch = workspace.root / "staging" / "incoming"
            with archives.unpacked(path, scratch, keys_of(errand.source)) as members:
                workspace.inbox.keep_archive(path, now=now)
                for name, member in members:
                    _take(workspace, errand, member, name, now, report)
    except ReconError as error:
        report.refuse(str(path), error)
    if path.is_relative_to(errand.staging):
        is_refused = len(report.failures) > failures_before
        _clear(workspace, errand, path, is_refused=is_refused)


def keys_of(source: SourceSettings) -> archives.Keys:
    return archives.Keys(source.decrypt_key_env, source.decrypt_passphrase_env)


def _take(
    workspace: Workspace,
    errand: Errand,
    path: Path,
    name: str | None,
    now: datetime,
    report: FetchReport,
) -> None:
    known: dict[str, list[str]] = {}
    for account in workspace.config.accounts:
        known.setdefault(account.provider, []).append(account.account)
    try:
        got = workspace.inbox.receive(path, known_accounts=known, now=now, name=name)
    except ReconError as error:
        report.refuse(name or str(path), error)
        return
    report.arrivals.append(Arrival(got.file.provider, errand.source.origin, got.file, got.state))
    if got.file.provider != errand.provider:
        text = f"a {got.file.provider} statement in the source of {errand.provider}; taken as such"
        report.refuse(name or str(path), StatementError(text))


def _clear(workspace: Workspace, errand: Errand, path: Path, *, is_refused: bool) -> None:
    """A download has done its work: it goes, or, refused, lies where somebody can look at it."""
    try:
        if not is_refused:
            path.unlink()
            return
        digest = content_of(path, path.name).file_id
        kept = workspace.root / "quarantine" / errand.provider
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.replace(kept / f"{digest[:12]}-{safe_name(path.name)}")
    except OSError as error:
        raise ReconError(f"cannot move {path} out of the way: {error.strerror}") from None
