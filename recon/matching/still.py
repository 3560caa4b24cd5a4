"""Rows that tell of a movement which has not moved any money: attempts that failed, or still pend.

They need no counterpart. A pending one takes none either: it would be gone when the money comes,
under the same number. A failed one may contradict the other side, which is worth telling, but only
what the money has left: a second attempt has the number of the first.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from recon.money import ZERO

RULE: Final = "moves no money"
PASS: Final = 0  # no rule of the configuration
PENDING: Final = ("pending",)
ENDED: Final = ("failed", "reversed")


def moves_nothing() -> pl.Expr:
    """Whether a row of ITEM has moved no money, and has not succeeded in it."""
    is_told = pl.col("status").is_in([*PENDING, *ENDED])
    return (pl.col("amount") == ZERO) & is_told.fill_null(value=False)


def rows_of(items: pl.DataFrame, statuses: Sequence[str]) -> pl.Series:
    """The places in ITEM of rows of nothing that have one of the statuses."""
    nothing = items.select((pl.col("amount") == ZERO).arg_true())["amount"].cast(pl.UInt32)
    told = items["status"].gather(nothing).is_in(statuses)
    return nothing.filter(told.fill_null(value=False))


def groups_of(rows: Sequence[pl.Series], items: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    """Each of these rows, of lines and of entries, as a group of its own, matched with nothing."""
    return pl.concat(
        pl.DataFrame(
            {
                "group_key": of_side["item_id"].gather(chosen),
                "row": chosen.cast(pl.UInt32),
            }
        ).with_columns(
            side=pl.lit(side),
            verdict=pl.lit("matched"),
            **{"pass": pl.lit(PASS, dtype=pl.UInt8)},
        )
        for side, chosen, of_side in zip(("line", "entry"), rows, items, strict=True)
    )
