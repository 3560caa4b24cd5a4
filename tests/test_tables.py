"""The contract between stages: a frame that keeps it passes, any other is refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from recon.boundary import check
from recon.errors import BrokenInvariantError
from recon.tables import EXCHANGE_RATE

RATES = pl.DataFrame(
    {"rated_on": [date(2026, 3, 2)], "currency": ["USD"], "per_euro": [Decimal("1.08")]},
    schema=dict(EXCHANGE_RATE),
)


@pytest.mark.parametrize(
    "frame", [RATES, RATES.lazy(), RATES.clear()], ids=["rows", "lazy", "none"]
)
def test_a_frame_that_keeps_the_contract_passes(frame: pl.DataFrame | pl.LazyFrame) -> None:
    check("EXCHANGE_RATE", frame)


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (lambda rates: rates.drop("currency"), "COLUMN_NOT_IN_DATAFRAME"),
        (lambda rates: rates.with_columns(memo=pl.lit("x")), "COLUMN_NOT_IN_SCHEMA"),
        (lambda rates: rates.select("currency", "rated_on", "per_euro"), "COLUMN_NOT_ORDERED"),
        (
            lambda rates: rates.with_columns(pl.col("per_euro").cast(pl.Decimal(38, 4))),
            "WRONG_DATATYPE",
        ),
        (
            lambda rates: rates.with_columns(currency=pl.lit(None, dtype=pl.String)),
            "SERIES_CONTAINS_NULLS",
        ),
    ],
    ids=["missing", "extra", "order", "type", "null"],
)
def test_a_frame_that_breaks_it_is_refused_and_told_why(
    breaks: Callable[[pl.DataFrame], pl.DataFrame], told: str
) -> None:
    with pytest.raises(BrokenInvariantError, match=told):
        check("EXCHANGE_RATE", breaks(RATES))
