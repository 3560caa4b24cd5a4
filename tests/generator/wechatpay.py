"""A day at WeChat Pay: payments, refunds of them and of earlier ones, and a withdrawal."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from tests.generator import movements as shape
from tests.generator import tariffs
from tests.generator.amounts import hundredths_of
from tests.generator.movements import Block
from tests.generator.randomness import digits
from tests.generator.spec import DaySpec

_METHODS = {"JSAPI": 40, "NATIVE": 33, "APP": 15, "MICROPAY": 12}
_BANKS = {"OTHERS": 4, "CFT": 3, "ICBC_DEBIT": 2, "CMB_CREDIT": 2, "CCB_DEBIT": 1, "BOC_DEBIT": 1}
# Some hold a comma, some start like a formula: both are what real shops sell.
_GOODS = {
    "有机绿茶礼盒": 9,
    "儿童绘本·月亮的故事": 9,
    "手冲咖啡壶": 8,
    "纯棉浴巾": 8,
    "咖啡豆,中度烘焙,250g": 4,
    "门店消费": 8,
    "=限时特价=保温杯": 2,
    "+1 延保服务": 1,
    "-20℃冷藏包": 1,
    "@home 香薰蜡烛": 1,
    "USB-C 充电线 1m": 5,
}
_CENTS = {"0": 5, "50": 2, "80": 2, "90": 3, "99": 3, "37": 1, "64": 1, "5": 1}
_COUPON = 500
_OPENS, _CLOSES = 8 * 3600, 23 * 3600 + 1800  # hours in which people shop
_WITHDRAWN_AT = 7 * 3600 + 12 * 60


def movements(spec: DaySpec) -> pl.DataFrame:
    """All movements of the day (MOVEMENT)."""
    rows = spec.rows
    twice, once, earlier = (shape.share_of(rows, percent) for percent in (1, 3, 2))
    special = shape.planted_payments(spec)
    refund_plants = shape.planted_refunds(spec)
    carried = Block("line_of_yesterday", spec.carry_in // 2)
    midnight = shape.midnight_blocks(spec.carry_out)
    over_refunded = Block("over refunded", spec.planted("over_refund"))
    split = 2 * (once + spec.planted("split_incomplete"))  # a part is a line
    other_rows = shape.statement_rows([*special, *refund_plants, carried, *midnight])
    other_rows += 2 * over_refunded.count + split
    refund_rows = 2 * twice + once + earlier
    blocks = [
        Block("plain", shape.plain_count(spec, other_rows + refund_rows + twice + once)),
        Block("refunded", once),
        Block("refunded twice", twice),
        Block("captured", once),
        over_refunded,
        *special,
    ]
    paid = payments(spec, 0, shape.numbered(blocks))
    parts = [
        paid.with_columns(role=pl.col("role").replace("over refunded", "plain")),
        _parts(spec, paid),
        _same_day_refunds(spec, paid),
        _earlier_refunds(spec, earlier),
        _planted_refunds(spec, refund_plants),
        _midnight(spec),
        _withdrawal(spec),
    ]
    return pl.concat([shape.conform(part) for part in parts])


def payments(spec: DaySpec, offset: int, numbers: pl.DataFrame) -> pl.DataFrame:
    """Payments of this day or of one `offset` days away: each depends on its number alone."""
    stream = spec.stream(offset, "payment")
    date = spec.day(offset).strftime("%Y%m%d")
    serial = stream.serial("id", pl.col("number"), factor=7_390_815_241, modulus=10**10)
    order = stream.serial("order", pl.col("source"), factor=61_803_399, modulus=10**8)
    rows = numbers.with_columns(
        kind=pl.lit("payment"),
        currency=pl.lit("CNY"),
        seconds=stream.between("seconds", _OPENS, _CLOSES),
        txn_id=pl.concat_str(
            pl.lit("420000"),
            digits(stream.below("machine", 10_000), 4),
            pl.lit(date),
            digits(serial, 10),
        ),
        merchant_ref=pl.concat_str([pl.lit(f"SO{date}"), digits(order, 8)]),
        payment_method=stream.choose("method", _METHODS, of="source"),
        amount=_price(spec, offset) + pl.when(role="plain").then(0).otherwise(1_000),
        description=stream.choose("goods", _GOODS),
        payer=pl.concat_str([pl.lit("oDEMO"), digits(stream.below("payer", 10**15), 23)]),
        bank=stream.choose("bank", _BANKS),
    ).with_columns(
        coupon=pl.when(
            (stream.below("coupon", 40) == 0) & (pl.col("amount") > 4 * _COUPON)
        ).then(_COUPON).otherwise(0)
    )  # fmt: skip
    return _with_fees(spec, rows)


def _parts(spec: DaySpec, paid: pl.DataFrame) -> pl.DataFrame:
    """The captures of orders in parts, each with an id and a fee of its own."""
    parts = shape.parts_of(paid, 60_000_000).with_columns(
        coupon=pl.lit(0), txn_id=pl.col("txn_id").str.head(-10) + digits(pl.col("number"), 10)
    )
    return _with_fees(spec, parts)


def _price(spec: DaySpec, offset: int) -> pl.Expr:
    """Mostly small baskets, some large, and a few so small that their fee rounds to nothing."""
    stream = spec.stream(offset, "price")
    tier = stream.below("tier", 100, of="source")
    cents = stream.choose("cents", _CENTS, of="source").cast(pl.Int64)

    def yuan(low: int, high: int) -> pl.Expr:
        return stream.between(f"from {low}", low, high, of="source") * 100 + cents

    return (
        pl.when(tier < 2)
        .then(stream.between("tiny", 1, 83, of="source"))
        .when(tier < 60)
        .then(yuan(5, 120))
        .when(tier < 90)
        .then(yuan(120, 900))
        .when(tier < 99)
        .then(yuan(900, 6_000))
        .otherwise(yuan(6_000, 30_000))
    )


def _with_fees(spec: DaySpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Expected and charged fee; a planted variance is another rate, or one fen of rounding."""
    choices = tariffs.tariffs(spec.provider, spec.account, "tariff", spec.business_date)
    one_percent = tuple(replace(row, parts_per_million=10_000) for row in choices)
    varies = pl.col("role") == "fee_variance"
    other_rate = varies & (pl.col("variant") % 2 == 0)
    size, sign = pl.col("amount").abs(), pl.col("amount").sign()
    charged = (
        pl.when(other_rate)
        .then(tariffs.fee(one_percent, size))
        .when(varies)
        .then(tariffs.fee(choices, size) + 1)
        .otherwise(tariffs.fee(choices, size))
    )
    return rows.with_columns(
        expected_fee=tariffs.fee(choices, size) * sign,
        fee=charged * sign,
        code=pl.when(other_rate)
        .then(tariffs.rate(one_percent))
        .otherwise(tariffs.rate(choices)),
    )  # fmt: skip


