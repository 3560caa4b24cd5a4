"""The passes: rules in order, each row used at most once, a repeated key never paired by order.

Rows are joined on a 64-bit hash of their keys, which is three times as fast as joining on text, and
every pair's real keys are compared afterwards, so that a collision can neither pair nor part rows.
The result does not depend on the order of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon.errors import ensure
from recon.matching.rules import MatchRule

# Seeds only make equal texts in different key columns hash differently.
_HASH_SEED = 20261120

# A pair is clean when nothing but the ids of its two sides differs.
PAIR_SCHEMA = {
    "line_row": pl.UInt32,
    "entry_row": pl.UInt32,
    "pass": pl.UInt8,
    "clean": pl.Boolean,
}
# Lines and entries that share a repeated key; `verdict` is a discrepancy type, or "matched".
GROUP_SCHEMA = {
    "group": pl.UInt32,
    "side": pl.String,
    "row": pl.UInt32,
    "pass": pl.UInt8,
    "verdict": pl.String,
}


@dataclass(frozen=True)
class Matched:
    """Rows refer to positions in the two frames of ITEM that were matched."""

    pairs: pl.DataFrame  # PAIR_SCHEMA
    groups: pl.DataFrame  # GROUP_SCHEMA
    lines_left: pl.DataFrame  # ITEM + row: one-sided
    entries_left: pl.DataFrame  # ITEM + row: one-sided


def match(
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> Matched:
    """Pair lines with entries (both ITEM). Every row of a side is in exactly one of the parts."""
    lines_left, entries_left = lines.with_row_index("row"), entries.with_row_index("row")
    counts = lines.height, entries.height
    pairs: list[pl.DataFrame] = []
    groups: list[pl.DataFrame] = []
    # What two rows shared may be one row's own once the other is matched, hence again and again.
    while (found := _next(lines_left, entries_left, rules, date_tolerance_days)) is not None:
        (groups if "verdict" in found.columns else pairs).append(found)
        lines_left, entries_left = _without(lines_left, entries_left, found, counts)
    matched = Matched(
        pl.concat(pairs).select(list(PAIR_SCHEMA)) if pairs else pl.DataFrame(schema=PAIR_SCHEMA),
        _numbered(groups),
        lines_left,
        entries_left,
    )
    _ensure_conserved(matched, *counts)
    return matched


def _next(
    lines: pl.DataFrame, entries: pl.DataFrame, rules: Sequence[MatchRule], date_tolerance_days: int
) -> pl.DataFrame | None:
    """The pairs of the first rule that finds any, else the groups of the first that sees some."""
    for judge in (_pair_unique, _group_repeated):
        for number, rule in enumerate(rules, start=1):
            found = judge(lines, entries, rule, date_tolerance_days)
            if found.height:
                return found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass"))
    return None


def _pair_unique(
    lines: pl.DataFrame, entries: pl.DataFrame, rule: MatchRule, date_tolerance_days: int
) -> pl.DataFrame:
    """Pairs whose keys are equal and that no other row has, in an order of their content."""
    pairs = _keyed(lines, rule).join(_keyed(entries, rule), on="hash", how="inner", suffix="_entry")
    same_keys = [pl.col(key) == pl.col(f"{key}_entry") for key in rule.keys]
    return (
        pairs.filter(pl.all_horizontal(same_keys))
        .select(
            "hash",
            line_row="row",
            entry_row="row_entry",
            clean=_is_clean(date_tolerance_days),
        )
        .collect(engine="streaming")
        .sort("hash")
        .drop("hash")
    )


_COMPARED = ("amount", "currency", "status", "business_date", "txn_id", "merchant_ref", "kind")


def _keyed(items: pl.DataFrame, rule: MatchRule) -> pl.LazyFrame:
    """The rows this rule may use, with the hash of their keys; none of them repeated or blank.

    Left lazy, so that no copy of the rows is made: only the hashes are looked at beforehand.
    """
    columns = ["row", *dict.fromkeys([*rule.keys, *_COMPARED])]
    usable = _usable(items, rule)
    keyed = usable.select(*columns, hash=_hash(rule.keys))
    hashes = usable.select(_hash(rule.keys)).collect(engine="streaming").to_series().sort()
    repeated = hashes.filter(hashes == hashes.shift(1)).unique()
    if repeated.len() == 0:
        return keyed
    is_repeated = pl.col("hash").is_in(repeated.implode())
    # Rows whose hash is equal though their keys differ are alone after all; hardly ever there.
    alone = keyed.filter(is_repeated, pl.struct(list(rule.keys)).is_unique()).collect()
    single = keyed.filter(~is_repeated)
    return pl.concat([single, alone.lazy()]) if alone.height else single


def _usable(items: pl.DataFrame, rule: MatchRule) -> pl.LazyFrame:
    """The rows a rule may look at: of its kinds, with none of its keys blank."""
    usable = pl.all_horizontal([_is_filled(key, items.schema[key]) for key in rule.keys])
    if rule.kinds is not None:
        usable = usable & pl.col("kind").is_in(sorted(rule.kinds))
    return items.lazy().filter(usable)


def _is_filled(key: str, dtype: pl.DataType) -> pl.Expr:
    """A blank reference says nothing, so two blanks are not equal."""
    column = pl.col(key)
    if dtype == pl.String:
        return column.is_not_null() & (column.str.len_bytes() > 0)
    return column.is_not_null()


def _hash(keys: Sequence[str]) -> pl.Expr:
    parts = [pl.col(key).hash(_HASH_SEED + place) for place, key in enumerate(sorted(keys))]
    total = parts[0]
    for part in parts[1:]:
        total = total ^ part
    return total


def _is_clean(date_tolerance_days: int) -> pl.Expr:
    """True where a pair differs in nothing that finance must look at; explain.py says what is."""
    days_apart = (pl.col("business_date") - pl.col("business_date_entry")).dt.total_days().abs()

    def compatible(column: str) -> pl.Expr:  # what one side does not know cannot differ
        other = pl.col(f"{column}_entry")
        return pl.col(column).is_null() | other.is_null() | (pl.col(column) == other)

    return (
        (pl.col("amount") == pl.col("amount_entry"))
        & (pl.col("currency") == pl.col("currency_entry"))
        & (days_apart <= date_tolerance_days)
        & compatible("status")
        & compatible("txn_id")
        & compatible("merchant_ref")
    )


def _group_repeated(
    lines: pl.DataFrame, entries: pl.DataFrame, rule: MatchRule, date_tolerance_days: int
) -> pl.DataFrame:
    """Rows of both sides that share a key some other row has too: judged together, never paired."""
    keys = list(rule.keys)
    columns = list(dict.fromkeys(["row", *keys, *_COMPARED, "item_id"]))
    together = pl.concat(
        _usable(items, rule).select(*columns, side=pl.lit(side))
        for side, items in (("line", lines), ("entry", entries))
    ).collect()
    is_line = pl.col("side") == "line"
    counted = together.with_columns(
        line_count=is_line.sum().over(keys),
        entry_count=(~is_line).sum().over(keys),
        same=((pl.n_unique("amount") == 1) & (pl.n_unique("currency") == 1)).over(keys),
        clean=_is_clean_group(keys, date_tolerance_days).over(keys),
        group_key=pl.col("item_id").min().over(keys),
    ).filter((pl.col("line_count") > 0) & (pl.col("entry_count") > 0))
    equal = pl.col("same") & pl.col("clean") & (pl.col("line_count") == pl.col("entry_count"))
    verdict = (
        pl.when(pl.lit(rule.equal_groups) & equal)
        .then(pl.lit("matched"))
        .when(pl.col("same") & (pl.col("entry_count") == 1))
        .then(pl.lit("duplicate_in_provider"))
        .when(pl.col("same") & (pl.col("line_count") == 1))
        .then(pl.lit("duplicate_in_ledger"))
        .otherwise(pl.lit("ambiguous_match"))
    )
    return counted.select("group_key", "side", "row", verdict=verdict)


def _is_clean_group(keys: Sequence[str], date_tolerance_days: int) -> pl.Expr:
    """What `_is_clean` asks of a pair, asked of all rows that share a key.

    Where both sides tell a reference that is no key, the two differ: equal ones were paired before.
    """
    is_line = pl.col("side") == "line"
    days_apart = (pl.col("business_date").max() - pl.col("business_date").min()).dt.total_days()
    told = [
        (pl.col(name).is_not_null() & is_line).any() & (pl.col(name).is_not_null() & ~is_line).any()
        for name in ("txn_id", "merchant_ref")
        if name not in keys
    ]
    return (
        (days_apart <= date_tolerance_days)
        & (pl.col("status").drop_nulls().n_unique() <= 1)
        & ~pl.any_horizontal(pl.lit(value=False), *told)
    )


def _numbered(groups: list[pl.DataFrame]) -> pl.DataFrame:
    """Number the groups by their smallest member, so that the order of rows does not show."""
    if not groups:
        return pl.DataFrame(schema=GROUP_SCHEMA)
    together = pl.concat(groups)
    number = pl.struct("pass", "group_key").rank("dense").cast(pl.UInt32)
    return together.with_columns(group=number).select(list(GROUP_SCHEMA)).sort("group", "side")


def _without(
    lines: pl.DataFrame, entries: pl.DataFrame, found: pl.DataFrame, counts: tuple[int, int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is left of both sides, which had `counts` rows at first, without pairs or groups."""
    if "verdict" in found.columns:
        rows = [found.filter(side=side)["row"] for side in ("line", "entry")]
    else:
        rows = [found["line_row"], found["entry_row"]]
    lines, entries = (
        items.filter(_is_left(taken, count).gather(items["row"]))
        for items, taken, count in zip((lines, entries), rows, counts, strict=True)
    )
    return lines, entries


def _is_left(taken: pl.Series, count: int) -> pl.Series:
    return pl.repeat(value=True, n=count, eager=True).scatter(taken, False)


def _ensure_conserved(result: Matched, line_count: int, entry_count: int) -> None:
    groups = result.groups
    lines = result.pairs.height + result.lines_left.height + groups.filter(side="line").height
    entries = result.pairs.height + result.entries_left.height + groups.filter(side="entry").height
    ensure(lines == line_count, f"matching has {lines} lines of {line_count}")
    ensure(entries == entry_count, f"matching has {entries} entries of {entry_count}")
    ensure(result.pairs["line_row"].n_unique() == result.pairs.height, "a line was matched twice")
    ensure(
        result.pairs["entry_row"].n_unique() == result.pairs.height, "an entry was matched twice"
    )
