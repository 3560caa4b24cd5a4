"""The passes: rules in order, each row used at most once, a repeated key never paired by order.

Rows are joined on a 64-bit hash of their keys, which is three times as fast as joining on text, and
every pair's real keys are compared afterwards, so that a collision can neither pair nor part rows.
The result does not depend on the order of the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from recon.errors import ensure
from recon.matching.rules import ITEM, KEY_COLUMNS, MatchRule

# The seed of the first key column; each has its own.
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


@dataclass(frozen=True)
class _Side:
    """One side, and the places of its rows that nothing has taken yet.

    A pass works on hashes and places, and looks at the text of two rows only when they may belong
    together: what the rows say is never copied.
    """

    items: pl.DataFrame  # ITEM
    left: pl.Series  # UInt32, in their order

    @staticmethod
    def of(items: pl.DataFrame) -> "_Side":
        return _Side(items, pl.int_range(items.height, dtype=pl.UInt32, eager=True))

    def without(self, taken: pl.Series) -> "_Side":
        is_left = pl.repeat(value=True, n=self.items.height, eager=True).scatter(taken, False)
        return replace(self, left=self.left.filter(is_left.gather(self.left)))

    def rows_left(self) -> pl.DataFrame:
        """ITEM + row."""
        return self._pick(list(ITEM)).insert_column(0, self.left.alias("row"))

    def _pick(self, columns: Sequence[str]) -> pl.DataFrame:
        items = self.items.select(columns)
        return items if self.left.len() == items.height else items[self.left]

    def keyed(self, rule: MatchRule) -> pl.DataFrame:
        """`row` and `hash` of the rows a rule may use: of its kinds, none of its keys blank."""
        picked = self._pick(list(dict.fromkeys([*rule.keys, "kind"]))).lazy()
        total = pl.lit(0, dtype=pl.UInt64)
        for key in rule.keys:
            total = total ^ _hash(key)
        usable = pl.all_horizontal([_is_filled(key, self.items.schema[key]) for key in rule.keys])
        if rule.kinds is not None:
            usable &= pl.col("kind").is_in(sorted(rule.kinds))
        keyed = picked.select(hash=pl.when(usable).then(total)).collect()
        return keyed.insert_column(0, self.left.alias("row")).drop_nulls("hash")

    def single(self, rule: MatchRule) -> pl.DataFrame:
        """Those of `keyed` whose keys no other row has."""
        keyed = self.keyed(rule)
        hashes = keyed["hash"].sort()
        repeated = hashes.filter(hashes == hashes.shift(1)).unique()
        if repeated.len() == 0:
            return keyed
        is_repeated = keyed["hash"].is_in(repeated.implode())
        # Rows whose hash is equal though their keys differ are alone after all; hardly ever there.
        doubtful = keyed.filter(is_repeated)
        alone = self.items.select(rule.keys)[doubtful["row"]].is_unique()
        return pl.concat([keyed.filter(~is_repeated), doubtful.filter(alone)])


def match(
    lines: pl.DataFrame,
    entries: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> Matched:
    """Pair lines with entries (both ITEM). Every row of a side is in exactly one of the parts."""
    ours, theirs = _Side.of(lines), _Side.of(entries)
    pairs: list[pl.DataFrame] = []
    groups: list[pl.DataFrame] = []
    # What two rows shared may be one row's own once the other is matched, hence again and again.
    while (found := _next(ours, theirs, rules, date_tolerance_days)) is not None:
        if "verdict" in found.columns:
            groups.append(found)
            taken = [found.filter(side=side)["row"] for side in ("line", "entry")]
        else:
            pairs.append(found)
            taken = [found["line_row"], found["entry_row"]]
        ours, theirs = ours.without(taken[0]), theirs.without(taken[1])
    matched = Matched(
        pl.concat(pairs).select(list(PAIR_SCHEMA)) if pairs else pl.DataFrame(schema=PAIR_SCHEMA),
        _numbered(groups),
        ours.rows_left(),
        theirs.rows_left(),
    )
    _ensure_conserved(matched, lines.height, entries.height)
    return matched


def _next(
    lines: _Side, entries: _Side, rules: Sequence[MatchRule], date_tolerance_days: int
) -> pl.DataFrame | None:
    """The pairs of the first rule that finds any, else the groups of the first that sees some."""
    for judge in (_pair_unique, _group_repeated):
        for number, rule in enumerate(rules, start=1):
            found = judge(lines, entries, rule, date_tolerance_days)
            if found.height:
                return found.with_columns(pl.lit(number, dtype=pl.UInt8).alias("pass"))
    return None


def _pair_unique(
    lines: _Side, entries: _Side, rule: MatchRule, date_tolerance_days: int
) -> pl.DataFrame:
    """Pairs whose keys are equal and that no other row has, in an order of their content."""
    pairs = (
        lines.single(rule)
        .rename({"row": "line_row"})
        .join(entries.single(rule).rename({"row": "entry_row"}), on="hash", how="inner")
        .sort("hash")
        .drop("hash")
    )
    for key in rule.keys:
        ours, theirs = lines.items[key], entries.items[key]
        pairs = pairs.filter(ours.gather(pairs["line_row"]) == theirs.gather(pairs["entry_row"]))
    return pairs.with_columns(
        clean=_is_clean(lines, entries, pairs, date_tolerance_days, known_equal=rule.keys)
    )


_COMPARED = ("amount", "currency", "status", "business_date", "txn_id", "merchant_ref", "kind")


def _is_filled(key: str, dtype: pl.DataType) -> pl.Expr:
    """A blank reference says nothing, so two blanks are not equal."""
    column = pl.col(key)
    if dtype == pl.String:
        return column.is_not_null() & (column.str.len_bytes() > 0)
    return column.is_not_null()


def _hash(key: str) -> pl.Expr:
    """Equal texts in different key columns must not hash alike, or they would cancel out."""
    return pl.col(key).hash(_HASH_SEED + KEY_COLUMNS.index(key))


def _is_clean(
    lines: _Side,
    entries: _Side,
    pairs: pl.DataFrame,
    date_tolerance_days: int,
    known_equal: Sequence[str],
) -> pl.Series:
    """True where a pair differs in nothing that finance must look at; explain.py says what is."""
    clean = pl.repeat(value=True, n=pairs.height, eager=True)

    def both(column: str) -> tuple[pl.Series, pl.Series]:
        ours, theirs = lines.items[column], entries.items[column]
        return ours.gather(pairs["line_row"]), theirs.gather(pairs["entry_row"])

    for column in ("amount", "currency", "status", "txn_id", "merchant_ref"):
        if column not in known_equal:
            ours, theirs = both(column)
            # What one side does not know cannot differ.
            clean &= (ours == theirs).fill_null(value=True)
    day, booked = both("business_date")
    return clean & ((day - booked).dt.total_days().abs() <= date_tolerance_days)


def _group_repeated(
    lines: _Side, entries: _Side, rule: MatchRule, date_tolerance_days: int
) -> pl.DataFrame:
    """Rows of both sides that share a key some other row has too: judged together, never paired."""
    keys = list(rule.keys)
    columns = list(dict.fromkeys([*keys, *_COMPARED, "item_id"]))
    together = pl.concat(
        side.items.select(columns)[rows].with_columns(rows, side=pl.lit(name))
        for name, side in (("line", lines), ("entry", entries))
        for rows in [side.keyed(rule)["row"]]
    )
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


def _ensure_conserved(result: Matched, line_count: int, entry_count: int) -> None:
    """No row is lost, and none taken twice, which would leave more than there were."""
    groups = result.groups
    lines = result.pairs.height + result.lines_left.height + groups.filter(side="line").height
    entries = result.pairs.height + result.entries_left.height + groups.filter(side="entry").height
    ensure(lines == line_count, f"matching has {lines} lines of {line_count}")
    ensure(entries == entry_count, f"matching has {entries} entries of {entry_count}")
