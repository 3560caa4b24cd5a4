"""Our own statement of a wallet: one wallet, one day, every transfer, and balances around them.

    #wallet,0x1111...                       whose
    #date,2026-11-18                        which day, in UTC
    #opening,USDT,6,1250000000              token, its decimals, atomic units: a line a token
    tx_hash,log_index,network,block_time_utc,direction,order_id,token_symbol,token_decimals,
    amount_atomic,fee_symbol,fee_decimals,fee_atomic,confirmations,status
    ...
    #closing,USDT,6,1300000000
    #rows,26

`direction` is payment_in, top_up_in, transfer_in, refund_out, withdrawal_out or transfer_out;
`status` is success, failed or pending. `block_time_utc` is ISO 8601. Amounts are whole atomic units
without a sign. Closing = opening + transfers - network fees, token by token, failed ones' fees too.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import Content, Description, ReadContext, Reading
from recon.providers.tpwallet import chain
from recon.tables import BALANCE, CONTROL_TOTAL, columns_of

_NEEDED = [
    "tx_hash",
    "log_index",
    "network",
    "block_time_utc",
    "direction",
    "order_id",
    "token_symbol",
    "token_decimals",
    "amount_atomic",
    "fee_symbol",
    "fee_decimals",
    "fee_atomic",
    "confirmations",
    "status",
]
_KIND_BY_DIRECTION = {
    "payment_in": "payment",
    "top_up_in": "top_up",
    "transfer_in": "transfer",
    "refund_out": "refund",
    "withdrawal_out": "withdrawal",
    "transfer_out": "transfer",
}
_STATUS = {"success": "succeeded", "failed": "failed", "pending": "pending"}


def describe(content: Content) -> Description | None:
    try:
        lines = content.head_lines("utf-8")
    except StatementError:
        return None
    if not lines or not lines[0].startswith("#wallet,"):
        return None
    facts = dict(line[1:].split(",", 1) for line in lines if line.startswith(("#wallet", "#date")))
    try:
        day = one_day(date.fromisoformat(facts.get("date", "").strip()))
    except ValueError:
        day = None
    return Description("transfers", facts["wallet"].strip() or None, day)


def read(content: Content, context: ReadContext) -> Reading:
    table = delimited.find_table(content.head_lines("utf-8")[:200], _NEEDED, comment="#")
    if table is None:
        raise StatementError(f"{content.name}: no header with the columns {', '.join(_NEEDED)}")
    description = describe(content)
    wallet = description.account if description else None
    is_in = pl.col("direction").str.ends_with("_in")
    amount = chain.atomic(pl.col("amount_atomic"), pl.col("token_decimals"))
    rows = delimited.rows(content, table, _NEEDED).select(
        "line_no",
        "complete",
        "tx_hash",
        "log_index",
        "network",
        kind=checks.mapped(pl.col("direction"), _KIND_BY_DIRECTION),
        occurred_at=checks.local_time(
            pl.col("block_time_utc").str.strip_suffix("Z"), "%Y-%m-%dT%H:%M:%S"
        ).dt.replace_time_zone("UTC"),
        currency="token_symbol",
        amount=pl.when(is_in).then(amount).otherwise(-amount),
        shown="amount_atomic",
        fee_currency="fee_symbol",
        network_fee=chain.atomic(pl.col("fee_atomic"), pl.col("fee_decimals")),
        merchant_ref=checks.blank_as_null("order_id"),
        status=_status(),
        description=pl.lit(None, dtype=pl.String),
    )
    found = _checks(wallet, context)
    rows = checks.judged(rows, found)
    good, rejects = checks.parts(rows, found, content.file_id)
    whose = replace(context, account=context.account or wallet)
    balances = _balances(content)
    return Reading(
        lines=chain.lines_and_fees(good, content, whose),
        rejects=rejects,
        controls=_controls(rows, balances, content),
        balances=balances.lazy(),
    )


def _status() -> pl.Expr:
    """A success that too few blocks confirm is still pending."""
    confirmed = pl.col("confirmations").cast(pl.Int64, strict=False) >= chain.CONFIRMATIONS
    status = checks.mapped(pl.col("status"), _STATUS)
    return pl.when((status == "succeeded") & ~confirmed).then(pl.lit("pending")).otherwise(status)


def _checks(wallet: str | None, context: ReadContext) -> list[checks.Check]:
    found = [checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells")]
    if context.account is not None and wallet is not None:
        same = pl.lit(wallet.lower() == context.account.lower())
        found.append(checks.Check("wallet", pl.lit(wallet), same, f"not account {context.account}"))
    return found + chain.common_checks(context)


def _stated(content: Content, name: str) -> dict[str, Decimal]:
    """Amounts of `#opening` or `#closing` lines by token."""
    lines = [*content.head_lines("utf-8"), *content.tail_lines("utf-8")]
    cells = [line.split(",") for line in lines if line.startswith(f"#{name},")]
    return {
        token: Decimal(units).scaleb(-int(places))
        for _, token, places, units in (row for row in cells if len(row) == 4)
        if places.strip().isdecimal() and units.strip().isdecimal()
    }


def _balances(content: Content) -> pl.DataFrame:
    opening, closing = _stated(content, "opening"), _stated(content, "closing")
    rows = [(token, amount, closing.get(token)) for token, amount in opening.items()]
    return pl.DataFrame(rows, schema=dict(BALANCE), orient="row")


def _controls(rows: pl.LazyFrame, balances: pl.DataFrame, content: Content) -> pl.LazyFrame:
    """Opening plus movements against closing, token by token, and the count of rows."""
    moved = pl.when(pl.col("status") != "failed").then("amount")
    sums = rows.group_by("currency", "fee_currency").agg(
        moved=moved.sum(), fees=pl.col("network_fee").sum(), row_count=pl.len()
    )
    return sums.map_batches(
        lambda frame: _compared(frame, balances, content), schema=dict(CONTROL_TOTAL)
    )


def _compared(sums: pl.DataFrame, balances: pl.DataFrame, content: Content) -> pl.DataFrame:
    """CONTROL_TOTAL of what rows add up to, token by token."""
    counted = [line for line in content.tail_lines("utf-8") if line.startswith("#rows,")]
    text = counted[-1].split(",")[1].strip() if counted else None
    parts = [
        sums.select("currency", net="moved"),
        sums.select(currency="fee_currency", net=-pl.col("fees")),
        balances.select("currency", net="opening"),
    ]
    reached = (
        pl.concat(parts)
        .group_by("currency")
        .agg(computed=pl.col("net").sum())
        .join(balances, on="currency", how="left")
        .filter((pl.col("computed") != money.ZERO) | pl.col("closing").is_not_null())
        .sort("currency")
        .select(
            name=pl.lit("closing balance"),
            currency="currency",
            stated="closing",
            computed="computed",
        )
    )
    count = sums.select(
        name=pl.lit("rows"),
        currency=pl.lit(None, dtype=pl.String),
        stated=pl.lit(text, dtype=pl.String).cast(money.MONEY, strict=False),
        computed=pl.col("row_count").sum().cast(money.MONEY),
    )
    return (
        pl.concat([count, reached])
        .with_columns(file_id=pl.lit(content.file_id))
        .select(columns_of(CONTROL_TOTAL))
    )
