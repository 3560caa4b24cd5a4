"""The account bill (账务明细): every movement of the balance, and the balance after it.

Its sales, refunds and fees repeat the business bill, so only movements that no business bill has
are reconciled with the ledger; the others serve the settlement proof.
"""

import polars as pl

from recon import money
from recon.providers import balances, checks, delimited
from recon.providers.alipay import layout
from recon.providers.contract import Content, Description, ReadContext, Reading

_TITLE = "支付宝账务明细查询"
_IN, _OUT, _BALANCE = "收入金额（+元）", "支出金额（-元）", "账户余额（元）"
_NEEDED = [
    "账务流水号",
    "业务流水号",
    "商户订单号",
    "商品名称",
    "发生时间",
    _IN,
    _OUT,
    _BALANCE,
    "业务类型",
    "备注",
]
_AMOUNTS = (_IN, _OUT)
_KIND_BY_TYPE = {
    "在线支付": "payment",
    "交易付款": "payment",
    "交易退款": "refund",
    "退款（交易退款）": "refund",
    "收费": "fee",
    "转账": "transfer",
    "交易分账": "transfer",
    "充值": "top_up",
    "提现": "withdrawal",
    "其它": "adjustment",
    "其他": "adjustment",
}
MATCHED_KINDS = frozenset({"withdrawal", "transfer", "top_up", "adjustment"})


def describe(content: Content) -> Description | None:
    return layout.describe(content, "account_detail", _TITLE)


def read(content: Content, context: ReadContext) -> Reading:
    table = layout.table_of(content, _NEEDED)
    rows = (
        delimited.rows(content, table, _NEEDED)
        .with_columns(
            kind=checks.mapped(pl.col("业务类型"), _KIND_BY_TYPE),
            moment=layout.moment("发生时间"),
            balance=money.parse(pl.col(_BALANCE), decimals=2),
            **{f"{name}.money": layout.amount(name) for name in _AMOUNTS},
        )
        .with_columns(signed=pl.col(f"{_IN}.money") - pl.col(f"{_OUT}.money"))
    )
    description = describe(content)
    stated = description.account if description else None
    found = _checks(stated, context)
    rows = checks.judged(rows, found)
    here = checks.here(rows, context, None, pl.col("moment").dt.date())
    good, rejects = checks.parts(here, found, content.file_id)
    return Reading(
        lines=_lines(good, content, context, context.account or stated or ""),
        rejects=rejects,
        controls=_controls(rows, content),
        balances=balances.chain(here, "CNY"),
    )


def _checks(stated: str | None, context: ReadContext) -> list[checks.Check]:
    found = [
        checks.Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        checks.Check(
            "业务类型", pl.col("业务类型"), pl.col("kind").is_not_null(), "unknown type", True
        ),
        checks.Check("发生时间", pl.col("发生时间"), pl.col("moment").is_not_null(), "not a time"),
        *(
            checks.Check(name, pl.col(name), pl.col(f"{name}.money").is_not_null(), "not an amount")
            for name in _AMOUNTS
        ),
        checks.Check(_BALANCE, pl.col(_BALANCE), pl.col("balance").is_not_null(), "not an amount"),
        checks.Check("账务流水号", pl.lit(""), pl.col("账务流水号") != "", "empty"),
    ]
    whose = None if stated is None else ("账号", pl.lit(stated))
    return found + checks.placed(context, whose, ("发生时间", pl.col("moment").dt.date()))


def _lines(
    rows: pl.LazyFrame, content: Content, context: ReadContext, account: str
) -> pl.LazyFrame:
    return checks.to_lines(
        rows.select(
            "line_no",
            "kind",
            "账务流水号",
            account=pl.lit(account),
            occurred_at=checks.instant(pl.col("moment"), context.time_zone, context.business_dates),
            business_date=pl.col("moment").dt.date(),
            batch_id=checks.day_text(pl.col("moment").dt.date(), context.business_dates),
            txn_id=checks.blank_as_null("业务流水号"),
            merchant_ref=checks.blank_as_null("商户订单号"),
            payment_method=pl.lit("balance"),
            currency=pl.lit("CNY"),
            gross="signed",
            fee=money.ZERO,
            status=pl.lit("succeeded"),
            description=pl.coalesce(checks.blank_as_null("备注"), checks.blank_as_null("商品名称")),
        ),
        "alipay",
        content.file_id,
        key=["账务流水号"],
    )


def _controls(rows: pl.LazyFrame, content: Content) -> pl.LazyFrame:
    """The two lines below the table; what went out is stated without a sign or with one."""
    totals, stated = [], []
    for name, column in (("收入合计", _IN), ("支出合计", _OUT)):
        numbers = [*layout.footer(content, name), None, None][:2]
        moved = pl.col(f"{column}.money")
        totals += [
            (moved != money.ZERO).sum().alias(f"{name} 笔数"),
            moved.sum().alias(f"{name} 金额"),
        ]
        amount = None if numbers[1] is None else abs(numbers[1])
        stated += [
            (f"{name} 笔数", None, pl.lit(numbers[0], dtype=money.MONEY)),
            (f"{name} 金额", "CNY", pl.lit(amount, dtype=money.MONEY)),
        ]
    return checks.control_totals(rows.select(totals), stated, content.file_id)
