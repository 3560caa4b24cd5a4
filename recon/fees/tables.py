"""The tables that only the assessment of fees knows; what leaves it is in `recon.tables`."""

from typing import Final

import polars as pl

from recon.money import MONEY
from recon.tables import Schema

# What one tariff row makes of one line. A line has a row of the component `fee`, and one for each
# surcharge and tax on top of it. Those are taken to be charged as expected: what is off is `fee`.
ASSESSED_FEE: Final[Schema] = {
    "line_id": pl.String(),
    "component": pl.String(),  # fee, surcharge, tax
    "kind": pl.String(),
    "currency": pl.String(),
    "tariff": pl.String(),  # null: no tariff row covers the line
    "batch_id": pl.String(),  # null: rounded line by line; else once in this batch
    "base": MONEY,
    "charged": MONEY,
    "expected": MONEY,
    "variance": MONEY,  # charged - expected
    "on_top": MONEY,  # of a fee: what its surcharges and taxes come to
    # What the arithmetic of the row needs beside the amount.
    "tariff_row": pl.UInt16(),  # its place in the schedule
    "is_return": pl.Boolean(),
    "used_amount": MONEY,  # before the line, in the month or of a quota
    "used_count": pl.Int64(),
    "original": MONEY,  # of a refund: the payment it belongs to
    "returned": MONEY,  # and what was given back of it before
}

# How much of what a tariff row counts was there before the day, and on it by other accounts that
# it is counted with.
FEE_USAGE: Final[Schema] = {
    "tariff": pl.String(),
    "day_amount": MONEY,
    "day_count": pl.Int64(),
    "month_amount": MONEY,
    "month_count": pl.Int64(),
    "lifetime_amount": MONEY,
    "lifetime_count": pl.Int64(),
}
