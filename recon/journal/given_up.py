"""What is written off: it leaves the account that held it for the one it is booked to."""

from typing import Final

import polars as pl

from recon.control_tables import given_up_items, is_of_payout
from recon.money import ZERO

_ROLE_BY_SIDE: Final = {
    "line": "clearing",
    "entry": "clearing",
    "payout": "in_transit",
    "credit": "transfers",  # what has come of a payout is between two accounts of ours
    "booking": "unbooked",
    "due": "balance",  # what the provider owes and will not pay is still on the account there
}


def given_up(write_offs: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """WRITE_OFF that take effect, and the OPEN_ITEM that leave the carry with them -> currency,
    amount, `held_role` and `booked_role`, whose amounts are to be moved from one to the other.

    A difference between two rows that found each other is in suspense, and no open item.
    """
    booked = pl.concat_str(pl.lit("="), "booking_account")  # a name of its own, not a role
    whose = given_up_items(write_offs).with_columns(booked_role=booked)
    of_items = items.with_columns(of_payout=is_of_payout())
    carried = of_items.join(whose, on=["item_id", "of_payout"], how="left").select(
        "currency",
        pl.col("booked_role").fill_null("write_off"),
        held_role=pl.col("side").replace_strict(_ROLE_BY_SIDE, return_dtype=pl.String),
        amount=pl.when(pl.col("side").is_in(["line", "credit"]))
        .then(-pl.col("amount"))
        .otherwise("amount"),
    )
    is_pair = pl.col("discrepancy_id").str.starts_with("match:")
    is_held = is_pair & (pl.col("item_ids").list.len().fill_null(0) == 0)
    suspended = write_offs.filter(is_held).select(
        "currency",
        booked_role=booked.fill_null("write_off"),
        held_role=pl.lit("suspense"),
        amount=-pl.col("amount"),
    )
    summed = pl.concat([carried, suspended], how="diagonal_relaxed").group_by(
        "currency", "booked_role", "held_role"
    )
    return summed.agg(pl.col("amount").sum()).filter(pl.col("amount") != ZERO)
