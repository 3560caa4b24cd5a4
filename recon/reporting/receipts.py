"""Payouts and the bank credits they have arrived as: of a bank account's day, and of a range."""

import polars as pl

from recon.money import ZERO
from recon.reporting import text
from recon.reporting.columns import STATE_TONES, column, columns, toned, worded
from recon.reporting.sheets import Sheet, Table
from recon.reporting.text import Language
from recon.results import DayResult
from recon.row_wording import rule_in


def receipts_sheet(result: DayResult, language: Language) -> Sheet:
    """What has arrived on a bank account, and what is still on its way to it."""
    listed = result.receipts.sort("paid_on", "receipt_id").with_columns(
        proof=pl.col("payout_amount") - pl.col("credited") - pl.col("bank_fee"),
        rule=rule_in(pl.col("rule"), language),
    )
    arrived = Table(
        "receipts",
        (
            *columns("payout_provider payout_account batch_id currency", language),
            *columns("paid_on received_on payout_amount credited bank_fee", language),
            column("proof", language, formula="{payout_amount}-{credited}-{bank_fee}", check=True),
            column("rule", language, kind="wrapped"),  # it may be a sentence
            *columns("payout_id line_id", language),
        ),
        listed,
        main=True,
    )
    age = (pl.lit(result.business_date) - pl.col("business_date")).dt.total_days()
    waiting = result.open_items.filter(side="payout").with_columns(
        age_days=age, state=worded("state", text.STATES, language), payout_id="item_id"
    )
    on_its_way = Table(
        "in_transit",
        (
            toned("state", language, text.STATES, STATE_TONES),
            *columns("currency amount business_date due_on age_days payout_id", language),
        ),
        waiting.sort("due_on", "payout_id"),
        title=text.phrase("in_transit", language),
    )
    nothing = text.phrase("nothing", language)
    return Sheet(text.sheet("receipts", language), (arrived, on_its_way), nothing=nothing)


def payouts_table(payouts: pl.DataFrame, receipts: pl.DataFrame, language: Language) -> Table:
    """PAYOUT, each followed to the credits it has arrived as, with a proof that is 0.

    What has not arrived is in transit: it is itemised, not missing.
    """
    arrived = receipts.group_by("payout_id").agg(
        pl.col("credited", "bank_fee").sum(), received_on=pl.col("received_on").max()
    )
    listed = (
        payouts.join(arrived, on="payout_id", how="left", validate="1:1")
        .with_columns(pl.col("credited", "bank_fee").fill_null(ZERO))
        .with_columns(
            in_transit=pl.when(pl.col("received_on").is_null()).then("amount").otherwise(ZERO),
            payout_amount="amount",
            paid_on="business_date",
        )
        .with_columns(
            proof=pl.col("amount") - pl.col("credited") - pl.col("bank_fee") - pl.col("in_transit")
        )
        .sort("provider", "account", "currency", "paid_on", "payout_id")
    )
    return Table(
        "chain",
        (
            *columns("provider account batch_id currency paid_on payout_amount", language),
            *columns("received_on credited bank_fee in_transit", language),
            column(
                "proof",
                language,
                formula="{payout_amount}-{credited}-{bank_fee}-{in_transit}",
                check=True,
            ),
            *columns("pays_into payout_id", language),
        ),
        listed,
        main=True,
    )
