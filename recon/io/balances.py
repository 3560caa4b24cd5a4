"""What an account's statements have closed with, as the runs of earlier days have recorded it."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database, read_frame
from recon.io.deliveries import Schedule
from recon.io.schema import RUNS, SETTLEMENT_BATCHES, current_runs_of
from recon.money import as_texts
from recon.settings import AccountSettings
from recon.settlement.continuity import CLOSED
from recon.tables import empty

_LOOKED_BACK = timedelta(days=40)  # no account rests for longer without anybody asking


def closed_before(
    database: Database, schedule: Schedule, account: AccountSettings, day: date
) -> pl.DataFrame:
    """CLOSED of the account's last statement before a day, sorted; nothing where it is not known.

    Days without activity, and those without business, are passed over. A day that should have had
    a statement and was not run, or was not proved without one, hides what came in between.
    """
    return closed_by_day(database, schedule, account)(day)


def closed_by_day(
    database: Database, schedule: Schedule, account: AccountSettings
) -> Callable[[date], pl.DataFrame]:
    """`closed_before` of any day of an account, read once."""
    run, batch = RUNS.c, SETTLEMENT_BATCHES.c
    select = (
        sa.select(run.business_date, run.proved, sa.func.count(batch.run_id))
        .join(SETTLEMENT_BATCHES, batch.run_id == run.run_id, isouter=True)
        .where(*current_runs_of(account.provider, account.account))
        .group_by(run.business_date, run.proved)
    )
    with database.connect() as connection:
        runs = {on: (proved, count) for on, proved, count in connection.execute(select)}
    closed = _closings(database, account)

    def before(day: date) -> pl.DataFrame:
        for back in range(1, _LOOKED_BACK.days + 1):
            on = day - timedelta(days=back)
            is_proved, batch_count = runs.get(on) or (schedule.closed_because(on) is not None, 0)
            if batch_count:
                return closed.filter(business_date=on)
            if not is_proved:
                break
        return empty(CLOSED)

    return before


def _closings(database: Database, account: AccountSettings) -> pl.DataFrame:
    """CLOSED of every statement of an account, sorted."""
    batch = SETTLEMENT_BATCHES.c
    select = (
        sa.select(batch.currency, RUNS.c.business_date, batch.closing_balance.label("closing"))
        .join(RUNS, RUNS.c.run_id == batch.run_id)
        .where(
            *current_runs_of(account.provider, account.account), batch.closing_balance.is_not(None)
        )
    )
    return read_frame(database, select, CLOSED).sort("business_date", "currency")


def closed_as_input(closed: pl.DataFrame) -> dict[str, dict[str, str]]:
    """CLOSED as a run keeps it among its inputs: amounts as text, by date and currency."""
    if closed.is_empty():
        return {}
    amounts = zip(closed["currency"], as_texts(closed["closing"]), strict=True)
    return {str(closed["business_date"][0]): {code: str(amount) for code, amount in amounts}}
