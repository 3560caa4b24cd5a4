"""SFTP servers to be fetched from: one in this process that can misbehave, and a real OpenSSH."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools import absent, program

USER = "recon"


@dataclass
class Faults:
    """What the server does wrong, and what it has seen."""

    drop_at: int | None = None  # end the connection when this byte is asked for
    drops: int = 0  # how often
    stall_at: int | None = None  # answer nothing from this byte on
    size_off: int = 0  # the size it states is wrong by so much
    on_read: Callable[[int], None] | None = None  # called with every offset that is read
    reads: list[int] = field(default_factory=list)
    logins: int = 0
    names: list[bytes] = field(default_factory=list)  # more names in every listing


@dataclass
class Server:
    """A running server: `home` is the folder that logging in leads to."""

    port: int
    host_key: str
    home: Path
    key_file: Path
    faults: Faults
    user: str = USER

    def source(self, **changes: Any) -> dict[str, Any]:
        """Settings that reach it; no waiting that a test would feel."""
        return {
            "channel": "sftp",
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "key_file": str(self.key_file),
            "host_keys": [self.host_key],
            "path": str(self.home / "outgoing"),
            "patterns": ["*.csv"],
            "timeout_seconds": 5,
            "settle_seconds": 0,
            "attempts": 2,
            "retry_seconds": 0,
        } | changes


def make_key(path: Path, passphrase: str = "") -> str:
    """An Ed25519 key pair; answers the public line."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path.with_suffix(".pub").read_text().strip()


@contextmanager
def misbehaving(folder: Path) -> Iterator[Server]:
    """An asyncssh server in a thread; `Server.faults` says how it fails."""
    try:
        import asyncssh
    except ImportError:
        absent("asyncssh")
    home = folder / "home"
    (home / "outgoing").mkdir(parents=True)
    public = make_key(folder / "client_key")
    host = make_key(folder / "host_key")
    faults = Faults()

    class Login(asyncssh.SSHServer):  # type: ignore[misc]
        def begin_auth(self, username: str) -> bool:
            faults.logins += 1
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return username == USER and password == "right horse"

    class Files(asyncssh.SFTPServer):  # type: ignore[misc]
        def __init__(self, channel: Any) -> None:
            super().__init__(channel)
            self._connection = channel.get_connection()
            self._is_dropped = False

        async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
            faults.reads.append(offset)
            if faults.on_read is not None:
                faults.on_read(offset)
            at = faults.drop_at
            if self._is_dropped:
                return b""
            if at is not None and faults.drops > 0 and offset + size > at:
                if offset >= at:
                    faults.drops -= 1
                    self._is_dropped = True
                    self._connection.abort()
                    return b""
                size = at - offset
            if faults.stall_at is not None and offset + size > faults.stall_at:
                await asyncio.sleep(60)
            data: bytes = super().read(file_obj, offset, size)
            return data

        def _wrong(self, attrs: Any) -> Any:
            if attrs.size and not os.path.isdir(self._path):
                attrs.size += faults.size_off
            return attrs

        def stat(self, path: bytes) -> Any:
            self._path = path
            found = asyncssh.SFTPAttrs.from_local(super().stat(path))
            return self._wrong(found)

        async def scandir(self, path: bytes) -> Any:
            async for entry in super().scandir(path):
                yield entry
            for name in faults.names:
                attrs = asyncssh.SFTPAttrs(size=5, permissions=0o100644, mtime=1, atime=1)
                yield asyncssh.SFTPName(name, b"", attrs)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        keys = folder / "authorized_keys"
        keys.write_text(public + "\n")
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Login,
            server_host_keys=[str(folder / "host_key")],
            authorized_client_keys=str(keys),
            sftp_factory=Files,
        )

    running = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield Server(running.get_port(), host, home, folder / "client_key", faults)
    finally:

        async def stop() -> None:
            running.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


@contextmanager
def openssh() -> Iterator[Server]:
    """A real sshd, where there is one: RECON_SSHD names it, or it is in the usual places."""
    binary = program("sshd")
    # Without its own account sshd can only serve the user it runs as, who must not be root.
    own = os.getuid() != 0 or any(entry.pw_name == "sshd" for entry in pwd.getpwall())
    user = pwd.getpwuid(os.getuid()).pw_name if own else "nobody"
    folder = Path(tempfile.mkdtemp(prefix="recon-sshd-"))
    home = folder / "home"
    (home / "outgoing").mkdir(parents=True)
    public = make_key(folder / "client_key")
    host = make_key(folder / "host_key")
    if not own:
        for path in (folder, folder / "host_key"):
            shutil.chown(path, user)
    (folder / "authorized_keys").write_text(public + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pam = "no" if own else "yes"  # which does not mind that the account has no password
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nUsePAM {pam}\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nPidFile none\n"
        "PasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    if os.getuid() == 0:  # otherwise made when the system starts its own sshd
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [str(Path(binary).resolve()), "-D", "-e", "-f", str(folder / "sshd_config")]
    log = (folder / "sshd.log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=log, user=None if own else user)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None:
                absent(f"an sshd that starts ({(folder / 'sshd.log').read_text()[-300:]})")
            time.sleep(0.05)
        yield Server(port, host, home, folder / "client_key", Faults(), user)
    finally:
        server.terminate()
        server.wait(10)
        log.close()
        shutil.rmtree(folder)
