"""Credits of a bank account that no payout explains, and those that one does."""

import polars as pl

from recon.discrepancies import amount_text, suggested_action, told
from recon.money import ZERO
from recon.wording import Language


def known_by(open_items: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """OPEN_ITEM where a credit that was received as a payout has its number as `parent_ref`: the
    ledger may not have it yet, but nobody wonders where it comes from."""
    of_line = receipts.select(item_id="line_id", number="payout_id").unique("item_id", keep="first")
    return (
        open_items.join(of_line, on="item_id", how="left", maintain_order="left")
        .with_columns(
            parent_ref=pl.when(pl.col("side") == "line")
            .then(pl.coalesce("parent_ref", "number"))
            .otherwise("parent_ref")
        )
        .select(open_items.columns)
    )


def unidentified(
    found: pl.DataFrame, receipts: pl.DataFrame, carried: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """DISCREPANCY of a bank account, where a credit that neither the ledger nor a payout explains
    is called what it is. `carried` is OPEN_ITEM of the day before, see `known_by`."""
    known = carried.filter(pl.col("side") == "line", pl.col("parent_ref").is_not_null())
    ids = pl.concat([receipts["line_id"], known["item_id"]])
    received = pl.col("line_ids").list.first().is_in(ids.implode())
    is_stranger = (
        (pl.col("type") == "missing_in_ledger") & (pl.col("amount_provider") > ZERO) & ~received
    )
    said = told(
        language,
        "unidentified_receipt",
        amount=amount_text("amount_provider"),
        reference=pl.coalesce("merchant_ref", "txn_id", pl.col("line_ids").list.first()),
        day="business_date",
    )
    stranger = pl.lit("unidentified_receipt")
    return found.with_columns(
        type=pl.when(is_stranger).then(stranger).otherwise("type"),
        explanation=pl.when(is_stranger).then(said).otherwise("explanation"),
    ).with_columns(suggested_action=suggested_action(language))
