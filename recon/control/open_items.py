"""Open items as a statement of their own: how they rolled forward, how old they are, what cleared
them."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from recon.control_tables import AGE_BUCKET, CLEARED_ITEM, OPEN_ITEM_STATEMENT
from recon.money import ZERO
from recon.tables import empty

AGE_BOUNDS: Final = (1, 3, 7, 30)  # the last day of each bucket but the oldest

_WHOSE: Final = ["provider", "account"]
_KEY: Final = [*_WHOSE, "side", "currency"]
_MOVEMENTS: Final = ("new", "cleared", "written_off")


def cleared_items(
    before: pl.DataFrame,
    after: pl.DataFrame,
    matches: pl.LazyFrame,
    receipts: pl.DataFrame,
    business_date: date,
) -> pl.DataFrame:
    """CLEARED_ITEM: OPEN_ITEM that were carried and are not any more, with the MATCH or the RECEIPT
    that took them. One that nothing took was corrected, and is another item now."""
    key = ["side", "item_id", "currency", "amount"]
    gone = before.join(after, on=key, how="anti")
    if gone.height == 0:
        return empty(CLEARED_ITEM)
    ids = gone["item_id"].implode()
    taken = pl.concat(
        matches.filter(pl.col(f"{side}_id").is_in(ids)).select(
            pl.lit(side).alias("side"), "match_id", "rule", item_id=f"{side}_id"
        )
        for side in ("line", "entry")
    ).collect(engine="streaming")
    received = [
        receipts.select(pl.lit(side).alias("side"), "rule", match_id="receipt_id", item_id=name)
        for side, name in (("payout", "payout_id"), ("credit", "line_id"))
    ]
    by = pl.concat([taken, *(part.select(taken.columns) for part in received)]).unique(
        ["side", "item_id"], keep="any"
    )
    return (
        gone.join(by, on=["side", "item_id"], how="left")
        .with_columns(cleared_on=pl.lit(business_date))
        .select(pl.col(name).cast(dtype) for name, dtype in CLEARED_ITEM.items())
        .sort("side", "item_id")
    )


def statement(days: pl.DataFrame) -> pl.DataFrame:
    """OPEN_ITEM_STATEMENT of each day (with `business_date`) -> of the whole range.

    Opening is that of an account's first day, closing that of its last; a side and currency that a
    day does not have is nothing on that day. A row without a side is a day without any open item.
    """
    measures = [name for name in OPEN_ITEM_STATEMENT if name.endswith(("_count", "_amount"))]
    first, last = (pl.col("business_date").min(), pl.col("business_date").max())
    bounded = days.with_columns(first=first.over(_WHOSE), last=last.over(_WHOSE))
    kept = [
        pl.col(name).filter(pl.col("business_date") == pl.col(end)).sum()
        for name in measures
        for start, end in (("opening", "first"), ("closing", "last"))
        if name.startswith(start)
    ]
    summed = [pl.col(name).sum() for name in measures if name.startswith(_MOVEMENTS)]
    return (
        bounded.group_by(_KEY)
        .agg(*kept, *summed)
        .drop_nulls("side")
        .select(pl.col(name).cast(dtype) for name, dtype in OPEN_ITEM_STATEMENT.items())
        .sort(_KEY)
    )


def untied(statement: pl.DataFrame) -> pl.DataFrame:
    """The rows of an OPEN_ITEM_STATEMENT that do not roll forward: a day of the range is stale."""

    def remainder(measure: str) -> pl.Expr:
        opening, new, cleared, written_off, closing = (
            pl.col(f"{name}_{measure}") for name in ("opening", *_MOVEMENTS, "closing")
        )
        return opening + new - cleared - written_off - closing

    return statement.filter((remainder("amount") != ZERO) | (remainder("count") != 0))


def aged(items: pl.DataFrame, on: date, bounds: Sequence[int] = AGE_BOUNDS) -> pl.DataFrame:
    """OPEN_ITEM with `age_days` and `age`, the bucket of days it falls into."""
    days = (pl.lit(on) - pl.col("business_date")).dt.total_days()
    names = buckets(bounds)
    place = pl.sum_horizontal(days > bound for bound in bounds)
    return items.with_columns(
        age_days=days,
        age=place.replace_strict(dict(enumerate(names)), return_dtype=pl.String),
    )


def buckets(bounds: Sequence[int] = AGE_BOUNDS) -> list[str]:
    """The names of the buckets, youngest first: 0-1, 2-3, ..., 31+."""
    starts = (0, *(bound + 1 for bound in bounds))
    closed = zip(starts, bounds, strict=False)
    return [*(f"{first}-{last}" for first, last in closed), f"{starts[-1]}+"]


def age_buckets(aged_items: pl.DataFrame, bounds: Sequence[int] = AGE_BOUNDS) -> pl.DataFrame:
    """AGE_BUCKET per account, side and currency; `aged_items` has provider and account."""
    order = {name: place for place, name in enumerate(buckets(bounds))}
    return (
        aged_items.group_by(*_KEY, "age")
        .agg(row_count=pl.len(), amount=pl.col("amount").sum())
        .select(pl.col(name).cast(dtype) for name, dtype in AGE_BUCKET.items())
        .sort(*_KEY, pl.col("age").replace_strict(order, default=99))
    )
