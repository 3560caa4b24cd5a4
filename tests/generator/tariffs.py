"""The tariffs of configs/fees, read apart from recon, so that a mistake there shows here."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tests.generator.amounts import hundredths_of

_FEES = Path(__file__).parents[2] / "configs" / "fees"
_MILLION = 1_000_000


@dataclass(frozen=True)
class Tariff:
    currency: str
    payment_methods: tuple[str, ...]
    parts_per_million: int
    fixed: int = 0  # hundredths, as are the two below
    minimum: int = 0
    maximum: int | None = None

    @property
    def rate(self) -> str:
        """0.60%"""
        return f"{Decimal(self.parts_per_million) / 10_000:.2f}%"

    def charge(self, amount: pl.Expr, surplus_per_million: int = 0) -> pl.Expr:
        """The fee of a positive amount in hundredths, half-up to the smallest amount there is."""
        unit = 100 if self.currency == "JPY" else 1
        whole = (
            amount.cast(pl.Int64) * (self.parts_per_million + surplus_per_million)
            + unit * _MILLION // 2
        )
        fee = whole // (unit * _MILLION) * unit + self.fixed
        return fee.clip(self.minimum, self.maximum)


@cache
def tariffs(provider: str, account: str, table: str, day: date) -> tuple[Tariff, ...]:
    """Those in force, from the special to the general. `table` is `tariff` or `withdrawal`."""
    rows = tomllib.loads((_FEES / f"{provider}.toml").read_text("utf-8"))[table]
    found = [_tariff(row) for row in rows if _applies(row, account, day)]
    if not found:
        raise ValueError(f"configs/fees/{provider}.toml has no {table} of {account} on {day}")
    return tuple(sorted(found, key=lambda tariff: not tariff.payment_methods))


def _applies(row: dict[str, Any], account: str, day: date) -> bool:
    if "payment" not in row.get("kinds", ["payment"]):
        return False  # a dispute fee, say
    starts, ends = row["effective_from"], row.get("effective_to")
    return row.get("account", account) == account and starts <= day and (not ends or day <= ends)


def _tariff(row: dict[str, Any]) -> Tariff:
    if row.get("rounding", "half_up") != "half_up":
        raise ValueError(f"the generator only rounds half up: {row['name']}")
    maximum = row.get("maximum")
    return Tariff(
        currency=row["currency"],
        payment_methods=tuple(row.get("payment_methods", ())),
        parts_per_million=int(Decimal(row["percent"]) * 10_000),
        fixed=hundredths_of(Decimal(row.get("fixed", "0"))),
        minimum=hundredths_of(Decimal(row.get("minimum", "0"))),
        maximum=None if maximum is None else hundredths_of(Decimal(maximum)),
    )


def _applying(choices: tuple[Tariff, ...], results: list[pl.Expr]) -> pl.Expr:
    """The result that belongs to the first tariff of the row's currency and method."""
    return pl.coalesce(
        pl.when(
            (pl.col("currency") == tariff.currency)
            & (
                pl.col("payment_method").is_in(tariff.payment_methods)
                if tariff.payment_methods
                else pl.lit(value=True)
            )
        ).then(result)
        for tariff, result in zip(choices, results, strict=True)
    )


def fee(choices: tuple[Tariff, ...], amount: pl.Expr, surplus_per_million: int = 0) -> pl.Expr:
    """The fee of a positive amount by the row's `currency` and `payment_method`."""
    return _applying(choices, [row.charge(amount, surplus_per_million) for row in choices])


def rate(choices: tuple[Tariff, ...]) -> pl.Expr:
    """The rate as bills print it."""
    return _applying(choices, [pl.lit(row.rate) for row in choices])
