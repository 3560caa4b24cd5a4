"""A read-only SFTP server on loopback that shows one folder to one user with one key."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

USER = "recon"


@dataclass(frozen=True)
class SftpServer:
    """Where it listens, its public key, and the private key that it lets in."""

    port: int
    host_key: str
    key_file: Path


@contextmanager
def sftp_serving(keys: Path, shown: Path) -> Iterator[SftpServer]:
    """Show a folder for as long as the block lasts; `keys` gets the keys of both sides."""
    host, ours = _key(keys / "host_key"), _key(keys / "client_key")
    listening = socket.create_server(("127.0.0.1", 0))
    open_now: list[paramiko.Transport] = []

    def accept() -> None:
        with suppress(OSError):  # closed: the block has ended
            while True:
                connection, _ = listening.accept()
                transport = paramiko.Transport(connection)
                open_now.append(transport)
                transport.add_server_key(host)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, shown)
                transport.start_server(server=_Login(ours), event=threading.Event())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        shown_key = f"{host.get_name()} {host.get_base64()}"
        yield SftpServer(listening.getsockname()[1], shown_key, keys / "client_key")
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for transport in open_now:
            transport.close()


def _key(path: Path) -> paramiko.PKey:
    """A new key, kept for its owner only."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(pem)
    return paramiko.PKey.from_path(path)


class _Login(paramiko.ServerInterface):  # type: ignore[misc]
    """One user, one key, and nothing but sessions."""

    def __init__(self, allowed: paramiko.PKey) -> None:
        self._allowed = allowed

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_known = username == USER and key == self._allowed
        answer: int = paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED
        return answer

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        refused: int = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        succeeded: int = paramiko.OPEN_SUCCEEDED
        return succeeded if kind == "session" else refused


class _Files(paramiko.SFTPServerInterface):  # type: ignore[misc]
    """Look and read; nothing outside of the folder, and nothing is changed."""

    def __init__(self, server: paramiko.ServerInterface, shown: Path) -> None:
        super().__init__(server)
        self._shown = shown.resolve()

    def _place(self, path: str) -> Path | None:
        place = (self._shown / path.lstrip("/")).resolve()
        return place if place.is_relative_to(self._shown) else None

    def list_folder(self, path: str) -> Any:
        place = self._place(path)
        if place is None or not place.is_dir():
            return paramiko.SFTP_NO_SUCH_FILE
        return [
            paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name)
            for entry in sorted(place.iterdir())
        ]

    def stat(self, path: str) -> Any:
        place = self._place(path)
        if place is None or not place.exists():
            return paramiko.SFTP_NO_SUCH_FILE
        return paramiko.SFTPAttributes.from_stat(place.stat())

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        place = self._place(path)
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return paramiko.SFTP_PERMISSION_DENIED
        if place is None or not place.is_file():
            return paramiko.SFTP_NO_SUCH_FILE
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = place.open("rb")
        return handle
