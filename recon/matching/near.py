"""Candidates by amount and date instead of by a reference: taken only where there is no choice.

Who may belong to whom is counted, not listed: ten thousand equal amounts on each side make a
hundred million pairs. Lines are points in order of amount, entries are intervals among them, from
the lowest amount their line may have to the highest. In that order an entry's candidates stand next
to each other, and so do a line's: two numbers tell them.
"""

import polars as pl

from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.money import MONEY, ZERO

_LISTED = 10  # candidates named for a row that has several


def pairs(lines: Side, entries: Side, rule: MatchRule) -> pl.DataFrame:
    """Pairs (line_row, entry_row) of rows that are each other's only candidate, in an order
    of their content."""
    ours, theirs = _counted(lines, entries, rule)
    only = ours.filter(pl.col("count") == 1).select("place", line_row="row")
    alone = theirs.filter(pl.col("count") > 0).filter(pl.col("count").sum().over("row") == 1)
    return (
        alone.select(place=pl.col("first"), entry_row="row")
        .join(only, on="place", how="inner", validate="m:1")
        .sort("place")
        .select("line_row", "entry_row")
    )


def doubts(lines: Side, entries: Side, rule: MatchRule) -> pl.DataFrame:
    """Rows (side, row, count, candidates) that have several candidates by the rule, or one that
    has several; `candidates` are rows of the other side, some of them where there are many."""
    ours, theirs = _counted(lines, entries, rule)
    parts = []
    for side, own, other in (("line", ours, theirs), ("entry", theirs, ours)):
        listed = (
            own.filter(pl.col("count") > 0)
            .with_columns(place=pl.int_ranges("first", pl.col("first") + pl.col("shown")))
            .explode("place")
            .join(other.select("place", candidate="row"), on="place", how="inner")
        )
        counts = own.group_by("row").agg(pl.col("count").sum())
        parts.append(
            listed.group_by("row")
            .agg(
                candidates=pl.col("candidate")
                .sort_by("place")
                .unique(maintain_order=True)
                .head(_LISTED)
            )
            .join(counts, on="row", how="inner")
            .select(pl.lit(side).alias("side"), "row", "count", "candidates")
        )
    return pl.concat(parts).sort("side", "row")


def runs(lines: Side, entries: Side, rule: MatchRule) -> pl.DataFrame:
    """Rows (side, row, run) of a rule whose amounts are equal: a row and its candidates are of one
    run, and so are theirs; those of nobody are of none."""
    ours = _rows(lines, rule)
    keys = [name for name in ours.columns if name.startswith("key:")]
    apart = [name for name in keys if name != "key:day"]
    found = (
        _on_each_day(_rows(entries, rule), rule)
        .join(ours, on=keys, how="semi")
        .select("row", *keys)
    )
    last = pl.col("last").cum_max().shift(1).over(apart)
    spans = (
        found.group_by("row", *apart)
        .agg(first=pl.col("key:day").min(), last=pl.col("key:day").max())
        .sort(*apart, "first", "row")
        .with_columns(run=(pl.col("first") > last).fill_null(value=True).cum_sum())
        .select("row", "run")
    )
    days = found.join(spans, on="row", how="inner").select(*keys, "run").unique()
    return pl.concat(
        [
            ours.join(days, on=keys, how="inner").select(
                pl.lit("line").alias("side"), "row", "run"
            ),
            spans.select(pl.lit("entry").alias("side"), "row", "run"),
        ]
    )


def _counted(lines: Side, entries: Side, rule: MatchRule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both sides as (row, place, first, count, shown): a row's own place in its order, and its
    candidates, which are `count` places of the other order from `first` on. An entry has a row for
    each day on which its line may be dated."""
    ours, theirs = (_rows(side, rule) for side in (lines, entries))
    theirs = _on_each_day(_with_bounds(theirs, rule), rule)
    keys = [name for name in ours.columns if name.startswith("key:")]
    order = {"low": 0, "point": 1, "high": 2}
    events = pl.concat(
        [
            ours.select(*keys, "item_id", "row", value="amount", what=pl.lit(order["point"])),
            *(
                theirs.select(*keys, "item_id", "row", value=bound, what=pl.lit(order[bound]))
                for bound in ("low", "high")
            ),
        ]
    ).sort(*keys, "value", "what", "item_id", "row")
    counted = events.with_columns(
        (pl.col("what") == number).cum_sum().cast(pl.Int64).alias(name)
        for name, number in order.items()
    )
    line_side = counted.filter(pl.col("what") == order["point"]).select(
        "row",
        place="point",
        first=pl.col("high") + 1,
        count=pl.col("low") - pl.col("high"),
    )
    # The bounds of all entries rise together, so the first interval to open is the first to close.
    opened = counted.filter(pl.col("what") == order["low"])
    closed = counted.filter(pl.col("what") == order["high"]).select(
        *keys, "row", last="point", closed="high"
    )
    entry_side = opened.join(closed, on=[*keys, "row"], how="inner", nulls_equal=True).select(
        "row",
        place="low",
        first=pl.col("point") + 1,
        count=pl.col("last") - pl.col("point"),
    )
    shown = pl.min_horizontal("count", pl.lit(_LISTED, dtype=pl.Int64)).alias("shown")
    return line_side.with_columns(shown), entry_side.with_columns(shown)


def _rows(side: Side, rule: MatchRule) -> pl.DataFrame:
    """The rows a rule may use, with their keys, amount and date."""
    rows = side.keyed(rule)["row"]
    keys = side.keys(rule, rows).rename(lambda key: f"key:{key}")
    facts = side.items.select("item_id", "amount", "business_date")[rows].with_columns(rows)
    by_day = "business_date" in rule.keys and rule.date_window is not None
    if by_day:
        facts = facts.with_columns(pl.col("business_date").alias("key:day"))
    amount = pl.col("amount") if "amount" in rule.keys else pl.lit(ZERO)
    return pl.concat([facts.with_columns(amount=amount.cast(MONEY)), keys], how="horizontal")


def _with_bounds(entries: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    """Entries with the lowest and the highest amount their line may have."""
    entry = pl.col("amount")
    if rule.amount_tolerance is None or "amount" not in rule.keys:
        return entries.with_columns(low=entry, high=entry)
    below, above = rule.amount_tolerance.below(entry), rule.amount_tolerance.above(entry)
    is_negative = entry < ZERO
    return entries.with_columns(
        low=(entry - pl.when(is_negative).then(above).otherwise(below)).cast(MONEY),
        high=(entry + pl.when(is_negative).then(below).otherwise(above)).cast(MONEY),
    )


def _on_each_day(entries: pl.DataFrame, rule: MatchRule) -> pl.DataFrame:
    if rule.date_window is None or "key:day" not in entries.columns:
        return entries
    day = pl.col("key:day")
    days = pl.date_ranges(rule.date_window.first(day), rule.date_window.last(day))
    return entries.with_columns(days.alias("key:day")).explode("key:day")
