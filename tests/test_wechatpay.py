"""WeChat Pay bills: what the real files look like, and what happens to rows that are off."""

import hashlib
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from recon.errors import StatementError, UserError
from recon.io.live.https_server import private_key
from recon.periods import one_day
from recon.providers import identify
from recon.providers.contract import Place, ReadContext
from recon.providers.remote import Order
from recon.providers.wechatpay.remote import fetch
from tests.golden import content_of

SHARED = Path(__file__).parents[2] / "shared" / "samples" / "wechatpay"

ALL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
    "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
PAID = {
    "交易时间": "2026-11-20 10:00:00",
    "商户号": "1600000001",
    "微信订单号": "4200001",
    "商户订单号": "SO1",
    "交易类型": "JSAPI",
    "交易状态": "SUCCESS",
    "货币种类": "CNY",
    "应结订单金额": "100.00",
    "微信退款单号": "0",
    "商户退款单号": "0",
    "退款金额": "0.00",
    "充值券退款金额": "0.00",
    "商品名称": "tea",
    "手续费": "0.60000",
    "费率": "0.60%",
    "订单金额": "100.00",
    "申请退款金额": "0.00",
}
REFUNDED = PAID | {
    "交易状态": "REFUND",
    "应结订单金额": "0.00",
    "微信退款单号": "5030001",
    "商户退款单号": "RF1",
    "退款金额": "40.00",
    "退款状态": "SUCCESS",
    "手续费": "-0.24000",
    "订单金额": "0.00",
    "申请退款金额": "40.00",
}


def bill(
    *rows: dict[str, str], header: str = ALL, totals: str | None = None, end: str = "\r\n"
) -> bytes:
    names = header.split(",")
    lines = [header, *(",".join(f"`{row.get(name, '')}" for name in names) for row in rows)]
    if totals is not None:
        lines += [TOTALS, totals]
    return ("\ufeff" + end.join(lines) + end).encode()


def read(data: bytes, context: ReadContext | None = None) -> list[pl.DataFrame]:
    content = content_of(data, "bill.csv")
    provider, description = identify(content)
    kind = provider.kind(description.kind)
    reading = kind.read(content, context or ReadContext(None, "Asia/Shanghai"))
    return pl.collect_all([reading.lines, reading.rejects, reading.controls, reading.balances])


def test_a_payment_and_its_refund() -> None:
    lines, rejects, _, _ = read(bill(PAID, REFUNDED))
    assert rejects.height == 0
    payment, refund = lines.to_dicts()
    assert payment["line_id"] == "wechatpay:1600000001:payment:4200001"
    assert payment["occurred_at"] == datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    assert payment["business_date"] == date(2026, 11, 20)
    assert (payment["gross"], payment["fee"], payment["net"]) == (
        Decimal(100), Decimal("0.6"), Decimal("99.4"),
    )  # fmt: skip
    assert refund["line_id"] == "wechatpay:1600000001:refund:5030001"
    assert (refund["merchant_ref"], refund["parent_ref"]) == ("RF1", "SO1")
    assert (refund["txn_id"], refund["parent_txn_id"]) == ("5030001", "4200001")
    assert (refund["gross"], refund["fee"], refund["net"]) == (
        Decimal(-40), Decimal("-0.24"), Decimal("-39.76"),
    )  # fmt: skip


def test_a_bill_is_read_once_for_lines_rejects_and_totals() -> None:
    content = content_of(bill(PAID, REFUNDED), "bill.csv")
    provider, description = identify(content)
    context = ReadContext("1600000001", "Asia/Shanghai", one_day(date(2026, 11, 20)))
    reading = provider.kind(description.kind).read(content, context)
    plan = pl.explain_all([reading.lines, reading.rejects, reading.controls])
    assert plan.count("Csv SCAN") == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "goods", ["tea", "tea, green", "a,,b,c,d,e,f,g,h", "", "=1+1", "100%", '"']
)
def test_any_goods_name_is_one_cell(goods: str, end: str) -> None:
    lines, rejects, _, _ = read(bill(PAID | {"商品名称": goods}, end=end))
    assert rejects.height == 0
    assert lines["description"].to_list() == [goods]
    assert lines["fee"].to_list() == [Decimal("0.6")]


