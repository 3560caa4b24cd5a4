"""One row that is many of the other side: the only set of them that adds up to it, or none."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import polars as pl

from recon.matching.rules import DateWindow, MatchRule
from recon.matching.sides import Side
from recon.matching.subsets import cover
from recon.tables import Schema

# Searches of one rule on one day, the largest amounts first, and sums looked at in each: a day of
# nothing but doubtful amounts ends within seconds. What is not reached is told as such.
_SEARCHES: Final = 300
_EFFORT: Final = 50_000
_DECIMALS: Final = 18
_LISTED: Final = 10

GROUPED: Final[Schema] = {"group_key": pl.String(), "side": pl.String(), "row": pl.UInt32()}
DOUBT: Final[Schema] = {
    "side": pl.String(),
    "row": pl.UInt32(),
    "count": pl.Int64(),
    "candidates": pl.List(pl.UInt32),
}
_OTHER: Final = {"line": "entry", "entry": "line"}


@dataclass(frozen=True)
class _Row:
    side: str
    row: int
    item_id: str
    amount: int
    first: date  # of the lines an entry may belong to; of a line its own date, twice
    last: date
    status: str | None


@dataclass(frozen=True)
class _Set:
    """Rows that are alike (amount, date, status), and what the other side has that adds up to one
    of them; no members where the search ended at its limit."""

    targets: tuple[_Row, ...]
    members: tuple[_Row, ...]
    is_unique: bool


def find(lines: Side, entries: Side, rule: MatchRule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """GROUPED of one row with the only set of rows of the other side that adds up to it, and DOUBT:
    rows for which several sets fit, or who share a set with another row; with a count of nothing,
    rows that were not looked at to the end.

    Only rows of equal keys, of no other status and, where the rule has a window, of fitting dates
    are looked at. The order of the rows does not matter.
    """
    sets = list(_sets(_buckets(lines, entries, rule)))
    takers = Counter(
        row for found in sets if found.is_unique for row in (*found.targets, *found.members)
    )
    groups, doubts = list[dict[str, Any]](), list[dict[str, Any]]()
    for found in sets:
        rows = (*found.targets, *found.members)
        if found.is_unique and len(found.targets) == 1 and all(takers[row] == 1 for row in rows):
            key = min(row.item_id for row in rows)
            groups += [{"group_key": key, "side": row.side, "row": row.row} for row in rows]
        else:
            candidates = [row.row for row in found.members[:_LISTED]]
            doubts += [
                {"side": target.side, "row": target.row, "count": len(found.members)}
                | {"candidates": candidates}
                for target in found.targets
            ]
    return pl.DataFrame(groups, schema=dict(GROUPED)), pl.DataFrame(doubts, schema=dict(DOUBT))


_Bucket = dict[str, list[_Row]]


def _buckets(lines: Side, entries: Side, rule: MatchRule) -> list[_Bucket]:
    """The rows of both sides by their keys, in the order of their ids."""
    rows = pl.concat(
        _rows(side, name, rule) for name, side in (("line", lines), ("entry", entries))
    )
    keys = [name for name in rows.columns if name.startswith("key:")]
    buckets = []
    for _, part in rows.sort("item_id", "row").group_by(keys, maintain_order=True):
        bucket: _Bucket = {"line": [], "entry": []}
        for side, row, item_id, amount, *more in part.drop(keys).iter_rows():
            whole = int(Decimal(amount).scaleb(_DECIMALS))
            bucket[side].append(_Row(side, row, item_id, whole, *more))
        if bucket["line"] and bucket["entry"]:
            buckets.append(bucket)
    return buckets


def _rows(side: Side, name: str, rule: MatchRule) -> pl.DataFrame:
    rows = side.keyed(rule)["row"]
    keys = side.keys(rule, rows).rename(lambda key: f"key:{key}")
    day = pl.col("business_date")
    window = rule.date_window or DateWindow(_FOR_EVER, _FOR_EVER)
    is_entry = name == "entry"
    facts = side.items.select("item_id", "amount", "business_date", "status")[rows].select(
        pl.lit(name).alias("side"),
        rows,
        "item_id",
        "amount",
        first=window.first(day) if is_entry else day,
        last=window.last(day) if is_entry else day,
        status="status",
    )
    return pl.concat([facts, keys], how="horizontal")


_FOR_EVER: Final = 36_500  # days


def _sets(buckets: list[_Bucket]) -> Iterator[_Set]:
    ordered = sorted(_targets(buckets), key=_largest_first)
    for search, (bucket, targets) in enumerate(ordered, start=1):
        target, others = targets[0], bucket[_OTHER[targets[0].side]]
        if search > _SEARCHES:
            if len(others) > 1:
                yield _Set(targets, (), is_unique=False)
            continue
        pool = [row for row in others if _fits(target, row)]
        if len(pool) < 2:
            continue
        found = cover(target.amount, [row.amount for row in pool], effort=_EFFORT)
        members = tuple(pool[place] for place in found.members)
        # One row of the same amount is a pair, and not for this search to make.
        if found.verdict == "ambiguous" or (found.verdict == "unique" and len(members) > 1):
            yield _Set(targets, members, found.verdict == "unique")
        elif found.verdict == "undecided":
            yield _Set(targets, (), is_unique=False)


def _targets(buckets: list[_Bucket]) -> Iterator[tuple[_Bucket, tuple[_Row, ...]]]:
    """Rows of equal amount, date and status have the same candidates: one search for them all."""
    for bucket in buckets:
        alike: dict[tuple[Any, ...], list[_Row]] = {}
        for row in (*bucket["line"], *bucket["entry"]):
            alike.setdefault((row.side, row.amount, row.first, row.last, row.status), []).append(
                row
            )
        for rows in alike.values():
            yield bucket, tuple(rows)


def _largest_first(found: tuple[_Bucket, tuple[_Row, ...]]) -> tuple[int, str, str]:
    target = found[1][0]
    return -abs(target.amount), target.side, target.item_id


def _fits(target: _Row, member: _Row) -> bool:
    """Whether the member may be a part of the target: of no status that contradicts it, or that
    says of money which it did not move."""
    line, entry = (target, member) if target.side == "line" else (member, target)
    is_near = entry.first <= line.first <= entry.last
    return is_near and member.status in (None, target.status or "succeeded")
