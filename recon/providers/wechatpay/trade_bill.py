"""The trade bill (交易账单): ALL, SUCCESS and REFUND, with the 27, 20, 29 or older 24 columns.

Facts this relies on, each seen in real files: in an ALL bill 交易时间 of a refund row is the time
of the refund, in a REFUND bill that of the payment, so the refund's own time is taken there. A
refund row repeats the order numbers of its payment. The fee has five decimals but is already
rounded to fen; it is negative on a refund, which returns it. 应结订单金额 is the base of the fee.
"""

from collections.abc import Callable, Mapping

import polars as pl

from recon import money
from recon.errors import StatementError
from recon.periods import Period, one_day
from recon.providers.checks import (
    Check,
    control_totals,
    day_text,
    here,
    instant,
    judged,
    local_time,
    mapped,
    parts,
)
from recon.providers.contract import (
    Content,
    Description,
    Place,
    ReadContext,
    Reading,
    day_of,
    no_balances,
)
from recon.providers.wechatpay import layout, sub_merchants
from recon.providers.wechatpay.sub_merchants import SUB_MERCHANT
from recon.tables import STATEMENT_LINE, columns_of

# Columns and totals of the older bill, by their present names.
_PRESENT_NAME = {
    "子商户号": "特约商户号",
    "总金额": "应结订单金额",
    "企业红包金额": "代金券金额",
    "代金券或立减优惠金额": "代金券金额",
    "企业红包退款金额": "充值券退款金额",
    "代金券或立减优惠退款金额": "充值券退款金额",
}
# Total in the summary, the same in the older bill, and the column it adds up.
_TOTALS = (
    ("应结订单总金额", "总交易额", "应结订单金额"),
    ("退款总金额", "总退款金额", "退款金额"),
    ("充值券退款总金额", "总企业红包退款金额", "充值券退款金额"),
    ("手续费总金额", "手续费总金额", "手续费"),
    ("订单总金额", "订单总金额", "订单金额"),
    ("申请退款总金额", "申请退款总金额", "申请退款金额"),
)
_ROW_COUNT = "总交易单数"
_SUCCESS, _REFUND = layout.code("SUCCESS", "REFUND")
_STATUS_BY_REFUND_STATE = {
    "SUCCESS,": "succeeded",
    "PROCESSING,": "pending",
    "FAIL,": "failed",
    "CHANGE,": "failed",  # the payer's account is gone: the refund went back to us
}
_NEEDED = [
    *("交易时间", "商户号", "微信订单号", "商户订单号", "交易类型", "交易状态", "货币种类"),
    *("应结订单金额", "商品名称", "手续费"),
]
_NEEDED_FOR_REFUNDS = ["微信退款单号", "商户退款单号", "退款金额", "退款状态"]
_REFUND_TIMES = ["退款申请时间", "退款成功时间"]


def _header_of(content: Content) -> list[str]:
    return [_PRESENT_NAME.get(title, title) for title in layout.header_of(content)]


def describer(name: str) -> Callable[[Content], Description | None]:
    """`describe` of one of the three trade bills."""

    def describe(content: Content) -> Description | None:
        try:
            header = _header_of(content)
        except StatementError:
            return None
        if not header or header[0] != "交易时间" or "微信订单号" not in header:
            return None
        if _kind_of(header) != name:
            return None
        row = layout.first_row_of(content, header)
        if row is None:
            return Description(name)
        return Description(name, row.get("商户号") or None, _day_of(row))

    return describe


def _kind_of(header: list[str]) -> str:
    if "退款申请时间" in header:
        return "trade_refund"
    return "trade_all" if "微信退款单号" in header else "trade_success"


def _day_of(row: Mapping[str, str]) -> Period | None:
    text = row.get("退款成功时间") or row.get("退款申请时间") or row["交易时间"]
    try:
        return one_day(day_of(text))
    except ValueError:
        return None


def places(content: Content, _: ReadContext) -> frozenset[Place]:
    """The sub-merchants of a service provider's bill; any other is of one account and day."""
    header = _header_of(content)
    row = layout.first_row_of(content, header)
    days = None if row is None else _day_of(row)
    if days is None or not sub_merchants.is_of_several(row):
        return frozenset()
    return sub_merchants.places(content, header, layout.summary_of(content, _ROW_COUNT), days)