@pytest.mark.parametrize(
    ("state", "status"),
    [("SUCCESS", "succeeded"), ("PROCESSING", "pending"), ("FAIL", "failed"), ("CHANGE", "failed")],
)
def test_states_of_a_refund(state: str, status: str) -> None:
    assert read(bill(REFUNDED | {"退款状态": state}))[0]["status"].to_list() == [status]


@pytest.mark.parametrize(
    ("change", "field", "unmapped"),
    [
        ({"交易状态": "SUSPENDED"}, "交易状态", True),
        ({"交易状态": ""}, "交易状态", True),
        ({"货币种类": "JPY"}, "货币种类", False),
        ({"货币种类": "cny"}, "货币种类", False),
        ({"应结订单金额": "100.001"}, "应结订单金额", False),
        ({"应结订单金额": "1,00.00"}, "应结订单金额", False),
        ({"应结订单金额": ""}, "应结订单金额", False),
        ({"手续费": "0.60001"}, "手续费", False),
        ({"手续费": "1e3"}, "手续费", False),
        ({"交易时间": "2026-11-20"}, "交易时间", False),
        ({"交易时间": "2026-02-30 10:00:00"}, "交易时间", False),
        ({"微信订单号": ""}, "微信订单号", False),
        ({"商户号": "1600000002"}, "商户号", False),
        ({"交易时间": "2026-11-21 00:00:00"}, "交易时间", False),
    ],
    ids=str,
)
def test_a_row_that_is_off_is_rejected_with_its_line_number(
    change: dict[str, str], field: str, unmapped: bool
) -> None:
    context = ReadContext("1600000001", "Asia/Shanghai", one_day(date(2026, 11, 20)))
    lines, rejects, _, _ = read(bill(PAID, PAID | change, REFUNDED), context)
    assert lines["line_no"].to_list() == [2, 4]
    told = rejects.select("line_no", "field", "unmapped").row(0)
    assert (rejects.height, told) == (1, (3, field, unmapped))


def test_an_unknown_state_of_a_refund_is_unmapped() -> None:
    _, rejects, _, _ = read(bill(PAID, REFUNDED | {"退款状态": "HELD"}))
    assert rejects.select("field", "unmapped").row(0) == ("退款状态", True)


def test_rejected_rows_count_in_the_control_totals() -> None:
    strange = PAID | {"交易状态": "SUSPENDED"}
    data = bill(PAID, strange, totals="`2,`200.00,`0.00,`0.00,`1.20000,`200.00,`0.00")
    lines, rejects, controls, _ = read(data)
    assert (lines.height, rejects.height) == (1, 1)
    assert controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).height == 0


def test_a_bill_cut_at_a_row_boundary_states_nothing() -> None:
    whole = bill(PAID, REFUNDED, totals="`2,`100.00,`40.00,`0.00,`0.36000,`100.00,`40.00")
    cut = whole[: whole.index(TOTALS.encode())]
    assert read(cut)[2]["stated"].null_count() == read(cut)[2].height


def test_a_row_that_is_lost_shows_in_the_totals() -> None:
    data = bill(PAID, totals="`2,`200.00,`0.00,`0.00,`1.20000,`200.00,`0.00")
    off = read(data)[2].filter(pl.col("stated") != pl.col("computed"))
    assert set(off["name"]) == {"总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"}


def test_a_row_cut_in_the_middle_is_rejected() -> None:
    lines = bill(PAID, REFUNDED).split(b"\r\n")
    lines[1] = lines[1][:80]
    good, rejects, _, _ = read(b"\r\n".join(lines))
    assert good["line_no"].to_list() == [3]
    assert rejects["line_no"].to_list() == [2]


def test_a_day_without_trades_has_no_lines_and_ties() -> None:
    lines, rejects, controls, _ = read(bill(totals="`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"))
    assert (lines.height, rejects.height) == (0, 0)
    assert controls.filter(pl.col("stated").ne_missing(pl.col("computed"))).height == 0


