"""The one shape in which both sides are matched: a line or an entry, as far as rules see it."""

from typing import Final

import polars as pl

from recon.money import MONEY
from recon.tables import OPEN_ITEM, Schema

# A line or an entry, reduced to what matching looks at; one of today's or carried from before.
ITEM: Final[Schema] = {
    name: dtype for name, dtype in OPEN_ITEM.items() if name not in ("side", "state")
} | {"reported": pl.Boolean()}  # carried, and a discrepancy of an earlier day already


def line_items(lines: pl.LazyFrame) -> pl.LazyFrame:
    """STATEMENT_LINE -> ITEM; the amount of a line is its gross."""
    return lines.select(
        item_id="line_id",
        kind="kind",
        business_date="business_date",
        due_on=pl.lit(None, dtype=pl.Date),
        txn_id="txn_id",
        merchant_ref="merchant_ref",
        parent_txn_id="parent_txn_id",
        parent_ref="parent_ref",
        payment_method="payment_method",
        currency="currency",
        amount="gross",
        status="status",
        original_currency="original_currency",
        original_amount="original_amount",
        reported=pl.lit(value=False),
    )


def entry_items(entries: pl.LazyFrame) -> pl.LazyFrame:
    """LEDGER_ENTRY -> ITEM; a ledger knows its own references, not the provider's parent."""
    return entries.select(
        item_id="entry_id",
        kind="kind",
        business_date="business_date",
        due_on=pl.lit(None, dtype=pl.Date),
        txn_id="txn_id",
        merchant_ref="merchant_ref",
        parent_txn_id=pl.lit(None, dtype=pl.String),
        parent_ref="parent_ref",
        payment_method="payment_method",
        currency="currency",
        amount="amount",
        status="status",
        original_currency=pl.lit(None, dtype=pl.String),
        original_amount=pl.lit(None, dtype=MONEY),
        reported=pl.lit(value=False),
    )


def carried_items(open_items: pl.DataFrame) -> pl.LazyFrame:
    """OPEN_ITEM of an earlier day, of one side -> ITEM."""
    return (
        open_items.lazy()
        .with_columns(reported=pl.col("state") == "overdue")
        .select(pl.col(name).cast(dtype) for name, dtype in ITEM.items())
    )


def repeated(hashes: pl.Series) -> pl.Series:
    """Those that occur more than once; several times as fast as asking for duplicates."""
    in_order = hashes.sort()
    return in_order.filter(in_order == in_order.shift(1)).unique()


def number_repeats(items: pl.DataFrame) -> pl.DataFrame:
    """Tell apart the rows a statement repeats: the second one is called `<item_id>#2`.

    A row that is delivered twice has the same `line_id` twice, which is how it is recognised; what
    is made of each of the two needs a name of its own. The number follows the content of the rows,
    never their place. Repeats are rare, so all the others are left as they are.
    """
    hashes = items["item_id"].hash()
    twice = repeated(hashes)
    if twice.is_empty():
        return items
    copies = items.with_row_index("place").filter(hashes.is_in(twice.implode()))
    content = pl.struct(pl.exclude("place")).hash()
    renamed = (
        copies.sort("item_id", pl.col("due_on").is_null(), content, maintain_order=True)
        .with_columns(number=pl.int_range(pl.len()).over("item_id") + 1)
        .filter(pl.col("number") > 1)
        .select("place", name=pl.concat_str("item_id", pl.lit("#"), "number"))
    )
    if renamed.height == 0:  # other ids of equal hash
        return items
    named = items["item_id"].scatter(renamed["place"], renamed["name"])
    return number_repeats(items.with_columns(named))  # a carried `...#2` may meet a new one
