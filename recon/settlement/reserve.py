"""What a provider holds back: opening + held - released = closing, and what the contract says."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from recon.book_tables import RESERVE
from recon.discrepancies import Day, amount_text, complete, sentence, told
from recon.money import MONEY, ZERO, round_by_currency
from recon.settings import AccountSettings
from recon.tables import DISCREPANCY, conform, empty

# RESERVE of earlier days, each with its business date.
RESERVE_DAY: Final[Mapping[str, pl.DataType]] = {"business_date": pl.Date(), **RESERVE}


def reserve(
    lines: pl.LazyFrame, earlier: pl.DataFrame, account: AccountSettings, business_date: date
) -> pl.DataFrame:
    """STATEMENT_LINE of a day and RESERVE_DAY of the days before -> RESERVE, one row a currency.

    By contract `reserve_percent` of a day's payments is held, and what a day has held comes back
    `reserve_days` later, or on the first day with a statement after that.
    """
    kind, gross = pl.col("kind"), pl.col("gross")
    moved = (
        lines.group_by("currency")
        .agg(
            held=-gross.filter(kind == "reserve_hold").sum(),
            released=gross.filter(kind == "reserve_release").sum(),
            paid=gross.filter(kind == "payment").sum(),
        )
        .collect(engine="streaming")
    )
    before = earlier.filter(pl.col("business_date") == pl.col("business_date").max())
    opened = before.select("currency", opening="closing")
    returned = _due(earlier, account, business_date)
    joined = (
        moved.join(opened, on="currency", how="full", coalesce=True)
        .join(returned, on="currency", how="full", coalesce=True)
        .with_columns(
            pl.col("held", "released", "paid", "opening", "due").fill_null(ZERO),
        )
    )
    agreed = account.reserve_percent is not None
    made = joined.with_columns(
        closing=pl.col("opening") + pl.col("held") - pl.col("released"),
        expected_held=_percent_of("paid", account) if agreed else None,
        expected_released=pl.col("due") if agreed else None,
    )
    figures = ("opening", "held", "released", "expected_held", "expected_released")
    moves = pl.any_horizontal(pl.col(name).fill_null(ZERO).cast(MONEY) != ZERO for name in figures)
    return conform(made.filter(moves), RESERVE).sort("currency")


def _due(earlier: pl.DataFrame, account: AccountSettings, business_date: date) -> pl.DataFrame:
    """currency, due: what was held so long ago that it comes back, and had not come before."""
    last_run = earlier["business_date"].max()
    back_on = pl.col("business_date") + pl.duration(days=account.reserve_days)
    due = (back_on <= business_date) & (back_on > (last_run or business_date))
    return earlier.filter(due).group_by("currency").agg(due=pl.col("held").sum())


def _percent_of(paid: str, account: AccountSettings) -> pl.Expr:
    rate = pl.lit((account.reserve_percent or Decimal(0)) / 100, dtype=MONEY)
    return round_by_currency(pl.col(paid) * rate, pl.col("currency"))


def unexplained(made: pl.DataFrame, account: AccountSettings, day: Day) -> pl.DataFrame:
    """RESERVE that is not as the contract says -> DISCREPANCY, for what is held and what is
    released; nothing where none is agreed."""
    if account.reserve_percent is None:
        return empty(DISCREPANCY)
    parts = [
        made.filter(pl.col(name) != pl.col(f"expected_{name}")).select(
            "currency",
            discrepancy_id=sentence(
                "reserve:{}:{}:{}",
                pl.lit(name),
                pl.lit(day.business_date.isoformat()),
                "currency",
            ),
            type=pl.lit("reserve_unexplained"),
            amount_provider=pl.col(name),
            amount_ledger=pl.col(f"expected_{name}"),
            explanation=told(
                day.language,
                f"reserve_{name}",
                stated=amount_text(name),
                expected=amount_text(f"expected_{name}"),
                percent=pl.lit(f"{account.reserve_percent:f}"),
                days=pl.lit(str(account.reserve_days)),
            ),
        )
        for name in ("held", "released")
    ]
    return pl.concat([complete(part, day) for part in parts])
