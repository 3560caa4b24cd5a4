"""The fund-flow bill (资金账单): every movement of the account's balance, and the balance after it.

Its trades, refunds and fees repeat the trade bill, usually booked a little later, so only movements
that no trade bill has are reconciled with the ledger; the others serve the settlement proof. The
file names neither account nor currency: the account is given by whoever fetched it, the currency is
the yuan of the column titles.
"""

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import one_day
from recon.providers.balances import chain
from recon.providers.checks import (
    Check,
    control_totals,
    day_text,
    here,
    instant,
    judged,
    local_time,
    parts,
    placed,
)
from recon.providers.contract import Content, Description, ReadContext, Reading, day_of
from recon.providers.wechatpay import layout
from recon.tables import STATEMENT_LINE, columns_of

_ROW_COUNT = "资金流水总笔数"
_NEEDED = [
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "备注",
    "业务凭证号",
]
_KIND_BY_TYPE = {
    ("交易", "收入"): "payment",
    ("退款", "支出"): "refund",
    ("退款关闭", "收入"): "refund_reversal",
    ("扣除交易手续费", "支出"): "fee",
    ("退还交易手续费", "收入"): "fee",
    ("退回交易手续费", "收入"): "fee",
    ("提现", "支出"): "withdrawal",
    ("充值", "收入"): "top_up",
    ("企业付款", "支出"): "transfer",
    ("分账", "支出"): "transfer",
    ("分账", "收入"): "transfer",
}
MATCHED_KINDS = frozenset({"withdrawal", "withdrawal_reversal", "top_up", "transfer", "adjustment"})


def _header_of(content: Content) -> list[str]:
    """Some documents print the unit in full-width brackets; files have half-width ones."""
    names = layout.header_of(content)
    return [name.replace("（", "(").replace("）", ")") for name in names]


def describe(content: Content) -> Description | None:
    try:
        header = _header_of(content)
    except StatementError:
        return None
    if not header or header[0] != "记账时间" or "资金流水单号" not in header:
        return None
    row = layout.first_row_of(content, header)
    if row is None:
        return Description("fund_flow")
    try:
        return Description("fund_flow", None, one_day(day_of(row["记账时间"])))
    except ValueError:
        return Description("fund_flow")


def read(content: Content, context: ReadContext) -> Reading:
    header = _header_of(content)
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise StatementError(f"{content.name}: the header has no column {', '.join(missing)}")
    summary = layout.summary_of(content, _ROW_COUNT)
    code = pl.concat_str("业务类型", "收支类型")
    kinds = {"".join(layout.code(*key)): kind for key, kind in _KIND_BY_TYPE.items()}
    incoming = pl.col("收支类型").is_in(layout.code("收入"))
    rows = (
        layout.cells(content, header, wanted=_NEEDED, summary=summary)
        .with_columns(
            moment=local_time(pl.col("记账时间"), layout.TIME),
            amount=money.parse(pl.col("收支金额(元)"), decimals=2, suffix=layout.END),
            balance=money.parse(pl.col("账户结余(元)"), decimals=2, suffix=layout.END),
            kind=code.replace_strict(kinds, default=None, return_dtype=pl.String),
            incoming=incoming,
        )
        .with_columns(signed=pl.when("incoming").then("amount").otherwise(-pl.col("amount")))
    )
    checks = _checks(context)
    rows = judged(rows, checks)
    in_day = here(rows, context, None, pl.col("moment").dt.date())
    good, rejects = parts(in_day, checks, content.file_id)
    return Reading(
        lines=_lines(good, content, context),
        rejects=rejects,
        controls=_controls(rows, summary, content),
        balances=chain(in_day, "CNY"),
    )


def _checks(context: ReadContext) -> list[Check]:
    code = pl.concat_str([layout.text("业务类型"), layout.text("收支类型")], separator=" ")
    direction = layout.text("收支类型")
    is_known = pl.col("收支类型").is_in(layout.code("收入", "支出"))
    amount = "not an amount with at most two decimals"
    checks = [
        Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        Check("记账时间", pl.col("记账时间"), pl.col("moment").is_not_null(), "not a time"),
        Check("收支类型", direction, is_known, "unknown direction", True),
        Check("业务类型", code, pl.col("kind").is_not_null(), "unknown type of movement", True),
        Check("收支金额(元)", pl.col("收支金额(元)"), pl.col("amount").is_not_null(), amount),
        Check("账户结余(元)", pl.col("账户结余(元)"), pl.col("balance").is_not_null(), amount),
    ]
    return checks + placed(context, day=("记账时间", pl.col("moment").dt.date()))


def _lines(rows: pl.LazyFrame, content: Content, context: ReadContext) -> pl.LazyFrame:
    def text(column: str) -> pl.Expr:
        cell = layout.text(column)
        return pl.when(cell != "").then(cell)

    # The fee of a withdrawal is told in the remark, "提现手续费1.00元", and is not in the amount.
    return (
        rows.select(
            "line_no",
            "kind",
            occurred_at=instant(pl.col("moment"), context.time_zone, context.business_dates),
            business_date=pl.col("moment").dt.date(),
            txn_id=text("微信支付业务单号"),
            merchant_ref=text("业务凭证号"),
            flow_id=text("资金流水单号"),
            gross=pl.col("signed"),
            description=text("备注"),
        )
        .with_columns(
            # Two refunds of one payment share its flow number; a fee shares its trade's number.
            line_id=pl.concat_str(
                [pl.lit(f"wechatpay:{context.account or ''}:flow"), "kind", "txn_id", "flow_id"],
                separator=":",
                ignore_nulls=True,
            ),
            provider=pl.lit("wechatpay"),
            account=pl.lit(context.account or ""),
            file_id=pl.lit(content.file_id),
            batch_id=day_text(pl.col("business_date"), context.business_dates),
            parent_txn_id=pl.lit(None),
            parent_ref=pl.lit(None),
            payment_method=pl.lit("balance"),
            currency=pl.lit("CNY"),
            fee=money.ZERO,
            net=pl.col("gross"),
            original_currency=pl.lit(None),
            original_amount=pl.lit(None),
            exchange_rate=pl.lit(None),
            status=pl.lit("succeeded"),
        )
        .select(columns_of(STATEMENT_LINE))
    )


def _controls(rows: pl.LazyFrame, summary: layout.Summary, content: Content) -> pl.LazyFrame:
    totals = rows.select(
        pl.len().alias(_ROW_COUNT),
        pl.col("incoming").sum().alias("收入笔数"),
        pl.col("amount").filter("incoming").sum().alias("收入金额"),
        (~pl.col("incoming")).sum().alias("支出笔数"),
        pl.col("amount").filter(~pl.col("incoming")).sum().alias("支出金额"),
    )
    names = [(_ROW_COUNT, None), ("收入笔数", None), ("收入金额", "CNY")]
    names += [("支出笔数", None), ("支出金额", "CNY")]
    stated = [(name, currency, summary.stated(name)) for name, currency in names]
    return control_totals(totals, stated, content.file_id)