def reader(name: str) -> Callable[[Content, ReadContext], Reading]:
    """`read` of one of the three trade bills."""

    def read(content: Content, context: ReadContext) -> Reading:
        header = _header_of(content)
        needed = [*_NEEDED]
        if name != "trade_success":
            needed += _NEEDED_FOR_REFUNDS
        if name == "trade_refund":
            needed += _REFUND_TIMES
        missing = [column for column in needed if column not in header]
        if missing:
            raise StatementError(f"{content.name}: the header has no column {', '.join(missing)}")
        return _read(name, content, header, needed, context)

    return read


def _read(
    name: str, content: Content, header: list[str], needed: list[str], context: ReadContext
) -> Reading:
    summary = layout.summary_of(content, _ROW_COUNT)
    amounts = [column for _, _, column in _TOTALS if column in header]
    several = sub_merchants.is_of_several(layout.first_row_of(content, header))
    whose = sub_merchants.owner(context) if several else layout.text("商户号")
    wanted = list(dict.fromkeys([*needed, *amounts, *([SUB_MERCHANT] if several else [])]))
    rows = layout.cells(content, header, wanted=wanted, summary=summary).with_columns(
        money.parse(pl.col(column), decimals=2, suffix=layout.END).alias(f"{column}.money")
        for column in amounts
    )
    checks = _checks(name, amounts, context, whose if several else None)
    rows = judged(rows.with_columns(moment=_moment(name)), checks)
    day = pl.col("moment").dt.date()
    good, rejects = parts(here(rows, context, whose, day), checks, content.file_id)
    return Reading(
        lines=_lines(name, good, header, whose, content, context),
        rejects=rejects,
        controls=_controls(rows, amounts, summary, content),
        balances=no_balances(),
    )


def _moment(name: str) -> pl.Expr:
    """When the row's money moved, in Beijing time without a zone."""
    if name == "trade_refund":
        done = pl.col("退款成功时间")
        text = pl.when(done == layout.END).then(pl.col("退款申请时间")).otherwise(done)
    else:
        text = pl.col("交易时间")
    return local_time(text, layout.TIME)


def _checks(
    name: str, amounts: list[str], context: ReadContext, whose: pl.Expr | None
) -> list[Check]:
    """What a row must be; `whose` it is in a bill of several accounts."""
    state, currency = pl.col("交易状态"), pl.col("货币种类")
    two_decimals = [code for code, places in money.EXPONENT.items() if places == 2]
    two_decimals = layout.code(*two_decimals)
    time_field = "退款成功时间" if name == "trade_refund" else "交易时间"
    checks = [
        Check("row", pl.lit(None), pl.col("complete"), "too few or too many cells"),
        Check(
            "交易状态",
            layout.text("交易状态"),
            state.is_in([_SUCCESS, _REFUND]),
            "unknown state of a trade",
            unmapped=True,
        ),
        Check(time_field, layout.text(time_field), pl.col("moment").is_not_null(), "not a time"),
        Check(
            "货币种类",
            layout.text("货币种类"),
            currency.is_in(two_decimals),
            "not a currency of this bill",
        ),
        *(
            Check(
                column,
                layout.text(column),
                pl.col(f"{column}.money").is_not_null(),
                "not an amount with at most two decimals",
            )
            for column in amounts
        ),
        Check("微信订单号", layout.text("微信订单号"), _filled("微信订单号"), "empty"),
    ]
    if name != "trade_success":
        checks += _refund_checks()
    if context.account is not None and whose is not None:
        same = whose == context.account
        checks.append(Check(SUB_MERCHANT, whose, same, f"not account {context.account}"))
    elif context.account is not None:
        same = pl.col("商户号") == context.account + layout.END
        checks.append(
            Check("商户号", layout.text("商户号"), same, f"not account {context.account}")
        )
    if context.business_dates is not None:
        dates = context.business_dates
        inside = pl.col("moment").dt.date().is_between(dates.first, dates.last)
        checks.append(Check(time_field, layout.text(time_field), inside, f"not dated {dates}"))
    return checks


