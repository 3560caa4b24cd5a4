"""What an account's statements have closed with, as the runs of earlier days have recorded it."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeAlias

import polars as pl
import sqlalchemy as sa

from recon.io.database import Database
from recon.io.deliveries import Schedule
from recon.io.schema import RUNS, SETTLEMENT_BATCHES, current_runs_of
from recon.money import as_text, as_texts
from recon.settings import AccountSettings
from recon.settlement.continuity import CLOSED
from recon.tables import empty

Closing: TypeAlias = dict[str, str]  # amounts as plain text, by currency

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
    closed = closings(database, account.provider, account.account)

    def before(day: date) -> pl.DataFrame:
        for back in range(1, _LOOKED_BACK.days + 1):
            on = day - timedelta(days=back)
            is_proved, batch_count = runs.get(on) or (schedule.closed_because(on) is not None, 0)
            if batch_count:
                amounts = sorted(closed.get(on, {}).items())
                rows = [(code, on, Decimal(amount)) for code, amount in amounts]
                return pl.DataFrame(rows, schema=dict(CLOSED), orient="row")
            if not is_proved:
                break
        return empty(CLOSED)

    return before


def closings(database: Database, provider: str, account: str) -> dict[date, Closing]:
    """What every statement of an account has closed with, by business date."""
    batch = SETTLEMENT_BATCHES.c
    select = (
        sa.select(RUNS.c.business_date, batch.currency, batch.closing_balance)
        .join(RUNS, RUNS.c.run_id == batch.run_id)
        .where(*current_runs_of(provider, account), batch.closing_balance.is_not(None))
    )
    found: dict[date, Closing] = {}
    with database.connect() as connection:
        for on, currency, closing in connection.execute(select):
            found.setdefault(on, {})[currency] = as_text(closing)
    return found


def closed_as_input(closed: pl.DataFrame) -> dict[str, Closing] | None:
    """CLOSED as a run keeps it among its inputs, by date; None where nothing is known."""
    if closed.is_empty():
        return None
    amounts = zip(closed["currency"], as_texts(closed["closing"]), strict=True)
    return {str(closed["business_date"][0]): dict(amounts)}
