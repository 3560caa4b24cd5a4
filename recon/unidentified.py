"""Credits of a bank account that no payout explains, and those that one does."""

from typing import Final

import polars as pl

from recon.discrepancies import amount_text, suggested_action, told
from recon.matching.engine import Matched
from recon.money import ZERO
from recon.tables import Schema
from recon.wording import Language

OF_PAYOUTS: Final[Schema] = {"line_id": pl.String(), "payout_id": pl.String()}


def of_payouts(matched: Matched, credits: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """OF_PAYOUTS: whose each credit is that belongs to a payout, be it whole, a part of it or not
    the same money; of several payouts, the first. `matched` refers to rows of the other two."""
    lines, entries = (matched.groups.filter(side=side) for side in ("line", "entry"))
    named = entries.with_columns(expected["payout_id"][entries["row"]])
    first = named.group_by("group").agg(pl.col("payout_id").min())
    grouped = lines.join(first, on="group", how="inner")
    pairs = matched.pairs
    every = pl.concat(
        pl.DataFrame([credits["line_id"][rows], payout_ids])
        for rows, payout_ids in (
            (pairs["line_row"], expected["payout_id"][pairs["entry_row"]]),
            (grouped["row"], grouped["payout_id"]),
        )
    )
    return every.sort("line_id")


def known_by(open_items: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """OPEN_ITEM where a credit of OF_PAYOUTS has the payout's number as `parent_ref`: the ledger
    may not have it yet, but nobody wonders where it comes from."""
    of_line = known.select(item_id="line_id", number="payout_id")
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
    found: pl.DataFrame, known: pl.Series, carried: pl.DataFrame, language: Language
) -> pl.DataFrame:
    """DISCREPANCY of a bank account, where a credit that neither the ledger nor a payout explains
    is called what it is. `known` are ids of the day's credits, `carried` is OPEN_ITEM of the day
    before, see `known_by`."""
    before = carried.filter(pl.col("side") == "line", pl.col("parent_ref").is_not_null())
    ids = pl.concat([known, before["item_id"]])
    received = pl.col("line_ids").list.first().is_in(ids.implode())
    is_stranger = (
        (pl.col("type") == "missing_in_ledger") & (pl.col("amount_provider") > ZERO) & ~received
    )
    said = told(
        language,
        "unidentified_receipt",
        amount=amount_text("amount_provider"),
        reference=pl.coalesce("merchant_ref", "txn_id", pl.col("line_ids").list.first()),
        day=pl.coalesce("received_on", "business_date"),
    )
    stranger = pl.lit("unidentified_receipt")
    waited = carried.filter(side="line").select(first="item_id", received_on="business_date")
    dated = found.with_columns(first=pl.col("line_ids").list.first()).join(
        waited, on="first", how="left", maintain_order="left"
    )
    told_of = dated.with_columns(
        type=pl.when(is_stranger).then(stranger).otherwise("type"),
        explanation=pl.when(is_stranger).then(said).otherwise("explanation"),
    )
    return told_of.with_columns(suggested_action=suggested_action(language)).select(found.columns)
