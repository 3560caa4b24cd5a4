"""What earlier runs have charged: for what is counted by the month, and for invoices."""

from dataclasses import replace
from datetime import date

import polars as pl
import sqlalchemy as sa

from recon.fees.counting import is_counted, usage
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.io.database import Database, read_frame
from recon.io.schema import FEE_SUMMARIES, RUNS
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import FEE_SUMMARY, empty

# FEE_SUMMARY of a day of an account.
DAY_FEES = {
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
    **FEE_SUMMARY,
}


def fees_of(
    database: Database, account: AccountSettings, period: Period | None = None
) -> pl.DataFrame:
    """DAY_FEES of the current runs of an account, sorted by date and tariff row."""
    columns = [FEE_SUMMARIES.c[name] if name in FEE_SUMMARY else RUNS.c[name] for name in DAY_FEES]
    select = (
        sa.select(*columns)
        .join_from(FEE_SUMMARIES, RUNS, FEE_SUMMARIES.c.run_id == RUNS.c.run_id)
        .where(
            RUNS.c.provider == account.provider,
            RUNS.c.account == account.account,
            RUNS.c.superseded_by.is_(None),
        )
    )
    if period is not None:
        select = select.where(RUNS.c.business_date.between(period.first, period.last))
    frame = read_frame(database, select, DAY_FEES)
    return frame.sort("business_date", "currency", "tariff", "component", "kind")


def usage_before(
    database: Database, account: AccountSettings, tariffs: list[Tariff], day: date
) -> pl.DataFrame:
    """FEE_USAGE before a day; nothing is read where no row of the schedule counts."""
    if not is_counted(tariffs):
        return empty(FEE_USAGE)
    own = fees_of(database, account).filter(pl.col("business_date") < day)
    others = [
        _counted_too(database, replace(account, account=number), account, tariffs, day)
        for number in sorted(set().union(*(row.counted_with for row in tariffs)))
    ]
    return usage(pl.concat([own, *others]), tariffs, day)


def _counted_too(
    database: Database,
    other: AccountSettings,
    account: AccountSettings,
    tariffs: list[Tariff],
    day: date,
) -> pl.DataFrame:
    """DAY_FEES of another account by the rows that are counted with it. Within a day the accounts
    follow each other by their numbers."""
    names = [row.name for row in tariffs if other.account in row.counted_with]
    goes_first = other.account < account.account
    until = pl.col("business_date") <= day if goes_first else pl.col("business_date") < day
    return fees_of(database, other).filter(until, pl.col("tariff").is_in(names))


def dates_with_runs(database: Database, account: AccountSettings, period: Period) -> list[date]:
    """The days of a range that have a current run."""
    day = RUNS.c.business_date
    select = sa.select(day).where(
        RUNS.c.provider == account.provider,
        RUNS.c.account == account.account,
        RUNS.c.superseded_by.is_(None),
        day.between(period.first, period.last),
    )
    with database.connect() as connection:
        return sorted(connection.execute(select).scalars())
