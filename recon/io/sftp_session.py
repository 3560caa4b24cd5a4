"""One connection to an SFTP server: who it is, who we are, and every failure one of our errors."""

import hashlib
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Final, Self

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import UnknownKeyType

from recon.errors import UserError
from recon.io.inbox import safe_name
from recon.io.secrets import secret
from recon.io.sources import SftpSource
from recon.io.transfers import (
    ChecksumError,
    CredentialsError,
    HostKeyError,
    NotReadyError,
    TransferError,
    settle,
    writing,
)

_BLOCK_BYTES: Final = 256 * 1024
_REQUESTS_AHEAD: Final = 64  # what may be under way at once: enough to fill a long line
_CHECKSUM_BYTES: Final = 64 * 1024
_FILES_LIMIT: Final = 100_000  # in one folder: a listing must end


@dataclass(frozen=True)
class RemoteFile:
    """One file as the server lists it; another size or time is another file."""

    folder: str
    name: str
    size: int
    modified_at: int  # seconds, as SFTP has them

    @property
    def path(self) -> str:
        return f"{self.folder.rstrip('/')}/{self.name}"

    @property
    def shown(self) -> str:
        """Its path, fit for a message: a server can name a file anything."""
        return f"{self.folder.rstrip('/')}/{safe_name(self.name)}"


