"""F01-F10, F32, F55: whatever a server or a line does, a file arrives whole or not at all."""

import errno
import hashlib
import logging
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recon.errors import ReconError, UserError
from recon.io import sftp, sftp_session, transfers
from recon.io.sources import SftpSource
from recon.io.transfers import (
    ChecksumError,
    CredentialsError,
    Errand,
    Fetched,
    HostKeyError,
    NotReadyError,
    TransferError,
)
from recon.periods import Period, one_day
from tests.sftp_server import USER, Faults, Server, make_key, misbehaving, openssh

DAY = date(2026, 11, 20)
DATA = bytes(range(256)) * 1024  # 256 KiB: several requests
NAME = "bill_20261120.csv"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with misbehaving(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """The server with an empty folder and no faults."""
    fresh = Faults()
    running.faults.__dict__.update(fresh.__dict__)
    for path in (running.home / "outgoing").iterdir():
        path.unlink()
    return running


def put(server: Server, name: str = NAME, data: bytes = DATA, at: int = 1_700_000_000) -> Path:
    path = server.home / "outgoing" / name
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def errand(server: Server, tmp_path: Path, period: Period | None = None, **changes: Any) -> Errand:
    source = SftpSource.model_validate(server.source(**changes))
    staging = tmp_path / "staging"
    return Errand("acme", source, ("1001", "1002"), period or one_day(DAY), tmp_path, staging)


def fetch(server: Server, tmp_path: Path, **changes: Any) -> Fetched:
    return sftp.fetch_sftp(errand(server, tmp_path, **changes))


def names(fetched: Fetched) -> list[str]:
    return [path.name for path in fetched.files]


def parts(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "staging").rglob("*.part"))


def whole(tmp_path: Path) -> list[Path]:
    found = (path for path in (tmp_path / "staging").rglob("*") if path.is_file())
    return sorted(path for path in found if path.suffix != ".part")


def only_problem(fetched: Fetched, kind: type[ReconError]) -> str:
    assert fetched.files == []
    [(what, error)] = fetched.problems
    assert type(error) is kind, error
    return f"{what}: {error}"


def test_a_file_arrives_byte_for_byte_the_oldest_first(server: Server, tmp_path: Path) -> None:
    put(server, "b.csv", at=1_700_000_002)
    put(server, "c.csv", b"", at=1_700_000_001)
    put(server, "a.txt")
    fetched = fetch(server, tmp_path)
    assert fetched.problems == []
    assert names(fetched) == ["c.csv", "b.csv"]
    assert fetched.files[1].read_bytes() == DATA
    assert parts(tmp_path) == []


def test_only_the_days_and_accounts_that_were_asked_for_are_fetched(
    server: Server, tmp_path: Path
) -> None:
    for day in (19, 20, 21):
        for account in (1001, 1002, 9999):
            put(server, f"{account}_202611{day}.csv")
    asked = errand(
        *(server, tmp_path, Period(date(2026, 11, 19), DAY)),
        patterns=["{account}_{date:%Y%m%d}.csv"],
    )
    found = sorted(names(sftp.fetch_sftp(asked)))
    assert found == [f"{a}_202611{d}.csv" for a in (1001, 1002) for d in (19, 20)]


def test_a_dated_folder_that_is_not_there_yet_is_no_fault(server: Server, tmp_path: Path) -> None:
    dated = str(server.home / "outgoing" / "{date:%Y%m%d}")
    assert fetch(server, tmp_path, path=dated) == Fetched()
    with pytest.raises(UserError, match=r"has no folder .*check source\.path"):
        fetch(server, tmp_path, path=str(server.home / "typo"))