def _refunds(
    spec: DaySpec, parents: pl.DataFrame, first: int, share: pl.Expr, earliest: pl.Expr
) -> pl.DataFrame:
    """One refund a parent. `share`: percent of the payment; `earliest`: second from which it comes.

    Only a full refund gives a coupon back.
    """
    stream = spec.stream(0, "refund")
    date = spec.business_date.strftime("%Y%m%d")
    serial = stream.serial("id", pl.col("number"), factor=51_604_718_237, modulus=10**11)
    order = stream.serial("order", pl.col("number"), factor=38_196_601, modulus=10**8)
    seconds = earliest + stream.below("wait", 3600 * 24) % (_CLOSES + 600 - earliest)
    rows = (
        parents.with_columns(number=pl.int_range(pl.len()) + first)
        .with_columns(share=share)
        .select(
            "role", "variant", "number", "payment_method", "currency", "description", "payer",
            "bank",
            kind=pl.lit("refund"),
            seconds=seconds,
            txn_id=pl.concat_str(
                pl.lit("503000"),
                digits(stream.below("machine", 10_000), 4),
                pl.lit(date),
                digits(serial, 11),
            ),
            merchant_ref=pl.concat_str([pl.lit(f"RF{date}"), digits(order, 8)]),
            parent_txn_id="txn_id",
            parent_ref="merchant_ref",
            amount=-shape.refund_amount(pl.col("share")),
            coupon=pl.when(share=100).then("coupon").otherwise(0),
        )
    )  # fmt: skip
    return _with_fees(spec, rows)


