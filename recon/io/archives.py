"""What comes packed or encrypted, opened without trusting it: limits first, then the members.

zip, tar.gz and gz are told by their first bytes, OpenPGP by its first packet or its armour. An
archive inside an archive is refused, as is any member whose name would lead out of the folder.
Nothing is taken from an archive of which one member is refused.
"""

import gzip
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, Protocol, cast

import pysequoia

from recon.errors import ReconError, StatementError, UserError
from recon.io.evidence import abandoned
from recon.io.inbox import safe_name
from recon.io.secrets import secret

_BLOCK_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 512
_NOISE: Final = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$)")

Form = Literal["zip", "gzip", "pgp"]


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. Up to `free_bytes` the ratio is not looked at: that is harmless."""

    members: int = 1_000
    total_bytes: int = 4 * 1024**3
    ratio: int = 100
    free_bytes: int = 16 * 1024**2
    encrypted_bytes: int = 512 * 1024**2


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Keys:
    """The names of the secrets that are our private key and its passphrase."""

    key_env: str | None = None
    passphrase_env: str | None = None


NO_KEYS: Final = Keys()


def form_of(path: Path) -> Form | None:
    """How a file is packed; None: it is not. Errors: UserError when it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None if _is_workbook(path) else "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "pgp" if _is_encrypted(head, path.suffix.lower()) else None


def _is_workbook(path: Path) -> bool:
    """Excel files are zip files, and statements."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _is_encrypted(head: bytes, suffix: str) -> bool:
    if head.lstrip().startswith(b"-----BEGIN PGP MESSAGE-----"):
        return True
    # A session key packet (tag 1) of version 3 or 6, in either format: no text has such bytes.
    old = re.match(rb"\x84.[\x03\x06]|\x85..[\x03\x06]|\x86....[\x03\x06]", head, re.DOTALL)
    new = re.match(rb"\xc1(?:[\x00-\xbf]|[\xc0-\xdf].)[\x03\x06]", head, re.DOTALL)
    return bool(old or new) or (suffix in (".pgp", ".gpg") and head[:1] >= b"\x80")


@contextmanager
def unpacked(
    path: Path, scratch: Path, keys: Keys = NO_KEYS, limits: Limits = LIMITS
) -> Iterator[list[tuple[str, Path]]]:
    """The statements in a packed file, as (`archive/member`, where it is for the time being).

    Errors: StatementError when it is damaged or not safe to open, UserError when it is encrypted
    and there is no key, ReconError when the disk is full.
    """
    try:
        with _scratch_folder(scratch) as folder:
            name = safe_name(path.name)
            opened = path
            if form_of(path) == "pgp":
                opened = folder / "decrypted"
                _decrypt(path, opened, keys, limits)
            yield [
                (f"{name}/{member}" if member else name, found)
                for member, found in _members(opened, name, folder, limits)
            ]
    except OSError as error:
        raise ReconError(f"cannot unpack {path.name}: {error.strerror or error}") from None


def _members(path: Path, name: str, folder: Path, limits: Limits) -> list[tuple[str, Path]]:
    form = form_of(path)
    if form is None:
        return [(_inner_name(name), path)]
    if form == "pgp":
        raise StatementError(f"{name}: encrypted twice; that is not opened")
    budget = _Budget(name, path.stat().st_size, limits)
    try:
        found = (_from_zip if form == "zip" else _from_gzip)(path, name, folder, budget)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise StatementError(f"{name} is damaged: {error}; fetch it again") from None
    except RuntimeError as error:
        raise StatementError(f"{name} cannot be opened: {error}") from None
    for member, place in found:
        if form_of(place) is not None:
            raise StatementError(f"{name}: {member} is itself packed; that is not opened")
    return found


class _Budget:
    """Counts what comes out, whatever the archive says about itself."""

    def __init__(self, name: str, packed: int, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._most = min(limits.total_bytes, max(limits.free_bytes, packed * limits.ratio))
        self._bytes = self._members = 0

    def spend(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._most:
            raise StatementError(
                f"{self._name} unpacks to more than {self._most:,} bytes; that is not opened"
            )

    def promise(self, count: int) -> None:
        """Refuse by what the archive itself says, before anything is unpacked."""
        if self._bytes + count > self._most:
            self.spend(count)

    def member(self) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise StatementError(
                f"{self._name} holds more than {self._limits.members:,} files; it is not opened"
            )


def _from_zip(path: Path, name: str, folder: Path, budget: _Budget) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    with _zip_file(path) as archive:
        entries = archive.infolist()
        for entry in entries:
            budget.member()
            kind = stat.S_IFMT(entry.external_attr >> 16)
            _refuse_odd(name, entry.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
            if entry.flag_bits & 1:
                raise StatementError(f"{name}: {_shown(entry.filename)} needs a password")
        budget.promise(sum(entry.file_size for entry in entries))
        for entry in entries:
            if not entry.is_dir() and not _NOISE.search(entry.filename):
                with archive.open(entry) as source:
                    place = _copy(source, folder / str(len(found)), budget)
                found.append((_shown(entry.filename), place))
    return found


def _zip_file(path: Path) -> zipfile.ZipFile:
    """Names without the UTF-8 flag are GBK here: it is Chinese providers who leave it out."""
    try:
        return zipfile.ZipFile(path, metadata_encoding="gbk")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path)


def _from_gzip(path: Path, name: str, folder: Path, budget: _Budget) -> list[tuple[str, Path]]:
    with gzip.open(path) as plain:
        start = plain.read(_HEAD_BYTES)
    if start[257:262] != b"ustar":
        with gzip.open(path) as plain:
            return [(_inner_name(name), _copy(plain, folder / "0", budget))]
    found: list[tuple[str, Path]] = []
    with (
        gzip.open(path) as plain,
        tarfile.open(fileobj=cast(Any, _Counted(plain, budget)), mode="r|") as archive,
    ):
        for entry in archive:
            budget.member()
            _refuse_odd(name, entry.name, entry.isreg() or entry.isdir())
            budget.promise(entry.size)
            source = archive.extractfile(entry)
            if source is not None and not _NOISE.search(entry.name):
                found.append((_shown(entry.name), _copy(source, folder / str(len(found)))))
    return found


class _Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Counted:
    """A stream whose every byte is counted, also those that are no member: headers can be bombs."""

    def __init__(self, source: _Source, budget: _Budget) -> None:
        self._source, self._budget = source, budget

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._budget.spend(len(data))
        return data


def _refuse_odd(archive: str, member: str, is_plain: bool) -> None:
    """Errors: StatementError for what is no plain file, or would be written somewhere else."""
    parts = member.split("/")
    if not is_plain:
        raise StatementError(f"{archive}: {_shown(member)} is a link or a device, not a file")
    if member.startswith("/") or ".." in parts or "\\" in member or re.match("[A-Za-z]:", member):
        raise StatementError(f"{archive}: the name {_shown(member)!r} leads out of the archive")


def _copy(source: _Source, target: Path, budget: _Budget | None = None) -> Path:
    with target.open("wb") as copy:
        while data := source.read(_BLOCK_BYTES):
            if budget is not None:
                budget.spend(len(data))
            copy.write(data)
    return target


def _shown(member: str) -> str:
    """A member's name, folders and all, fit for the registry and for a message."""
    return "/".join(safe_name(part) for part in re.split(r"[/\\]", member) if part)[-200:]


