"""Rows that tell of a movement which has not moved any money: attempts that failed, or still pend.

They need no counterpart. A pending one takes none either: it would be gone when the money comes,
under the same number. A failed one contradicts what the other side has of the same transaction, but
only what the money has left. What it shares an order with only may be another attempt, which the
other side tells on another day: that waits, and when it stays alone the failed one is told with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from recon.money import ZERO
from recon.tables import Schema

RULE: Final = "moves no money"
PASS: Final = 0  # no rule of the configuration
PENDING: Final = ("pending",)
ENDED: Final = ("failed", "reversed")

# A row, and the item of the other side that is an attempt of it which failed.
ATTEMPT: Final[Schema] = {
    "side": pl.String(),
    "row": pl.UInt32(),
    "attempt": pl.String(),
    "attempt_status": pl.String(),
}


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


@dataclass(frozen=True)
class Attempts:
    """What other rows are failed attempts of, and which of these are kept until that is told."""

    of: pl.DataFrame  # ATTEMPT
    lines: pl.Series  # rows
    entries: pl.Series


def attempts(
    found: Sequence[pl.DataFrame],
    items: tuple[pl.DataFrame, pl.DataFrame],
    ended: Sequence[pl.Series],
    may_wait: tuple[pl.Expr, pl.Expr],
) -> Attempts:
    """Of the pairs and groups that rules find of what is left of ITEM with the `ended` rows in it.

    `may_wait` tells which rows of lines, and of entries, may still wait for another attempt.
    """
    if not found:
        return _NO_ATTEMPTS
    members = pl.concat(_members(part, number) for number, part in enumerate(found))
    both = [
        members.filter(side=side)
        .join(
            of_side.with_row_index("row").select("row", "item_id", "status", waits=waits),
            on="row",
            how="inner",
        )
        .with_columns(is_ended=pl.col("row").is_in(rows.implode()), other=pl.lit(other))
        for (side, other), of_side, rows, waits in zip(
            (("line", "entry"), ("entry", "line")), items, ended, may_wait, strict=True
        )
    ]
    every = pl.concat(both).sort("key", "item_id")
    failed, alone = every.filter("is_ended"), every.filter(~pl.col("is_ended"))
    first = failed.unique(["key", "side"], keep="first", maintain_order=True).select(
        "key", side="other", attempt="item_id", attempt_status="status"
    )
    kept = failed.join(
        alone.filter("waits"), left_on=["key", "side"], right_on=["key", "other"], how="semi"
    )
    return Attempts(
        alone.join(first, on=["key", "side"], how="inner")
        .select(list(ATTEMPT))
        .unique(["side", "row"], keep="first", maintain_order=True),
        kept.filter(side="line")["row"].unique().sort(),
        kept.filter(side="entry")["row"].unique().sort(),
    )


_NO_ROWS: Final = pl.Series([], dtype=pl.UInt32)
_NO_ATTEMPTS: Final = Attempts(pl.DataFrame(schema=dict(ATTEMPT)), _NO_ROWS, _NO_ROWS)


def _members(part: pl.DataFrame, number: int) -> pl.DataFrame:
    """key, side and row of pairs or groups; the key is that of each of them."""
    if "verdict" not in part.columns:
        rows = part.with_row_index("key").unpivot(
            ["line_row", "entry_row"], index="key", variable_name="side", value_name="row"
        )
        part = rows.with_columns(pl.col("side").str.strip_suffix("_row"), group_key="key")
    key = pl.concat_str(pl.lit(f"{number}:"), "group_key")
    return part.select(key.alias("key"), "side", pl.col("row").cast(pl.UInt32))
