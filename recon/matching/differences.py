"""In what a line and its entry differ, and which of that finance must look at."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.matching.items import ITEM
from recon.matching.rules import MatchRule, compared_amounts, compared_dates
from recon.matching.sides import Side
from recon.money import ZERO, to_display


@dataclass(frozen=True)
class Difference:
    """One way in which two rows may differ; `test` and the texts are over `both_sides`."""

    test: pl.Expr
    field: str
    ledger: pl.Expr
    provider: pl.Expr


def both_sides(lines: Side, entries: Side, pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs (line_row, entry_row, pass) with the ITEM of the line and, as `<name>_ledger`, that of
    its entry.

    Where the entry is in the currency the payer paid in, that is what is compared: amount and
    currency of the line are then those of the original.
    """
    sides = [
        lines.items[pairs["line_row"]],
        entries.items[pairs["entry_row"]].rename({name: f"{name}_ledger" for name in ITEM}),
        pairs.select("pass"),
    ]
    both = pl.concat(sides, how="horizontal")
    is_original = (
        (pl.col("original_currency") == pl.col("currency_ledger"))
        & (pl.col("currency") != pl.col("currency_ledger"))
        & pl.col("original_amount").is_not_null()
    ).fill_null(value=False)
    signed = pl.when(pl.col("amount") < ZERO).then(-pl.col("original_amount").abs())
    return both.with_columns(
        amount=pl.when(is_original)
        .then(signed.otherwise(pl.col("original_amount").abs()))
        .otherwise("amount"),
        currency=pl.when(is_original).then("original_currency").otherwise("currency"),
    )


def differences(rules: Sequence[MatchRule], date_tolerance_days: int) -> dict[str, Difference]:
    """Discrepancy type -> difference, the gravest first: it names the type of the pair.

    What a rule has asked to be equal in its own reading, or tolerates, is no difference.
    """

    def unlike(column: str) -> pl.Expr:
        line, entry = pl.col(column), pl.col(f"{column}_ledger")
        as_key = [number for number, rule in enumerate(rules, 1) if column in rule.equal_keys]
        known = pl.col("pass").is_in(as_key)
        return line.is_not_null() & entry.is_not_null() & (line != entry) & ~known

    amounts = (
        to_display(pl.col("amount_ledger"), pl.col("currency_ledger")),
        to_display(pl.col("amount"), pl.col("currency")),
    )
    # What never moved has no amount of its own; its status says why.
    is_still = (pl.col("amount") == ZERO) & (pl.col("status") != "succeeded") & unlike("status")
    mirrored = (pl.col("amount") == -pl.col("amount_ledger")) & (pl.col("amount") != ZERO)
    merchant_refs = pl.col("merchant_ref_ledger"), pl.col("merchant_ref")
    txn_ids = pl.col("txn_id_ledger"), pl.col("txn_id")
    references = [
        pl.when(unlike("merchant_ref")).then(merchant_refs[side]).otherwise(txn_ids[side])
        for side in (0, 1)
    ]
    return {
        "currency_mismatch": Difference(
            pl.col("currency") != pl.col("currency_ledger"),
            "currency",
            pl.col("currency_ledger"),
            pl.col("currency"),
        ),
        "direction_mismatch": Difference(mirrored, "direction", *amounts),
        "amount_mismatch": Difference(
            ~mirrored & ~compared_amounts(rules) & ~is_still.fill_null(value=False),
            "amount",
            *amounts,
        ),
        "status_mismatch": Difference(
            unlike("status"), "status", pl.col("status_ledger"), pl.col("status")
        ),
        "reference_mismatch": Difference(
            unlike("merchant_ref") | unlike("txn_id"), "reference", *references
        ),
        "date_mismatch": Difference(
            ~compared_dates(rules, date_tolerance_days),
            "business_date",
            pl.col("business_date_ledger").cast(pl.String),
            pl.col("business_date").cast(pl.String),
        ),
    }


COMPARED = ("amount", "currency", "status", "txn_id", "merchant_ref")


def are_clean(
    lines: Side,
    entries: Side,
    pairs: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> pl.Series:
    """True where a pair (line_row, entry_row, pass; all of one pass) has none of `differences`.

    Nearly all pairs are plainly equal, which is told column by column without copying a row; only
    the others are asked for what the rules tolerate.
    """
    if pairs.height == 0:
        return pl.Series("clean", [], dtype=pl.Boolean)
    rule = rules[pairs["pass"][0] - 1]
    clean = pl.repeat(value=True, n=pairs.height, eager=True)
    for column in (*COMPARED, "business_date"):
        if column in rule.equal_keys:
            continue
        line = lines.items[column].gather(pairs["line_row"])
        entry = entries.items[column].gather(pairs["entry_row"])
        if column == "business_date" and rule.date_window is None:
            clean &= (line - entry).dt.total_days().abs() <= date_tolerance_days
        else:  # what one side does not know cannot differ
            clean &= (line == entry).fill_null(value=True)
    doubtful = (~clean).arg_true()
    if doubtful.len() == 0:
        return clean.alias("clean")
    tests = [found.test for found in differences(rules, date_tolerance_days).values()]
    looked_at = both_sides(lines, entries, pairs[doubtful]).select(
        ~pl.any_horizontal(tests).fill_null(value=False)
    )
    return clean.scatter(doubtful, looked_at.to_series()).alias("clean")
