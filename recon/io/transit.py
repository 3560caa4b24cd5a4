"""Money between a provider and the bank: what has been sent, and what has not been received yet."""

from datetime import date

import polars as pl
import sqlalchemy as sa

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
from recon.tables import PAYOUT, RECEIPT


def payouts_in_transit(
    database: Database, provider: str, account: str, business_date: date
) -> pl.DataFrame:
    """PAYOUT sent to a bank account up to a business date, less what its earlier days received, or
    told as `payout_mismatch` and do not carry any more; sorted by id. Those that were due before
    the account was run at all are left out: nobody has looked for them.
    """
    received = (
        sa.select(RECEIPTS.c.payout_id)
        .join(RUNS, RUNS.c.run_id == RECEIPTS.c.run_id)
        .where(*current_runs_of(provider, account), RUNS.c.business_date < business_date)
    )
    latest = (
        sa.select(RUNS.c.run_id)
        .where(*current_runs_of(provider, account), RUNS.c.business_date < business_date)
        .order_by(RUNS.c.business_date.desc())
        .limit(1)
        .scalar_subquery()
    )
    carried = sa.select(OPEN_ITEMS.c.item_id).where(
        OPEN_ITEMS.c.run_id == latest, OPEN_ITEMS.c.side == "payout"
    )
    # A payout that arrived as another amount was told when it came; it is not missing as well. One
    # of which a part came is carried on: the rest of it may still come.
    short = (
        sa.select(sa.func.replace(DISCREPANCIES.c.discrepancy_id, "receipt:", ""))
        .join(RUNS, RUNS.c.run_id == DISCREPANCIES.c.run_id)
        .where(
            *current_runs_of(provider, account),
            RUNS.c.business_date < business_date,
            DISCREPANCIES.c.type == "payout_mismatch",
        )
    )
    first = sa.select(sa.func.min(RUNS.c.business_date)).where(*current_runs_of(provider, account))
    with database.connect() as connection:
        began = connection.execute(first).scalar()
    payout = PAYOUTS.c
    select = (
        sa.select(*(payout[name] for name in PAYOUT))
        .join(RUNS, RUNS.c.run_id == payout.run_id)
        .where(
            RUNS.c.superseded_by.is_(None),
            payout.pays_into == account,
            RUNS.c.business_date <= business_date,
            payout.due_on >= min(began or business_date, business_date),
            payout.payout_id.not_in(received),
            payout.payout_id.not_in(short) | payout.payout_id.in_(carried),
        )
    )
    return read_frame(database, select, PAYOUT).unique("payout_id").sort("payout_id")


def payouts_of(database: Database, period: Period) -> pl.DataFrame:
    """PAYOUT of the current runs of a range, sorted by id."""
    select = (
        sa.select(*(PAYOUTS.c[name] for name in PAYOUT))
        .join(RUNS, RUNS.c.run_id == PAYOUTS.c.run_id)
        .where(
            RUNS.c.superseded_by.is_(None),
            RUNS.c.business_date.between(period.first, period.last),
        )
    )
    return read_frame(database, select, PAYOUT).sort("payout_id")


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
