"""TRC-20 transfers: the list of TronGrid's API, and the older export of Tronscan.

TronGrid lists what is confirmed, with token and decimals. Tronscan's export names neither: its
quantities are atomic units of the token that the name of the file tells (`..._USDT_2026-11.csv`),
and without one no row is understood. It says which transfers are confirmed and which have failed.
"""

import json
import re
from typing import Any

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import checks, delimited
from recon.providers.contract import Content, Description, ReadContext, Reading, day_of
from recon.providers.tpwallet import chain, explorers
from recon.tables import INSTANT

_TRC20 = re.compile(rb'"token_info"\s*:\s*\{')
_NEEDED = [
    "transaction_id",
    "block",
    "block_ts",
    "from_address",
    "to_address",
    "confirmed",
    "contractRet",
    "quant",
]
_CONFIRMED = {"true": "succeeded", "false": "pending"}
_FAILED = ("revert", "failed", "out_of_energy", "out_of_time", "transfer_failed", "invalid_code")
_EPOCH = r"^\d{13}$"


def describe_trongrid(content: Content) -> Description | None:
    if not (content.head.lstrip().startswith((b"[", b"{")) and _TRC20.search(content.head)):
        return None
    return Description("trongrid_trc20")


def read_trongrid(content: Content, context: ReadContext) -> Reading:
    found = [_item(item, content) for item in _items(content)]
    names = ["Txhash", "From", "To", "time", "shown", "decimals", "currency"]
    schema = dict.fromkeys(names, pl.String()) | {"time": pl.Int64()}
    rows = (
        pl.LazyFrame(found, schema=schema, orient="row")
        .with_row_index("line_no", offset=1)
        .with_columns(complete=pl.lit(value=True), **{"DateTime (UTC)": pl.lit("")})
    )
    amount = chain.atomic(pl.col("shown"), pl.col("decimals"))
    transfers = explorers.directed(rows, context, moved=amount).with_columns(
        occurred_at=pl.from_epoch("time", time_unit="ms").cast(pl.Datetime("us")).cast(INSTANT),
        status=pl.lit("succeeded"),
        **_of_tron(pl.col("currency")),
    )
    return explorers.reading_of(transfers, content, context)


def _items(content: Content) -> list[Any]:
    """The list of an answer, a list by itself, or a single transfer."""
    if isinstance(content.scannable, str):
        raise StatementError(f"{content.name}: a list of TRC-20 transfers this large is not read")
    try:
        document = json.loads(content.scannable, parse_float=str)
    except ValueError as error:
        raise StatementError(f"{content.name}: is no whole JSON document ({error})") from None
    if isinstance(document, dict):
        document = [document] if "transaction_id" in document else document.get("data")
    if not isinstance(document, list):
        raise StatementError(f"{content.name}: not a TronGrid list of transfers")
    return document


def _item(item: Any, content: Content) -> tuple[Any, ...]:
    try:
        token = item["token_info"]
        parties = (item["transaction_id"], item["from"], item["to"], item["block_timestamp"])
        return (*parties, str(item["value"]), str(token["decimals"]), token["symbol"])
    except (KeyError, TypeError) as error:
        raise StatementError(
            f"{content.name}: a transfer is not as TronGrid gives it ({error!r}); fetch it again"
        ) from None


def describe_tronscan(content: Content) -> Description | None:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        return None
    row = delimited.first_row(content, table)
    try:
        return Description("tronscan_trc20", None, one_day(day_of(row.get("block_ts", ""))))
    except ValueError:
        return Description("tronscan_trc20")


def read_tronscan(content: Content, context: ReadContext) -> Reading:
    table = delimited.headed(content, _NEEDED)
    if table is None:
        raise StatementError(f"{content.name}: not a Tronscan export of token transfers")
    token = _token_of(content.name)
    decimals = pl.lit(None if token is None else str(money.EXPONENT[token]), dtype=pl.String)
    rows = delimited.rows(content, table, _NEEDED).with_columns(
        Txhash="transaction_id",
        From="from_address",
        To="to_address",
        **{"DateTime (UTC)": pl.col("block_ts")},
    )
    # Without a token there is no amount to speak of; the check of the token says what to do.
    amount = chain.atomic(pl.col("quant"), decimals) if token else pl.lit(0, dtype=money.MONEY)
    result = pl.col("contractRet").str.to_lowercase()
    printed = checks.local_time(pl.col("block_ts"))
    counted = pl.from_epoch(pl.col("block_ts").cast(pl.Int64, strict=False), time_unit="ms")
    is_epoch = pl.col("block_ts").str.contains(_EPOCH)
    moment = pl.when(is_epoch).then(counted.cast(pl.Datetime("us"))).otherwise(printed)
    transfers = explorers.directed(rows, context, moved=amount).with_columns(
        occurred_at=moment.cast(INSTANT),
        shown="quant",
        status=pl.when(result == "success")
        .then(checks.mapped(pl.col("confirmed").str.to_lowercase(), _CONFIRMED))
        .when(result.is_in(_FAILED))
        .then(pl.lit("failed")),
        currency=pl.lit(token or "no token in the name of the file"),
        **_of_tron(pl.lit(token or "")),
    )
    return explorers.reading_of(transfers, content, context)


def _token_of(name: str) -> str | None:
    """The token that the name of a file tells; none where it tells several."""
    words = set(re.split(r"[^A-Z0-9]+", name.upper())) & set(money.CODES_BY_EXPONENT[6])
    return words.pop() if len(words) == 1 else None


def _of_tron(fee_currency: pl.Expr) -> dict[str, pl.Expr]:
    """What a transfer of a token does not tell: its network fee is paid in TRX, elsewhere."""
    return {
        "network": pl.lit("tron"),
        "fee_currency": fee_currency,
        "network_fee": money.ZERO,
        "description": pl.lit(None, dtype=pl.String),
    }
