"""Rows of both sides that share a key some other row has too: judged together, never paired."""

from collections.abc import Sequence

import polars as pl

from recon.matching import near
from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.money import ZERO

# What may become of the rows of one key.
VERDICTS = ("matched", "duplicate_in_provider", "duplicate_in_ledger", "split", "ambiguous_match")
_JUDGED = {"group_key": pl.String, "side": pl.String, "row": pl.UInt32, "verdict": pl.String}
_COMPARED = ("amount", "currency", "status", "business_date", "txn_id", "merchant_ref", "item_id")


def judge(lines: Side, entries: Side, rule: MatchRule, date_tolerance_days: int) -> pl.DataFrame:
    """Rows (group_key, side, row, verdict) of every key that rows of both sides have.

    The verdict is `matched`, the type of a discrepancy, or `split`: rows of one order that do not
    add up yet, and may when the rest of them comes.
    """
    keys = [f"key:{key}" for key in rule.equal_keys]
    ours, theirs = lines.keyed(rule), entries.keyed(rule)
    shared = ours["hash"].filter(ours["hash"].is_in(theirs["hash"].implode()))
    if shared.is_empty():
        return pl.DataFrame(schema=_JUDGED)
    together = pl.concat(
        _rows(side, name, rule, keyed.filter(keyed["hash"].is_in(shared.implode()))["row"])
        for name, side, keyed in (("line", lines, ours), ("entry", entries, theirs))
    )
    if rule.is_near:  # then equal keys make no candidate: its run is a key as well
        keys.append("run")
        together = together.join(near.runs(lines, entries, rule), on=["side", "row"], how="inner")
    is_line = pl.col("side") == "line"
    counted = together.with_columns(
        line_count=is_line.sum().over(keys),
        entry_count=(~is_line).sum().over(keys),
        line_sum=pl.col("amount").filter(is_line).sum().over(keys),
        entry_sum=pl.col("amount").filter(~is_line).sum().over(keys),
        one_amount=(pl.n_unique("amount") == 1).over(keys),
        one_currency=(pl.n_unique("currency") == 1).over(keys),
        one_sign=((pl.col("amount") > ZERO).n_unique() == 1).over(keys),
        clean=_is_clean(rule, date_tolerance_days).over(keys),
        same_parts=_has_same_parts(keys),
        lines_told=_are_told_apart(is_line).over(keys),
        entries_told=_are_told_apart(~is_line).over(keys),
        group_key=pl.col("item_id").min().over(keys),
    ).filter((pl.col("line_count") > 0) & (pl.col("entry_count") > 0))
    return counted.select("group_key", "side", "row", verdict=_verdict(rule))


def _rows(side: Side, name: str, rule: MatchRule, rows: pl.Series) -> pl.DataFrame:
    keys = side.keys(rule, rows).rename(lambda key: f"key:{key}")
    compared = side.items.select(_COMPARED)[rows].with_columns(rows, side=pl.lit(name))
    return pl.concat([compared, keys], how="horizontal")


def _verdict(rule: MatchRule) -> pl.Expr:
    same = pl.col("one_amount") & pl.col("one_currency")
    line_sum, entry_sum = pl.col("line_sum"), pl.col("entry_sum")
    one_alone = (pl.col("line_count") == 1) | (pl.col("entry_count") == 1)
    adds_up = line_sum == entry_sum
    if rule.amount_tolerance is not None:
        adds_up = rule.amount_tolerance.allows(line_sum, entry_sum)
    takes = {
        "equal": same & (pl.col("line_count") == pl.col("entry_count")),
        "parts": pl.col("one_currency") & ((adds_up & one_alone) | pl.col("same_parts")),
        "sum": pl.col("one_currency") & adds_up,
    }.get(rule.groups, pl.lit(value=False))
    is_part = pl.col("one_currency") & pl.col("one_sign")
    if rule.groups == "parts":
        # Parts that are more than the whole already are no longer waiting for the rest of it.
        fits = (
            pl.when(pl.col("line_count") > 1)
            .then(line_sum.abs() < entry_sum.abs())
            .when(pl.col("entry_count") > 1)
            .then(entry_sum.abs() < line_sum.abs())
            .otherwise(pl.lit(value=True))
        )
        is_part &= one_alone & fits
    elif rule.groups != "sum":
        is_part = pl.lit(value=False)
    # Movements with numbers of their own are no repeats: the other side may have the rest tomorrow.
    lines, entries = pl.col("line_count"), pl.col("entry_count")
    are_more = ((lines > entries) & pl.col("lines_told")) | (
        (lines < entries) & pl.col("entries_told")
    )
    return (
        pl.when(takes & pl.col("clean"))
        .then(pl.lit("matched"))
        .when(same & are_more & (pl.lit(rule.groups) == "equal"))
        .then(pl.lit("split"))
        .when(same & (pl.col("entry_count") == 1))
        .then(pl.lit("duplicate_in_provider"))
        .when(same & (pl.col("line_count") == 1))
        .then(pl.lit("duplicate_in_ledger"))
        .when(is_part)
        .then(pl.lit("split"))
        .otherwise(pl.lit("ambiguous_match"))
    )


def _are_told_apart(is_of_side: pl.Expr) -> pl.Expr:
    """Whether each of a side's rows has a number that no other one has."""
    own = [
        pl.col(name).filter(is_of_side).drop_nulls().n_unique() == is_of_side.sum()
        for name in ("txn_id", "merchant_ref")
    ]
    return pl.any_horizontal(own)


def _has_same_parts(keys: Sequence[str]) -> pl.Expr:
    """Whether both sides have the same amounts, and each of them once, so that the amount tells
    which is which; not where both tell transactions, which are others then."""
    is_line = pl.col("side") == "line"
    once = [side.sum().over(*keys, "currency", "amount") == 1 for side in (is_line, ~is_line)]
    has_txn = pl.col("txn_id").is_not_null()
    told = [(has_txn & side).any().over(keys) for side in (is_line, ~is_line)]
    return pl.all_horizontal(once).all().over(keys) & ~pl.all_horizontal(told)


def _is_clean(rule: MatchRule, date_tolerance_days: int) -> pl.Expr:
    """What is asked of a pair, asked of all rows that share a key.

    Where both sides tell a reference that is no key, rows of `equal` groups differ in it: equal
    ones were paired before. The parts of one order have transactions of their own.
    """
    is_line = pl.col("side") == "line"
    day = pl.col("business_date")
    near = (day.max() - day.min()).dt.total_days() <= date_tolerance_days
    if rule.date_window is not None:
        # Of the entries' windows, what they have in common: the later a day, the later its window.
        first, last = rule.date_window.first(day), rule.date_window.last(day)
        near = (day.filter(is_line).min() >= first.filter(~is_line).max()) & (
            day.filter(is_line).max() <= last.filter(~is_line).min()
        )
    told = [
        (pl.col(name).is_not_null() & is_line).any() & (pl.col(name).is_not_null() & ~is_line).any()
        for name in ("txn_id", "merchant_ref")
        if name not in rule.equal_keys and rule.groups not in ("parts", "sum")
    ]
    one_status = pl.col("status").drop_nulls().n_unique() <= 1
    return near & one_status & ~pl.any_horizontal(pl.lit(value=False), *told)
