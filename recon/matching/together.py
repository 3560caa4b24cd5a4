"""Rows that share a key and were not paired: repeats, what cannot be told apart, split orders."""

from collections.abc import Sequence

import polars as pl

from recon.discrepancies import amount_text, sentence, sums_text, told
from recon.matching.disagreements import rule_name
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.money import MONEY
from recon.wording import Language

_VERDICTS = (
    "duplicate_in_provider",
    "duplicate_in_ledger",
    "ambiguous_match",
    "split_incomplete",
)


def members_of(groups: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """The members of groups with what their ITEM says, in the order of their ids."""
    return pl.concat(
        groups.filter(side=side).join(items.with_row_index("row"), on="row", how="inner")
        for side, items in (("line", lines), ("entry", entries))
    ).sort("group", "item_id")


def repeated_keys(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    language: Language = "en",
) -> pl.DataFrame:
    """Rows that share a key, where taking one for the other would be a guess."""
    groups = matched.groups.filter(~pl.col("verdict").is_in(["matched", "split"]))
    if groups.height == 0:
        return groups
    return _told(_summed(members_of(groups, lines, entries)), rules, language)


def split_orders(
    late: pl.DataFrame,
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    language: Language = "en",
) -> pl.DataFrame:
    """Orders paid in parts that still do not add up when their time is over; `late` says which."""
    split = matched.groups.filter(pl.col("group").is_in(late["group"].drop_nulls().implode()))
    if split.height == 0:
        return split
    members = members_of(split, lines, entries).with_columns(verdict=pl.lit("split_incomplete"))
    return _told(_summed(members), rules, language)


def _summed(members: pl.DataFrame) -> pl.DataFrame:
    """One row a group. Amounts are those of one currency, of one that both sides have where there
    is any; what there is in others is `said` with them, and never added up."""
    is_line, currency = pl.col("side") == "line", pl.col("currency")
    on_both = (pl.col("side").n_unique() == 2).over("group", "currency")
    chosen = pl.coalesce(currency.filter(on_both).min(), currency.filter(is_line).min())
    counts = currency == chosen.over("group")
    said = sums_text(members, "group", "side")
    summed = (
        members.with_columns(counts=counts)
        .group_by("group", maintain_order=True)
        .agg(
            pl.col("verdict", "pass", "kind").first(),
            currency=currency.filter("counts").first(),
            amount_provider=pl.col("amount").filter(is_line & pl.col("counts")).sum().cast(MONEY),
            amount_ledger=pl.col("amount").filter(~is_line & pl.col("counts")).sum().cast(MONEY),
            line_ids=pl.col("item_id").filter(is_line),
            entry_ids=pl.col("item_id").filter(~is_line),
            merchant_ref=pl.col("merchant_ref").drop_nulls().min(),
            txn_id=pl.col("txn_id").drop_nulls().min(),
            parent_ref=pl.col("parent_ref").drop_nulls().min(),
        )
    )
    for side, name in (("line", "lines_said"), ("entry", "entries_said")):
        of_side = said.filter(side=side).select("group", pl.col("said").alias(name))
        summed = summed.join(of_side, on="group", how="left", maintain_order="left")
    return summed


def _told(summed: pl.DataFrame, rules: Sequence[MatchRule], language: Language) -> pl.DataFrame:
    gaps = {
        # Refunds of one payment have numbers of their own; together they are known by it.
        "reference": pl.when(verdict="split_incomplete")
        .then(pl.coalesce("parent_ref", "merchant_ref", "txn_id"))
        .otherwise(pl.coalesce("merchant_ref", "txn_id", "parent_ref")),
        "lines": pl.col("line_ids").list.len(),
        "entries": pl.col("entry_ids").list.len(),
        "provider": pl.col("lines_said"),
        "ledger": pl.col("entries_said"),
        "difference": amount_text(
            (pl.col("amount_provider") - pl.col("amount_ledger")).cast(MONEY)
        ),
    }
    return summed.select(
        "currency",
        "amount_provider",
        "amount_ledger",
        "line_ids",
        "entry_ids",
        "merchant_ref",
        "txn_id",
        discrepancy_id=sentence("match:{}", pl.col("line_ids").list.min()),
        type="verdict",
        rule=rule_name(rules),
        explanation=pl.coalesce(
            pl.when(verdict=verdict).then(told(language, verdict, **gaps)) for verdict in _VERDICTS
        ),
    )
