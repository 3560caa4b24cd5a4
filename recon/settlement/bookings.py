"""Movements that one statement tells when they happen, and another when the balance moves for them.

A payment of shortly before midnight is booked on the next day. Until it is, it is an open item of
its own side, so that the balance of either day can be proved and nothing is lost in between; one
that is not booked in its time is told. A booking that belongs to no movement is told at once.
"""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import MONEY, ZERO
from recon.tables import DISCREPANCY, OPEN_ITEM, Schema, conform, empty

SIDE: Final = "booking"  # of an OPEN_ITEM

# What a statement of bookings has of movements that another one tells, by their number.
BOOKED: Final[Schema] = {
    "txn_id": pl.String(),
    "currency": pl.String(),
    "merchant_ref": pl.String(),
    "kind": pl.String(),
    "amount": MONEY,
}
UNBOOKED: Final[Schema] = {"currency": pl.String(), "unbooked": MONEY}
# What the balance of the first day that is known moved by for movements of which there is no line.
BEFORE: Final[Schema] = {
    "currency": pl.String(),
    "booked_before": MONEY,
    "before_count": pl.Int64(),
}
_KEY: Final = ["txn_id", "currency"]


@dataclass(frozen=True)
class Bookings:
    """What is still to be booked after a day, and what of it was not booked in its time."""

    left: pl.DataFrame = field(default_factory=lambda: empty(OPEN_ITEM))
    # By currency, what the day's lines are more than what the balance has moved by for them.
    unbooked: pl.DataFrame = field(default_factory=lambda: empty(UNBOOKED))
    before: pl.DataFrame = field(default_factory=lambda: empty(BEFORE))
    discrepancies: pl.DataFrame = field(default_factory=lambda: empty(DISCREPANCY))


def booked(lines: pl.LazyFrame) -> pl.LazyFrame:
    """STATEMENT_LINE of a statement of bookings -> BOOKED: a payment and its fee are one."""
    return lines.group_by(_KEY).agg(
        pl.col("merchant_ref", "kind").first(), amount=pl.col("net").sum()
    )


def bookings(
    lines: pl.LazyFrame,
    bookings_of_day: pl.DataFrame | None,
    carried: pl.DataFrame,
    window_days: int,
    day: Day,
    *,
    is_first: bool,
    is_whole: bool,
) -> Bookings:
    """STATEMENT_LINE of the statements that tell movements, BOOKED of the day and OPEN_ITEM of the
    day before -> Bookings.

    Without BOOKED, which is None, nobody can say what was booked, and all waits. On the first day
    that is known, bookings without a movement may be of days before it, which leaves that day's
    balance unproved. Where not `is_whole`, lines are missing or were not understood: what is late
    is told on a day that is whole.
    """
    before = carried.filter(side=SIDE)
    if bookings_of_day is None:
        return Bookings(left=before)
    known = before.select(*_KEY, is_carried=pl.lit(value=True))
    apart = _apart(lines, bookings_of_day).join(known, on=_KEY, how="left", nulls_equal=True)
    is_stray = ~pl.col("is_told") & pl.col("is_carried").is_null()
    stray = apart.filter(is_stray) if is_first else apart.clear()
    apart = apart.filter(~is_stray) if is_first else apart
    left = _left(before, apart, window_days, day)
    is_late = (pl.col("state") == "open") & (pl.col("due_on") < day.business_date)
    late = left.filter(is_late) if is_whole else left.clear()
    state = pl.when(is_late & is_whole).then(pl.lit("overdue")).otherwise("state")
    return Bookings(
        left.with_columns(state=state),
        apart.group_by("currency").agg(unbooked=pl.col("amount").sum()).sort("currency"),
        stray.group_by("currency").agg(
            booked_before=-pl.col("amount").sum(), before_count=pl.len().cast(pl.Int64)
        ),
        _discrepancies(late, day),
    )


def _apart(lines: pl.LazyFrame, bookings_of_day: pl.DataFrame) -> pl.DataFrame:
    """Movements whose lines and bookings of the day are not the same amount: `amount`, what the
    lines are more, and `is_told`, whether there are lines at all."""
    told_lines = lines.select(
        "currency",
        "merchant_ref",
        "kind",
        txn_id=pl.coalesce("txn_id", "parent_txn_id"),
        amount="net",
        is_told=pl.lit(value=True),
    )
    moved = bookings_of_day.lazy().with_columns(
        amount=-pl.col("amount"), is_told=pl.lit(value=False)
    )
    both = pl.concat([told_lines, moved.select(told_lines.collect_schema().names())])
    summed = both.group_by(_KEY).agg(pl.col("amount").sum())
    differing = summed.filter(pl.col("amount") != ZERO).collect(engine="streaming")
    facts = both.join(differing.lazy().select(_KEY), on=_KEY, how="semi", nulls_equal=True)
    named = facts.group_by(_KEY).agg(
        pl.col("merchant_ref", "kind").sort_by("is_told", "kind").last(), pl.col("is_told").any()
    )
    return differing.join(
        named.collect(engine="streaming"), on=_KEY, how="left", validate="1:1", nulls_equal=True
    )


def _left(before: pl.DataFrame, apart: pl.DataFrame, window_days: int, day: Day) -> pl.DataFrame:
    """OPEN_ITEM of what is not booked yet: what was carried, with what the day has moved of it."""
    on = day.business_date
    new = conform(
        apart.with_columns(
            side=pl.lit(SIDE),
            item_id=sentence(
                "{}:{}:booking:{}:{}",
                pl.lit(day.provider),
                pl.lit(day.account),
                pl.col("txn_id").fill_null(""),
                "currency",
            ),
            business_date=pl.lit(on),
            # A booking without a movement does not wait: it is late today.
            due_on=pl.lit(on)
            + pl.duration(days=pl.when("is_told").then(window_days).otherwise(-1)),
            state=pl.lit("open"),
        ),
        OPEN_ITEM,
    )
    same = pl.concat([before, new]).group_by("item_id", maintain_order=True)
    first = [pl.col(name).first() for name in OPEN_ITEM if name not in ("item_id", "amount")]
    netted = same.agg(*first, pl.col("amount").sum()).filter(pl.col("amount") != ZERO)
    return netted.select(list(OPEN_ITEM)).sort("item_id")


def _discrepancies(late: pl.DataFrame, day: Day) -> pl.DataFrame:
    """OPEN_ITEM that were not booked in their time -> DISCREPANCY."""
    if late.height == 0:
        return empty(DISCREPANCY)
    since = pl.col("business_date").cast(pl.String)
    found = late.select(
        "currency",
        "txn_id",
        "merchant_ref",
        discrepancy_id=sentence("booking:{}", "item_id"),
        type=pl.lit("balance_mismatch"),
        amount_ledger="amount",
        explanation=told(
            day.language,
            "not_booked",
            amount=amount_text("amount"),
            number=pl.col("txn_id").fill_null("-"),
            day=since,
        ),
    )
    return complete(found, day)
