"""How long a one-sided row waits, and what is carried to the next day."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from recon.matching import still
from recon.matching.engine import Matched
from recon.tables import OPEN_ITEM


@dataclass(frozen=True)
class Windows:
    """How many business days each side waits for the other before it is a discrepancy."""

    line_days: int
    entry_days: int
    date_tolerance_days: int

    def days(self, side: str) -> int:
        return self.line_days if side == "line" else self.entry_days


def may_wait(windows: Windows, business_date: date) -> tuple[pl.Expr, pl.Expr]:
    """Whether lines, and entries, are no discrepancy yet where they stay alone."""
    lines, entries = (
        ~pl.col("reported") & is_open(days, business_date)
        for days in (windows.line_days, windows.entry_days)
    )
    return lines, entries


def put_off(items: pl.DataFrame, window_days: int, until: date, late: pl.Expr) -> pl.DataFrame:
    """ITEM where what `late` tells waits at least `until`: its statement has not come yet."""
    later = pl.max_horizontal(due_on(window_days), pl.lit(until))
    return items.with_columns(due_on=pl.when(late).then(later).otherwise("due_on"))


def due_on(window_days: int) -> pl.Expr:
    """The last business date on which an item is merely open; a day that could not be matched for
    want of a statement has put it off."""
    return pl.coalesce("due_on", pl.col("business_date") + pl.duration(days=window_days - 1))


def is_open(window_days: int, business_date: date) -> pl.Expr:
    """Whether an ITEM may still wait on that day."""
    return pl.lit(business_date) <= due_on(window_days)


def newly_late(matched: Matched, windows: Windows, business_date: date) -> pl.DataFrame:
    """Rows (side, row, group) that are a discrepancy as of this day, and were not before.

    `group` is that of a split order, null for others. All parts of it are late together, and only
    when one of them has waited its time: the rest of the order is what they wait for.
    """
    split = matched.groups.filter(verdict="split").select("side", "row", "group")
    rows = pl.concat(
        items.select(
            pl.lit(side).alias("side"),
            "row",
            # An attempt that failed waits with what it is an attempt of.
            late=~pl.col("reported")
            & ~is_open(windows.days(side), business_date)
            & ~still.moves_nothing(),
        )
        for side, items in (("line", matched.lines_left), ("entry", matched.entries_left))
    ).join(split, on=["side", "row"], how="left")
    together = pl.col("late").any().over("group")
    is_late = pl.when(pl.col("group").is_null()).then("late").otherwise(together)
    return rows.filter(is_late).drop("late")


def open_items(matched: Matched, windows: Windows, business_date: date) -> pl.DataFrame:
    """OPEN_ITEM: everything one-sided is carried on, what is past its window as `overdue`."""
    late = newly_late(matched, windows, business_date)
    parts = []
    for items, side in ((matched.lines_left, "line"), (matched.entries_left, "entry")):
        overdue = pl.col("reported") | pl.col("row").is_in(late.filter(side=side)["row"].implode())
        parts.append(
            items.with_columns(
                side=pl.lit(side),
                due_on=due_on(windows.days(side)),
                state=pl.when(overdue).then(pl.lit("overdue")).otherwise(pl.lit("open")),
            ).select(pl.col(name).cast(dtype) for name, dtype in OPEN_ITEM.items())
        )
    return pl.concat(parts).sort("side", "item_id")
