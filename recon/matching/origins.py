"""Refunds and chargebacks against the payment they belong to, however many months ago that was."""

from datetime import date

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import ZERO
from recon.tables import DISCREPANCY, empty

# What gives money of a payment back, and what takes that back again; amounts have their own signs.
RETURNING = ("refund", "refund_reversal", "chargeback", "chargeback_reversal")


def over_refunds(orders: pl.DataFrame, day: Day) -> pl.DataFrame:
    """DISCREPANCY for payments of which more was given back than was paid, as of this day.

    `orders` is LEDGER_ENTRY: the payments that entries of the day give something back of, and
    everything that was given back of them up to and including the day. Reported is what this day
    has added to the excess, so that every refund too many is reported once, on its own day.
    """
    if orders.height == 0:
        return empty(DISCREPANCY)
    succeeded = orders.filter(pl.col("status").fill_null("succeeded") == "succeeded")
    paid = (
        succeeded.filter(kind="payment")
        .group_by("merchant_ref", "currency")
        .agg(paid=pl.col("amount").sum())
    )
    returned = (
        succeeded.filter(pl.col("kind").is_in(RETURNING))
        .group_by(merchant_ref="parent_ref", currency="currency")
        .agg(
            returned=-pl.col("amount").sum(),
            before=-pl.col("amount").filter(_before(day.business_date)).sum(),
            entry_ids=pl.col("entry_id").filter(~_before(day.business_date)).sort(),
            txn_id=pl.col("txn_id").filter(~_before(day.business_date)).drop_nulls().min(),
        )
    )
    excess = (
        paid.join(returned, on=["merchant_ref", "currency"], how="inner", validate="1:1")
        .with_columns(
            now=pl.max_horizontal(pl.col("returned") - pl.col("paid"), ZERO),
            earlier=pl.max_horizontal(pl.col("before") - pl.col("paid"), ZERO),
        )
        .filter(pl.col("now") > pl.col("earlier"))
        .with_columns(added=pl.col("now") - pl.col("earlier"))
    )
    found = excess.select(
        "currency",
        "merchant_ref",
        "txn_id",
        "entry_ids",
        discrepancy_id=sentence(
            "over_refund:{}:{}:{}", "merchant_ref", "currency", pl.lit(str(day.business_date))
        ),
        type=pl.lit("over_refund"),
        amount_ledger=ZERO,
        amount_provider=-pl.col("added"),
        explanation=told(
            day.language,
            "over_refund",
            reference="merchant_ref",
            paid=amount_text("paid"),
            returned=amount_text("returned"),
            added=amount_text("added"),
        ),
    )
    return complete(found, day)


def _before(business_date: date) -> pl.Expr:
    return pl.col("business_date") < business_date
