"""What providers hold back, as the runs of earlier days have recorded it."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import sqlalchemy as sa

from recon.book_tables import RESERVE
from recon.io.database import Database, read_frame
from recon.io.schema import RESERVES, RUNS, current_runs_of
from recon.settings import AccountSettings
from recon.settlement.reserve import RESERVE_DAY


def reserves_before(database: Database, account: AccountSettings, day: date) -> pl.DataFrame:
    """RESERVE_DAY of the account's current runs before a day, as far back as matters for it: to
    the day before, and to what comes back since then; sorted."""
    return reserves_by_day(database, account)(day)


def reserves_by_day(database: Database, account: AccountSettings) -> Callable[[date], pl.DataFrame]:
    """`reserves_before` of any day of an account, read once."""
    mine = current_runs_of(account.provider, account.account)
    select = (
        sa.select(RUNS.c.business_date, *(RESERVES.c[name] for name in RESERVE))
        .join(RUNS, RUNS.c.run_id == RESERVES.c.run_id)
        .where(*mine)
    )
    every = read_frame(database, select, RESERVE_DAY).sort("business_date", "currency")
    with database.connect() as connection:
        run_on = connection.execute(sa.select(RUNS.c.business_date).where(*mine)).scalars().all()

    def before(day: date) -> pl.DataFrame:
        day_before = max((run for run in run_on if run < day), default=day)
        oldest = day_before - timedelta(days=account.reserve_days)
        on = pl.col("business_date")
        return every.filter(on >= oldest, on < day)

    return before


def held_before(database: Database, account: AccountSettings, day: date) -> pl.DataFrame:
    """currency, amount: what the provider held when a day began."""
    select = (
        sa.select(RUNS.c.business_date, *(RESERVES.c[name] for name in RESERVE))
        .join(RUNS, RUNS.c.run_id == RESERVES.c.run_id)
        .where(
            *current_runs_of(account.provider, account.account),
            RUNS.c.business_date < day,
        )
    )
    found = read_frame(database, select, RESERVE_DAY).sort("business_date")
    return found.group_by("currency").agg(amount=pl.col("closing").last())
