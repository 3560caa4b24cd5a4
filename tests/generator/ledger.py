"""What the company's own books say of a day's movements, with the planted mistakes."""

from datetime import datetime

import polars as pl

from recon.tables import LEDGER_ENTRY
from tests.generator import amounts
from tests.generator.movements import ENTRIES, LAST_SECOND, ORDERS_IN_PARTS
from tests.generator.spec import DaySpec

_MERCHANT = {"wechatpay": "SHOP-CN", "paypal": "SHOP-INTL"}
_MEMO = {
    "payment": "sale",
    "refund": "refund to customer",
    "chargeback": "chargeback",
    "chargeback_reversal": "chargeback won",
    "fee": "dispute fee",
    "conversion": "currency conversion",
    "withdrawal": "withdrawal to bank",
    "reserve_hold": "held by provider",
    "reserve_release": "released by provider",
}
# Entries of the other kinds know the provider's id in seven cases of ten.
_WITH_TXN_ID = ["fee", "conversion", "withdrawal", "reserve_hold", "reserve_release"]
# The plants that only a shared transaction id can pair.
_PAIRED_BY_TXN_ID = ["reference_mismatch", "amount_mismatch"]
_OTHER_CURRENCY = {"CNY": "HKD", "USD": "EUR", "EUR": "USD", "JPY": "USD"}
DATE_MISMATCH_DAYS = 2


def booked_amount() -> pl.Expr:
    """Hundredths as booked. A wrong amount is one smallest unit too much, a hundred too few, or
    ten times the amount; a wrong direction is the opposite sign."""
    unit = amounts.smallest(pl.col("currency"))
    amount, role, shape = pl.col("amount"), pl.col("role"), pl.col("variant") % 3
    wrong = (
        pl.when(shape == 0)
        .then(amount.abs() - 100 * unit)
        .when(shape == 1)
        .then(amount.abs() + unit)
        .otherwise(amount.abs() * 10)
    )
    return (
        pl.when(role == "amount_mismatch")
        .then(wrong * amount.sign())
        .when(role == "direction_mismatch")
        .then(-amount)
        .otherwise(amount)
    )


def booked_currency() -> pl.Expr:
    other = pl.col("currency").replace_strict(_OTHER_CURRENCY, return_dtype=pl.String)
    return pl.when(role="currency_mismatch").then(other).otherwise("currency")


def booked_ref() -> pl.Expr:
    """The reference as booked; a wrong one is that of an order which was sent again."""
    wrong = pl.col("merchant_ref") + "-R2"
    return pl.when(role="reference_mismatch").then(wrong).otherwise("merchant_ref")


def booked_txn_id(spec: DaySpec) -> pl.Expr:
    known = spec.stream(0, "ledger").below("knows txn_id", 10) < 7
    sure = pl.col("kind").is_in(_WITH_TXN_ID) | pl.col("role").is_in(_PAIRED_BY_TXN_ID)
    is_one = ~pl.col("role").is_in(["ambiguous_match", *ORDERS_IN_PARTS])
    return pl.when(is_one & (sure | known)).then("txn_id")


def booked_status() -> pl.Expr:
    wrong = pl.when(pl.col("variant") % 2 == 0).then(pl.lit("pending")).otherwise(pl.lit("failed"))
    return pl.when(role="status_mismatch").then(wrong).otherwise(pl.lit("succeeded"))


def entries(spec: DaySpec, movements: pl.DataFrame) -> pl.DataFrame:
    """LEDGER_ENTRY in order of booking, which also numbers the entries."""
    copies = pl.col("role").replace_strict(ENTRIES, default=1, return_dtype=pl.Int64)
    booked = movements.with_columns(copies=copies, copy=pl.lit(0)).filter(pl.col("copies") > 0)
    again = booked.filter(pl.col("copies") == 2).with_columns(copy=pl.lit(1))
    in_order = (
        pl.concat([booked, again])
        .with_columns(
            seconds=pl.min_horizontal(pl.col("seconds") + 2 + 30 * pl.col("copy"), LAST_SECOND)
        )
        .sort("seconds", "txn_id", "copy")
        .with_row_index("place", offset=1)
    )
    series = spec.entry_series or spec.provider[0].upper()
    late = pl.when(role="date_mismatch").then(DATE_MISMATCH_DAYS).otherwise(0)
    start: datetime = spec.midnight
    return in_order.select(
        entry_id=pl.concat_str(
            [
                pl.lit(f"GL-{spec.business_date:%Y%m%d}-{series}"),
                pl.col("place").cast(pl.String).str.zfill(6),
            ]
        ),
        provider=pl.lit(spec.provider),
        account=pl.lit(spec.account),
        merchant_id=pl.lit(_MERCHANT[spec.provider]),
        business_date=pl.lit(spec.business_date) + pl.duration(days=late),
        booked_at=pl.lit(start) + pl.duration(seconds="seconds", days=late),
        kind="kind",
        merchant_ref=booked_ref(),
        txn_id=booked_txn_id(spec),
        parent_ref="parent_ref",
        payment_method="payment_method",
        currency=booked_currency(),
        amount=amounts.money(booked_amount()),
        status=booked_status(),
        memo=pl.col("kind").replace_strict(_MEMO, return_dtype=pl.String),
    ).select(pl.col(name).cast(dtype) for name, dtype in LEDGER_ENTRY.items())
