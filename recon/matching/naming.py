"""Which payouts a credit speaks of: their numbers, found anywhere in what the bank says of it."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from recon.matching.rules import MatchRule
from recon.money import MONEY

_LONG: Final = 10  # letters of a number that is no part of another word by chance


def named(credits: pl.DataFrame, payouts: pl.DataFrame) -> pl.DataFrame:
    """line_id and payout_id of STATEMENT_LINE that speak of PAYOUT; a row each of several."""
    numbers = pl.concat(
        payouts.select("payout_id", word=pl.col(name).str.to_uppercase())
        for name in ("txn_id", "merchant_ref", "payout_id")
    ).drop_nulls("word")
    text = pl.concat_str(
        "merchant_ref", "txn_id", "description", separator=" ", ignore_nulls=True
    ).str.to_uppercase()
    words = text.str.extract_all(r"[^\s,;:()]+")
    whole = _naming(
        credits, pl.concat_list(words, pl.col("merchant_ref").str.to_uppercase()), numbers
    )
    # Banks wrap long texts, and leave a blank where the line was broken.
    long = numbers.filter(pl.col("word").str.len_chars() >= _LONG)
    unbroken = text.str.replace_all(r"\s", "")
    found = unbroken.str.extract_many(pl.lit(long["word"].unique().sort().implode()))
    wrapped = _naming(credits.join(whole, on="line_id", how="anti"), found, long)
    return pl.concat([whole, wrapped])


def _naming(credits: pl.DataFrame, words: pl.Expr, numbers: pl.DataFrame) -> pl.DataFrame:
    return (
        credits.select("line_id", word=words)
        .explode("word")
        .join(numbers, on="word", how="inner")
        .select("line_id", "payout_id")
        .unique()
        .sort("line_id", "payout_id")
    )


def keyed(
    credits: pl.DataFrame, payouts: pl.DataFrame, rules: Sequence[MatchRule]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with `key`, by which they belong together: the number of a payout, or of the first of
    several that one credit names, where those add up to it.

    Payouts nobody names are their own key, credits that name none, or too many, have none.
    """
    pairs = named(credits, payouts)
    counted = pairs.with_columns(
        payout_count=pl.len().over("line_id"), line_count=pl.len().over("payout_id")
    )
    single = counted.filter(pl.col("payout_count") == 1).select("line_id", key="payout_id")
    together = (
        counted.filter(pl.col("payout_count") > 1)
        .filter((pl.col("line_count") == 1).all().over("line_id"))
        .join(payouts.select("payout_id", "amount", "currency"), on="payout_id")
        .join(credits.select("line_id", "gross", into="currency"), on="line_id")
        .with_columns(
            sent=pl.col("amount").sum().over("line_id").cast(MONEY),
            key=pl.col("payout_id").min().over("line_id"),
        )
        .filter((pl.col("currency") == pl.col("into")).all().over("line_id"))
        .filter(_adds_up(rules))
    )
    of_lines = pl.concat([single, together.select("line_id", "key").unique()])
    of_payouts = together.select("payout_id", "key")
    return (
        credits.join(of_lines, on="line_id", how="left", validate="1:1").sort("line_id"),
        payouts.join(of_payouts, on="payout_id", how="left", validate="1:1")
        .with_columns(pl.coalesce("key", "payout_id").alias("key"))
        .sort("payout_id"),
    )


def _adds_up(rules: Sequence[MatchRule]) -> pl.Expr:
    """Whether what was sent is what came, as near as a rule of parts asks."""
    sent, came = pl.col("sent"), pl.col("gross")
    allowed = [
        rule.amount_tolerance.allows(came, sent)
        for rule in rules
        if rule.groups == "parts" and rule.amount_tolerance is not None
    ]
    return pl.any_horizontal(sent == came, *allowed)