def test_columns_are_found_by_name() -> None:
    names = ALL.split(",")
    moved = ",".join([names[0], *names[2:12], names[1], "新列", *names[12:]])
    lines, rejects, _, _ = read(bill(PAID, REFUNDED, header=moved))
    assert rejects.height == 0
    assert lines["gross"].to_list() == [Decimal(100), Decimal(-40)]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StatementError, match="手续费"):
        read(bill(PAID, header=ALL.replace(",手续费", "")))


def test_a_refund_bill_takes_the_time_of_the_refund() -> None:
    header = ALL.replace(",微信退款单号", ",退款申请时间,退款成功时间,微信退款单号")
    row = REFUNDED | {"交易时间": "2026-11-18 09:00:00", "退款申请时间": "2026-11-20 23:59:59"}
    done = row | {"退款成功时间": "2026-11-21 00:00:01"}
    lines = read(bill(row, done, header=header))[0]
    assert lines["business_date"].to_list() == [date(2026, 11, 20), date(2026, 11, 21)]


FLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)


def flow(*rows: tuple[str, str, str, str, str]) -> bytes:
    """Rows of (time, type, direction, amount, balance)."""
    cells = [
        f"`2026-11-20 {time},`T{n},`F{n},`{kind},`{kind},`{way},`{amount},`{balance},`,`note,`V{n}"
        for n, (time, kind, way, amount, balance) in enumerate(rows)
    ]
    return "\r\n".join([FLOW, *cells, ""]).encode()


MOVED = [
    ("10:00:00", "交易", "收入", "100.00", "150.00"),
    ("10:00:00", "扣除交易手续费", "支出", "0.60", "149.40"),
    ("10:00:01", "退款", "支出", "40.00", "109.40"),
    ("23:00:00", "提现", "支出", "59.40", "50.00"),
]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]])
def test_balances_do_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    lines, rejects, _, balances = read(flow(*(MOVED[place] for place in order)))
    assert rejects.height == 0
    assert lines["gross"].sum() == Decimal(0)
    assert balances.rows() == [("CNY", Decimal(50), Decimal(50))]
    partly = read(flow(*(MOVED[place] for place in order if place < 3)))[3]
    assert partly.rows() == [("CNY", Decimal(50), Decimal("109.4"))]


# ---------------------------------------------------------------------------- service providers

DAY = date(2026, 11, 20)
OF_PROVIDER = [  # 1510 is the service provider; 1, 2 and 3 are its sub-merchants
    PAID | {"商户号": "1510", "特约商户号": whose, "微信订单号": f"42{whose}"} for whose in "123"
]


@pytest.mark.parametrize(
    ("accounts", "owners"),
    [
        (["1510"], {"1510": "123"}),  # one account of all that the provider does
        (["1", "2", "3"], {"1": "1", "2": "2", "3": "3"}),
        (["1", "1510"], {"1": "1", "1510": "23"}),
    ],
)
def test_rows_of_sub_merchants_go_to_the_account_that_is_configured(
    accounts: list[str], owners: dict[str, str]
) -> None:
    data = bill(*OF_PROVIDER, totals="`3,`300.00,`0.00,`0.00,`1.80000,`300.00,`0.00")
    content = content_of(data, "bill.csv")
    provider, description = identify(content)
    kind = provider.kind(description.kind)
    assert kind.places is not None
    every = kind.places(content, ReadContext(None, "Asia/Shanghai"))
    assert every == {Place(account, DAY) for account in ("1510", "1", "2", "3")}
    for account, subs in owners.items():
        elsewhere = frozenset(Place(one, DAY) for one in accounts if one != account)
        context = ReadContext(account, "Asia/Shanghai", one_day(DAY), elsewhere)
        lines, rejects, controls, _ = read(data, context)
        assert lines["line_id"].to_list() == [
            f"wechatpay:{account}:payment:42{whose}" for whose in subs
        ]
        assert rejects.height == 0
        assert controls.filter(pl.col("stated") != pl.col("computed")).height == 0


