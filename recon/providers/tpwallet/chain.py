"""What all exports of a wallet share: exact token amounts, transfers in and out, network fees.

A network fee is often paid in another token than the one that moves, and is spent even when the
transaction fails; it is then a line of its own, of kind `fee`, in its own currency.
"""

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


def atomic(text: pl.Expr, decimals: pl.Expr) -> pl.Expr:
    """Whole atomic units, scaled by the token's decimals as an exponent of the text, as MONEY.

    Null for anything but digits, for decimals that are no number up to 18, and for amounts too
    large to hold exactly.
    """
    places = decimals.cast(pl.UInt32, strict=False)
    is_exact = text.str.contains(r"^\d{1,38}$") & (places <= 18)
    scaled = pl.concat_str([text, pl.lit("e-"), decimals])
    return pl.when(is_exact).then(scaled.cast(money.MONEY, strict=False))


def lines(transfers: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    """TRANSFER -> STATEMENT_LINE; a fee in another token is a second line of the row."""
    same = pl.col("fee_currency") == pl.col("currency")
    has_fee = pl.col("network_fee") != money.ZERO
    moved = pl.col("status") != "failed"
    split = transfers.with_columns(
        part=pl.when(has_fee & ~same)
        .then(pl.lit(["transfer", "network fee"]))
        .otherwise(pl.lit(["transfer"]))
    ).explode("part")
    is_fee = pl.col("part") == "network fee"
    day = business_date(context)
    key = ["network", "tx_hash", "log_index", "part"]
    return checks.to_lines(
        split.select(
            *key,
            cs.matches("^parent_txn_id$"),  # of those that tell what they give back
            "line_no",
            "occurred_at",
            "description",
            kind=pl.when(is_fee).then(pl.lit("fee")).otherwise("kind"),
            account=pl.lit(context.account or ""),
            business_date=day,
            batch_id=checks.day_text(day, context.business_dates),
            txn_id="tx_hash",
            merchant_ref=pl.when(~is_fee).then("merchant_ref"),
            payment_method="network",
            currency=pl.when(is_fee).then("fee_currency").otherwise("currency"),
            gross=pl.when(is_fee)
            .then(-pl.col("network_fee"))
            .when(moved)
            .then("amount")
            .otherwise(money.ZERO),
            fee=pl.when(~is_fee & has_fee & same).then("network_fee").otherwise(money.ZERO),
            original_currency="currency",
            original_amount="amount",
            status=pl.when(is_fee).then(pl.lit("succeeded")).otherwise("status"),
        ),
        "tpwallet",
        content.file_id,
        key,
    )


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
