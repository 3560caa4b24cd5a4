"""Most of a day: pairs that the first rules find by their keys, and that agree in everything.

Neither side is in memory as a whole: rules look at hashes of their keys, then one column of both
sides after the other is compared. Rows nobody has paired, and pairs that differ in something, are
left for the engine; together they find what the engine would find alone.

Two different keys may have one hash, on one day in a million. Nothing is paired here then.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, TypeAlias, TypeVar

import polars as pl

from recon.matching import still
from recon.matching.differences import COMPARED
from recon.matching.engine import PLACED_SCHEMA
from recon.matching.items import ITEM, repeated
from recon.matching.rules import MatchRule
from recon.matching.sides import key_hash

_Engine: TypeAlias = Literal["streaming", "in-memory"]
T = TypeVar("T")
R = TypeVar("R")

_SMALL = 100_000  # rows that are read once, instead of a column at a time


@dataclass(frozen=True)
class Plain:
    """Pairs that agree, and what is left of each side."""

    pairs: pl.DataFrame  # pass, line_id, entry_id, currency, amount; in an order of their content
    differing: pl.DataFrame  # PLACED_SCHEMA: pairs as well, by their places in what is left
    lines: pl.DataFrame  # ITEM
    entries: pl.DataFrame  # ITEM


@dataclass(frozen=True)
class _Whole:
    """One side that is read a column at a time."""

    items: pl.LazyFrame  # ITEM
    hashes: pl.DataFrame  # of item_id, and of the keys of each rule, null where it cannot be used
    engine: _Engine  # the latter starts sooner, and needs all at once

    @staticmethod
    def of(items: pl.LazyFrame, rules: Sequence[MatchRule]) -> "_Whole":
        is_small = items.select(pl.len()).collect().item() <= _SMALL
        if is_small:
            items = items.collect(engine="streaming").lazy()
        hashes = items.select(
            pl.col("item_id").hash(),
            *(
                pl.when(~still.moves_nothing()).then(key_hash(rule)).alias(str(number))
                for number, rule in enumerate(rules, start=1)
            ),
        )
        engine: _Engine = "in-memory" if is_small else "streaming"
        return _Whole(items, hashes.collect(engine=engine).rechunk(), engine)

    def column(self, name: str) -> pl.Series:
        return self.items.select(name).collect(engine=self.engine).to_series().rechunk()

    def without(self, rows: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """The rows that are not among `rows`, and for every row its place in them."""
        left = pl.repeat(value=True, n=self.hashes.height, eager=True).scatter(rows, False)
        is_left = pl.col("row").is_in(left.arg_true().implode())
        kept = self.items.with_row_index("row").filter(is_left).select(list(ITEM))
        return kept.collect(engine=self.engine), (left.cum_sum() - 1).cast(pl.UInt32)

    def keyed(self, number: int, free: pl.Series) -> pl.DataFrame:
        """`row` and `hash` of the free rows that a rule may use."""
        hashes = self.hashes[str(number)].alias("hash")
        return hashes.to_frame().with_row_index("row").filter(free & hashes.is_not_null())


def plain_pairs(
    lines: pl.LazyFrame,
    entries: pl.LazyFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> Plain:
    """Pair lines with entries (both ITEM). Every row is in one of the pairs, or left."""
    leading = list(takewhile(_is_plain, rules))
    ours, theirs = _at_once(lambda items: _Whole.of(items, leading), (lines, entries))
    pairs = _paired(ours, theirs, len(leading))
    agree = _agree(ours, theirs, pairs, leading, date_tolerance_days)
    if agree is None:
        pairs, agree = pairs.clear(), pl.Series([], dtype=pl.Boolean)
    return _divided(ours, theirs, pairs, agree)


def _is_plain(rule: MatchRule) -> bool:
    """Whether all the rule does is to pair rows with equal keys."""
    return rule.groups == "none" and not rule.is_near and not rule.forms


def _paired(ours: _Whole, theirs: _Whole, rule_count: int) -> pl.DataFrame:
    """PLACED_SCHEMA + hash: what each rule pairs of the rows that those before it have left.

    In the order of the lines, which is kind to the memory when their texts are compared. Rows that
    share a hash with another of their side are held for the engine, since only their keys tell
    whether they belong to somebody; so is whoever has that hash on the other side, and whoever a
    later rule would give them.
    """
    sides = {"line_row": ours, "entry_row": theirs}
    free = {row: _flags(side, value=True) for row, side in sides.items()}
    held = {row: _flags(side, value=False) for row, side in sides.items()}
    found = [pl.DataFrame(schema={**PLACED_SCHEMA, "hash": pl.UInt64})]
    for number in range(1, rule_count + 1):
        keyed = {row: side.keyed(number, free[row]) for row, side in sides.items()}
        shared = pl.concat(repeated(one["hash"]) for one in keyed.values()).implode()
        for row, one in keyed.items():
            is_shared = one["hash"].is_in(shared)
            held[row] = held[row].scatter(one["row"].filter(is_shared), True)
            keyed[row] = one.filter(~is_shared).rename({"row": row})
        pairs = keyed["line_row"].join(
            keyed["entry_row"], on="hash", how="inner", maintain_order="left"
        )
        is_held = held["line_row"].gather(pairs["line_row"])
        is_held |= held["entry_row"].gather(pairs["entry_row"])
        for row in sides:
            free[row] = free[row].scatter(pairs[row].filter(~is_held), False)
            held[row] = held[row].scatter(pairs[row].filter(is_held), True)
        found.append(
            pairs.filter(~is_held).select(
                "line_row", "entry_row", pl.lit(number, dtype=pl.UInt8).alias("pass"), "hash"
            )
        )
    return pl.concat(found)


def _flags(side: _Whole, *, value: bool) -> pl.Series:
    return pl.repeat(value=value, n=side.hashes.height, eager=True)


def _agree(
    ours: _Whole,
    theirs: _Whole,
    pairs: pl.DataFrame,
    rules: Sequence[MatchRule],
    date_tolerance_days: int,
) -> pl.Series | None:
    """Whether pairs plainly agree; None where two keys are not equal whose hashes are.

    A line that the statement repeats is left: it has no name of its own yet.
    """

    def in_pairs(column: str) -> tuple[pl.Series, pl.Series]:
        line, entry = ours.column(column), theirs.column(column)
        return line.gather(pairs["line_row"]), entry.gather(pairs["entry_row"])

    def equal(column: str) -> pl.Series:
        line, entry = in_pairs(column)
        return line == entry

    keys = {key for rule in rules for key in rule.equal_keys}
    columns = sorted({*COMPARED, "business_date", *keys})
    same = dict(zip(columns, _at_once(equal, columns), strict=True))
    for number, rule in enumerate(rules, start=1):
        by_rule = pairs["pass"] == number
        if not all(same[key].filter(by_rule).all() for key in rule.equal_keys):
            return None
    repeats = repeated(ours.hashes["item_id"])
    agree = ~ours.hashes["item_id"].gather(pairs["line_row"]).is_in(repeats.implode())
    for column in COMPARED:  # what one side does not know cannot differ
        agree &= same[column].fill_null(value=column not in ("currency", "amount"))
    line_date, entry_date = in_pairs("business_date")
    windowed = [number for number, rule in enumerate(rules, start=1) if rule.date_window]
    near = (line_date - entry_date).dt.total_days().abs() <= date_tolerance_days
    agree &= same["business_date"] | (near & ~pairs["pass"].is_in(windowed))
    return agree.fill_null(value=False)


def _at_once(work: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """Two at a time, because most of what is done to a column keeps one processor busy."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, subjects))


def _divided(ours: _Whole, theirs: _Whole, pairs: pl.DataFrame, agree: pl.Series) -> Plain:
    """What agrees, and what is left of the sides."""
    plain, differing = (
        pl.concat(
            by_rule.sort("hash") for by_rule in part.partition_by("pass", maintain_order=True)
        )
        if part.height
        else part
        for part in (pairs.filter(agree), pairs.filter(~agree))
    )
    (lines, line_places), (entries, entry_places) = _at_once(
        lambda side: side[0].without(plain[side[1]]), ((ours, "line_row"), (theirs, "entry_row"))
    )
    return Plain(
        pairs=pl.DataFrame(
            {
                "pass": plain["pass"],
                "line_id": ours.column("item_id").gather(plain["line_row"]),
                "entry_id": theirs.column("item_id").gather(plain["entry_row"]),
                "currency": ours.column("currency").gather(plain["line_row"]),
                "amount": ours.column("amount").gather(plain["line_row"]),
            }
        ),
        differing=differing.select(
            line_places.gather(differing["line_row"]).alias("line_row"),
            entry_places.gather(differing["entry_row"]).alias("entry_row"),
            "pass",
        ),
        lines=lines.rechunk(),
        entries=entries.rechunk(),
    )
