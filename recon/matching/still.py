"""Rows that tell of a movement which has not moved any money: attempts that failed, or still pend.

They need no counterpart. A pending one takes none either: it would be gone when the money comes,
under the same number. A failed one may still contradict the other side, which is worth telling.
"""

from typing import Final

import polars as pl

from recon.money import ZERO

RULE: Final = "moves no money"
PASS: Final = 0  # no rule of the configuration
_UNFINISHED: Final = ("pending",)
_FRUITLESS: Final = ("pending", "failed", "reversed")


def is_pending() -> pl.Expr:
    """Whether a row of ITEM is one that nothing may take."""
    return (pl.col("amount") == ZERO) & pl.col("status").is_in(_UNFINISHED).fill_null(value=False)


def rows_of(items: pl.DataFrame, *, only_pending: bool = False) -> pl.Series:
    """The places in ITEM of rows of nothing that did not succeed."""
    nothing = items.select((pl.col("amount") == ZERO).arg_true())["amount"].cast(pl.UInt32)
    statuses = _UNFINISHED if only_pending else _FRUITLESS
    told = items["status"].gather(nothing).is_in(statuses)
    return nothing.filter(told.fill_null(value=False))


def groups_of(
    rows: tuple[pl.Series, pl.Series], items: tuple[pl.DataFrame, pl.DataFrame]
) -> pl.DataFrame:
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
