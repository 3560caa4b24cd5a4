"""Stripe's reporting categories, which are made for accounting, as kinds of ours; minor units."""

from typing import Final

import polars as pl

from recon import money
from recon.providers.checks import mapped

KIND_BY_CATEGORY: Final = {
    "charge": "payment",
    "refund": "refund",
    "partial_capture_reversal": "refund",
    "charge_failure": "refund",  # a bank debit that was credited too early is taken back
    "refund_failure": "refund_reversal",
    "dispute": "chargeback",
    "dispute_reversal": "chargeback_reversal",
    "fee": "fee",
    "network_cost": "fee",
    "tax": "fee",
    "payout": "payout",
    "payout_reversal": "payout_reversal",
    "payout_minimum_balance_hold": "reserve_hold",
    "payout_minimum_balance_release": "reserve_release",
    "topup": "top_up",
    "topup_reversal": "top_up",
    "transfer": "transfer",
    "transfer_reversal": "transfer",
    "connect_collection_transfer": "transfer",
    "platform_earning": "adjustment",
    "platform_earning_refund": "adjustment",
    "other_adjustment": "adjustment",
    "advance": "adjustment",
    "advance_funding": "adjustment",
    "anticipation_repayment": "adjustment",
    "contribution": "adjustment",
    "fx": "conversion",
}
# Money Stripe keeps back or gives back: the sign of the row tells which.
_RESERVES: Final = ("risk_reserved_funds", "connect_reserved_funds")

# The API counts in the smallest unit, which for these is not that of ISO 4217.
_EXPONENT: Final = money.EXPONENT | {"ISK": 2, "UGX": 2, "MGA": 0}


def exponent(currency: str) -> int | None:
    """Decimals of an API amount in `currency` (upper case); None for a code we do not know."""
    return _EXPONENT.get(currency)


def kind(category: pl.Expr, amount: pl.Expr) -> pl.Expr:
    """The kind of a row; null for a category that nobody has mapped yet."""
    by_sign = (
        pl.when(amount < money.ZERO)
        .then(pl.lit("reserve_hold"))
        .otherwise(pl.lit("reserve_release"))
    )
    return (
        pl.when(category.is_in(list(_RESERVES)))
        .then(by_sign)
        .otherwise(mapped(category, KIND_BY_CATEGORY))
    )
