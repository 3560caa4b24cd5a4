"""What was given up: read by the runs, which carry it no further, and by the journal."""

from datetime import date

import polars as pl
import sqlalchemy as sa

from recon.control_tables import WRITE_OFF, given_up_items
from recon.io.control_schema import WRITE_OFFS
from recon.io.database import Database, read_frame
from recon.io.schema import OPEN_ITEMS, RUNS, current_runs_of
from recon.tables import OPEN_ITEM, empty


def approved_write_offs(
    database: Database, provider: str, account: str, until: date
) -> pl.DataFrame:
    """WRITE_OFF that take effect on business dates up to `until`, by case."""
    row = WRITE_OFFS.c
    select = sa.select(*(row[name] for name in WRITE_OFF)).where(
        row.approved_by.is_not(None),
        row.provider == provider,
        row.account == account,
        row.effective_on <= until,
    )
    return read_frame(database, select, WRITE_OFF).sort("case_id", "approved_at")


def given_up_rows(
    database: Database, provider: str, account: str, written_off: pl.DataFrame
) -> pl.DataFrame:
    """OPEN_ITEM of the lines and entries of WRITE_OFF, as they were carried last, on the days
    before that took effect; sorted by side and id."""
    rows = given_up_items(written_off).filter(~pl.col("of_payout"))["item_id"]
    if rows.is_empty():
        return empty(OPEN_ITEM)
    mine, item = current_runs_of(provider, account), OPEN_ITEMS.c
    with database.connect() as connection:
        run_on = connection.execute(sa.select(RUNS.c.business_date).where(*mine)).scalars().all()
    effective = written_off["effective_on"].unique().sort()
    last = {max((day for day in run_on if day < on), default=date.min) for on in effective}
    select = (
        sa.select(*(item[name] for name in OPEN_ITEM), RUNS.c.business_date.label("on"))
        .join(RUNS, RUNS.c.run_id == item.run_id)
        .where(
            *mine,
            RUNS.c.business_date.in_(sorted(last)),
            item.side.in_(["line", "entry"]),
        )
    )
    found = read_frame(database, select, {**OPEN_ITEM, "on": pl.Date()})
    return (
        found.filter(pl.col("item_id").is_in(rows.implode()))
        .sort("side", "item_id", "on")
        .unique(["side", "item_id"], keep="last", maintain_order=True)
        .select(list(OPEN_ITEM))
    )
