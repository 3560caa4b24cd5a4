"""Alipay's bills: signs, keys, footers, encodings; and the real samples."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.errors import StatementError
from recon.periods import one_day
from recon.providers import identify
from recon.providers.alipay import PROVIDER
from recon.providers.contract import ReadContext
from tests.golden import content_of

HEAD = (
    "#{title}\n#账号：[20880001]\n"
    "#起始日期：[2026年01月15日 00:00:00]   终止日期：[2026年01月16日 00:00:00]\n"
)
TRADE = {
    "支付宝交易号": "T1\t", "商户订单号": "ORDER1\t", "业务类型": "交易\t", "商品名称": "豆",
    "完成时间": "2026-01-15 10:00:00", "订单金额（元）": "100.00", "商家实收（元）": "98.00",
    "商家优惠（元）": "2.00", "退款批次号/请求号": "\t", "服务费（元）": "-0.59",
    "分润（元）": "0.00",
}  # fmt: skip
REFUND = TRADE | {
    "业务类型": "退款\t", "订单金额（元）": "-10.00", "商家实收（元）": "-9.80",
    "商家优惠（元）": "-0.20", "退款批次号/请求号": "REQ1\t", "服务费（元）": "0.06",
}  # fmt: skip
FOOTER = [
    "#交易合计：1笔，商家实收共98.00元，商家优惠共2.00元",
    "#退款合计：1笔，商家实收退款共-9.80元，商家优惠退款共-0.20元",
]


def bill(*rows: dict[str, str], footer: list[str] = FOOTER, header: list[str] | None = None,
         encoding: str = "gbk", title: str = "支付宝业务明细查询") -> bytes:  # fmt: skip
    header = header or list(TRADE)
    lines = [",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)]
    text = HEAD.replace("{title}", title) + "\n".join([*lines, "#----结束----", *footer]) + "\n"
    return text.encode(encoding)


def read(data: bytes, **context: Any) -> dict[str, pl.DataFrame]:
    content = content_of(data)
    provider, description = identify(content)
    assert provider is PROVIDER
    asked = {"account": None, "time_zone": "Asia/Shanghai"} | context
    reading = provider.kind(description.kind).read(
        content.in_utf8(description.encoding), ReadContext(**asked)
    )
    names = ("lines", "rejects", "controls", "balances")
    return {name: getattr(reading, name).collect() for name in names}


def test_a_payment_and_its_refund() -> None:
    made = read(bill(TRADE, REFUND))
    paid, refunded = made["lines"].rows(named=True)
    assert [paid[n] for n in ("gross", "fee", "net", "original_amount")] == [
        98, Decimal("0.59"), Decimal("97.41"), 100,
    ]  # fmt: skip
    assert [refunded[n] for n in ("gross", "fee", "net")] == [
        Decimal("-9.80"), Decimal("-0.06"), Decimal("-9.74"),
    ]  # fmt: skip
    assert (paid["txn_id"], paid["merchant_ref"], paid["parent_ref"]) == ("T1", "ORDER1", None)
    assert (refunded["txn_id"], refunded["merchant_ref"]) == (None, "REQ1")
    assert (refunded["parent_txn_id"], refunded["parent_ref"]) == ("T1", "ORDER1")
    assert paid["line_id"] != refunded["line_id"]
    assert (paid["account"], str(paid["occurred_at"])) == ("20880001", "2026-01-15 02:00:00+00:00")


def test_two_refunds_of_one_payment_are_two_lines() -> None:
    made = read(bill(TRADE, REFUND, REFUND | {"退款批次号/请求号": "REQ2"}))
    assert made["lines"]["line_id"].n_unique() == 3


@pytest.mark.parametrize("sign", ["", "-"])
def test_signs_follow_from_the_type_whatever_the_file_writes(sign: str) -> None:
    amounts = {name: sign + REFUND[name].lstrip("-") for name in REFUND if "（元）" in name}
    line = read(bill(REFUND | amounts))["lines"].row(0, named=True)
    assert (line["gross"], line["fee"]) == (Decimal("-9.80"), Decimal("-0.06"))


def test_the_footer_states_counts_and_sums() -> None:
    controls = read(bill(TRADE, REFUND))["controls"]
    assert controls.height == 6
    assert controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).is_empty()
    lost = read(bill(REFUND))["controls"]
    off = lost.filter(pl.col("stated") != pl.col("computed"))
    assert set(off["name"]) == {"交易合计 笔数", "交易合计 商家实收", "交易合计 商家优惠"}
    cut = read(bill(TRADE, REFUND, footer=[]))["controls"]
    assert cut["stated"].null_count() == cut.height


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("brackets", ["（）", "()"])
def test_encodings_and_brackets(encoding: str, brackets: str) -> None:
    header = [name.replace("（", brackets[0]).replace("）", brackets[1]) for name in TRADE]
    row = dict(zip(header, TRADE.values(), strict=True))
    assert read(bill(row, header=header, encoding=encoding))["lines"].height == 1


def test_columns_are_found_by_name_and_a_missing_one_is_named() -> None:
    header = [*reversed(TRADE), "花呗分期数"]
    one, other = read(bill(TRADE)), read(bill(TRADE, header=header))
    assert one["lines"].drop("file_id").equals(other["lines"].drop("file_id"))
    with pytest.raises(StatementError, match="服务费"):
        read(bill(TRADE, header=[name for name in TRADE if "服务费" not in name]))


def test_what_is_shared_with_others_is_a_line_of_its_own() -> None:
    made = read(bill(TRADE | {"分润（元）": "-5.00"}))["lines"]
    assert made.select("kind", "gross", "net").rows() == [
        ("payment", 98, Decimal("97.41")), ("transfer", -5, -5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "unmapped"),
    [
        ({"业务类型": "赠送"}, "业务类型", True),
        ({"完成时间": "昨天"}, "完成时间", False),
        ({"商家实收（元）": "98.005"}, "商家实收（元）", False),
        ({"商家实收（元）": "九十八"}, "商家实收（元）", False),
        ({"支付宝交易号": ""}, "支付宝交易号", False),
        ({"商品名称": "豆,子"}, "row", False),
    ],
)
def test_what_is_not_understood_is_rejected(
    changes: dict[str, str], field: str, unmapped: bool
) -> None:
    made = read(bill(TRADE | changes))
    assert made["lines"].is_empty()
    assert made["rejects"].select("line_no", "field", "unmapped").rows() == [(5, field, unmapped)]


def test_rows_of_another_account_or_day_are_rejected() -> None:
    assert read(bill(TRADE), account="20880002")["lines"].is_empty()
    period = one_day(date(2026, 1, 16))
    made = read(bill(TRADE), business_dates=period)
    assert made["rejects"]["field"].to_list() == ["完成时间"]


ACCOUNT = {
    "账务流水号": "A1\t", "业务流水号": "T1\t", "商户订单号": "ORDER1\t", "商品名称": "豆",
    "发生时间": "2026-01-15 10:00:00", "收入金额（+元）": "98.00", "支出金额（-元）": "0.00",
    "账户余额（元）": "198.00", "业务类型": "在线支付", "备注": "",
}  # fmt: skip


def account_bill(*rows: dict[str, str], footer: list[str]) -> bytes:
    return bill(*rows, footer=footer, header=list(ACCOUNT), title="支付宝账务明细查询")


@pytest.mark.parametrize("expense", ["0.59", "-0.59"])
def test_the_account_bill_tells_balances_and_every_movement(expense: str) -> None:
    fee = ACCOUNT | {"账务流水号": "A2", "收入金额（+元）": "", "支出金额（-元）": expense,
                     "账户余额（元）": "197.41", "业务类型": "收费",
                     "发生时间": "2026-01-15 10:00:01"}  # fmt: skip
    footer = ["#支出合计：1笔，共0.59元", "#收入合计：1笔，共98.00元"]
    made = read(account_bill(fee, ACCOUNT, footer=footer))
    assert made["lines"].select("kind", "net").rows() == [
        ("fee", Decimal("-0.59")),
        ("payment", 98),
    ]
    assert made["balances"].rows() == [("CNY", 100, Decimal("197.41"))]
    assert made["controls"].filter(pl.col("stated").ne_missing(pl.col("computed"))).is_empty()


def test_the_last_row_of_a_summary_is_the_sum_of_the_others() -> None:
    header = ["门店编号", "门店名称", "交易订单总笔数", "商家实收（元）"]
    cells = [("1", "东", "2", "10.00"), ("2", "西", "1", "5.00"), ("合计", "", "3", "15.00")]
    rows = [dict(zip(header, row, strict=True)) for row in cells]
    made = read(bill(*rows, header=header, title="支付宝业务汇总查询", footer=[]))
    assert made["lines"].is_empty()
    assert made["controls"].select("stated", "computed").rows() == [(3, 3), (15, 15)]
    lost = read(bill(*rows[1:], header=header, title="支付宝业务汇总查询", footer=[]))
    assert lost["controls"]["computed"].to_list() == [1, 5]