def _refund_checks() -> list[Check]:
    """What a refund row needs beyond what every row needs."""
    is_payment = pl.col("交易状态") != _REFUND
    known = pl.col("退款状态").is_in(list(_STATUS_BY_REFUND_STATE))
    return [
        Check(
            "微信退款单号",
            layout.text("微信退款单号"),
            is_payment | _filled("微信退款单号"),
            "empty",
        ),
        Check(
            "退款状态",
            layout.text("退款状态"),
            is_payment | known,
            "unknown state of a refund",
            unmapped=True,
        ),
    ]


def _filled(column: str) -> pl.Expr:
    return ~pl.col(column).is_in([layout.END, "0" + layout.END])


def _lines(
    name: str,
    rows: pl.LazyFrame,
    header: list[str],
    whose: pl.Expr,
    content: Content,
    context: ReadContext,
) -> pl.LazyFrame:
    """Canonical lines of understood rows, each of the account `whose` it is."""

    text = layout.text
    facts = _payment_facts(header)
    if name != "trade_success":
        refund, is_refund = _refund_facts(header), pl.col("交易状态") == _REFUND
        facts = {
            column: pl.when(is_refund).then(refund[column]).otherwise(of_payment)
            for column, of_payment in facts.items()
        }
    # Good rows are of the account that was asked for: the same text need not be made of each.
    account = whose if context.account is None else pl.lit(context.account)
    return (
        rows.select(
            "line_no",
            account=account,
            occurred_at=instant(pl.col("moment"), context.time_zone, context.business_dates),
            business_date=pl.col("moment").dt.date(),
            payment_method=text("交易类型"),
            currency=text("货币种类"),
            fee=pl.col("手续费.money"),
            description=text("商品名称"),
            **facts,
        )
        .with_columns(
            line_id=pl.concat_str(
                [pl.lit("wechatpay"), "account", "kind", "txn_id"], separator=":"
            ),
            provider=pl.lit("wechatpay"),
            file_id=pl.lit(content.file_id),
            batch_id=day_text(pl.col("business_date"), context.business_dates),
            net=pl.col("gross") - pl.col("fee"),
            original_currency=pl.when(pl.col("original_amount").is_not_null()).then("currency"),
            exchange_rate=pl.lit(None),
        )
        .select(columns_of(STATEMENT_LINE))
    )


def _payment_facts(header: list[str]) -> dict[str, pl.Expr]:
    return {
        "kind": pl.lit("payment"),
        "txn_id": layout.text("微信订单号"),
        "merchant_ref": layout.text("商户订单号"),
        "parent_txn_id": pl.lit(None, dtype=pl.String),
        "parent_ref": pl.lit(None, dtype=pl.String),
        "gross": pl.col("应结订单金额.money"),
        "original_amount": _optional_money("订单金额", header),
        "status": pl.lit("succeeded"),
    }


def _refund_facts(header: list[str]) -> dict[str, pl.Expr]:
    """A refund row repeats the numbers of the payment it belongs to."""
    return {
        "kind": pl.lit("refund"),
        "txn_id": layout.text("微信退款单号"),
        "merchant_ref": layout.text("商户退款单号"),
        "parent_txn_id": layout.text("微信订单号"),
        "parent_ref": layout.text("商户订单号"),
        "gross": -pl.col("退款金额.money"),
        "original_amount": -_optional_money("申请退款金额", header),
        "status": mapped(pl.col("退款状态"), _STATUS_BY_REFUND_STATE),
    }


def _optional_money(column: str, header: list[str]) -> pl.Expr:
    """The older bill has neither the ordered nor the requested amount."""
    return pl.col(f"{column}.money") if column in header else pl.lit(None, dtype=money.MONEY)


def _controls(
    rows: pl.LazyFrame, amounts: list[str], summary: layout.Summary, content: Content
) -> pl.LazyFrame:
    """The summary against all rows, rejected ones included: they are in the bank's sums too."""
    names = [
        (new if new in summary.totals or old not in summary.totals else old, column)
        for new, old, column in _TOTALS
        if column in amounts
    ]
    totals = rows.select(
        pl.len().alias(_ROW_COUNT),
        *(pl.col(f"{column}.money").sum().alias(name) for name, column in names),
    )
    stated = [(_ROW_COUNT, None, summary.stated(_ROW_COUNT))]
    stated += [(name, "CNY", summary.stated(name)) for name, _ in names]  # type: ignore[misc]
    return control_totals(totals, stated, content.file_id)