def test_a_sub_merchant_that_is_not_configured_is_nobodys() -> None:
    elsewhere = frozenset({Place("2", DAY)})
    lines, rejects, _, _ = read(
        bill(*OF_PROVIDER), ReadContext("1", "Asia/Shanghai", one_day(DAY), elsewhere)
    )
    assert lines["account"].to_list() == ["1"]
    assert rejects.select("line_no", "reason").rows() == [(4, "not account 1")]


def test_without_a_configuration_rows_are_of_their_sub_merchant() -> None:
    lines, _, _, _ = read(bill(*OF_PROVIDER))
    assert lines["account"].to_list() == ["1", "2", "3"]


def test_the_bill_of_a_merchant_of_its_own_is_looked_through_by_nobody() -> None:
    content = content_of(bill(PAID | {"特约商户号": "0"}), "bill.csv")
    provider, description = identify(content)
    places = provider.kind(description.kind).places
    assert places is not None
    assert places(content, ReadContext(None, "Asia/Shanghai")) == frozenset()


def test_a_service_provider_asks_for_a_sub_merchant_in_its_own_name() -> None:
    _, pem, _ = private_key()
    secrets = {"merchant_id": "1510", "serial_no": "S", "private_key": pem}
    now, nonce = lambda: datetime.now(UTC), lambda: "nonce"
    order = Order("1", DAY, "trade_all", "https://api", secrets, now, nonce)
    request = next(fetch(order))
    assert (
        request.url
        == "https://api/v3/bill/tradebill?bill_date=2026-11-20&bill_type=ALL&sub_mchid=1"
    )
    with pytest.raises(UserError, match=r"take fund_flow out of account\.statements"):
        next(fetch(replace(order, statement="fund_flow")))
    own = next(fetch(replace(order, account="1510")))
    assert "sub_mchid" not in own.url


def test_an_unknown_movement_is_unmapped() -> None:
    _, rejects, _, _ = read(flow(("10:00:00", "彩票", "支出", "1.00", "9.00")))
    assert rejects.select("field", "unmapped").row(0) == ("业务类型", True)


def real(name: str) -> bytes:
    path = SHARED / name
    if not path.exists():
        assert os.environ.get("CI") != "true", f"{path} is missing"
        pytest.skip("the real statements are not here")
    return path.read_bytes()


# Name, lines, sum of gross, sum of fees, whether its control totals tie (rows were cut in some).
REAL = [
    ("wechat_v3_tradebill_ALL_2021-01-28.csv", 3, "0.03", "0", True),
    ("wechat_v2_downloadbill_SUCCESS_2019-11-04.bom.crlf.csv", 5, "0.05", "0", True),
    ("wechat_v2_downloadbill_ALL_2018-05-07_realfees_oldheader.csv", 10, "2400.07", "14.4", True),
    ("wechat_v2_downloadbill_ALL_2018-08-21_refunds_oldheader.csv", 3, "-0.03", "0", True),
    ("wechat_tradebill_REFUND_2020-04-01_onerow_feereturn.csv", 1, "-260", "-1.56", False),
    ("wxjava_fixture_REFUND_anonymised_rowstruncated.csv", 1, "-0.01", "0", False),
    ("wechat_v3_fundflowbill_BASIC_2021-02-01_rows_truncated.csv", 2, "-0.02", "0", False),
]


@pytest.mark.parametrize(("name", "count", "gross", "fee", "ties"), REAL, ids=[r[0] for r in REAL])
def test_real_statements(name: str, count: int, gross: str, fee: str, ties: bool) -> None:
    lines, rejects, controls, _ = read(real(name))
    assert (lines.height, rejects.height) == (count, 0)
    assert (lines["gross"].sum(), lines["fee"].sum()) == (Decimal(gross), Decimal(fee))
    off = controls.filter(pl.col("stated").ne_missing(pl.col("computed")))
    assert (off.height == 0) is ties


def test_the_byte_exact_sample_is_the_one_the_provider_hashed() -> None:
    digest = hashlib.sha1(real("wechat_v3_tradebill_ALL_2021-01-28.csv"), usedforsecurity=False)
    assert digest.hexdigest() == "dcd7ceb3d382a1181798368bb15d8437de46c00f"
