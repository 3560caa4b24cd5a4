"""Canonical tables of what happens after matching, over days and people; see also `tables`."""

from typing import Final

import polars as pl

from recon.money import MONEY
from recon.tables import INSTANT, ROLL_FORWARD, Schema

# An open item that is none any more, when, and by which match; without one it was corrected.
CLEARED_ITEM: Final[Schema] = {
    "side": pl.String(),
    "item_id": pl.String(),
    "kind": pl.String(),
    "business_date": pl.Date(),
    "txn_id": pl.String(),
    "merchant_ref": pl.String(),
    "currency": pl.String(),
    "amount": MONEY,
    "cleared_on": pl.Date(),
    "match_id": pl.String(),
    "rule": pl.String(),
}

# A difference that is given up: proposed by one person (or by the policy for small differences) and
# approved by another. From `effective_on` on its items are no longer carried.
WRITE_OFF: Final[Schema] = {
    "case_id": pl.Int64(),
    "provider": pl.String(),
    "account": pl.String(),
    "discrepancy_id": pl.String(),
    "type": pl.String(),
    "business_date": pl.Date(),  # of the run that found the difference
    "currency": pl.String(),
    "amount": MONEY,  # the difference, provider - ledger: what is to be booked
    "booking_account": pl.String(),  # of the general ledger
    "reason_code": pl.String(),
    "item_ids": pl.List(pl.String),  # open items that leave the carry with it
    "proposed_by": pl.String(),
    "proposed_at": INSTANT,
    "approved_by": pl.String(),
    "approved_at": INSTANT,
    "effective_on": pl.Date(),
}


def given_up_items(write_offs: pl.DataFrame) -> pl.DataFrame:
    """WRITE_OFF -> the open items that leave the carry, once each: item_id, booking_account and
    `of_payout`. A credit of a bank may wait for its entry, and as a part of a payout for the rest
    of it: these are two items, and giving up one of them leaves the other.
    """
    return (
        write_offs.select(
            "booking_account",
            of_payout=~pl.col("discrepancy_id").str.starts_with("match:"),
            item_id="item_ids",
        )
        .explode("item_id")
        .drop_nulls("item_id")
        .unique(["item_id", "of_payout"], keep="first", maintain_order=True)
    )


def is_of_payout() -> pl.Expr:
    """Whether an OPEN_ITEM is a payout, one that is due, a part of one that came, or money that is
    not on the balance yet: no row of a match."""
    return pl.col("side").is_in(["payout", "due", "credit", "booking"])


# What the policy for small differences proposes to write off, and what its limits leave alone.
SMALL_DIFFERENCE: Final[Schema] = {
    "discrepancy_id": pl.String(),
    "type": pl.String(),
    "merchant_ref": pl.String(),
    "currency": pl.String(),
    "difference": MONEY,
    "booking_account": pl.String(),
    "is_proposed": pl.Boolean(),  # False: the cap of the day is reached
}

# What a run found otherwise than the run it superseded.
RUN_CHANGE: Final[Schema] = {
    "change": pl.String(),  # new, cleared, changed
    "discrepancy_id": pl.String(),
    "type": pl.String(),
    "currency": pl.String(),
    "difference_before": MONEY,
    "difference": MONEY,
    "explanation": pl.String(),
}

# ROLL_FORWARD of an account over a day or a range.
OPEN_ITEM_STATEMENT: Final[Schema] = {
    "provider": pl.String(),
    "account": pl.String(),
    **ROLL_FORWARD,
}

# OPEN_ITEM that are still open, by how long they have been.
AGE_BUCKET: Final[Schema] = {
    "provider": pl.String(),
    "account": pl.String(),
    "side": pl.String(),
    "currency": pl.String(),
    "age": pl.String(),  # days: 0-1, 2-3, ..., 31+
    "row_count": pl.Int64(),
    "amount": MONEY,
}
