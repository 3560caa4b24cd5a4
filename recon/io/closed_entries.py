"""Entries of signed-off days stay as they are: an import that would change them is told so."""

from typing import Final

import polars as pl
import sqlalchemy as sa

from recon.io.closing import closed_accounts, how_to_reopen
from recon.io.frames import read_rows
from recon.io.schema import LEDGER_ENTRIES
from recon.tables import LEDGER_ENTRY, REJECT, conform, empty

ENTRY_CONTENT: Final = tuple(name for name in LEDGER_ENTRY if name != "entry_id")
_ROW = {
    "line_no": pl.Int64(),
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
}


def is_other(stage: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a staged entry says something else than the one of that number says now."""
    entry = LEDGER_ENTRIES.c
    return sa.or_(*(entry[name].is_distinct_from(stage.c[name]) for name in ENTRY_CONTENT))


def set_aside(connection: sa.Connection, stage: sa.Table, file_id: str) -> pl.DataFrame:
    """Take staged entries that would be new in a closed day, or change or move one of it, out of
    the stage; answers them as REJECT. Imported again after the day is reopened, they are taken."""
    locks = closed_accounts(connection)
    if not locks:
        return empty(REJECT)
    entry = LEDGER_ENTRIES
    inside = sa.or_(
        *(
            sa.and_(
                table.c.provider == provider,
                table.c.account == account,
                table.c.business_date <= lock.until,
            )
            for (provider, account), lock in locks.items()
            for table in (stage, entry)
        )
    )
    joined = sa.outerjoin(stage, entry, entry.c.entry_id == stage.c.entry_id)
    # The day that is closed: the entry's own, where an import would move it out of there.
    columns = [
        stage.c.line_no,
        *(
            sa.func.coalesce(entry.c[name], stage.c[name]).label(name)
            for name in ("provider", "account", "business_date")
        ),
    ]
    select = sa.select(*columns).select_from(joined).where(inside, is_other(stage))
    rows = read_rows(connection, select, _ROW)
    told = select.with_only_columns(stage.c.line_no)
    connection.execute(sa.delete(stage).where(stage.c.line_no.in_(told)))
    said = [
        f"{day} of {provider} {account} is closed ({locks[provider, account].said()}); to take it: "
        f"{how_to_reopen(day, account)}, then import the file again"
        if (provider, account) in locks
        else "it would move an entry into a closed day"
        for _, provider, account, day in rows.iter_rows()
    ]
    rejects = rows.select(
        "line_no",
        file_id=pl.lit(file_id),
        field=pl.lit("business_date"),
        value=pl.col("business_date").cast(pl.String),
        reason=pl.Series(said, dtype=pl.String),
        unmapped=pl.lit(value=False),
    )
    return conform(rejects, REJECT)
