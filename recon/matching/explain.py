"""From matched rows to tables: MATCH, and DISCREPANCY in plain words."""

from collections.abc import Sequence

import polars as pl

from recon.discrepancies import Day, complete
from recon.matching.differences import both_sides
from recon.matching.disagreements import differing_pairs, rule_name
from recon.matching.engine import Matched
from recon.matching.one_sided import one_sided
from recon.matching.plain import Plain
from recon.matching.rules import MatchRule
from recon.matching.sides import Side
from recon.matching.together import members_of, repeated_keys, split_orders
from recon.matching.waiting import Windows, newly_late
from recon.money import ZERO
from recon.tables import DISCREPANCY, MATCH, empty


def plain_matches(plain: Plain, rules: Sequence[MatchRule]) -> pl.LazyFrame:
    """MATCH of the pairs that the first rules found in passing; nothing is left over of any."""
    named = plain.pairs.lazy().with_columns(match_id="entry_id", allocated="amount")
    return _one_to_one(named, rules, ZERO)


def _one_to_one(
    pairs: pl.LazyFrame, rules: Sequence[MatchRule], residual: pl.Series | pl.Expr
) -> pl.LazyFrame:
    """MATCH of pairs with match_id, pass, line_id, entry_id and allocated."""
    return pairs.with_columns(
        rule=rule_name(rules), cardinality=pl.lit("1:1"), residual=residual
    ).select(list(MATCH))


def matches(
    matched: Matched, lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule]
) -> pl.LazyFrame:
    """MATCH: clean 1:1 pairs, one row each, then groups, one row a member.

    Lazy, so that what is the same on every row is made while it is written.
    """
    all_clean = bool(matched.pairs["clean"].all())
    clean = matched.pairs if all_clean else matched.pairs.filter("clean")
    entry_id = entries["item_id"].gather(clean["entry_row"])
    allocated = lines["amount"].gather(clean["line_row"])
    pairs = pl.LazyFrame(
        {
            "match_id": entry_id,
            "pass": clean["pass"],
            "line_id": lines["item_id"].gather(clean["line_row"]),
            "entry_id": entry_id,
            "allocated": allocated,
        }
    )
    parts = [_one_to_one(pairs, rules, _residual(clean, lines, entries, rules))]
    groups = matched.groups.filter(verdict="matched")
    if groups.height:
        members = _group_members(groups, lines, entries).lazy()
        parts.append(members.with_columns(rule=rule_name(rules)).select(list(MATCH)))
    return pl.concat(parts)


def _residual(
    clean: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule]
) -> pl.Series | pl.Expr:
    """Line minus entry of clean pairs; other than nothing only where a rule tolerates it."""
    if all(rule.amount_tolerance is None for rule in rules):
        return ZERO
    both = both_sides(Side.of(lines), Side.of(entries), clean)
    return both.select(pl.col("amount") - pl.col("amount_ledger")).to_series()


def _group_members(
    groups: pl.DataFrame, lines: pl.DataFrame, entries: pl.DataFrame
) -> pl.DataFrame:
    """One row a member, on its own side; the group is named after its smallest member, whose row
    has what the lines are more than the entries."""
    members = members_of(groups, lines, entries)
    is_line = pl.col("side") == "line"
    signed = pl.when(is_line).then("amount").otherwise(-pl.col("amount"))
    counts = [condition.sum().over("group") for condition in (is_line, ~is_line)]
    return members.select(
        match_id=pl.col("item_id").min().over("group"),
        cardinality=pl.concat_str(
            [
                pl.when(count <= 1).then(count.cast(pl.String)).otherwise(pl.lit(many))
                for count, many in zip(counts, ("N", "M"), strict=True)
            ],
            separator=":",
        ).cast(pl.String),
        line_id=pl.when(is_line).then("item_id"),
        entry_id=pl.when(~is_line).then("item_id"),
        allocated="amount",
        residual=pl.when(pl.int_range(pl.len()).over("group") == 0)
        .then((signed.sum()).over("group"))
        .otherwise(ZERO),
        **{"pass": "pass"},
    )


def discrepancies(
    matched: Matched,
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    windows: Windows,
    day: Day,
) -> pl.DataFrame:
    """DISCREPANCY of matching: pairs that differ, repeated keys, one-sided rows past a window."""
    late = newly_late(matched, windows, day.business_date)
    alone = late.filter(pl.col("group").is_null())
    sides, language = (lines, entries), day.language
    parts = [
        differing_pairs(matched, *sides, rules, windows.date_tolerance_days, language),
        repeated_keys(matched, *sides, rules, language),
        split_orders(late, matched, *sides, rules, language),
        one_sided(alone, "line", matched, entries, rules, windows.line_days, language),
        one_sided(alone, "entry", matched, lines, rules, windows.entry_days, language),
    ]
    found = [complete(part, day) for part in parts if part.height]
    return pl.concat(found) if found else empty(DISCREPANCY)
