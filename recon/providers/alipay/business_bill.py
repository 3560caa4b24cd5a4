"""The business bill (业务明细): what was sold and refunded, with the service fee of each.

A refund repeats the numbers of its payment; only its request number (退款批次号/请求号) is its own,
so a row is known by trade, type and request. Signs differ between files, hence they follow from the
type: a refund takes, and returns its fee. What is shared with others (分润) is a line of its own.
"""

from decimal import Decimal

import polars as pl

from recon import money
from recon.providers import checks, delimited
from recon.providers.alipay import layout
from recon.providers.contract import Content, Description, ReadContext, Reading, no_balances

_TITLE = "支付宝业务明细查询"
_REQUEST, _OLDER_REQUEST = "退款批次号/请求号", "退款批次号"
_PAID, _ORDERED, _DISCOUNT = "商家实收（元）", "订单金额（元）", "商家优惠（元）"
_FEE, _SHARED = "服务费（元）", "分润（元）"
_NEEDED = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "完成时间",
    _ORDERED,
    _PAID,
    _FEE,
]
_AMOUNTS = [_ORDERED, _PAID, _DISCOUNT, _FEE, _SHARED]
_KIND_BY_TYPE = {"交易": "payment", "退款": "refund"}
_TOTALS = {"交易": "交易合计", "退款": "退款合计"}


def describe(content: Content) -> Description | None:
    return layout.describe(content, "trade_detail", _TITLE)


def read(content: Content, context: ReadContext) -> Reading:
    table = layout.table_of(content, _NEEDED)
    request = _REQUEST if _REQUEST in table.header else _OLDER_REQUEST
    wanted = dict.fromkeys([*_NEEDED, *_AMOUNTS, request, "交易方式", "备注"])
    rows = delimited.rows(content, table, list(wanted)).with_columns(
        kind=checks.mapped(pl.col("业务类型"), _KIND_BY_TYPE),
        moment=layout.moment("完成时间"),
        request=request,
        **{f"{name}.money": _signed(layout.amount(name)) for name in _AMOUNTS},
    )
    description = describe(content)
    account = context.account or (description.account if description else None) or ""
    found = _checks(content, context)
    rows = checks.judged(rows, found)
    here = checks.here(rows, context, None, pl.col("moment").dt.date())
    good, rejects = checks.parts(here, found, content.file_id)
    return Reading(
        lines=_lines(good, content, context, account),
        rejects=rejects,
        controls=_controls(rows, content),
        balances=no_balances(),
    )


def _signed(amount: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("业务类型") == "退款").then(-amount).otherwise(amount)


def _checks(content: Content, context: ReadContext) -> list[checks.Check]:
    description = describe(content)
    stated = description.account if description else None
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check(
            "业务类型", pl.col("业务类型"), pl.col("kind").is_not_null(), "unknown type", True
        ),
        checks.Check("完成时间", pl.col("完成时间"), pl.col("moment").is_not_null(), "not a time"),
        *(
            checks.Check(
                name,
                pl.col(name),
                pl.col(f"{name}.money").is_not_null(),
                "not an amount with at most two decimals",
            )
            for name in _AMOUNTS
        ),
        checks.Check("支付宝交易号", pl.lit(""), pl.col("支付宝交易号") != "", "empty"),
        checks.Check(
            _REQUEST, pl.lit(""), (pl.col("kind") != "refund") | (pl.col("request") != ""), "empty"
        ),
    ]
    whose = None if stated is None else ("账号", pl.lit(stated))
    return found + checks.placed(context, whose, ("完成时间", pl.col("moment").dt.date()))


def _lines(
    rows: pl.LazyFrame, content: Content, context: ReadContext, account: str
) -> pl.LazyFrame:
    shared = pl.col(f"{_SHARED}.money")
    parts = rows.with_columns(
        part=pl.when(shared == money.ZERO)
        .then(pl.lit(["trade"]))
        .otherwise(pl.lit(["trade", "shared"]))
    ).explode("part")
    is_refund, is_trade = pl.col("kind") == "refund", pl.col("part") == "trade"
    key = ["支付宝交易号", "request", "part"]
    trade_no, order = pl.col("支付宝交易号"), checks.blank_as_null("商户订单号")
    return checks.to_lines(
        parts.select(
            *key,
            "line_no",
            account=pl.lit(account),
            kind=pl.when(is_trade).then("kind").otherwise(pl.lit("transfer")),
            occurred_at=checks.instant(pl.col("moment"), context.time_zone, context.business_dates),
            business_date=pl.col("moment").dt.date(),
            batch_id=checks.day_text(pl.col("moment").dt.date(), context.business_dates),
            txn_id=pl.when(is_trade & ~is_refund).then(trade_no),
            merchant_ref=pl.when(is_trade).then(
                pl.when(is_refund).then(checks.blank_as_null("request")).otherwise(order)
            ),
            parent_txn_id=pl.when(is_refund | ~is_trade).then(trade_no),
            parent_ref=pl.when(is_refund | ~is_trade).then(order),
            payment_method=checks.blank_as_null("交易方式"),
            currency=pl.lit("CNY"),
            gross=pl.when(is_trade).then(f"{_PAID}.money").otherwise(-shared),
            fee=pl.when(is_trade).then(f"{_FEE}.money").otherwise(money.ZERO),
            original_currency=pl.lit("CNY"),
            original_amount=f"{_ORDERED}.money",
            status=pl.lit("succeeded"),
            description=pl.coalesce(checks.blank_as_null("商品名称"), checks.blank_as_null("备注")),
        ),
        "alipay",
        content.file_id,
        key,
    )


def _controls(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    """The two lines below the table: how many of each type, what came in, what was given away."""
    totals, stated = [], []
    for type_, name in _TOTALS.items():
        of_type = pl.col("业务类型") == type_
        numbers = [*layout.footer(content, name), None, None, None][:3]
        for title, column, currency, number in (
            ("笔数", None, None, numbers[0]),
            ("商家实收", _PAID, "CNY", numbers[1]),
            ("商家优惠", _DISCOUNT, "CNY", numbers[2]),
        ):
            computed = pl.col(f"{column}.money").filter(of_type).sum() if column else of_type.sum()
            totals.append(computed.alias(f"{name} {title}"))
            stated.append((f"{name} {title}", currency, _money(number)))
    return checks.control_totals(rows.select(totals), stated, content.file_id)


def _money(number: Decimal | None) -> pl.Expr:
    return pl.lit(number, dtype=money.MONEY)