def test_f01_a_growing_file_is_not_ready(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(server)

    def grow(seconds: float) -> None:
        path.write_bytes(path.read_bytes() + b"more")

    for module in (sftp, sftp_session):
        monkeypatch.setattr(module, "sleep", grow)
    said = only_problem(fetch(server, tmp_path, settle_seconds=1), NotReadyError)
    assert "still growing" in said
    for module in (sftp, sftp_session):
        monkeypatch.setattr(module, "sleep", lambda seconds: None)
    assert names(fetch(server, tmp_path, settle_seconds=1)) == [NAME]


def test_f01_a_file_that_grows_during_the_download_is_not_ready(
    server: Server, tmp_path: Path
) -> None:
    path = put(server)
    server.faults.on_read = lambda offset: path.write_bytes(path.read_bytes() + b"more")
    assert "changed while" in only_problem(fetch(server, tmp_path), NotReadyError)
    assert (parts(tmp_path), whole(tmp_path)) == ([], [])


@pytest.mark.parametrize("at", [0, 1, 100, 32_768, 32_769, 100_000, 200_000, len(DATA) - 1])
def test_f02_a_dropped_connection_leaves_a_part_that_the_next_run_completes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(sftp_session, "_BLOCK_BYTES", 32 * 1024)
    put(server)
    server.faults.drop_at, server.faults.drops = at, 1
    assert "connection" in only_problem(fetch(server, tmp_path, attempts=1), TransferError)
    assert whole(tmp_path) == []
    [part] = parts(tmp_path)
    kept = part.stat().st_size
    assert (kept > 0) == (at >= 32 * 1024)
    assert kept <= at
    assert part.read_bytes() == DATA[:kept]
    server.faults.reads.clear()
    [path] = fetch(server, tmp_path, attempts=1).files
    assert path.read_bytes() == DATA
    assert min(server.faults.reads) == kept
    assert parts(tmp_path) == []


def test_f02_a_dropped_connection_is_made_again_in_the_same_run(
    server: Server, tmp_path: Path
) -> None:
    put(server)
    server.faults.drop_at, server.faults.drops = 100_000, 2
    [path] = fetch(server, tmp_path, attempts=3).files
    assert path.read_bytes() == DATA
    assert server.faults.logins == 3


def test_f02_what_was_begun_of_another_version_is_not_continued(
    server: Server, tmp_path: Path
) -> None:
    put(server)
    server.faults.drop_at, server.faults.drops = 100_000, 1
    fetch(server, tmp_path, attempts=1)
    put(server, data=DATA[::-1], at=1_700_000_005)
    [path] = fetch(server, tmp_path).files
    assert path.read_bytes() == DATA[::-1]
    assert parts(tmp_path) == []


@pytest.mark.parametrize(
    "off", [-1, -100_000, 1, 100_000], ids=["F03", "F03 far", "F04", "F04 far"]
)
def test_f03_f04_a_wrong_size_is_told_and_nothing_is_kept(
    server: Server, tmp_path: Path, off: int
) -> None:
    put(server)
    server.faults.size_off = off
    said = only_problem(fetch(server, tmp_path), TransferError)
    assert f"says it has {len(DATA) + off:,} bytes and sent " in said
    assert (parts(tmp_path), whole(tmp_path)) == ([], [])


def test_f04_a_server_that_stops_sending_is_given_up_and_not_asked_all_night(
    server: Server, tmp_path: Path
) -> None:
    for number in range(5):
        put(server, f"{number}.csv")
    server.faults.stall_at = 100_000
    fetched = fetch(server, tmp_path, timeout_seconds=1, attempts=1)
    assert [type(error) for _, error in fetched.problems] == [TransferError] * 2
    assert "did not answer within 1 s" in str(fetched.problems[0][1])
    assert whole(tmp_path) == []


def test_f04_a_port_that_accepts_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        key = make_key(tmp_path / "k")
        server = Server(mute.getsockname()[1], key, tmp_path, tmp_path / "k", Faults())
        with pytest.raises(TransferError, match=r"127\.0\.0\.1"):
            fetch(server, tmp_path, timeout_seconds=1, attempts=1)


def test_f05_without_its_marker_a_file_waits(server: Server, tmp_path: Path) -> None:
    put(server)
    said = only_problem(fetch(server, tmp_path, marker="{name}.done"), NotReadyError)
    assert f"{NAME}.done is not there yet" in said
    put(server, f"{NAME}.done", b"")
    assert names(fetch(server, tmp_path, marker="{name}.done", patterns=["*"])) == [NAME]


def test_f05_a_marker_without_its_file_is_told(server: Server, tmp_path: Path) -> None:
    put(server, f"{NAME}.done", b"")
    [(what, error)] = fetch(server, tmp_path, marker="{name}.done").problems
    said = f"{NAME}.done announces {NAME}, which is not there; ask the provider"
    assert f"{what} {error}".endswith(said)


def test_f06_bytes_that_were_not_announced_are_refused(server: Server, tmp_path: Path) -> None:
    put(server)
    digest = hashlib.sha256(DATA).hexdigest()
    for text, expected in [
        (f"{digest}  {NAME}\n", []),
        (f"{'0' * 64}  other.csv\n{digest.upper()} *{NAME}\n", []),
        (digest, []),
        (f"{'0' * 64}  {NAME}\n", [ChecksumError]),
        ("no digest at all", [ChecksumError]),
    ]:
        put(server, f"{NAME}.sha256", text.encode())
        fetched = fetch(server, tmp_path, checksum="{name}.sha256")
        assert [type(error) for _, error in fetched.problems] == expected, text
    (server.home / "outgoing" / f"{NAME}.sha256").unlink()
    only_problem(fetch(server, tmp_path, checksum="{name}.sha256"), NotReadyError)


def test_f07_a_file_rewritten_during_the_download_is_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    put(server)
    rewritten = []

    def rewrite(offset: int) -> None:
        if offset >= 65_536 and not rewritten:
            rewritten.append(put(server, data=DATA[::-1], at=1_700_000_009))

    server.faults.on_read = rewrite
    [path] = fetch(server, tmp_path, attempts=3).files
    assert path.read_bytes() == DATA[::-1]


def test_f08_another_host_key_is_refused_before_anything_is_sent(
    server: Server, tmp_path: Path
) -> None:
    put(server)
    other = make_key(tmp_path / "other")
    rsa = "ssh-rsa " + "A" * 372
    for keys in ([other], [rsa], [rsa, other]):
        with pytest.raises(HostKeyError, match=r"is not the server pinned in source\.host_keys"):
            fetch(server, tmp_path, host_keys=keys, attempts=5)
    assert server.faults.logins == 0
    assert names(fetch(server, tmp_path, host_keys=[other, server.host_key])) == [NAME]


@pytest.mark.parametrize("keys", [[], ["ssh-ed25519"], ["ssh-ed25519 not!base64"]])
def test_f08_a_source_without_a_pinned_key_is_no_source(server: Server, keys: list[str]) -> None:
    with pytest.raises(ValidationError, match="host_keys"):
        SftpSource.model_validate(server.source(host_keys=keys))


SECRET = "s3cret-Passw0rd"


def test_f09_f55_wrong_credentials_fail_at_once_and_no_secret_is_told(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SFTP_SECRET", SECRET)
    make_key(tmp_path / "stranger")
    make_key(tmp_path / "locked", "another")
    (tmp_path / "garbage").write_text(f"garbage {SECRET}")
    (tmp_path / "garbled").write_text(
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    wrong: list[dict[str, Any]] = [
        {"key_file": "stranger"},
        {"key_file": "absent"},
        {"key_file": "locked"},
        {"key_file": "locked", "key_passphrase_env": "SFTP_SECRET"},
        {"key_file": "garbage"},
        {"key_file": "garbled"},
        {"key_file": None, "password_env": "SFTP_SECRET"},
    ]
    told = []
    for changes in wrong:
        with pytest.raises(CredentialsError) as raised:
            fetch(server, tmp_path, attempts=5, **changes)
        told.append(str(raised.value))
    assert server.faults.logins == 2  # once for each that got as far as asking
    assert not [text for text in (*told, caplog.text) if SECRET in text]
    monkeypatch.setenv("SFTP_SECRET", "right horse")
    monkeypatch.setenv("SFTP_USER", USER)
    put(server)
    good = {"key_file": None, "password_env": "SFTP_SECRET", "user": None, "user_env": "SFTP_USER"}
    assert names(fetch(server, tmp_path, **good)) == [NAME]
    monkeypatch.delenv("SFTP_SECRET")
    with pytest.raises(UserError, match="SFTP_SECRET; it is not set"):
        fetch(server, tmp_path, **good)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"user": None}, "either user, or user_env"),
        ({"user_env": "U"}, "either user, or user_env"),
        ({"key_file": None}, "key_file, or password_env"),
        ({"password": SECRET}, "password"),
        ({"path": "/out/{day}"}, "placeholder"),
        ({"path": "/out/{date.__class__}"}, "placeholder"),
        ({"patterns": ["{name}"]}, "placeholder"),
        ({"marker": "x.done"}, "lacks {name}"),
        ({"marker": "{name}"}, "another name"),
        ({"marker": "../{name}.done"}, "another name"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(
    server: Server, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        SftpSource.model_validate(server.source(**changes))


def test_f10_a_full_disk_leaves_nothing_behind_and_the_next_run_succeeds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server)
    opened = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

        def write(self, data: bytes) -> int:
            self._file.write(data[:1_000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_full(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = opened(path, mode, *rest, **more)
        return Full(file) if mode == "ab" else file

    monkeypatch.setattr(Path, "open", open_full)
    said = only_problem(fetch(server, tmp_path), ReconError)
    assert "No space left on device; nothing was received, make room and run again" in said
    assert (parts(tmp_path), whole(tmp_path)) == ([], [])
    monkeypatch.undo()
    assert names(fetch(server, tmp_path)) == [NAME]


def test_f10_a_disk_that_fails_at_the_last_step_leaves_no_final_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server)

    def broken(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(transfers.os, "fsync", broken)
    only_problem(fetch(server, tmp_path), ReconError)
    assert whole(tmp_path) == []


def test_f32_a_hostile_name_stays_in_its_folder(server: Server, tmp_path: Path) -> None:
    server.faults.names = [b"../../evil.csv", b"a\\b.csv", b"/etc/x.csv"]
    put(server, "ok\x1b[31m\n.csv")
    put(server, "..\\up.csv")
    fetched = fetch(server, tmp_path)
    assert "ok_[31m_.csv" in names(fetched)
    assert "up.csv" in names(fetched)
    assert all(path.parent.parent == tmp_path / "staging" for path in fetched.files)
    assert not [what for what, _ in fetched.problems if not what.isprintable()]


def test_a_real_openssh_is_fetched_from(tmp_path: Path) -> None:
    with openssh() as server:
        put(server)
        put(server, f"{NAME}.done", b"")
        put(server, f"{NAME}.sha256", hashlib.sha256(DATA).hexdigest().encode())
        beside = {"marker": "{name}.done", "checksum": "{name}.sha256"}
        [path] = fetch(server, tmp_path, **beside).files
        assert path.read_bytes() == DATA
        assert "holds 3 names" in sftp.probe_sftp(errand(server, tmp_path))
        make_key(tmp_path / "stranger")
        with pytest.raises(CredentialsError):
            fetch(server, tmp_path, key_file=str(tmp_path / "stranger"))
        with pytest.raises(HostKeyError):
            fetch(server, tmp_path, host_keys=[make_key(tmp_path / "other")])
