"""The payments and payouts reports of a BTCPay Server: what invoices were paid with, on which
chain, and what was sent out. Neither states anything about itself; they stay unverified.

A refund of an invoice is a payout whose source is called after it, `Refund <invoice>`: the report
of refunds has but sums by invoice, and no movement.
"""

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import Content, Description, ReadContext, Reading, day_of
from recon.providers.tpwallet import explorers

_PAYMENTS, _PAYOUTS = "btcpay_payments", "btcpay_payouts"
_NEEDED = {
    _PAYMENTS: [
        "Date",
        "InvoiceId",
        "OrderId",
        "PaymentMethodId",
        "Confirmed",
        "Address",
        "PaymentCurrency",
        "PaymentAmount",
        "PaymentMethodFee",
    ],
    _PAYOUTS: ["Date", "Source", "State", "PaymentType", "Currency", "Amount", "Destination"],
}
_CONFIRMED = {"true": "succeeded", "false": "pending"}
_STATE = {
    "awaitingapproval": "pending",
    "awaitingpayment": "pending",
    "inprogress": "pending",
    "completed": "succeeded",
    "cancelled": "failed",
}


def describe_payments(content: Content) -> Description | None:
    return _described(content, _PAYMENTS)


def describe_payouts(content: Content) -> Description | None:
    return _described(content, _PAYOUTS)


def _described(content: Content, kind: str) -> Description | None:
    table = delimited.headed(content, _NEEDED[kind])
    if table is None:
        return None
    row = delimited.first_row(content, table)
    try:
        return Description(kind, None, one_day(day_of(row.get("Date", ""))))
    except ValueError:
        return Description(kind)


def _rows(content: Content, kind: str) -> pl.LazyFrame:
    table = delimited.headed(content, _NEEDED[kind])
    if table is None:
        raise StatementError(f"{content.name}: not a {kind.replace('_', ' ')} report")
    return delimited.rows(content, table, _NEEDED[kind]).with_columns(
        occurred_at=checks.local_time(
            pl.col("Date").str.head(19).str.replace("T", " ", literal=True)
        ).dt.replace_time_zone("UTC"),
    )


def read_payments(content: Content, context: ReadContext) -> Reading:
    fee = pl.col("PaymentMethodFee")
    transfers = _rows(content, _PAYMENTS).with_columns(
        kind=pl.lit("payment"),
        tx_hash="InvoiceId",
        log_index="Address",
        network="PaymentMethodId",
        currency="PaymentCurrency",
        amount=money.parse(pl.col("PaymentAmount"), decimals=18),
        shown="PaymentAmount",
        fee_currency="PaymentCurrency",
        network_fee=pl.when(fee == "").then(money.ZERO).otherwise(money.parse(fee, decimals=18)),
        merchant_ref=checks.blank_as_null("OrderId"),
        status=checks.mapped(pl.col("Confirmed").str.to_lowercase(), _CONFIRMED),
        description=pl.lit(None, dtype=pl.String),
    )
    return explorers.reading_of(transfers, content, context)


_REFUND = r"^Refund ([A-Za-z0-9]+)$"  # the source of a payout that refunds an invoice


def read_payouts(content: Content, context: ReadContext) -> Reading:
    """A payout has no number in the report: when, where to and what for name it together."""
    invoice = pl.col("Source").str.extract(_REFUND)
    transfers = _rows(content, _PAYOUTS).with_columns(
        kind=pl.when(invoice.is_not_null()).then(pl.lit("refund")).otherwise(pl.lit("withdrawal")),
        parent_txn_id=invoice,
        tx_hash=pl.concat_str(["Date", "Source"], separator=" "),
        log_index="Destination",
        network="PaymentType",
        currency="Currency",
        amount=-money.parse(pl.col("Amount"), decimals=18),
        shown="Amount",
        fee_currency="Currency",
        network_fee=money.ZERO,
        merchant_ref=pl.lit(None, dtype=pl.String),
        status=checks.mapped(pl.col("State").str.to_lowercase(), _STATE),
        description="Destination",
    )
    return explorers.reading_of(transfers, content, context)
