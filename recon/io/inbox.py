"""Raw statements as received: never changed, never lost, each known by the sha256 of its bytes.

A file is copied first and registered after, so a crash in between leaves bytes nobody knows of,
which the next delivery of the same file registers. It is registered once for every account and
business date it is read for (see places.py).
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa

from recon.errors import NotProvedError, UserError
from recon.io.database import Database
from recon.io.evidence import is_whole, keep
from recon.io.places import Delivered, places, refuse_broken, unplaced
from recon.io.schema import ARCHIVE_FILES, STATEMENT_FILES
from recon.periods import Clock, Period
from recon.providers import identify
from recon.providers.contract import HEAD_BYTES, Content, Place, Provider

IN_MEMORY_BYTES: Final = 64 * 1024 * 1024  # a larger statement is scanned from disk
# What a file is a version of.
SLOT: Final = ("provider", "account", "kind", "business_date", "part")


@dataclass(frozen=True)
class StatementFileRecord:
    """One registered file. `version` counts the files received for the same provider, account,
    kind, business date and part; `superseded_by` is the file_id of the correction, if any."""

    file_id: str
    provider: str
    account: str
    kind: str
    business_date: date
    part: int
    name: str
    size: int
    received_at: datetime
    version: int
    superseded_by: str | None
    path: Path


@dataclass(frozen=True)
class Received:
    """What a delivery was: new, a correction of an earlier file, or bytes that are here already.
    `file` is the first of the places it is read for."""

    file: StatementFileRecord
    state: Literal["new", "duplicate", "corrected"]


class Inbox:
    """The folder of raw files and its registry in the database."""

    def __init__(
        self,
        database: Database,
        root: Path,
        providers: Mapping[str, Provider] | None = None,
        clocks: Mapping[tuple[str, str], Clock] | None = None,
    ) -> None:
        """`providers` are those whose statements can be told, by default all that have code;
        `clocks` those of accounts, by provider and number."""
        self._database = database
        self._root = root
        self._providers = providers
        self._clocks = clocks or {}

    def receive(
        self,
        path: Path,
        *,
        known_accounts: Mapping[str, Sequence[str]],
        now: datetime,
        name: str | None = None,
    ) -> Received:
        """Take a delivered file in; `known_accounts` are the configured accounts by provider, and
        `name` is what the file is called where that is not its path: `archive.zip/member`.

        The same bytes again, under whatever name, are a duplicate and change nothing, even when a
        correction came in between; the delivered file itself is left alone. Errors: StatementError
        when no provider knows the format, when the file is cut or lacks a column; UserError when
        account or business date are neither in the file nor in its name, when the account is not
        configured, when the file changes while it is read; ReconError when it cannot be stored.
        """
        name = name or safe_name(path.name)
        content = content_of(path, name)
        provider, description = identify(content, self._providers)
        known = self._registered(content.file_id)
        clocks = {who[1]: clock for who, clock in self._clocks.items() if who[0] == provider.slug}
        accounts = known_accounts.get(provider.slug, ())
        delivered = Delivered(content, provider, description, accounts, clocks)
        found = places(delivered) or [Place(one.account, one.business_date) for one in known]
        if not found:
            raise unplaced(delivered)
        records = [
            StatementFileRecord(
                file_id=content.file_id,
                provider=provider.slug,
                account=place.account,
                kind=description.kind,
                business_date=place.business_date,
                part=description.part,
                name=name,
                size=content.size,
                received_at=now,
                version=1,
                superseded_by=None,
                path=self._path(content.file_id, name),
            )
            for place in found
        ]
        if not known:
            refuse_broken(delivered, found[0])
        # Known bytes under a name with another suffix lie under that of the name they came with.
        kept = [one.path for one in known if (one.account, one.business_date) in _keys(found)]
        self._store(path, content, kept[0] if len(kept) >= len(found) else records[0].path)
        return self._register(records)

    def keep_archive(self, path: Path, *, now: datetime) -> Path:
        """Keep an archive, or an encrypted file, as it was received, once; answers where."""
        content = content_of(path, safe_name(path.name))
        target = self._path(content.file_id, content.name)
        self._store(path, content, target)
        known = sa.select(ARCHIVE_FILES.c.file_id).where(ARCHIVE_FILES.c.file_id == content.file_id)
        with self._database.begin() as connection:
            if connection.execute(known).first() is None:
                connection.execute(
                    sa.insert(ARCHIVE_FILES).values(
                        file_id=content.file_id,
                        name=content.name,
                        size=content.size,
                        received_at=now,
                    )
                )
        return target

    def files_for(
        self, provider: str, account: str, business_date: date
    ) -> list[StatementFileRecord]:
        """The current files of a day, by kind and part. Errors: NotProvedError when one that was
        registered is no longer there, or not in its full size."""
        file = STATEMENT_FILES.c
        select = sa.select(STATEMENT_FILES).where(
            file.provider == provider,
            file.account == account,
            file.business_date == business_date,
            file.superseded_by.is_(None),
        )
        with self._database.connect() as connection:
            found = [self._record(row) for row in connection.execute(select).mappings()]
        lost = [record for record in found if not is_whole(record.path, record.size)]
        if lost:
            names = ", ".join(f"{record.name} ({record.path})" for record in lost)
            raise NotProvedError(
                f"{provider} {account} {business_date}: the inbox has lost {names}; restore it "
                "from a backup, or deliver the same file again"
            )
        return sorted(found, key=lambda record: (record.kind, record.part))

    def places_of(self, file_id: str) -> frozenset[Place]:
        """Every account and business date a file is registered for."""
        known = self._registered(file_id)
        return frozenset(Place(record.account, record.business_date) for record in known)

    def last_parts(self, provider: str) -> dict[tuple[str, str], int]:
        """The highest part of each statement that is here, by account and kind."""
        file = STATEMENT_FILES.c
        select = (
            sa.select(file.account, file.kind, sa.func.max(file.part))
            .where(file.provider == provider)
            .group_by(file.account, file.kind)
        )
        with self._database.connect() as connection:
            return {(account, kind): part for account, kind, part in connection.execute(select)}

    def statements_between(self, provider: str, period: Period) -> set[tuple[str, str, date]]:
        """Account, kind and day of the statements of some days that are here."""
        file = STATEMENT_FILES.c
        select = sa.select(file.account, file.kind, file.business_date).where(
            file.provider == provider, file.business_date.between(period.first, period.last)
        )
        with self._database.connect() as connection:
            return {(account, kind, day) for account, kind, day in connection.execute(select)}

    def last_days(self) -> dict[tuple[str, str], date]:
        """The latest business date of which there is a statement, by provider and account."""
        file = STATEMENT_FILES.c
        select = sa.select(file.provider, file.account, sa.func.max(file.business_date)).group_by(
            file.provider, file.account
        )
        with self._database.connect() as connection:
            return {
                (provider, account): day for provider, account, day in connection.execute(select)
            }

    def gap_before(self, record: StatementFileRecord) -> list[int]:
        """The numbers of statements between the one before this and this, which have never come."""
        file = STATEMENT_FILES.c
        select = sa.select(sa.func.max(file.part)).where(
            file.provider == record.provider,
            file.account == record.account,
            file.kind == record.kind,
            file.part < record.part,
        )
        with self._database.connect() as connection:
            before = connection.execute(select).scalar()
        return [] if before is None else list(range(before + 1, record.part))

    def unregistered(self) -> list[Path]:
        """Whole files on disk that the registry does not know: the database is older than they are,
        for instance restored from a backup. Delivering them again registers them."""
        with self._database.connect() as connection:
            known = {
                file_id
                for table in (STATEMENT_FILES, ARCHIVE_FILES)
                for file_id in connection.execute(sa.select(table.c.file_id)).scalars()
            }
        kept = (path for path in self._root.glob("??/*") if not path.name.endswith(".part"))
        return sorted(path for path in kept if path.name[:64] not in known)

    def _path(self, file_id: str, name: str) -> Path:
        suffix = re.sub(r"[^a-z0-9.]", "", Path(name).suffix.lower())[:10]
        return self._root / file_id[:2] / f"{file_id}{suffix}"

    def _record(self, row: Mapping[Any, Any]) -> StatementFileRecord:
        return StatementFileRecord(**row, path=self._path(row["file_id"], row["name"]))

    def _registered(self, file_id: str) -> list[StatementFileRecord]:
        select = sa.select(STATEMENT_FILES).where(STATEMENT_FILES.c.file_id == file_id)
        with self._database.connect() as connection:
            return [self._record(row) for row in connection.execute(select).mappings()]

    def _store(self, source: Path, content: Content, target: Path) -> None:
        """What was looked at is what is kept; of a large file, what is there has to be the same."""
        looked_at = content.scannable if isinstance(content.scannable, bytes) else source
        keep(looked_at, target, digest=content.file_id, size=content.size)

    def _register(self, records: Sequence[StatementFileRecord]) -> Received:
        """All places of a file, or none."""
        with self._database.begin() as connection:
            each = [self._register_one(connection, record) for record in records]
        states = {received.state for received in each}
        state = next(state for state in ("corrected", "new", "duplicate") if state in states)
        return Received(each[0].file, state)

    def _register_one(self, connection: sa.Connection, record: StatementFileRecord) -> Received:
        file = STATEMENT_FILES.c
        in_slot = [file[name] == getattr(record, name) for name in SLOT]
        rows = connection.execute(sa.select(STATEMENT_FILES).where(*in_slot)).mappings().all()
        before = [self._record(row) for row in rows]
        for same in before:
            if same.file_id == record.file_id:
                return Received(same, "duplicate")
        versions = [earlier.version for earlier in before]
        new = replace(record, version=max(versions, default=0) + 1)
        current = sa.and_(*in_slot, file.superseded_by.is_(None))
        connection.execute(
            sa.update(STATEMENT_FILES).where(current).values(superseded_by=new.file_id)
        )
        values = {column.name: getattr(new, column.name) for column in file}
        connection.execute(sa.insert(STATEMENT_FILES).values(values))
        return Received(new, "corrected" if before else "new")


def content_of(path: Path, name: str, file_id: str | None = None) -> Content:
    """A file as `recon.providers` look at it; `name` is what messages call it.

    `file_id` is the sha256 it was registered with. Errors: UserError when the file cannot be read,
    NotProvedError when its bytes are no longer those of `file_id`.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < IN_MEMORY_BYTES:
                data = file.read()
                digest = hashlib.sha256(data).hexdigest()
                content = Content(
                    digest, name, len(data), data[:HEAD_BYTES], data[-HEAD_BYTES:], data
                )
            else:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                head = file.read(HEAD_BYTES)
                file.seek(-HEAD_BYTES, os.SEEK_END)
                content = Content(digest, name, size, head, file.read(HEAD_BYTES), str(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if file_id is not None and digest != file_id:
        raise NotProvedError(
            f"{name}: {path} is no longer what was received; restore it from a backup, or remove "
            "it and deliver the same file again"
        )
    return content


def safe_name(name: str) -> str:
    """A name fit for a registry, a report and a terminal: one path component without control or
    invisible formatting characters, at most 200 characters, its end, with the suffix, kept."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(c if c.isprintable() or c == "\u3000" else "_" for c in last)
    visible = visible.encode("utf-8", "replace").decode("utf-8")
    return visible[-200:] if visible.strip(". _") else "unnamed"


def _keys(found: Sequence[Place]) -> set[tuple[str, date]]:
    return {(place.account, place.business_date) for place in found}
