"""Exports of Etherscan: transactions of the native token, what contracts sent of it (internal
transactions), and ERC-20 transfers.

Which way a transfer went follows from the wallet's own address, which is the account. An explorer
knows nothing of orders: what comes in is a top-up, what goes out a withdrawal, until the ledger
says more. Nothing is stated about the whole, so these statements stay unverified.
"""

import re
from collections.abc import Sequence

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

_NAMES = {"Transaction Hash": "Txhash", "DateTime": "DateTime (UTC)", "TxTo": "To"}
_BASE = ["Txhash", "DateTime (UTC)", "From", "To"]
_ERC20 = [*_BASE, "TokenValue", "TokenSymbol"]
_PARENT = "ParentTxFrom"  # only internal transactions have one
_INTERNAL_STATUS = {"": "succeeded", "0": "succeeded", "1": "failed"}
_VALUE_IN = re.compile(r"^Value_IN\((\w+)\)$")


def describe_native(content: Content) -> Description | None:
    table = _table_of(content, _BASE)
    if table is None or _native_token(table) is None or _PARENT in table.header:
        return None
    return _described("etherscan_native", content, table)


def describe_internal(content: Content) -> Description | None:
    table = _table_of(content, [*_BASE, _PARENT])
    if table is None or _native_token(table) is None:
        return None
    return _described("etherscan_internal", content, table)


def describe_erc20(content: Content) -> Description | None:
    table = _table_of(content, _ERC20)
    return None if table is None else _described("etherscan_erc20", content, table)


def _table_of(content: Content, needed: Sequence[str]) -> delimited.Table | None:
    try:
        lines = content.head_lines("utf-8")[:1]
    except StatementError:
        return None
    named = [
        ",".join(f'"{_NAMES.get(name, name)}"' for name in delimited.split_line(line))
        for line in lines
    ]
    return delimited.find_table(named, needed)


def _native_token(table: delimited.Table) -> str | None:
    found = (_VALUE_IN.match(name) for name in table.header)
    return next((match[1] for match in found if match), None)


def _described(kind: str, content: Content, table: delimited.Table) -> Description:
    row = delimited.first_row(content, table)
    try:
        return Description(kind, None, one_day(day_of(row.get("DateTime (UTC)", ""))))
    except ValueError:
        return Description(kind)


def read_native(content: Content, context: ReadContext) -> Reading:
    table = _table_of(content, _BASE)
    token = _native_token(table) if table else None
    if table is None or token is None:
        raise StatementError(f"{content.name}: not an Etherscan export of transactions")
    into, out, fee = f"Value_IN({token})", f"Value_OUT({token})", f"TxnFee({token})"
    rows = delimited.rows(content, table, [*_BASE, into, out, fee, "Status", "ErrCode", "Method"])
    received, spent = (_token_amount(pl.col(name)) for name in (into, out))
    failed = pl.col("Status").str.to_lowercase().str.contains("error|fail")
    typed = directed(rows, context, moved=received.fill_null(money.ZERO) + spent).with_columns(
        currency=pl.lit(token),
        shown=pl.concat_str([into, out], separator=" "),
        fee_currency=pl.lit(token),
        # Who sends pays for the network.
        network_fee=pl.when(is_ours("From", context))
        .then(_token_amount(pl.col(fee)))
        .otherwise(money.ZERO),
        status=pl.when(failed).then(pl.lit("failed")).otherwise(pl.lit("succeeded")),
        description=checks.blank_as_null("Method"),
    )
    return reading_of(typed, content, context)


def read_internal(content: Content, context: ReadContext) -> Reading:
    """What a contract sent on. Its network fee is that of the transaction that called it."""
    table = _table_of(content, [*_BASE, _PARENT])
    token = _native_token(table) if table else None
    if table is None or token is None:
        raise StatementError(f"{content.name}: not an Etherscan export of internal transactions")
    into, out = f"Value_IN({token})", f"Value_OUT({token})"
    rows = delimited.rows(content, table, [*_BASE, into, out, "Status", "ErrCode", "Type"])
    received, spent = (_token_amount(pl.col(name)) for name in (into, out))
    failed = pl.when(pl.col("ErrCode") != "").then(pl.lit("failed"))
    typed = directed(rows, context, moved=received + spent).with_columns(
        log_index=pl.concat_str([pl.lit("internal "), "From", pl.lit(">"), "To"]),
        currency=pl.lit(token),
        shown=pl.concat_str([into, out], separator=" "),
        fee_currency=pl.lit(token),
        network_fee=money.ZERO,
        status=pl.coalesce(failed, checks.mapped(pl.col("Status"), _INTERNAL_STATUS)),
        description=checks.blank_as_null("Type"),
    )
    return reading_of(typed, content, context)


def read_erc20(content: Content, context: ReadContext) -> Reading:
    table = _table_of(content, _ERC20)
    if table is None:
        raise StatementError(f"{content.name}: not an Etherscan export of token transfers")
    rows = delimited.rows(content, table, [*_ERC20, "TokenName"])
    value = _token_amount(pl.col("TokenValue"))
    typed = directed(rows, context, moved=value).with_columns(
        currency="TokenSymbol",
        shown="TokenValue",
        fee_currency="TokenSymbol",
        network_fee=money.ZERO,  # that of the native export
        status=pl.lit("succeeded"),
        description=checks.blank_as_null("TokenName"),
    )
    return reading_of(typed, content, context)


def _token_amount(text: pl.Expr) -> pl.Expr:
    cleaned = text.str.replace_all(",", "", literal=True)
    return pl.when(cleaned == "").then(money.ZERO).otherwise(money.parse(cleaned, decimals=18))


def is_ours(column: str, context: ReadContext) -> pl.Expr:
    """Addresses of EVM chains differ in case only by a check sum."""
    return pl.col(column).str.to_lowercase() == (context.account or "").lower()


def directed(rows: pl.LazyFrame, context: ReadContext, moved: pl.Expr) -> pl.LazyFrame:
    """Rows of Txhash, From, To and `DateTime (UTC)` as transfers of `moved`, with our signs."""
    incoming, outgoing = is_ours("To", context), is_ours("From", context)
    return rows.with_columns(
        tx_hash="Txhash",
        # Several transfers of one transaction have no number here; their content tells them apart.
        log_index=pl.concat_str(["From", "To"], separator=">"),
        network=pl.lit("ethereum"),
        kind=pl.when(outgoing).then(pl.lit("withdrawal")).when(incoming).then(pl.lit("top_up")),
        occurred_at=checks.local_time(pl.col("DateTime (UTC)")).dt.replace_time_zone("UTC"),
        amount=pl.when(outgoing).then(-moved).otherwise(moved),
        merchant_ref=pl.lit(None, dtype=pl.String),
    )


def reading_of(transfers: pl.LazyFrame, content: Content, context: ReadContext) -> Reading:
    """TRANSFER, with `shown` and `complete`, as a statement that states nothing about itself."""
    whole = checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells")
    found = [whole, *chain.common_checks(context)]
    rows = checks.judged(transfers, found)
    here = checks.here(rows, context, None, chain.business_date(context))
    good, rejects = checks.parts(here, found, content.file_id)
    return Reading(
        lines=chain.lines(good, content, context),
        rejects=rejects,
        controls=checks.unstated_count(rows, content.file_id),
        balances=no_balances(),
    )