def _same_day_refunds(spec: DaySpec, paid: pl.DataFrame) -> pl.DataFrame:
    """Of today's payments; some have two partial refunds, which are never equal."""
    stream = spec.stream(0, "refund share")
    plain = pl.lit("plain")
    once = paid.filter(role="refunded").with_columns(role=plain)
    twice = paid.filter(role="refunded twice").with_columns(role=plain)
    over = paid.filter(role="over refunded").with_columns(role=pl.lit("over_refund"))
    after = pl.col("seconds") + 60
    shares: Sequence[tuple[pl.DataFrame, pl.Expr]] = (
        (
            once,
            pl.when(stream.below("whole", 2) == 0).then(100).otherwise(stream.between("a", 20, 90)),
        ),
        (twice, stream.between("b", 20, 40)),
        (twice, stream.between("c", 45, 60)),
        (over, pl.lit(200)),
    )
    made, first = [], 0
    for parents, share in shares:
        made.append(_refunds(spec, parents, first, share, after))
        first += parents.height
    return pl.concat(made)


def _earlier_refunds(spec: DaySpec, count: int) -> pl.DataFrame:
    """Of the first payments of yesterday, which are plain ones whatever was planted there."""
    parents = payments(spec, -1, shape.numbered([Block("plain", count)]))
    stream = spec.stream(0, "earlier share")
    share = pl.when(stream.below("whole", 2) == 0).then(100).otherwise(stream.between("a", 30, 80))
    return _refunds(spec, parents, 20_000_000, share, pl.lit(_OPENS))


def _planted_refunds(spec: DaySpec, blocks: Sequence[Block]) -> pl.DataFrame:
    """Full refunds of payments of weeks ago."""
    parents = payments(spec, shape.OLD_DAYS, shape.numbered(blocks, shape.OLD))
    return _refunds(spec, parents, 30_000_000, pl.lit(100), pl.lit(_OPENS))


def _midnight(spec: DaySpec) -> pl.DataFrame:
    """Those of tonight, and the other sides of last night's."""
    tonight = shape.numbered(shape.midnight_blocks(spec.carry_out), shape.AT_MIDNIGHT)
    last_night = shape.numbered(shape.midnight_blocks(spec.carry_in), shape.AT_MIDNIGHT)
    late = shape.LAST_SECOND - pl.col("variant") % 50
    return pl.concat(
        [
            payments(spec, 0, tonight).with_columns(seconds=late),
            shape.carried_in(payments(spec, -1, last_night)),
        ]
    )


def _withdrawal(spec: DaySpec) -> pl.DataFrame:
    """Four fifths of the opening balance go to the bank in the morning, in whole yuan."""
    amount = hundredths_of(spec.opening["CNY"]) * 8 // 10 // 100 * 100
    if not spec.with_fund_flow or amount <= 0:
        return pl.DataFrame(schema=shape.MOVEMENT)
    date = spec.business_date.strftime("%Y%m%d")
    return pl.DataFrame(
        {
            "role": "plain",
            "variant": 0,
            "number": 0,
            "kind": "withdrawal",
            "seconds": _WITHDRAWN_AT,
            "txn_id": f"{spec.account}{date}0000000001",
            "merchant_ref": f"WD{date}01",
            "payment_method": "balance",
            "currency": "CNY",
            "amount": -amount,
            "fee": 0,
            "expected_fee": 0,
        }
    )
