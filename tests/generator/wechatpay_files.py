"""The two bills of WeChat Pay, byte for byte in the layout of API v3."""

from datetime import datetime
from decimal import Decimal
from io import BytesIO

import polars as pl

from tests.generator.amounts import hundredths_of, money_of, sentence, text, text_of
from tests.generator.randomness import digits
from tests.generator.spec import BALANCE_OFF, NO_TIME, DaySpec

_TRADE_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_TRADE_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_FLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_FLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
_APP_ID = "wx00000000demo0001"
_UNKNOWN_STATE = "SUSPENDED"  # no such state of a trade is documented
_SEPARATOR = ",`"


def files(spec: DaySpec, lines: pl.DataFrame) -> tuple[dict[str, bytes], dict[str, Decimal]]:
    """The bills by name, and the closing balances."""
    day = spec.business_date.isoformat()
    made = {f"{spec.account}_trade_all_{day}.csv": _trade_bill(spec, lines)}
    closing = hundredths_of(spec.opening["CNY"])
    if spec.with_fund_flow:
        flow = _flow(spec, lines)
        closing += int(flow["amount"].sum())
        made[f"{spec.account}_fund_flow_{day}.csv"] = _flow_bill(flow)
    return made, {"CNY": money_of(closing)}


def _trade_bill(spec: DaySpec, lines: pl.DataFrame) -> bytes:
    rows = lines.lazy().filter(pl.col("kind").is_in(["payment", "refund"])).with_columns(
        is_refund=pl.col("kind") == "refund"
    ).with_columns(
        paid=pl.when("is_refund").then(0).otherwise("amount"),
        refunded=pl.when("is_refund").then(-pl.col("amount")).otherwise(0),
    ).with_columns(
        ordered=pl.when("is_refund").then(0).otherwise(pl.col("paid") + pl.col("coupon")),
        asked=pl.when("is_refund").then(pl.col("refunded") + pl.col("coupon")).otherwise(0),
        spent=pl.when("is_refund").then(0).otherwise("coupon"),
    )  # fmt: skip
    body, totals = pl.collect_all(
        [
            rows.select(_row(_trade_cells(spec))),
            rows.select(pl.len(), pl.col("paid", "refunded", "fee", "ordered", "asked").sum()),
        ]
    )
    count, paid, refunded, fee, ordered, asked = totals.row(0)
    values = [str(count), text_of(paid), text_of(refunded), "0.00", f"{text_of(fee)}000"]
    values += [text_of(ordered), text_of(asked)]
    return _bill(_TRADE_HEADER, body, _TRADE_SUMMARY, values)


def _trade_cells(spec: DaySpec) -> list[pl.Expr]:
    """The 27 columns in their order, without the back-ticks."""

    def refund(column: str | pl.Expr, otherwise: str) -> pl.Expr:
        return pl.when("is_refund").then(column).otherwise(pl.lit(otherwise))

    state = (
        pl.when(role="unmapped_row")
        .then(pl.lit(_UNKNOWN_STATE))
        .when("is_refund")
        .then(pl.lit("REFUND"))
        .otherwise(pl.lit("SUCCESS"))
    )
    in_shop = pl.col("payment_method") == "MICROPAY"
    no_time = pl.lit(f"{spec.business_date} {NO_TIME}")
    return [
        pl.when(role="validation_failed").then(no_time).otherwise(_local_time(spec)),
        pl.lit(_APP_ID),
        pl.lit(spec.account),
        pl.lit("0"),
        pl.when(in_shop).then(pl.lit("POS-01")).otherwise(pl.lit("")),
        pl.coalesce("parent_txn_id", "txn_id"),
        pl.coalesce("parent_ref", "merchant_ref"),
        pl.col("payer"),
        pl.col("payment_method"),
        state,
        pl.col("bank"),
        pl.col("currency"),
        text(pl.col("paid")),
        text(pl.col("spent")),
        refund("txn_id", "0"),
        refund("merchant_ref", "0"),
        text(pl.col("refunded")),
        pl.lit("0.00"),
        refund(pl.lit("ORIGINAL"), ""),
        refund(pl.lit("SUCCESS"), ""),
        pl.col("description"),
        pl.lit(""),
        text(pl.col("fee")) + "000",
        pl.col("code"),
        text(pl.col("ordered")),
        text(pl.col("asked")),
        pl.lit(""),
    ]