def _inner_name(name: str) -> str:
    """`bill.csv` of `bill.csv.gz`."""
    stem = re.sub(r"\.(gz|pgp|gpg|asc)$", "", name, flags=re.IGNORECASE)
    return stem if stem != name else "content"


def _decrypt(path: Path, target: Path, keys: Keys, limits: Limits) -> None:
    """Errors: UserError without a usable key, StatementError for a message that is not for it."""
    name = safe_name(path.name)
    if keys.key_env is None:
        raise UserError(
            f"{name} is encrypted; name the secret that is our private key in "
            "source.decrypt_key_env of its provider"
        )
    if path.stat().st_size > limits.encrypted_bytes:
        raise StatementError(f"{name}: encrypted files over {limits.encrypted_bytes:,} bytes are "
                             "not opened")  # fmt: skip
    passphrase = None if keys.passphrase_env is None else secret(keys.passphrase_env)
    private = secret(keys.key_env).encode()
    try:  # this library raises RuntimeError for everything, with a backtrace in the message
        decryptor = pysequoia.Tsk.from_bytes(private).decryptor(passphrase)
    except RuntimeError:
        raise UserError(
            f"{keys.key_env} is no private OpenPGP key in ASCII armour, or its passphrase is wrong"
        ) from None
    try:
        pysequoia.decrypt_file(str(path), str(target), decryptor)
    except RuntimeError as error:
        said = str(error).partition("\n")[0]
        raise StatementError(f"{name} cannot be decrypted with {keys.key_env}: {said}") from None
    if target.stat().st_size > limits.total_bytes:
        raise StatementError(f"{name} decrypts to more than {limits.total_bytes:,} bytes")


@contextmanager
def _scratch_folder(scratch: Path) -> Iterator[Path]:
    """A private folder of this process; what killed processes left there is removed."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in abandoned(scratch, "unpack.*.*"):
        shutil.rmtree(old, ignore_errors=True)
    prefix = f"unpack.{os.getpid()}."
    with TemporaryDirectory(prefix=prefix, dir=scratch, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
