"""The open-item statement of days and ranges, read from what the current runs have recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import sqlalchemy as sa

from recon.control.open_items import AGE_BOUNDS, age_buckets, aged, statement, untied
from recon.control_tables import AGE_BUCKET, CLEARED_ITEM, OPEN_ITEM_STATEMENT, WRITE_OFF
from recon.errors import NotProvedError
from recon.io.control_schema import CLEARED_ITEMS, ROLL_FORWARDS
from recon.io.database import Database, read_frame
from recon.io.schema import OPEN_ITEMS, RUNS, current_runs_of
from recon.io.write_offs import approved_write_offs
from recon.periods import Period
from recon.settings import AccountSettings
from recon.tables import OPEN_ITEM, ROLL_FORWARD, Schema, empty

_WHOSE: Schema = {"provider": pl.String(), "account": pl.String()}


@dataclass(frozen=True)
class OpenItems:
    """Of some accounts and a range; `items` are open at its end, all frames have their account."""

    rolled: pl.DataFrame  # OPEN_ITEM_STATEMENT
    untied: pl.DataFrame  # its rows that do not add up, because a day is stale
    ages: pl.DataFrame  # AGE_BUCKET
    items: pl.DataFrame  # OPEN_ITEM with age_days and age
    cleared: pl.DataFrame  # CLEARED_ITEM
    written_off: pl.DataFrame  # WRITE_OFF


def open_items(
    database: Database,
    accounts: Sequence[AccountSettings],
    period: Period,
    bounds: Sequence[int] = AGE_BOUNDS,
) -> OpenItems:
    """Opening + new - cleared - written off = closing, over the days of a range that were run.

    Errors: NotProvedError when none of them was.
    """
    days, items, cleared, gone = [], [], [], []
    for account in accounts:
        rolled = _rolled(database, account, period)
        if rolled is None:
            continue
        days.append(rolled)
        items.append(_of(account, _left(database, account, period.last)))
        cleared.append(_of(account, _cleared(database, account, period)))
        gone.append(_gone(database, account, period))
    if not days:
        raise NotProvedError(f"no day of {period} was run; run it with: recon run")
    result = statement(pl.concat(days))
    listed = aged(pl.concat(items), period.last, bounds).sort(*_WHOSE, "side", "item_id")
    return OpenItems(
        rolled=result,
        untied=untied(result),
        ages=age_buckets(listed, bounds) if listed.height else empty(AGE_BUCKET),
        items=listed,
        cleared=pl.concat(cleared).sort(*_WHOSE, "cleared_on", "side", "item_id"),
        written_off=pl.concat(gone).sort("effective_on", "case_id"),
    )


def _of(account: AccountSettings, frame: pl.DataFrame) -> pl.DataFrame:
    whose = {"provider": pl.lit(account.provider), "account": pl.lit(account.account)}
    return frame.select(**whose, **{name: pl.col(name) for name in frame.columns})


def _rolled(database: Database, account: AccountSettings, period: Period) -> pl.DataFrame | None:
    """OPEN_ITEM_STATEMENT with business_date of each day; None when no day was run. A day without
    any open item has a row without a side, so that it still begins or ends the range."""
    inside = (
        *current_runs_of(account.provider, account.account),
        RUNS.c.business_date.between(period.first, period.last),
    )
    columns = [ROLL_FORWARDS.c[name] for name in ROLL_FORWARD]
    select = (
        sa.select(RUNS.c.business_date, *columns)
        .join_from(RUNS, ROLL_FORWARDS, RUNS.c.run_id == ROLL_FORWARDS.c.run_id, isouter=True)
        .where(*inside)
    )
    found = read_frame(database, select, {"business_date": pl.Date(), **ROLL_FORWARD})
    if found.height == 0:
        return None
    amounts = pl.col("^.*_(count|amount)$").fill_null(0)
    return _of(account, found.with_columns(amounts)).select(*OPEN_ITEM_STATEMENT, "business_date")


def _left(database: Database, account: AccountSettings, until: date) -> pl.DataFrame:
    latest = (
        sa.select(RUNS.c.run_id)
        .where(*current_runs_of(account.provider, account.account), RUNS.c.business_date <= until)
        .order_by(RUNS.c.business_date.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = (OPEN_ITEMS.c[name] for name in OPEN_ITEM)
    return read_frame(database, sa.select(*columns).where(OPEN_ITEMS.c.run_id == latest), OPEN_ITEM)


def _cleared(database: Database, account: AccountSettings, period: Period) -> pl.DataFrame:
    columns = (CLEARED_ITEMS.c[name] for name in CLEARED_ITEM)
    select = (
        sa.select(*columns)
        .join_from(CLEARED_ITEMS, RUNS, CLEARED_ITEMS.c.run_id == RUNS.c.run_id)
        .where(
            *current_runs_of(account.provider, account.account),
            RUNS.c.business_date.between(period.first, period.last),
        )
    )
    return read_frame(database, select, CLEARED_ITEM)


def _gone(database: Database, account: AccountSettings, period: Period) -> pl.DataFrame:
    found = approved_write_offs(database, account.provider, account.account, period.last)
    return found.filter(pl.col("effective_on") >= period.first).select(list(WRITE_OFF))
