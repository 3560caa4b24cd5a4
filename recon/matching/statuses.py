"""How a movement's status may change, so that a ledger that lags is told from one that errs."""

from typing import Final

import polars as pl

# What a movement may become, at the provider and in the ledger alike.
MAY_BECOME: Final = {
    "pending": ("succeeded", "failed", "reversed"),
    "succeeded": ("reversed",),
    "failed": (),
    "reversed": (),
}


def is_before(status: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether a movement of the one status may still come to have the other."""
    return pl.any_horizontal(
        (status == earlier) & other.is_in(later) for earlier, later in MAY_BECOME.items() if later
    )
