"""A statement opens with what the one before closed with, or money moved that neither shows."""

from typing import Final

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import MONEY
from recon.tables import DISCREPANCY, Schema, empty

# What the account's statement before this one closed with, by currency.
CLOSED: Final[Schema] = {
    "currency": pl.String(),
    "business_date": pl.Date(),
    "closing": MONEY,
}


def discontinuities(balances: pl.DataFrame, closed: pl.DataFrame, day: Day) -> pl.DataFrame:
    """BALANCE of a day that does not open with what was CLOSED before -> DISCREPANCY.

    A currency that either of the two does not have is not compared: nobody said anything of it.
    """
    both = balances.select("currency", "opening").join(
        closed.select("currency", "closing", before="business_date"),
        on="currency",
        how="inner",
        validate="1:1",
    )
    apart = both.filter(pl.col("opening") != pl.col("closing"))
    if apart.height == 0:
        return empty(DISCREPANCY)
    found = apart.select(
        "currency",
        discrepancy_id=sentence("opening:{}", "currency"),
        type=pl.lit("balance_mismatch"),
        amount_ledger="closing",
        amount_provider="opening",
        explanation=told(
            day.language,
            "balance_gap",
            opening=amount_text("opening"),
            before=pl.col("before").cast(pl.String),
            closing=amount_text("closing"),
            difference=amount_text((pl.col("opening") - pl.col("closing")).cast(MONEY)),
        ),
    )
    return complete(found, day)
