"""What earlier runs have charged: for what is counted by the month, and for invoices."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import polars as pl
import sqlalchemy as sa

from recon.fees.counting import DAY_COUNTS, is_counted, usage
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.io.database import Database, read_frame
from recon.io.schema import FEE_SUMMARIES, OUR_CHARGES, RUNS, current_runs_of
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import FEE_SUMMARY, Schema, empty

# FEE_SUMMARY of a day of an account.
DAY_FEES = {
    "provider": pl.String(),
    "account": pl.String(),
    "business_date": pl.Date(),
    **FEE_SUMMARY,
}


_FOLLOWING = pl.col("business_date") + pl.duration(days=1)


def fees_of(
    database: Database, account: AccountSettings, period: Period | None = None
) -> pl.DataFrame:
    """DAY_FEES of the current runs of an account, sorted by date and tariff row."""
    found = _of_runs(database, account, FEE_SUMMARIES, DAY_FEES, period)
    return found.sort("business_date", "currency", "tariff", "component", "kind")


def _of_runs(
    database: Database,
    account: AccountSettings,
    table: sa.Table,
    schema: Schema,
    period: Period | None = None,
) -> pl.DataFrame:
    """What the current runs of an account have in a table, with their days."""
    columns = [table.c[name] if name in table.c else RUNS.c[name] for name in schema]
    select = (
        sa.select(*columns)
        .join_from(table, RUNS, table.c.run_id == RUNS.c.run_id)
        .where(*current_runs_of(account.provider, account.account))
    )
    if period is not None:
        select = select.where(RUNS.c.business_date.between(period.first, period.last))
    return read_frame(database, select, schema)


def _counted(database: Database, account: AccountSettings) -> pl.DataFrame:
    """DAY_COUNTS of an account: of what it was charged, and of what we charge others."""
    parts = [
        _of_runs(database, account, table, DAY_COUNTS) for table in (FEE_SUMMARIES, OUR_CHARGES)
    ]
    return pl.concat(parts)


def usage_before(
    database: Database, account: AccountSettings, tariffs: list[Tariff], day: date
) -> pl.DataFrame:
    """FEE_USAGE before a day; nothing is read where no row of the schedule counts."""
    return usage_by_day(database, account, tariffs)(day)


def usage_by_day(
    database: Database, account: AccountSettings, tariffs: list[Tariff]
) -> Callable[[date], pl.DataFrame]:
    """`usage_before` of any day of an account, read once.

    Of another account only the rows that are counted with it; within a day the accounts follow each
    other by their numbers.
    """
    if not is_counted(tariffs):
        return lambda day: empty(FEE_USAGE)
    numbers = sorted(set().union(*(row.counted_with for row in tariffs)))
    parts = [_counted(database, account).with_columns(counts_on=_FOLLOWING)]
    for number in numbers:
        names = [row.name for row in tariffs if number in row.counted_with]
        fees = _counted(database, replace(account, account=number))
        goes_first = number < account.account
        counts_on = pl.col("business_date") if goes_first else _FOLLOWING
        parts.append(fees.filter(pl.col("tariff").is_in(names)).with_columns(counts_on=counts_on))
    every = pl.concat(parts)
    return lambda day: usage(every.filter(pl.col("counts_on") <= day), tariffs, day)


def dates_with_runs(database: Database, account: AccountSettings, period: Period) -> list[date]:
    """The days of a range that have a current run."""
    day = RUNS.c.business_date
    select = sa.select(day).where(
        *current_runs_of(account.provider, account.account),
        day.between(period.first, period.last),
    )
    with database.connect() as connection:
        return sorted(connection.execute(select).scalars())
