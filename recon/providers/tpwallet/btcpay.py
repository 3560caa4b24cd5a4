"""The payments report of a BTCPay Server: what invoices were paid with, on which chain."""

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import (
    Content,
    Description,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)
from recon.providers.tpwallet import chain
from recon.tables import CONTROL_TOTAL

_NEEDED = [
    "Date",
    "InvoiceId",
    "OrderId",
    "PaymentMethodId",
    "Confirmed",
    "Address",
    "PaymentCurrency",
    "PaymentAmount",
    "PaymentMethodFee",
]


def _table_of(content: Content) -> delimited.Table | None:
    try:
        return delimited.find_table(content.head_lines("utf-8")[:1], _NEEDED)
    except StatementError:
        return None


def describe(content: Content) -> Description | None:
    table = _table_of(content)
    if table is None:
        return None
    lines = content.head_lines("utf-8")[1:2]
    row = dict(zip(table.header, delimited.split_line(lines[0]) if lines else [], strict=False))
    try:
        return Description("btcpay_payments", None, one_day(day_of(row.get("Date", ""))))
    except ValueError:
        return Description("btcpay_payments")


def read(content: Content, context: ReadContext) -> Reading:
    table = _table_of(content)
    if table is None:
        raise StatementError(f"{content.name}: not a payments report of BTCPay Server")
    fee = pl.col("PaymentMethodFee")
    confirmed = pl.col("Confirmed").str.to_lowercase()
    rows = delimited.rows(content, table, _NEEDED).with_columns(
        kind=pl.lit("payment"),
        tx_hash="InvoiceId",
        log_index="Address",
        network="PaymentMethodId",
        occurred_at=pl.col("Date")
        .str.head(19)
        .str.replace("T", " ", literal=True)
        .str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
        .dt.replace_time_zone("UTC"),
        currency="PaymentCurrency",
        amount=money.parse(pl.col("PaymentAmount"), decimals=18),
        shown="PaymentAmount",
        fee_currency="PaymentCurrency",
        network_fee=pl.when(fee == "").then(money.ZERO).otherwise(money.parse(fee, decimals=18)),
        merchant_ref=checks.blank_as_null("OrderId"),
        status=checks.mapped(confirmed, {"true": "succeeded", "false": "pending"}),
        description=pl.lit(None, dtype=pl.String),
    )
    whole = checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells")
    found = [whole, *chain.common_checks(context)]
    good, rejects = checks.split(rows, found, content.file_id)
    controls = rows.select(
        file_id=pl.lit(content.file_id),
        name=pl.lit("rows"),
        currency=pl.lit(None),
        stated=pl.lit(None),
        computed=pl.len(),
    )
    return Reading(
        lines=chain.lines(good, content, context),
        rejects=rejects,
        controls=controls.select(pl.col(n).cast(t) for n, t in CONTROL_TOTAL.items()),
        balances=no_balances(),
    )