def _flow(spec: DaySpec, lines: pl.DataFrame) -> pl.DataFrame:
    """One row a posting: a trade in full and its fee beside it, in the order they were booked.

    A row twice in the trade bill is posted twice; what the bill has not in a state or at a time
    that there is, is not posted yet.
    """
    booked = pl.min_horizontal(pl.col("seconds") + pl.col("number") % 7, 86_399)
    posted = (
        lines.filter(~pl.col("role").is_in(["unmapped_row", "validation_failed"]))
        .with_columns(booked=booked)
        .with_row_index("place")
    )
    kept = ["place", "booked", "kind", "txn_id", "merchant_ref"]
    trades = posted.select(
        *kept, "amount", settled="amount", charged="fee", of_fee=pl.lit(value=False)
    )
    fees = posted.filter(pl.col("fee") != 0).select(
        *kept,
        amount=-pl.col("fee"),
        settled="amount",
        charged="fee",
        of_fee=pl.lit(value=True),
    )
    opening = hundredths_of(spec.opening["CNY"])
    # A planted one is a payment that no trade bill has.
    unknown = trades.head(1 if spec.planted("balance_mismatch") else 0).with_columns(
        kind=pl.lit("payment"),
        txn_id=pl.lit(f"4200000000{spec.business_date:%Y%m%d}0000000000"),
        merchant_ref=pl.lit("unknown"),
        **dict.fromkeys(("amount", "settled"), pl.lit(BALANCE_OFF, dtype=pl.Int64)),
        charged=pl.lit(0, dtype=pl.Int64),
    )
    return (
        pl.concat([trades, fees, unknown])
        .sort("booked", "place", "of_fee")
        .with_row_index("posting", offset=1)
        .with_columns(
            balance=pl.col("amount").cum_sum() + opening,
            moment=_local_time(spec, "booked"),
            flow_id=pl.concat_str(
                [
                    pl.lit(f"{spec.account}{spec.business_date:%Y%m%d}1"),
                    digits(pl.col("posting"), 9),
                ]
            ),
            applicant=pl.when(kind="refund")
            .then(pl.lit(f"{spec.account}API"))
            .otherwise(pl.lit("system")),
        )
    )


def _flow_bill(flow: pl.DataFrame) -> bytes:
    kind, of_fee, incoming = pl.col("kind"), pl.col("of_fee"), pl.col("amount") > 0
    names = {"payment": "交易", "refund": "退款", "withdrawal": "提现"}
    name = kind.replace_strict(names, return_dtype=pl.String)
    fee_name = {"payment": "扣除交易手续费", "refund": "退还交易手续费"}
    settled, charged = text(pl.col("settled").abs()), text(pl.col("charged").abs())
    remark = (
        pl.when(kind="payment")
        .then(sentence("结算总金额 {} 元;含手续费 {} 元", settled, charged))
        .when(kind="refund")
        .then(sentence("退款总金额{}元;含手续费{}元", settled, charged))
        .otherwise(pl.lit("自动提现至银行账户,尾号0001"))
    )
    cells = [
        pl.col("moment"),
        pl.col("txn_id"),
        pl.col("flow_id"),
        name,
        pl.when(of_fee)
        .then(kind.replace_strict(fee_name, default=None, return_dtype=pl.String))
        .otherwise(name),
        pl.when(incoming).then(pl.lit("收入")).otherwise(pl.lit("支出")),
        text(pl.col("amount").abs()),
        text(pl.col("balance")),
        pl.col("applicant"),
        remark,
        pl.col("merchant_ref"),
    ]
    amount = pl.col("amount")
    totals = flow.select(
        pl.len().alias("count"),
        incoming.sum().alias("in_count"),
        amount.filter(incoming).sum().alias("in_sum"),
        (~incoming).sum().alias("out_count"),
        (-amount.filter(~incoming).sum()).alias("out_sum"),
    ).row(0)
    count, in_count, in_sum, out_count, out_sum = totals
    values = [str(count), str(in_count), text_of(in_sum), str(out_count), text_of(out_sum)]
    return _bill(_FLOW_HEADER, flow.select(_row(cells)), _FLOW_SUMMARY, values)


def _local_time(spec: DaySpec, seconds: str = "seconds") -> pl.Expr:
    start = datetime.combine(spec.business_date, datetime.min.time())
    moment = pl.lit(start) + pl.duration(seconds=pl.col(seconds))
    return moment.dt.to_string("%Y-%m-%d %H:%M:%S")


def _row(cells: list[pl.Expr]) -> pl.Expr:
    return ("`" + pl.concat_str(cells, separator=_SEPARATOR)).alias("row")


def _bill(header: str, body: pl.DataFrame, summary_header: str, values: list[str]) -> bytes:
    """Byte-order mark, CRLF everywhere and after the last row, no quotes."""
    out = BytesIO()
    out.write(f"\ufeff{header}\r\n".encode())
    body.write_csv(out, include_header=False, quote_style="never", line_terminator="\r\n")
    out.write(f"{summary_header}\r\n`{_SEPARATOR.join(values)}\r\n".encode())
    return out.getvalue()
