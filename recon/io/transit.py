"""Money between a provider and the bank: what has been sent, and what has not been received yet."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from recon.control_tables import given_up_items
from recon.io.database import Database, read_frame
from recon.io.schema import (
    DISCREPANCIES,
    OPEN_ITEMS,
    PAYOUTS,
    RECEIPTS,
    RUNS,
    current_runs_of,
)
from recon.periods import Period
from recon.settings import AccountSettings
from recon.settlement.payouts import SENT_BEFORE
from recon.tables import PAYOUT, RECEIPT, empty

# A payout of the same id that is told after a longer time is looked at as another one.
_TOLD_AGAIN_WITHIN: Final = timedelta(days=7)


def payouts_in_transit(
    database: Database, provider: str, account: str, business_date: date
) -> pl.DataFrame:
    """PAYOUT sent to a bank account up to a business date, less what its earlier days received, or
    told as `payout_mismatch` and do not carry any more; sorted by id. Those that were due before
    the account was run at all are left out: nobody has looked for them.
    """
    return payouts_by_day(database, provider, account)(business_date)


def payouts_by_day(
    database: Database, provider: str, account: str
) -> Callable[[date], pl.DataFrame]:
    """`payouts_in_transit` of any day of an account, read once."""
    mine, day = current_runs_of(provider, account), RUNS.c.business_date
    payout, receipt, item, found = PAYOUTS.c, RECEIPTS.c, OPEN_ITEMS.c, DISCREPANCIES.c
    paid = sa.select(day.label("on"), *(payout[name] for name in PAYOUT)).where(
        RUNS.c.superseded_by.is_(None), payout.pays_into == account, RUNS.c.run_id == payout.run_id
    )
    every = read_frame(database, paid, {"on": pl.Date(), **PAYOUT}).sort("payout_id", "on")

    def ids(column: sa.ColumnElement[str], table: sa.Table, *where: Any) -> pl.DataFrame:
        """`payout_id` of the rows that the account's runs have, and of which day (`on`)."""
        rows = sa.select(column.label("payout_id"), day.label("on"))
        rows = rows.join_from(table, RUNS, RUNS.c.run_id == table.c.run_id).where(*mine, *where)
        return read_frame(database, rows, {"payout_id": pl.String(), "on": pl.Date()})

    received = ids(receipt.payout_id, RECEIPTS)
    carried = ids(item.item_id, OPEN_ITEMS, item.side == "payout")
    # A payout that arrived as another amount was told when it came; it is not missing as well. One
    # of which a part came is carried on: the rest of it may still come.
    name = sa.func.replace(found.discrepancy_id, "receipt:", "")
    short = ids(name, DISCREPANCIES, found.type == "payout_mismatch")
    with database.connect() as connection:
        run_on = connection.execute(sa.select(day).where(*mine)).scalars().all()

    def in_transit(business_date: date) -> pl.DataFrame:
        before = [on for on in run_on if on < business_date]
        began = min(run_on, default=business_date)
        told = short.filter(pl.col("on") < business_date)
        kept = carried.filter(pl.col("on") == max(before)) if before else carried.clear()
        gone = pl.concat(
            [
                received.filter(pl.col("on") < business_date),
                told.join(kept, on="payout_id", how="anti"),
            ]
        )
        return (
            every.filter(
                pl.col("on") <= business_date, pl.col("due_on") >= min(began, business_date)
            )
            .join(gone, on="payout_id", how="anti")
            .unique("payout_id", keep="first", maintain_order=True)
            .select(list(PAYOUT))
        )

    return in_transit


def sent_by_day(database: Database, account: AccountSettings) -> Callable[[date], pl.DataFrame]:
    """SENT_BEFORE of any day of an account, of the week before it, read once."""
    if not account.pays_into:
        return lambda business_date: empty(SENT_BEFORE)
    day = RUNS.c.business_date
    select = (
        sa.select(PAYOUTS.c.payout_id, day.label("sent_on"))
        .join(RUNS, RUNS.c.run_id == PAYOUTS.c.run_id)
        .where(*current_runs_of(account.provider, account.account))
    )
    every = read_frame(database, select, SENT_BEFORE).sort("payout_id", "sent_on")

    def before(business_date: date) -> pl.DataFrame:
        since = business_date - _TOLD_AGAIN_WITHIN
        return every.filter(
            pl.col("sent_on").is_between(since, business_date, closed="left")
        ).unique("payout_id", keep="first", maintain_order=True)

    return before


def given_up_payouts(database: Database, account: str, written_off: pl.DataFrame) -> pl.DataFrame:
    """PAYOUT sent to a bank account that are in its WRITE_OFF; sorted by id."""
    ids = given_up_items(written_off).filter("of_payout")["item_id"]
    if ids.is_empty():
        return empty(PAYOUT)
    sent = _payouts(database, PAYOUTS.c.pays_into == account)
    return sent.filter(pl.col("payout_id").is_in(ids.implode()))


def payouts_of(database: Database, period: Period) -> pl.DataFrame:
    """PAYOUT of the current runs of a range, sorted by id."""
    return _payouts(database, RUNS.c.business_date.between(period.first, period.last))


def _payouts(database: Database, where: sa.ColumnElement[bool]) -> pl.DataFrame:
    """PAYOUT of current runs, sorted by id; one that two days tell is there once, as the first of
    them does."""
    select = (
        sa.select(*(PAYOUTS.c[name] for name in PAYOUT))
        .join(RUNS, RUNS.c.run_id == PAYOUTS.c.run_id)
        .where(RUNS.c.superseded_by.is_(None), where)
    )
    told = read_frame(database, select, PAYOUT).sort("payout_id", "business_date")
    return told.unique("payout_id", keep="first", maintain_order=True)


def receipts_of(database: Database, payout_ids: pl.Series) -> pl.DataFrame:
    """RECEIPT of payouts in any current run, sorted by id."""
    select = (
        sa.select(*(RECEIPTS.c[name] for name in RECEIPT))
        .join(RUNS, RUNS.c.run_id == RECEIPTS.c.run_id)
        .where(RUNS.c.superseded_by.is_(None))
    )
    every = read_frame(database, select, RECEIPT)
    return every.filter(pl.col("payout_id").is_in(payout_ids.implode())).sort("receipt_id")


def in_transit_before(
    database: Database, provider: str, account: str, business_date: date
) -> pl.DataFrame:
    """currency, amount: what was sent to a bank account before a day, less what it had received."""
    payout, receipt = PAYOUTS.c, RECEIPTS.c
    sent = (
        sa.select(*(payout[name] for name in PAYOUT))
        .join(RUNS, RUNS.c.run_id == payout.run_id)
        .where(
            RUNS.c.superseded_by.is_(None),
            payout.pays_into == account,
            RUNS.c.business_date < business_date,
        )
    )
    arrived = (
        sa.select(*(receipt[name] for name in RECEIPT))
        .join(RUNS, RUNS.c.run_id == receipt.run_id)
        .where(*current_runs_of(provider, account), RUNS.c.business_date < business_date)
    )
    both = pl.concat(
        [
            read_frame(database, sent, PAYOUT).select("currency", "amount"),
            read_frame(database, arrived, RECEIPT).select(
                "currency", amount=-pl.col("payout_amount")
            ),
        ]
    )
    return both.group_by("currency").agg(pl.col("amount").sum())
