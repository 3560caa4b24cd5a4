"""What is given up: items that leave the carry, and the policy for small differences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from recon.control_tables import SMALL_DIFFERENCE, given_up_items, is_of_payout
from recon.money import MONEY, ZERO


@dataclass(frozen=True)
class SmallDifferences:
    """Differences nobody shall spend time on: `limits` is (each, a day's sum) by currency."""

    booking_account: str = ""
    limits: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)


def without_written_off(
    carried: pl.DataFrame, write_offs: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """OPEN_ITEM that are carried on, and those that leave the carry, by WRITE_OFF."""
    key = ["item_id", "of_payout"]
    items, gone = carried.with_columns(of_payout=is_of_payout()), given_up_items(write_offs)
    kept, left = (items.join(gone, on=key, how=how, maintain_order="left").select(carried.columns)
                  for how in ("anti", "semi"))  # fmt: skip
    return kept, left


def small_differences(found: pl.DataFrame, policy: SmallDifferences) -> pl.DataFrame:
    """DISCREPANCY -> SMALL_DIFFERENCE: both amounts are known and differ by no more than the limit.

    The smallest come first, until the cap of the day is reached; what is beyond it is listed too.
    """
    parts = [
        _of_currency(found, currency, each, daily, policy.booking_account)
        for currency, (each, daily) in sorted(policy.limits.items())
    ]
    nothing = pl.DataFrame(schema=dict(SMALL_DIFFERENCE))
    return pl.concat([nothing, *parts])


def _of_currency(
    found: pl.DataFrame, currency: str, each: Decimal, daily: Decimal, booking_account: str
) -> pl.DataFrame:
    limit, cap = (pl.lit(amount, dtype=MONEY) for amount in (each, daily))
    size = pl.col("difference").abs()
    both = pl.col("amount_ledger").is_not_null() & pl.col("amount_provider").is_not_null()
    small = found.filter(
        (pl.col("currency") == currency) & both & (size != ZERO) & (size <= limit)
    ).sort(size, "discrepancy_id")
    return small.select(
        "discrepancy_id",
        "type",
        "merchant_ref",
        "currency",
        "difference",
        booking_account=pl.lit(booking_account),
        is_proposed=size.cum_sum() <= cap,
    )
