"""F01-F09 against a real OpenSSH server: what asyncssh shows of a fault, a real one shows, too."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from recon.io import sftp, sftp_session
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
from recon.periods import one_day
from tests.sftp_server import Server, make_key, openssh

DATA = bytes(range(256)) * 4096  # 1 MiB
NAME = "bill_20261120.csv"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with openssh() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    for path in (running.home / "outgoing").iterdir():
        path.unlink()
    (running.home / "outgoing" / NAME).write_bytes(DATA)
    return running


def fetch(server: Server, folder: Path, **changes: Any) -> Fetched:
    source = SftpSource.model_validate(server.source(**changes))
    day = one_day(date(2026, 11, 20))
    return sftp.fetch_sftp(Errand("acme", source, ("1001",), day, folder, folder / "staging"))


@contextmanager
def between(server: Server, most: int, *, silent: bool = False) -> Iterator[int]:
    """The port of a line to the server that breaks, or falls silent, after so many bytes to us."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def forward(source: socket.socket, target: socket.socket, left: int | None) -> None:
        try:
            while data := source.recv(16_384):
                if left is not None:
                    data, left = data[:left], left - len(data[:left])
                target.sendall(data)
                if left == 0:
                    over.wait(20 if silent else 0)
                    break
        except OSError:
            over.set()
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # a close alone waits for who is reading from it
            end.close()

    def accept() -> None:
        while not over.is_set():
            try:
                ours, _ = listening.accept()
            except OSError:
                break
            theirs = socket.create_connection(("127.0.0.1", server.port))
            for arguments in ((ours, theirs, None), (theirs, ours, most)):
                threading.Thread(target=forward, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        listening.close()


def only_problem(fetched: Fetched) -> Exception:
    assert fetched.files == []
    [(_, error)] = fetched.problems
    return error


def test_f01_a_file_that_grows_on_openssh_is_not_ready(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = server.home / "outgoing" / NAME
    for module in (sftp, sftp_session):
        monkeypatch.setattr(module, "sleep", lambda _: path.write_bytes(path.read_bytes() + b"x"))
    assert isinstance(only_problem(fetch(server, tmp_path, settle_seconds=1)), NotReadyError)


@pytest.mark.parametrize("most", [20_000, 200_000, 900_000])
def test_f02_a_line_to_openssh_that_breaks_is_continued_by_the_next_run(
    server: Server, tmp_path: Path, most: int
) -> None:
    with between(server, most) as port:
        said = only_problem(fetch(server, tmp_path, port=port, attempts=1))
    assert isinstance(said, TransferError)
    [part] = (tmp_path / "staging").rglob("*.part")
    assert part.read_bytes() == DATA[: part.stat().st_size]
    assert not [p for p in (tmp_path / "staging").rglob("*") if p.is_file() and p != part]
    [path] = fetch(server, tmp_path).files
    assert path.read_bytes() == DATA


def test_f04_a_line_to_openssh_that_falls_silent_is_given_up(
    server: Server, tmp_path: Path
) -> None:
    with between(server, 200_000, silent=True) as port:
        said = only_problem(fetch(server, tmp_path, port=port, attempts=1, timeout_seconds=1))
    assert "did not answer within 1 s" in str(said)


def test_f05_f06_markers_and_checksums_on_openssh(server: Server, tmp_path: Path) -> None:
    beside = {"marker": "{name}.done", "checksum": "{name}.sha256"}
    assert isinstance(only_problem(fetch(server, tmp_path, **beside)), NotReadyError)
    for suffix in ("done", "sha256"):
        (server.home / "outgoing" / f"{NAME}.{suffix}").write_text("0" * 64)
    assert isinstance(only_problem(fetch(server, tmp_path, **beside)), ChecksumError)


def test_f08_an_openssh_with_another_host_key_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(HostKeyError, match="nothing was sent"):
        fetch(server, tmp_path, host_keys=[make_key(tmp_path / "other")])


def test_f09_wrong_keys_users_and_expired_keys_are_refused_by_openssh(
    server: Server, tmp_path: Path
) -> None:
    keys = server.key_file.with_name("authorized_keys")
    before = keys.read_text()
    stranger, expired = tmp_path / "stranger", tmp_path / "expired"
    make_key(stranger)
    keys.write_text(f'{before}expiry-time="20200101" {make_key(expired)}\n')
    wrong: list[dict[str, Any]] = [
        {"key_file": str(stranger)},
        {"key_file": str(expired)},
        {"user": "nobody-at-all"},
    ]
    for changes in wrong:
        with pytest.raises(CredentialsError, match="refuses the key of the configured user"):
            fetch(server, tmp_path, **changes)
    keys.write_text(before)
    assert len(fetch(server, tmp_path).files) == 1
