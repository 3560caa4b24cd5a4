"""Alipay: business bill and account bill of three days, with their summaries, in GBK."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.generator import book
from tests.generator.book import Movement, Rate, Trade
from tests.generator.sources import DAYS, SampleSet

_ACCOUNT = "20889990001234560156"
_ZONE = "Asia/Shanghai"
_RATE = Rate(Decimal("0.6"), Decimal(0))
_OPENING = Decimal("20000.00")
_TRADE_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_ACCOUNT_HEADER = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,"
    "账户余额（元）,交易渠道,业务类型,备注"
)
_SUMMARY_HEADER = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,"
    "商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)


def _new_id(random: Random, kind: str) -> str:
    return "20261118220014" + "".join(str(random.randrange(10)) for _ in range(14))


def samples() -> SampleSet:
    random = book.random_of("alipay")
    trade = Trade("alipay", {"CNY": _RATE}, ("",), _new_id, order_prefix="AL")
    sold = [_as_alipay_has_it(one) for one in trade.movements(random)]
    movements = book.planted(sold, book.PLANTS)
    withdrawal = Movement(DAYS[1], 79_000, "withdrawal", "CNY", Decimal("-15000.00"), Decimal(0),
                          "2026111900032001", "WD-20261119")  # fmt: skip
    files: dict[str, tuple[bytes, int]] = {}
    balance = _OPENING
    for day in DAYS:
        there = [one for one in movements if one.day == day and one.is_on_statement]
        moved = [*there, *([withdrawal] if day == withdrawal.day else [])]
        name = f"{_ACCOUNT}_{day:%Y%m%d}"
        files[f"{name}_trade_detail.csv"] = _business_bill(there, day), len(there)
        files[f"{name}_trade_summary.csv"] = _summary(there, day), 0
        bill, rows, balance = _account_bill(moved, day, balance)
        files[f"{name}_account_detail.csv"] = bill, rows
    described = {
        "*_trade_detail.csv": "Alipay business bills (业务明细), GBK as they come out of the zip",
        "*_trade_summary.csv": "their summaries (业务明细汇总)",
        "*_account_detail.csv": "Alipay account bills (账务明细) of the same days",
    }
    every = [*movements, withdrawal]
    return book.sample_set("alipay", _ACCOUNT, _ZONE, every, files, described)


def _as_alipay_has_it(one: Movement) -> Movement:
    """A refund has no number of its own, and returns the fee."""
    if one.kind == "payment":
        return replace(one, method=None)
    fee = -book.cents(-one.amount * _RATE.percent / 100)
    return replace(one, method=None, fee=fee, txn_id=None)


def _bill(title: str, day: date, mark: str, lines: Sequence[str], footer: Sequence[str]) -> bytes:
    after = day + timedelta(days=1)
    head = [
        f"#{title}",
        f"#账号：[{_ACCOUNT}]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{after:%Y年%m月%d日} 00:00:00]",
        f"#{mark:-^90}",
    ]
    tail = [f"#{mark + '结束':-^90}", *footer, f"#导出时间：[{after:%Y年%m月%d日} 09:01:19]"]
    return ("\r\n".join([*head, *lines, *tail]) + "\r\n").encode("gbk")


def _business_bill(movements: Sequence[Movement], day: date) -> bytes:
    rows = []
    for one in movements:
        refund = one.kind == "refund"
        numbers = (one.parent_txn_id, one.parent_ref) if refund else (one.txn_id, one.merchant_ref)
        moment = f"{one.local():%Y-%m-%d %H:%M:%S}"
        request = one.merchant_ref if refund else ""
        cells = [f"{numbers[0]}\t", f"{numbers[1]}\t", f"{'退款' if refund else '交易'}\t",
                 "咖啡豆 (一公斤)", moment, moment, "\t", "\t", "\t", "\t", "**明(138******00)\t",
                 f"{one.amount}", f"{one.amount}", "0.00", "0.00", "0.00", "0.00", "0.00", "",
                 "0.00\t", "0.00", f"{request}\t", f"{-one.charged}", "0.00", ""]  # fmt: skip
        rows.append(",".join(cells))
    footer = []
    for kind, name, paid in (("payment", "交易", "商家实收"), ("refund", "退款", "商家实收退款")):
        of_kind = [one for one in movements if one.kind == kind]
        total = sum((one.amount for one in of_kind), Decimal("0.00"))
        discount = "商家优惠" if kind == "payment" else "商家优惠退款"
        footer.append(f"#{name}合计：{len(of_kind)}笔，{paid}共{total}元，{discount}共0.00元")
    return _bill("支付宝业务明细查询", day, "业务明细列表", [_TRADE_HEADER, *rows], footer)


def _summary(movements: Sequence[Movement], day: date) -> bytes:
    counts = [sum(one.kind == kind for one in movements) for kind in ("payment", "refund")]
    amount = sum((one.amount for one in movements), Decimal("0.00"))
    fees = -sum((one.charged for one in movements), Decimal("0.00"))
    cells = [*map(str, counts), f"{amount}", f"{amount}", "0.00", "0.00", "0.00", f"{fees}",
             "0.00", f"{amount + fees}"]  # fmt: skip
    lines = [_SUMMARY_HEADER, ",".join(["\t", "\t", *cells]), ",".join(["合计", "", *cells])]
    return _bill("支付宝业务汇总查询", day, "业务明细(汇总)列表", lines, [])


def _account_bill(
    movements: Sequence[Movement], day: date, balance: Decimal
) -> tuple[bytes, int, Decimal]:
    """Newest first, as Alipay lists them; every fee is a movement of its own."""
    types = {"payment": "在线支付", "refund": "交易退款", "withdrawal": "提现"}
    moved: list[tuple[Movement, str, Decimal]] = []
    for one in sorted(movements, key=lambda one: one.second):
        moved.append((one, types[one.kind], one.amount))
        if one.charged:
            moved.append((one, "收费", -one.charged))
    rows, received, spent = [], [], []
    for number, (one, type_, amount) in enumerate(moved, start=1):
        balance += amount
        (received if amount > 0 else spent).append(abs(amount))
        income, expense = (amount, "0.00") if amount > 0 else ("0.00", amount)
        reference = one.merchant_ref or ""
        cells = [f"{day:%y%m%d}{number:08}\t", f"{one.txn_id or one.parent_txn_id}\t",
                 f"{reference}\t", "咖啡豆\t", f"{one.local():%Y-%m-%d %H:%M:%S}",
                 "*明 (138****0000)\t", f"{income}", f"{expense}", f"{balance}", "支付宝", type_,
                 ""]  # fmt: skip
        rows.append(",".join(cells))
    footer = [
        f"#支出合计：{len(spent)}笔，共{sum(spent, Decimal('0.00'))}元",
        f"#收入合计：{len(received)}笔，共{sum(received, Decimal('0.00'))}元",
    ]
    lines = [_ACCOUNT_HEADER, *reversed(rows)]
    return _bill("支付宝账务明细查询", day, "账务明细列表", lines, footer), len(rows), balance
