"""Earlier versions of a statement: which there are, and one of them used again.

A source may withdraw a correction. The file it sent before is here, and delivering it once more
changes nothing, because its bytes are known; so a person says which one counts, and why.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.errors import UserError
from recon.io import audit
from recon.io.database import of_accounts, read_frame
from recon.io.days import Workspace
from recon.io.inbox import SLOT
from recon.io.schema import STATEMENT_FILES
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import INSTANT, Schema

STATEMENT_FILE: Final[Schema] = {
    "business_date": pl.Date(),
    "provider": pl.String(),
    "account": pl.String(),
    "kind": pl.String(),
    "part": pl.Int64(),
    "version": pl.Int64(),
    "name": pl.String(),
    "received_at": INSTANT,
    "file_id": pl.String(),
    "superseded_by": pl.String(),
}
_SHORTEST: Final = 8  # letters of a file_id that may stand for it


def versions(
    workspace: Workspace, accounts: Sequence[AccountSettings], period: Period
) -> pl.DataFrame:
    """STATEMENT_FILE of some accounts and days, superseded ones too; `is_used` says which count."""
    file = STATEMENT_FILES.c
    select = sa.select(*(file[name] for name in STATEMENT_FILE)).where(
        file.business_date.between(period.first, period.last)
    )
    frame = read_frame(workspace.database, select, STATEMENT_FILE)
    return (
        of_accounts(frame, accounts)
        .with_columns(is_used=pl.col("superseded_by").is_null())
        .drop("superseded_by")
        .sort(*SLOT, "version")
    )


def use_again(workspace: Workspace, file_id: str, reason: str) -> list[tuple[str, str, date]]:
    """Make an earlier version count again, for every account and day it was received for; answers
    which. Nothing is run, and a signed-off day goes on with what was signed.

    `file_id` may be its first letters. Errors: UserError without a reason, for a file that is not
    here, or that counts already.
    """
    if not reason.strip():
        raise UserError('say why the earlier version counts again: --reason "..."')
    now = datetime.now(UTC)
    with workspace.database.begin() as connection:
        places = _places_of(connection, file_id)
        withdrawn = [row for row in places if row.superseded_by is not None]
        if not withdrawn:
            raise UserError(f"{places[0].name} (version {places[0].version}) is used already")
        for row in withdrawn:
            _exchange(connection, row, workspace.actor, reason, now)
    audit.keep_head(workspace.database, workspace.audit_head)
    return [(row.provider, row.account, row.business_date) for row in withdrawn]


def _places_of(connection: sa.Connection, file_id: str) -> Sequence[Any]:
    if len(file_id) < _SHORTEST:
        raise UserError(f"{file_id!r} is too short: give at least {_SHORTEST} letters of a file_id")
    file = STATEMENT_FILES.c
    select = sa.select(STATEMENT_FILES).where(file.file_id.startswith(file_id, autoescape=True))
    found = connection.execute(select.order_by(file.business_date, file.account)).all()
    if len({row.file_id for row in found}) != 1:
        which = "no file is" if not found else "several files are"
        raise UserError(f"{which} known by {file_id}; recon files list shows those there are")
    return found


def _exchange(connection: sa.Connection, row: Any, actor: str, reason: str, now: datetime) -> None:
    """The version counts, and the one that did is superseded by it."""
    file = STATEMENT_FILES.c
    slot = [file[name] == getattr(row, name) for name in SLOT]
    current = connection.execute(
        sa.select(STATEMENT_FILES).where(*slot, file.superseded_by.is_(None))
    ).one()
    for file_id, superseded_by in ((current.file_id, row.file_id), (row.file_id, None)):
        this = (*slot, file.file_id == file_id)
        connection.execute(
            sa.update(STATEMENT_FILES).where(*this).values(superseded_by=superseded_by)
        )
    audit.append(connection, actor=actor, event="use earlier version",
                 subject=f"day:{row.business_date} {row.provider} {row.account}", now=now,
                 before=current.file_id, after=row.file_id, reason=reason, kind=row.kind,
                 part=row.part, version=row.version, instead_of=current.version)  # fmt: skip