class Session:
    """A connection that is made when it is needed and made again after it was lost."""

    def __init__(self, source: SftpSource, base: Path) -> None:
        self._source = source
        self._base = base
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = self._client = None

    def listing(self, folder: str, *, may_be_absent: bool) -> list[RemoteFile]:
        """The plain files of a folder. Errors: UserError when there is no such folder."""
        with self._asking(f"list {folder}") as client:
            try:
                found = client.listdir_attr(folder)
            except FileNotFoundError:
                if may_be_absent:
                    return []
                raise UserError(
                    f"{self._source.host} has no folder {folder}; check source.path"
                ) from None
        if len(found) > _FILES_LIMIT:
            raise UserError(f"{self._source.host}:{folder} holds more than {_FILES_LIMIT:,} names")
        return [
            RemoteFile(folder, entry.filename, entry.st_size or 0, entry.st_mtime or 0)
            for entry in found
            if entry.st_mode is None or stat.S_ISREG(entry.st_mode)
            # A name with a slash in it would lead to another folder.
            if "/" not in entry.filename and "\x00" not in entry.filename
        ]

    def count(self, folder: str) -> int:
        """How many names there are. Errors: UserError when there is no such folder."""
        with self._asking(f"list {folder}") as client:
            try:
                return len(client.listdir(folder))
            except FileNotFoundError:
                raise UserError(
                    f"{self._source.host} has no folder {folder}; check source.path"
                ) from None

    def steady(self, path: str) -> None:
        """Errors: NotReadyError while the file still changes."""
        before = self._stamp(path)
        sleep(self._source.settle_seconds)
        if self._stamp(path) != before:
            raise NotReadyError("it is still growing; it is taken when it no longer changes")

    def download(self, file: RemoteFile, staging: Path) -> Path:
        """The file, whole, under a harmless name in a folder of its own.

        Errors: NotReadyError when it changed meanwhile, TransferError when the server sent another
        number of bytes than it said, ChecksumError when they are not the announced ones.
        """
        key = hashlib.sha256(file.path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        folder = staging / key
        size, modified_at = before = self._stamp(file.path)
        part = folder / f"{size}-{modified_at}.part"
        with writing(part):
            folder.mkdir(parents=True, exist_ok=True)
            for other in folder.glob("*.part"):
                if other != part:  # of a version that is gone
                    other.unlink()
        self._copy(file, part, size)
        if self._stamp(file.path) != before:
            part.unlink()
            raise NotReadyError("it changed while it was downloaded; it is taken when it rests")
        got = part.stat().st_size
        if got != size:
            part.unlink()
            raise TransferError(f"the server says it has {size:,} bytes and sent {got:,}")
        final = settle(part, folder / safe_name(file.name))
        self._compare(file, final)
        return final

    def _copy(self, file: RemoteFile, part: Path, size: int) -> None:
        """Append what is still missing, and whatever comes after the end the server stated."""
        with writing(part):
            target = part.open("ab")
        with target, self._asking(f"read {file.shown}") as client, client.open(file.path) as remote:
            offset = target.tell()
            remote.seek(offset)
            _ask_ahead(remote, size)
            # One byte beyond what was stated tells that there is more, and is all that is read.
            while data := remote.read(min(_BLOCK_BYTES, size + 1 - offset)):
                with writing(part):
                    target.write(data)
                    target.flush()
                offset += len(data)

    def _compare(self, file: RemoteFile, final: Path) -> None:
        """Errors: ChecksumError, with the path of the file still in the staging folder."""
        if self._source.checksum is None:
            return
        path = f"{file.folder.rstrip('/')}/{self._source.checksum.format(name=file.name)}"
        with self._asking(f"read {file.shown}'s checksum") as client, client.open(path) as remote:
            text = remote.read(_CHECKSUM_BYTES).decode("utf-8", "replace")
        rows = text.splitlines()
        named = [row for row in rows if file.name in row] or rows
        stated = {
            found.lower() for row in named for found in re.findall(r"\b[0-9a-fA-F]{64}\b", row)
        }
        with final.open("rb") as whole:
            digest = hashlib.file_digest(whole, "sha256").hexdigest()
        if stated != {digest}:
            raise ChecksumError(
                f"its sha256 is {digest}, and {safe_name(path)} says "
                f"{', '.join(sorted(stated)) or 'none'}; ask the provider to send it again",
                final,
            )

    def _stamp(self, path: str) -> tuple[int, int]:
        with self._asking("look at a file") as client:
            try:
                found = client.stat(path)
            except FileNotFoundError:
                raise NotReadyError("it is gone again; it is taken when it is back") from None
        return found.st_size or 0, found.st_mtime or 0

    @contextmanager
    def _asking(self, what: str) -> Iterator[paramiko.SFTPClient]:
        """The client; what goes wrong while it is asked becomes one of our errors."""
        source = self._source
        where = f"{source.host}:{source.port}"
        try:
            if self._client is None:
                self._client = self._connect()
            yield self._client
        except TimeoutError:
            self.close()
            raise TransferError(
                f"{where} did not answer within {source.timeout_seconds} s (to {what})"
            ) from None
        except PermissionError:
            raise UserError(f"{where} does not let us {what}; ask for the right to") from None
        except FileNotFoundError:
            raise NotReadyError(f"{where}: gone while we wanted to {what}") from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.close()
            said = safe_name(str(error)) or type(error).__name__
            raise TransferError(f"{where}: the connection failed (to {what}): {said}") from None

    def _connect(self) -> paramiko.SFTPClient:
        """Log in. Errors: HostKeyError before anything secret is sent; CredentialsError."""
        source = self._source
        user, login = self._login()
        sock = socket.create_connection((source.host, source.port), source.timeout_seconds)
        transport = self._transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.auth_timeout = source.timeout_seconds
        transport.channel_timeout = source.timeout_seconds
        pinned = {tuple(key.split()[:2]) for key in source.host_keys}
        kinds = {name for kind, _ in pinned for name in _signatures(kind)}
        options = transport.get_security_options()
        # Without a type in common the server could not show a pinned key at all.
        common = tuple(kind for kind in options.key_types if kind in kinds)
        options.key_types = common or options.key_types
        try:
            transport.start_client(timeout=source.timeout_seconds)
        except paramiko.IncompatiblePeer:
            raise self._stranger("it has no key of the pinned type") from None
        key = transport.get_remote_server_key()
        if (key.get_name(), key.get_base64()) not in pinned:
            raise self._stranger(f"it shows {key.get_name()} {key.fingerprint}")
        try:
            if isinstance(login, paramiko.PKey):
                transport.auth_publickey(user, login)
            else:
                transport.auth_password(user, login)
        except paramiko.AuthenticationException:
            proof = "key" if source.key_file else "password"
            raise CredentialsError(
                f"{source.host}:{source.port} refuses the {proof} of the configured user; "
                "is it expired, or not registered there?"
            ) from None
        client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise TransferError(f"{source.host}:{source.port} opens no SFTP channel")
        client.get_channel().settimeout(source.timeout_seconds)
        return client

    def _stranger(self, said: str) -> HostKeyError:
        self.close()
        return HostKeyError(
            f"{self._source.host}:{self._source.port} is not the server pinned in "
            f"source.host_keys: {said}; nothing was sent. If the provider has announced a new key, "
            "pin that one"
        )

    def _login(self) -> tuple[str, paramiko.PKey | str]:
        """User, and key or password. Errors: UserError and CredentialsError, without secrets."""
        source = self._source
        user = source.user or secret(source.user_env or "")
        if source.key_file is None:
            return user, secret(source.password_env or "")
        path = self._base / source.key_file.expanduser()
        name = source.key_passphrase_env
        passphrase = None if name is None else secret(name).encode()
        try:
            return user, paramiko.PKey.from_path(path, passphrase)
        except OSError as error:
            raise CredentialsError(f"key file {path}: {error.strerror}") from None
        except (paramiko.SSHException, UnknownKeyType, UnsupportedAlgorithm, ValueError, TypeError):
            wanted = "key_passphrase_env is set" if name is None else f"{name} is its passphrase"
            raise CredentialsError(
                f"key file {path} cannot be read; is it a private key, and {wanted}?"
            ) from None


def _ask_ahead(remote: paramiko.SFTPFile, size: int) -> None:
    """Have many requests under way at once, as a distant server needs.

    The thread that sends them would print a traceback when the connection is lost, which the reader
    notices anyway.
    """
    send = remote._prefetch_thread

    def send_quietly(*arguments: object) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            send(*arguments)

    remote._prefetch_thread = send_quietly
    remote.prefetch(size, _REQUESTS_AHEAD)


def _signatures(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)
