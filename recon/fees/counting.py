"""Rows that depend on what came before: tiers by month, quotas, refunds of a known payment.

The lines of a day are counted in the order of (occurred_at, line_id), so that the line that crosses
an edge is always the same one, whatever the order of the file; a line that is told twice with other
amounts comes with the smaller one first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

import polars as pl

from recon.fees.charge import literal
from recon.fees.plan import PLACE, Choice
from recon.fees.schedule import Tariff
from recon.fees.tables import FEE_USAGE
from recon.money import MONEY, ZERO
from recon.tables import LEDGER_ENTRY, Schema, empty

# What each line would be assessed with if nothing had come before it.
NOTHING_BEFORE: Final[Mapping[str, pl.Expr]] = {
    "used_amount": ZERO,  # of a quota, or in the month
    "used_count": pl.lit(0, dtype=pl.Int64),
    "original": pl.lit(None, dtype=MONEY),  # of a refund: the payment it belongs to
    "returned": pl.lit(None, dtype=MONEY),  # and what was given back of it
}
# What is counted of a day: by a row that we are charged by, or that we charge others by.
DAY_COUNTS: Final[Schema] = {
    "business_date": pl.Date(),
    "tariff": pl.String(),
    "component": pl.String(),
    "kind": pl.String(),
    "line_count": pl.Int64(),
    "base": MONEY,
}
_OTHER_RETURNS: Final = ("refund", "chargeback")


@dataclass(frozen=True)
class Past:
    """What the fees of a day depend on beside its lines.

    `usage` is FEE_USAGE before the day; `orders` is LEDGER_ENTRY: the payments that money of the
    day is given back of, and what was given back of them (see `over_refunds`).
    """

    usage: pl.DataFrame = field(default_factory=lambda: empty(FEE_USAGE))
    orders: pl.DataFrame = field(default_factory=lambda: empty(LEDGER_ENTRY))


def is_counted(tariffs: Sequence[Tariff]) -> bool:
    return any(row.counts is not None for row in tariffs)


def usage(counts: pl.DataFrame, tariffs: Sequence[Tariff], day: date) -> pl.DataFrame:
    """DAY_COUNTS of earlier days -> FEE_USAGE, sorted by tariff.

    Rows of one name are counted together, so that a tariff goes on counting when its rate changes.
    What is there of the day itself is of other accounts, whose movements go first.
    """
    counting = [(row.name, kind) for row in tariffs if row.counts for kind in row.kinds]
    if not counting:
        return empty(FEE_USAGE)
    wanted = pl.DataFrame(counting, schema=["tariff", "kind"], orient="row").unique()
    is_month = pl.col("business_date").dt.month_start() == date(day.year, day.month, 1)
    is_today = pl.col("business_date") == day
    return (
        counts.select(list(DAY_COUNTS))
        .filter(pl.col("business_date") <= day, component="fee")
        .join(wanted, on=["tariff", "kind"], how="semi")
        .group_by("tariff")
        .agg(
            day_amount=pl.col("base").filter(is_today).sum(),
            day_count=pl.col("line_count").filter(is_today).sum(),
            month_amount=pl.col("base").filter(is_month).sum(),
            month_count=pl.col("line_count").filter(is_month).sum(),
            lifetime_amount=pl.col("base").sum(),
            lifetime_count=pl.col("line_count").sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in FEE_USAGE.items())
        .sort("tariff")
    )


def placed(
    lines: pl.DataFrame, choices: Sequence[Choice], tariffs: Sequence[Tariff], past: Past
) -> pl.DataFrame:
    """Lines with the columns of NOTHING_BEFORE, sorted by time; a line that a promotion applies to
    has it as its `tariff_row`. `choice` of a line is the place of one of `choices`."""
    carried = _carried(tariffs, past.usage)
    returning = [place for place, one in enumerate(choices) if one.is_return]
    found = lines.sort("occurred_at", "line_id", "base", "charged").with_columns(
        promotion=pl.lit(None, dtype=PLACE), is_return=pl.col("choice").is_in(returning)
    )
    promotions = {row for one in choices for row in one.promotions}
    for row in sorted(promotions, key=lambda row: tariffs[row].rank(""), reverse=True):
        having = [place for place, one in enumerate(choices) if row in one.promotions]
        waits = pl.col("promotion").is_null() & pl.col("choice").is_in(having)
        lasts = _lasts(tariffs[row], waits, carried.row(row, named=True))
        takes = pl.when(waits & lasts).then(pl.lit(row, dtype=PLACE))
        found = found.with_columns(promotion=takes.otherwise("promotion"))
    found = found.with_columns(tariff_row=pl.coalesce("promotion", "tariff_row"))
    counted = _counted(found, carried)
    if not any(tariff.needs_original for tariff in tariffs):
        return counted
    return _with_originals(counted.drop("original", "returned"), past.orders)


def _lasts(promotion: Tariff, meant: pl.Expr, used: Mapping[str, Any]) -> pl.Expr:
    """Whether something of the quota of a promotion is left when a line comes."""
    lasts = pl.lit(value=True)
    if promotion.quota_count is not None:
        left = promotion.quota_count - used["carried_count"]
        lasts &= _before(meant.cast(pl.Int64)) < left
    if promotion.quota_amount is not None:
        left = literal(promotion.quota_amount - used["carried_amount"])
        lasts &= _before(pl.when(meant).then("base").otherwise(ZERO)) < left
    return lasts


def _before(figure: pl.Expr) -> pl.Expr:
    """What the lines before a line come to."""
    return figure.cum_sum() - figure


def _counted(lines: pl.DataFrame, carried: pl.DataFrame) -> pl.DataFrame:
    """Adds what was used before each line, among those with a row of the same name."""
    joined = lines.join(
        carried, left_on="tariff_row", right_on="place", how="left", maintain_order="left"
    )
    moves = ~pl.col("is_return") & pl.col("counter").is_not_null()
    amount, count = pl.when(moves).then("base").otherwise(ZERO), moves.cast(pl.Int64)
    used_amount = amount.cum_sum().over("counter") - amount + pl.col("carried_amount")
    used_count = count.cum_sum().over("counter") - count + pl.col("carried_count")
    return joined.with_columns(**NOTHING_BEFORE).with_columns(
        used_amount=used_amount.fill_null(ZERO), used_count=used_count.fill_null(0)
    )


_CARRIED: Final[Schema] = {
    "place": PLACE,
    "counter": PLACE,  # the first row of the same name
    "carried_amount": MONEY,
    "carried_count": pl.Int64(),
}


def _carried(tariffs: Sequence[Tariff], before: pl.DataFrame) -> pl.DataFrame:
    """What was used of each row before the day, over the time it counts."""
    known = {row["tariff"]: row for row in before.iter_rows(named=True)}
    names = [row.name for row in tariffs]
    rows = []
    for place, tariff in enumerate(tariffs):
        used = known.get(tariff.name, {}) if tariff.counts else {}
        amount = used.get(f"{tariff.counts}_amount") or Decimal(0)
        count = used.get(f"{tariff.counts}_count") or 0
        if tariff.counts == "lifetime" and tariff.free_amount is not None:
            amount += tariff.free_used
        if tariff.counts == "lifetime" and tariff.free_count is not None:
            count += int(tariff.free_used)
        rows.append((place, names.index(tariff.name), amount, count))
    return pl.DataFrame(rows, schema=dict(_CARRIED), orient="row")


def _payments(orders: pl.DataFrame) -> pl.DataFrame:
    """The payments of LEDGER_ENTRY that have succeeded, by parent_ref and currency of a refund:
    `original`, what was paid, and `paid_on`, when."""
    return (
        _succeeded(orders)
        .filter(kind="payment")
        .group_by(parent_ref="merchant_ref", currency="currency")
        .agg(original=pl.col("amount").sum(), paid_on=pl.col("business_date").min())
    )


def paid_on(orders: pl.DataFrame) -> pl.DataFrame:
    """parent_ref, currency and the day of the first payment of LEDGER_ENTRY."""
    return _payments(orders).select("parent_ref", "currency", "paid_on")


def _succeeded(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.filter(pl.col("status").fill_null("succeeded") == "succeeded")


def _with_originals(lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Adds the payment that a refund belongs to, and what was given back of it before."""
    paid = _payments(orders).drop("paid_on")
    key = ["parent_ref", "currency"]
    # Earlier days from the ledger; refunds of this day in their own order, from the statement.
    day = lines["business_date"].min()
    given = (
        _succeeded(orders)
        .filter(pl.col("kind").is_in(_OTHER_RETURNS), pl.col("business_date") < day)
        .group_by(key)
        .agg(before=-pl.col("amount").sum())
    )
    back = pl.when(pl.col("is_return")).then("base").otherwise(ZERO)
    same_day = back.cum_sum().over(key) - back
    return (
        lines.with_columns(same_day=same_day)
        .join(paid, on=key, how="left", maintain_order="left", validate="m:1")
        .join(given, on=key, how="left", maintain_order="left", validate="m:1")
        .with_columns(returned=pl.col("same_day") + pl.col("before").fill_null(ZERO))
        .drop("same_day", "before")
    )
