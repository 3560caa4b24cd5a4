"""Rows that belong together and do not agree: pairs that differ, keys that repeat, split orders."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from recon.discrepancies import amount_text, sentence
from recon.matching.differences import both_sides, differences
from recon.matching.engine import Matched
from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.money import MONEY
from recon.tables import MISMATCHED_FIELD


def rule_name(rules: Sequence[MatchRule]) -> pl.Expr:
    """The name of the rule numbered `pass`."""
    chosen = [
        pl.when(pl.col("pass") == n).then(pl.lit(rule.name)) for n, rule in enumerate(rules, 1)
    ]
    return pl.coalesce(*chosen, pl.lit(None, dtype=pl.String))


def members_of(groups: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """The members of groups with what their ITEM says, in the order of their ids."""
    return pl.concat(
        groups.filter(side=side).join(items.with_row_index("row"), on="row", how="inner")
        for side, items in (("line", lines), ("entry", entries))
    ).sort("group", "item_id")


def differing_pairs(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> pl.DataFrame:
    """Pairs that are the same money and differ in something, each with all of it."""
    pairs = matched.pairs.filter(~pl.col("clean"))
    if pairs.height == 0:
        return pairs
    both = both_sides(Side.of(lines), Side.of(entries), pairs)
    found = differences(rules, date_tolerance_days)
    verdict = pl.coalesce(
        pl.when(difference.test).then(pl.lit(name)) for name, difference in found.items()
    )
    other_currency = found["currency_mismatch"].test
    fields = pl.concat_list(
        pl.when(difference.test).then(
            pl.struct(
                field=pl.lit(difference.field),
                ledger=difference.ledger,
                provider=difference.provider,
            )
        )
        for difference in found.values()
    ).list.drop_nulls()
    facts = both.with_columns(
        type=verdict, mismatched_fields=fields.cast(pl.List(MISMATCHED_FIELD))
    )
    said = pl.col("mismatched_fields").list.eval(
        sentence(
            "{}: ledger {}, provider {}",
            pl.element().struct.field("field"),
            pl.element().struct.field("ledger"),
            pl.element().struct.field("provider"),
        )
    )
    return facts.select(
        discrepancy_id=sentence("match:{}", "item_id"),
        type="type",
        currency="currency",
        amount_provider="amount",
        amount_ledger=pl.when(~other_currency).then("amount_ledger"),
        merchant_ref=pl.coalesce("merchant_ref", "merchant_ref_ledger"),
        txn_id=pl.coalesce("txn_id", "txn_id_ledger"),
        line_ids=pl.concat_list("item_id"),
        entry_ids=pl.concat_list("item_id_ledger"),
        rule=rule_name(rules),
        mismatched_fields="mismatched_fields",
        explanation=sentence(
            "The {} {} is on both sides but differs in {}.",
            pl.col("kind").str.replace_all("_", " "),
            pl.coalesce("merchant_ref", "txn_id", "item_id"),
            said.list.join("; "),
        ),
    )


_WHY: Final = {
    "duplicate_in_provider": "the provider repeats it",
    "duplicate_in_ledger": "the ledger repeats it",
    "ambiguous_match": "equally good candidates, so none was paired",
    "split_incomplete": "parts that do not add up to the same",
}


def repeated_keys(
    matched: Matched, lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule]
) -> pl.DataFrame:
    """Rows that share a key, where taking one for the other would be a guess."""
    groups = matched.groups.filter(~pl.col("verdict").is_in(["matched", "split"]))
    if groups.height == 0:
        return groups
    summed = _summed(members_of(groups, lines, entries))
    return _told(summed, rules)


def split_orders(
    late: pl.DataFrame,
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
) -> pl.DataFrame:
    """Orders paid in parts that still do not add up when their time is over; `late` says which."""
    split = matched.groups.filter(pl.col("group").is_in(late["group"].drop_nulls().implode()))
    if split.height == 0:
        return split
    members = members_of(split, lines, entries).with_columns(verdict=pl.lit("split_incomplete"))
    return _told(_summed(members), rules)


def _summed(members: pl.DataFrame) -> pl.DataFrame:
    is_line = pl.col("side") == "line"
    return members.group_by("group", maintain_order=True).agg(
        pl.col("verdict", "pass", "kind").first(),
        currency=pl.coalesce(
            pl.col("currency").filter(is_line).first(), pl.col("currency").first()
        ),
        amount_provider=pl.col("amount").filter(is_line).sum().cast(MONEY),
        amount_ledger=pl.col("amount").filter(~is_line).sum().cast(MONEY),
        line_ids=pl.col("item_id").filter(is_line),
        entry_ids=pl.col("item_id").filter(~is_line),
        merchant_ref=pl.col("merchant_ref").drop_nulls().min(),
        txn_id=pl.col("txn_id").drop_nulls().min(),
    )


def _told(summed: pl.DataFrame, rules: Sequence[MatchRule]) -> pl.DataFrame:
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
        explanation=sentence(
            "{} has {} line(s) at the provider, {} in all, and {} in the ledger, {} in all: {}.",
            pl.coalesce("merchant_ref", "txn_id"),
            pl.col("line_ids").list.len(),
            amount_text("amount_provider"),
            pl.col("entry_ids").list.len(),
            amount_text("amount_ledger"),
            pl.col("verdict").replace_strict(_WHY, return_dtype=pl.String),
        ),
    )
