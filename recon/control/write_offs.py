"""What is given up: items that leave the carry, and the policy for small differences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from recon.control_tables import SMALL_DIFFERENCE, given_up_items, is_of_payout
from recon.discrepancies import told
from recon.money import MONEY, ZERO
from recon.wording import Language


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


def told_as_written_off(
    found: pl.DataFrame, given_up: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """DISCREPANCY in which a row of one side says that the other side had it, where that is an
    OPEN_ITEM which was written off: of the same reference and amount, which now is there twice."""
    if given_up.is_empty():
        return found
    lines, entries = (pl.col(name).list.len().fill_null(0) for name in ("line_ids", "entry_ids"))
    facts = found.with_columns(
        side=pl.when(lines > 0, entries == 0)
        .then(pl.lit("entry"))
        .when(lines == 0, entries > 0)
        .then(pl.lit("line")),
        amount=pl.coalesce("amount_provider", "amount_ledger"),
    )
    names = ("merchant_ref", "txn_id")
    for name in names:
        key = ["side", "currency", "amount", name]
        items = given_up.select(*key, pl.col("item_id").alias(f"gone {name}"))
        once = items.drop_nulls(name).unique(key, keep="first", maintain_order=True)
        facts = facts.join(once, on=key, how="left", validate="m:1", maintain_order="left")
    item = pl.coalesce(f"gone {name}" for name in names)
    said = told(language, "was_written_off", item=item)
    return facts.with_columns(
        explanation=pl.concat_str("explanation", said, ignore_nulls=True)
    ).select(found.columns)


def small_differences(found: pl.DataFrame, policy: SmallDifferences) -> pl.DataFrame:
    """DISCREPANCY -> SMALL_DIFFERENCE: both amounts are known and differ by no more than the limit.

    The smallest come first, until the cap of the day is reached; what is beyond it is listed too.
    """
    limits = pl.DataFrame(
        [(currency, *both) for currency, both in policy.limits.items()],
        schema={"currency": pl.String, "limit": MONEY, "cap": MONEY},
        orient="row",
    )
    size = pl.col("difference").abs()
    both = pl.col("amount_ledger").is_not_null() & pl.col("amount_provider").is_not_null()
    return (
        found.lazy()
        .join(limits.lazy(), on="currency", how="inner")
        .filter(both & (size != ZERO) & (size <= pl.col("limit")))
        .sort("currency", size, "discrepancy_id")
        .with_columns(
            booking_account=pl.lit(policy.booking_account),
            is_proposed=size.cum_sum().over("currency") <= pl.col("cap"),
        )
        .select(SMALL_DIFFERENCE.keys())
        .collect()
    )
