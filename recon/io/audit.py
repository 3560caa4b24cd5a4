"""Who did what, when: a chain of rows, each with the hash of the one before, never changed.

An edited row no longer has its hash, a removed one leaves a gap, and rows cut off at the end are
missed by the head that a file in the workspace and every signature remember. A row is written in
the transaction of what it tells, so neither is there without the other.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from recon.io.control_schema import AUDIT, SIGN_OFFS
from recon.io.database import Database
from recon.io.export import replaced

PROGRAM: Final = "recon"  # who acts where nobody does
_START: Final = "0" * 64
_COLUMNS: Final = tuple(column.name for column in AUDIT.c)


@dataclass(frozen=True)
class AuditRecord:
    """One row of the trail. `detail` is JSON; the hashes of what was changed are of its content."""

    seq: int
    at: str
    actor: str
    event: str
    subject: str
    detail: str
    before_hash: str
    after_hash: str
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """What its hash must be."""
        text = json.dumps(astuple(self)[:-1], ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def append(
    connection: sa.Connection,
    *,
    actor: str,
    event: str,
    subject: str,
    now: datetime | None = None,
    before: str = "",
    after: str = "",
    **detail: Any,
) -> int:
    """Add a row to the trail, in the caller's write transaction; answers its number."""
    last = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(1)).first()
    record = AuditRecord(
        seq=1 if last is None else last.seq + 1,
        at=(now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds"),
        actor=actor,
        event=event,
        subject=subject,
        detail=json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str),
        before_hash=before,
        after_hash=after,
        previous_hash=_START if last is None else last.hash,
        hash="",
    )
    values = dict(zip(_COLUMNS, astuple(record), strict=True)) | {"hash": record.digest()}
    connection.execute(sa.insert(AUDIT).values(values))
    return record.seq


def head(connection: sa.Connection) -> tuple[int, str]:
    """Number and hash of the last row; 0 while there is none."""
    row = connection.execute(
        sa.select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)
    ).first()
    return (0, _START) if row is None else (row.seq, row.hash)


def keep_head(database: Database, file: Path) -> None:
    """Write number and hash of the last row to a file outside of the database. One that knows more
    than the database, or otherwise, is evidence, and stays."""
    kept = remembered(file)
    with database.connect() as connection:
        seq, digest = head(connection)
        if kept is not None:
            same = sa.select(AUDIT.c.hash).where(AUDIT.c.seq == kept[0])
            if kept[0] == seq or connection.execute(same).scalar() != kept[1]:
                return
    with replaced(file) as part:
        part.write_text(f"{seq} {digest}\n", encoding="ascii")


def remembered(file: Path) -> tuple[int, str] | None:
    """Number and hash that a head file has; None where there is none."""
    if not file.is_file():
        return None
    # Whatever somebody has written into it is no head of ours, and no reason to break off.
    seq, _, digest = file.read_text("ascii", "replace").strip().partition(" ")
    return (int(seq), digest) if seq.isdecimal() else (0, digest)


def records(database: Database, subject: str | None = None) -> list[AuditRecord]:
    """The trail, oldest first; of one subject, such as `case:17`."""
    select = sa.select(AUDIT).order_by(AUDIT.c.seq)
    if subject is not None:
        select = select.where(AUDIT.c.subject == subject)
    with database.connect() as connection:
        return [_record(row) for row in connection.execute(select).mappings()]


def verify(database: Database, head_file: Path) -> list[str]:
    """What is wrong with the trail, as sentences that name the row; nothing when it is whole."""
    problems, hashes, last = list[str](), {0: _START}, 0
    with database.connect() as connection:
        for record in streamed(connection):
            if record.seq != last + 1:
                problems.append(f"{_rows(last + 1, record.seq - 1)} removed")
            elif record.previous_hash != hashes[last]:
                problems.append(f"row {last} was replaced: row {record.seq} does not follow it")
            if record.digest() != record.hash:
                problems.append(
                    f"row {record.seq} was edited ({record.at}, {record.event} {record.subject})"
                )
            last = record.seq
            hashes[last] = record.hash
        witnesses = [
            (row.audit_seq, row.audit_hash, f"the signature of {row.business_date} {row.account}")
            for row in connection.execute(sa.select(SIGN_OFFS))
        ]
    kept = remembered(head_file)
    if kept is not None:
        witnesses.append((*kept, str(head_file)))
    for seq, digest, where in witnesses:
        if seq > last:
            problems.append(f"{_rows(last + 1, seq)} removed at the end: {where} knows of more")
        elif hashes.get(seq, digest) != digest:
            problems.append(f"row {seq} is not the one that {where} remembers")
    return list(dict.fromkeys(problems))


def _rows(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"


def streamed(connection: sa.Connection) -> Iterator[AuditRecord]:
    """The whole trail, oldest first, a row at a time."""
    select = sa.select(AUDIT).order_by(AUDIT.c.seq).execution_options(yield_per=1_000)
    rows = connection.execute(select)
    return (_record(row) for row in rows.mappings())


def _record(row: Mapping[Any, Any]) -> AuditRecord:
    return AuditRecord(**row)
