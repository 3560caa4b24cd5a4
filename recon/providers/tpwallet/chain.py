"""What all exports of a wallet share: exact token amounts, transfers in and out, network fees.

A network fee is often paid in another token than the one that moves, and is spent even when the
transaction fails; it is then a line of its own, of kind `fee`, in its own currency.
"""

from decimal import Decimal
from typing import Final

import polars as pl
import polars.selectors as cs

from recon import money
from recon.providers import checks
from recon.providers.contract import Content, ReadContext

CONFIRMATIONS = 12  # below this a transaction may still be undone, so it is pending

# What a reader has to give: a row a transfer, with signs from our side.
TRANSFER = (
    "line_no",
    "kind",
    "occurred_at",
    "tx_hash",
    "log_index",
    "network",
    "currency",
    "amount",
    "fee_currency",
    "network_fee",
    "merchant_ref",
    "status",
    "description",
)
_KEY: Final = ("network", "tx_hash", "log_index")
_WHOLE_DIGITS: Final = 20  # of MONEY, before the point
_SIZES: Final = {places: Decimal(1).scaleb(-places) for places in range(19)}


def atomic(text: pl.Expr, decimals: pl.Expr) -> pl.Expr:
    """Whole atomic units of a token with these decimals, as MONEY.

    Null for anything but digits, for decimals that are no number up to 18, and for amounts too
    large to hold exactly, which has 20 digits before the point.
    """
    places = decimals.cast(pl.UInt8, strict=False)
    is_signed = text.str.starts_with("-") | text.str.starts_with("+")
    fits = text.str.len_bytes() <= places + _WHOLE_DIGITS
    units = text.cast(pl.Int128, strict=False).cast(pl.Decimal(38, 0), strict=False)
    size = places.replace_strict(_SIZES, default=None, return_dtype=money.MONEY)
    return pl.when(fits & ~is_signed).then(units) * size


def lines(transfers: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    """TRANSFER whose fees are in the token that moves -> STATEMENT_LINE."""
    return _to_lines(_parts(transfers, context), content)


def lines_and_fees(transfers: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    """TRANSFER -> STATEMENT_LINE; a fee in another token is a second line of the row."""
    moved = _parts(transfers, context)
    return _to_lines(moved.map_batches(_with_fees_apart, streamable=True), content)


def _parts(transfers: pl.LazyFrame, context: ReadContext) -> pl.LazyFrame:
    """The line of each transfer, with what a fee in another token is made of."""
    is_same = pl.col("fee_currency") == pl.col("currency")
    day = business_date(context)
    return transfers.select(
        *_KEY,
        cs.matches("^parent_txn_id$"),  # of those that tell what they give back
        "line_no",
        "occurred_at",
        "description",
        "kind",
        "merchant_ref",
        "currency",
        "status",
        "fee_currency",
        part=pl.lit("transfer"),
        account=pl.lit(context.account or ""),
        business_date=day,
        batch_id=checks.day_text(day, context.business_dates),
        txn_id="tx_hash",
        payment_method="network",
        gross=pl.when(pl.col("status") != "failed").then("amount").otherwise(money.ZERO),
        fee=pl.when(is_same).then("network_fee").otherwise(money.ZERO),
        fee_apart=pl.when(is_same).then(money.ZERO).otherwise("network_fee"),
        original_currency="currency",
        original_amount="amount",
    )


def _with_fees_apart(moved: pl.DataFrame) -> pl.DataFrame:
    """The lines with those of fees below them; of few rows as a rule, so most frames are as is."""
    fees = moved.filter(pl.col("fee_apart") != money.ZERO)
    if fees.is_empty():
        return moved
    fees = fees.with_columns(
        part=pl.lit("network fee"),
        kind=pl.lit("fee"),
        currency="fee_currency",
        gross=-pl.col("fee_apart"),
        status=pl.lit("succeeded"),
        merchant_ref=pl.lit(None, dtype=pl.String),
    )
    return pl.concat([moved, fees]).sort("line_no", maintain_order=True)


def _to_lines(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    return checks.to_lines(rows, "tpwallet", content.file_id, [*_KEY, "part"])


def common_checks(context: ReadContext) -> list[checks.Check]:
    """What every transfer must meet; `shown` is the text of its amount."""
    amount, currency = pl.col("amount"), pl.col("currency")
    found = [
        checks.Check("amount", pl.col("shown"), amount.is_not_null(), "not an amount"),
        checks.Check(
            "token",
            currency,
            money.fits(amount, currency),
            "not a token we know, or the amount has more decimals than it has",
            unmapped=True,
        ),
        checks.Check(
            "fee", pl.col("fee_currency"), pl.col("network_fee").is_not_null(), "not an amount"
        ),
        checks.Check("direction", pl.col("tx_hash"), pl.col("kind").is_not_null(),
                     "neither from this wallet nor to it, or an unknown direction", True),
        checks.Check("status", pl.col("tx_hash"), pl.col("status").is_not_null(), "unknown", True),
        checks.Check("time", pl.col("tx_hash"), pl.col("occurred_at").is_not_null(), "not a time"),
    ]  # fmt: skip
    return found + checks.placed(context, day=("time", business_date(context)))


def business_date(context: ReadContext) -> pl.Expr:
    """The day of a transfer where the account keeps its books."""
    return checks.accounting_day(pl.col("occurred_at"), context)
