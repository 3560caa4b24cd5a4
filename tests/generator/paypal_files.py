"""PayPal's settlement report (STL), version 009: totals and balances follow from its rows."""

from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from zoneinfo import ZoneInfo

import polars as pl

from tests.generator.amounts import hundredths_of, money_of
from tests.generator.spec import NO_TIME, DaySpec

_COLUMNS = (
    '"Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID",'
    '"Payment Tracking ID","Store ID","Bank Reference ID","Credit Transactional Fee",'
    '"Credit Promotional Fee","Credit Term"'
)
_TIME = "%Y/%m/%d %H:%M:%S %z"
# Kinds whose Invoice ID is the order number; a dispute carries it in the custom field instead.
_INVOICED = ["payment", "refund", "conversion", "reserve_hold", "reserve_release"]
_DISPUTED = ["chargeback", "chargeback_reversal", "fee"]


def files(spec: DaySpec, lines: pl.DataFrame) -> tuple[dict[str, bytes], dict[str, Decimal]]:
    """The report by name, and the closing balances."""
    totals = _totals(spec, lines)
    footer = [_footer(row) for row in totals.iter_rows(named=True)]
    count = lines.height
    out = BytesIO()
    out.write("\ufeff".encode())
    _write(out, _head(spec))
    body = lines.select(row=pl.concat_str(_cells(spec), separator=","))
    body.write_csv(out, include_header=False, quote_style="never", line_terminator="\n")
    _write(out, [f'"SF",{row}' for row in footer] + [f'"SC",{count}'])
    _write(out, [f'"RF",{row}' for row in footer] + [f'"RC",{count}', f'"FF",{count}'])
    closing = {row["currency"]: money_of(row["end"]) for row in totals.iter_rows(named=True)}
    return {f"STL-{spec.business_date:%Y%m%d}.01.009.CSV": out.getvalue()}, closing


def _write(out: BytesIO, rows: list[str]) -> None:
    out.write("".join(f"{row}\n" for row in rows).encode())


def _head(spec: DaySpec) -> list[str]:
    start = spec.midnight.astimezone(spec.time_zone)
    next_day = datetime.combine(spec.day(1), datetime.min.time(), spec.time_zone)
    end = (next_day.astimezone(ZoneInfo("UTC")) - timedelta(seconds=1)).astimezone(spec.time_zone)
    made = next_day.replace(hour=3, minute=12, second=40)
    return [
        f'"RH",{made:{_TIME}},"A","{spec.account}",009,',
        '"FH",01',
        f'"SH",{start:{_TIME}},{end:{_TIME}},"{spec.account}",""',
        f'"CH",{_COLUMNS}',
    ]


def _quoted(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(
        [pl.lit('"'), text.fill_null("").str.replace_all('"', '""', literal=True), pl.lit('"')]
    )


def _side(amount: pl.Expr, nothing: str = '""') -> pl.Expr:
    """Credit is money that comes to us; amounts themselves have no sign."""
    return (
        pl.when(amount > 0)
        .then(pl.lit('"CR"'))
        .when(amount < 0)
        .then(pl.lit('"DR"'))
        .otherwise(pl.lit(nothing))
    )


def _cells(spec: DaySpec) -> list[pl.Expr]:
    kind, fee = pl.col("kind"), pl.col("fee")
    moment = (
        (pl.lit(spec.midnight) + pl.duration(seconds="seconds"))
        .dt.convert_time_zone(str(spec.time_zone))
        .dt.to_string(_TIME)
    )
    no_time = pl.lit(f"{spec.business_date:%Y/%m/%d} {NO_TIME} +0000")
    moment = pl.when(role="validation_failed").then(no_time).otherwise(moment)
    order = pl.when(kind="payment").then("merchant_ref").otherwise("parent_ref")
    reference = pl.col("parent_txn_id")
    has_fee = fee != 0
    return [
        pl.lit('"SB"'),
        _quoted(pl.col("txn_id")),
        _quoted(pl.when(kind.is_in(_INVOICED)).then(order)),
        _quoted(reference),
        _quoted(pl.when(reference.is_not_null()).then(pl.lit("TXN"))),
        _quoted(pl.col("code")),
        moment,
        moment,
        _side(pl.col("amount")),
        pl.col("amount").abs().cast(pl.String),
        _quoted(pl.col("currency")),
        _side(-fee),
        pl.when(has_fee).then(fee.abs().cast(pl.String)).otherwise(pl.lit("")),
        _quoted(pl.when(has_fee).then("currency")),
        _quoted(pl.when(kind.is_in(_DISPUTED)).then("parent_ref").otherwise("description")),
        _quoted(pl.col("payer")),
        pl.lit('""'),
        pl.lit('""'),
        _quoted(pl.col("bank")),
        pl.lit(",,"),
    ]


def _totals(spec: DaySpec, lines: pl.DataFrame) -> pl.DataFrame:
    """Per currency: credits and debits of amounts and of fees, balance before and after."""
    amount, fee = pl.col("amount"), pl.col("fee")
    opening = pl.DataFrame(
        {
            "currency": list(spec.opening),
            "begin": [hundredths_of(amount) for amount in spec.opening.values()],
        },
        schema={"currency": pl.String, "begin": pl.Int64},
    )
    summed = lines.group_by("currency").agg(
        credits=amount.filter(amount > 0).sum(),
        debits=-amount.filter(amount < 0).sum(),
        fee_credits=-fee.filter(fee < 0).sum(),
        fee_debits=fee.filter(fee > 0).sum(),
        count=pl.len().cast(pl.Int64),
    )
    return (
        opening.join(summed, on="currency", how="full", coalesce=True)
        .fill_null(0)
        .with_columns(
            end=pl.col("begin") + pl.col("credits") - pl.col("debits") + pl.col("fee_credits")
            - pl.col("fee_debits")
        )
        .sort("currency")
    )  # fmt: skip


def _footer(row: dict[str, int]) -> str:
    """The available balance, the same again as total balance, and a payable balance of nothing."""
    sums = ",".join(str(row[name]) for name in ("credits", "debits", "fee_credits", "fee_debits"))
    balances = ",".join(_balance(row[name]) for name in ("begin", "end", "begin", "end"))
    return f'"{row["currency"]}",{sums},{balances},"CR",0,"CR",0,{row["count"]}'


def _balance(hundredths: int) -> str:
    return f'"{"DR" if hundredths < 0 else "CR"}",{abs(hundredths)}'
