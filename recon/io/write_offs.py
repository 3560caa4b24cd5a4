"""What was given up: read by the runs, which carry it no further, and by the journal."""

from datetime import date

import polars as pl
import sqlalchemy as sa

from recon.control_tables import WRITE_OFF
from recon.io.control_schema import WRITE_OFFS
from recon.io.database import Database, read_frame


def approved_write_offs(
    database: Database, provider: str, account: str, after: date | None, until: date
) -> pl.DataFrame:
    """WRITE_OFF that take effect on business dates after `after` up to `until`, by case."""
    row = WRITE_OFFS.c
    select = sa.select(*(row[name] for name in WRITE_OFF)).where(
        row.approved_by.is_not(None),
        row.provider == provider,
        row.account == account,
        row.effective_on <= until,
    )
    if after is not None:
        select = select.where(row.effective_on > after)
    return read_frame(database, select, WRITE_OFF).sort("case_id", "approved_at")
