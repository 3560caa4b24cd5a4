"""A day at PayPal: payments in three currencies and all that can follow from one."""

from collections.abc import Sequence

import polars as pl

from tests.generator import amounts, rates, tariffs
from tests.generator import movements as shape
from tests.generator.amounts import hundredths_of
from tests.generator.movements import Block
from tests.generator.randomness import digits, letters
from tests.generator.spec import DaySpec

_CURRENCIES = {"USD": 60, "EUR": 28, "JPY": 12}
_CODES = {"T0006": 15, "T0007": 4, "T0013": 1}
_CUSTOM = {"": 12, "web": 5, 'app, "autumn" campaign': 2, "=cmd": 1}
_CENTS = {"0": 4, "50": 2, "95": 3, "99": 4, "25": 1, "5": 1}
_FAMILY = {  # keeps transaction ids of different kinds apart
    "payment": 0, "refund": 1, "chargeback": 2, "chargeback_reversal": 3, "fee": 4,
    "conversion": 5, "withdrawal": 6, "reserve_hold": 7, "reserve_release": 8,
}  # fmt: skip
_DISPUTE_FEE = 2_000
_WRONG_RATE = 15_000  # parts per million above the tariff: 1.5%
_WRONG_WITHDRAWAL_CHARGE = 500
UNKNOWN_CODE = "T7777"  # no such event code is documented


def movements(spec: DaySpec) -> pl.DataFrame:
    """All movements of the day (MOVEMENT)."""
    rows = spec.rows
    once, earlier = shape.share_of(rows, 3), shape.share_of(rows, 2)
    converted = shape.share_of(rows, 2)
    special = shape.planted_payments(spec)
    refund_plants = [*shape.planted_refunds(spec), *_planted(spec, "refund_unlinked")]
    over_refunded = Block("over refunded", spec.planted("over_refund"))
    poorly = Block("converted poorly", spec.planted("fx_variance"))
    others = [
        pl.concat([shape.conform(part) for part in parts])
        for parts in (_disputes(spec), _holds(spec), [_withdrawals(spec), *_midnight(spec)])
    ]
    other_rows = shape.statement_rows([*special, *refund_plants])
    other_rows += sum(shape.lines_of(part).height for part in others)
    other_rows += 2 * once + earlier + 3 * (converted + poorly.count)
    other_rows += 2 * (over_refunded.count + once + spec.planted("split_incomplete"))
    blocks = [
        Block("plain", shape.plain_count(spec, other_rows)),
        Block("refunded", once),
        Block("converted", converted),
        Block("captured", once),
        over_refunded,
        poorly,
        *special,
    ]
    paid = payments(spec, 0, shape.numbered(blocks))
    parts = [
        paid.with_columns(
            role=pl.col("role").replace(["over refunded", "converted poorly"], "plain")
        ),
        _parts(spec, paid),
        _same_day_refunds(spec, paid),
        _earlier_refunds(spec, earlier),
        _planted_refunds(spec, refund_plants),
        _conversions(spec, paid.filter(role="converted")),
        _conversions(spec, paid.filter(role="converted poorly"), loss_percent=6),
        *others,
    ]
    return pl.concat([shape.conform(part) for part in parts])


def _planted(spec: DaySpec, name: str) -> list[Block]:
    return [Block(name, spec.planted(name))]


def _txn_id(spec: DaySpec, offset: int, kind: str) -> pl.Expr:
    """17 letters and digits: ten of the row's own random bits, seven of its number, so unique."""
    family = _FAMILY[kind] * 10**8
    stream = spec.stream(offset, "transaction id")
    number = pl.col("number") + family
    serial = stream.serial("serial", number, factor=8_866_284_731, modulus=32**7)
    random = letters(stream.bits(kind), 10)
    return pl.concat_str([random, letters(serial, 7)])


def payments(spec: DaySpec, offset: int, numbers: pl.DataFrame) -> pl.DataFrame:
    """Payments of this day or of one `offset` days away: each depends on its number alone."""
    stream = spec.stream(offset, "payment")
    date = spec.day(offset).strftime("%Y%m%d")
    order = stream.serial("order", pl.col("source"), factor=61_803_399, modulus=10**8)
    chosen = stream.choose("currency", _CURRENCIES, of="source")
    cents = stream.choose("cents", _CENTS, of="source").cast(pl.Int64)
    yen = stream.between("yen", 5, 300, of="source") * 10_000
    is_yen = pl.col("currency") == "JPY"
    rows = (
        numbers.with_columns(
            kind=pl.lit("payment"),
            currency=pl.when(pl.col("role").str.starts_with("converted"))
            .then(pl.lit("EUR"))
            .otherwise(chosen),
            seconds=stream.between("seconds", 60, 86_000),
            txn_id=_txn_id(spec, offset, "payment"),
            merchant_ref=pl.concat_str([pl.lit(f"WEB-{date}-"), digits(order, 8)]),
            payment_method=pl.lit("paypal"),
            code=pl.when(role="unmapped_row")
            .then(pl.lit(UNKNOWN_CODE))
            .otherwise(stream.choose("code", _CODES)),
            description=stream.choose("custom", _CUSTOM),
            payer=pl.concat_str([pl.lit("DEMO"), letters(stream.bits("payer"), 9)]),
        )
        .with_columns(
            amount=pl.when(is_yen)
            .then(yen)
            .otherwise(stream.between("units", 5, 400, of="source") * 100 + cents)
        )
        .with_columns(
            amount=pl.col("amount")
            + pl.when(role="plain").then(0).when(is_yen).then(50_000).otherwise(1_000)
        )
    )
    return _with_payment_fees(spec, rows)


def _parts(spec: DaySpec, paid: pl.DataFrame) -> pl.DataFrame:
    """The captures of orders in parts, each with an id and a fee of its own."""
    parts = shape.parts_of(paid, 60_000_000)
    return _with_payment_fees(
        spec, parts.with_columns(txn_id=_txn_id(spec, 0, "payment"), seconds=pl.col("seconds") + 30)
    )


def _with_payment_fees(spec: DaySpec, rows: pl.DataFrame) -> pl.DataFrame:
    """A planted variance is a rate 1.5% too high, or the smallest amount of rounding."""
    choices = tariffs.tariffs(spec.provider, spec.account, "tariff", spec.business_date)
    expected = tariffs.fee(choices, pl.col("amount"))
    varies, odd = pl.col("role") == "fee_variance", pl.col("variant") % 2 == 1
    return rows.with_columns(
        expected_fee=expected,
        fee=pl.when(varies & odd)
        .then(expected + amounts.smallest(pl.col("currency")))
        .when(varies)
        .then(tariffs.fee(choices, pl.col("amount"), _WRONG_RATE))
        .otherwise(expected),
    )


def _follow_up(
    spec: DaySpec, parents: pl.DataFrame, kind: str, code: str, first: int = 0
) -> pl.DataFrame:
    """A movement of another kind for each payment, with links to it, its amount, and no fee."""
    stream = spec.stream(0, kind)
    return parents.with_columns(
        number=pl.int_range(pl.len()) + first,
        kind=pl.lit(kind),
        code=pl.lit(code),
        parent_txn_id="txn_id",
        parent_ref="merchant_ref",
        merchant_ref=pl.lit(None, dtype=pl.String),
        description=pl.lit(""),
        fee=pl.lit(0),
        expected_fee=pl.lit(0),
    ).with_columns(
        txn_id=_txn_id(spec, 0, kind), seconds=stream.between("seconds", 60, 86_000)
    )  # fmt: skip


def _refunds(spec: DaySpec, parents: pl.DataFrame, first: int, share: pl.Expr) -> pl.DataFrame:
    """PayPal keeps the fee of a refunded payment. Our refund number is not on the statement."""
    date = spec.business_date.strftime("%Y%m%d")
    stream = spec.stream(0, "refund")
    order = stream.serial("order", pl.col("number"), factor=38_196_601, modulus=10**8)
    return (
        _follow_up(spec, parents, "refund", "T1107", first)
        .with_columns(share=share)
        .with_columns(
            merchant_ref=pl.concat_str([pl.lit(f"RFD-{date}-"), digits(order, 8)]),
            amount=-shape.refund_amount(pl.col("share")),
        )
    )


def _same_day_refunds(spec: DaySpec, paid: pl.DataFrame) -> pl.DataFrame:
    stream = spec.stream(0, "refund share")
    is_over = pl.col("role") == "over refunded"
    parents = paid.filter(pl.col("role").is_in(["refunded", "over refunded"])).with_columns(
        role=pl.when(is_over).then(pl.lit("over_refund")).otherwise(pl.lit("plain"))
    )
    share = (
        pl.when(role="over_refund")
        .then(200)
        .when(stream.below("whole", 2) == 0)
        .then(100)
        .otherwise(stream.between("a", 20, 90))
    )
    wait = stream.below("wait", 86_400) % (86_300 - pl.col("paid_at")) + 60
    return (
        _refunds(spec, parents.with_columns(paid_at="seconds"), 0, share)
        .with_columns(seconds=pl.col("paid_at") + wait)
    )  # fmt: skip


def _earlier_refunds(spec: DaySpec, count: int) -> pl.DataFrame:
    """Of the first payments of yesterday, which are plain ones whatever was planted there."""
    parents = payments(spec, -1, shape.numbered([Block("plain", count)]))
    stream = spec.stream(0, "earlier share")
    share = pl.when(stream.below("whole", 2) == 0).then(100).otherwise(stream.between("a", 30, 80))
    return _refunds(spec, parents, 20_000_000, share)


def _planted_refunds(spec: DaySpec, blocks: Sequence[Block]) -> pl.DataFrame:
    """Full refunds of payments of weeks ago; the unlinked ones say nothing about their payment."""
    parents = payments(spec, shape.OLD_DAYS, shape.numbered(blocks, shape.OLD))
    made = _refunds(spec, parents, 30_000_000, pl.lit(100))
    unlinked = pl.col("role") == "refund_unlinked"
    return made.with_columns(
        pl.when(~unlinked).then(name).alias(name)
        for name in ("merchant_ref", "parent_txn_id", "parent_ref")
    )


def _old_payments(spec: DaySpec, blocks: Sequence[Block], first: int) -> pl.DataFrame:
    return payments(spec, shape.OLD_DAYS, shape.numbered(blocks, shape.OLD + first))


def _disputes(spec: DaySpec) -> list[pl.DataFrame]:
    """Chargebacks of old payments, each with the row of its fee, and some that we won.

    A chargeback the ledger does not know of has no fee row, or that would be missing as well.
    """
    count = max(spec.rows // 300, 1 if spec.rows >= 40 else 0)
    blocks = [Block("plain", count), *_planted(spec, "chargeback_unrecorded")]
    parents = _old_payments(spec, blocks, 1_000_000)
    lost = _follow_up(spec, parents, "chargeback", "T1201").with_columns(amount=-pl.col("amount"))
    charged = lost.filter(role="plain").with_columns(merchant_ref="parent_ref", at="seconds")
    fees = _follow_up(spec, charged, "fee", "T0106").with_columns(
        seconds="at", currency=pl.lit("USD"), amount=pl.lit(-_DISPUTE_FEE)
    )
    won = _old_payments(spec, [Block("plain", (count + 1) // 2)], 2_000_000)
    return [
        lost,
        fees,
        _follow_up(spec, won, "chargeback_reversal", "T1202"),
    ]


def _holds(spec: DaySpec) -> list[pl.DataFrame]:
    """Money held for a dispute, and money of earlier disputes set free."""
    count = max(spec.rows // 400, 1 if spec.rows >= 40 else 0)
    blocks = [Block("plain", count), *_planted(spec, "reserve_unexplained")]
    held = _old_payments(spec, blocks, 3_000_000)
    freed = _old_payments(spec, [Block("plain", count)], 4_000_000)
    hold = _follow_up(spec, held, "reserve_hold", "T1110")
    return [
        hold.with_columns(amount=-pl.col("amount")),
        _follow_up(spec, freed, "reserve_release", "T1111"),
    ]


def _conversions(spec: DaySpec, parents: pl.DataFrame, loss_percent: int = 0) -> pl.DataFrame:
    """What is left of a payment in euro becomes dollars at once: two rows with the same links.

    With a loss, the second of them is an `fx_variance`.
    """
    left = parents.with_columns(left=pl.col("amount") - pl.col("fee"), at=pl.col("seconds") + 1)
    euro = _follow_up(spec, left, "conversion", "T0200", 10_000_000 * loss_percent).with_columns(
        role=pl.lit("plain"), seconds="at", amount=-pl.col("left")
    )
    rate, scale = rates.dollars_per_euro(spec.business_date), rates.SCALE
    fair = (pl.col("left") * rate + scale // 2) // scale
    dollar = euro.with_columns(
        role=pl.lit("fx_variance" if loss_percent else "plain"),
        number=pl.col("number") + 50_000_000,
        currency=pl.lit("USD"),
        amount=fair * (100 - loss_percent) // 100,
        fair=fair,
    ).with_columns(txn_id=_txn_id(spec, 0, "conversion"))
    return pl.concat([shape.conform(euro), shape.conform(dollar)])


def _withdrawals(spec: DaySpec) -> pl.DataFrame:
    """One in the morning and one for each planted wrong charge; at most 0.6 of the balance."""
    blocks = [
        Block("plain", 1 if spec.rows >= 40 else 0),
        *_planted(spec, "withdrawal_charge_variance"),
    ]
    count = sum(block.count for block in blocks)
    total = hundredths_of(spec.opening.get("USD", amounts.money_of(0))) * 6 // 10
    each = total // max(count, 1) // 10_000 * 10_000
    if count == 0:
        return pl.DataFrame(schema=shape.MOVEMENT)
    if each <= 0:
        raise ValueError(f"the opening balance in USD is too low for {count} withdrawals")
    choices = tariffs.tariffs(spec.provider, spec.account, "withdrawal", spec.business_date)
    wrong = pl.when(role="withdrawal_charge_variance").then(_WRONG_WITHDRAWAL_CHARGE).otherwise(0)
    stream = spec.stream(0, "withdrawal")
    bank = stream.serial("bank", pl.col("number"), factor=38_196_601, modulus=10**8)
    date = spec.business_date.strftime("%y%m%d")
    return (
        shape.numbered(blocks)
        .with_columns(
            currency=pl.lit("USD"),
            payment_method=pl.lit("balance"),
            amount=pl.lit(
                each, dtype=pl.Int64
            ),  # a literal of its own accord is 32 bits, and wraps
        )
        .with_columns(
            kind=pl.lit("withdrawal"),
            code=pl.lit("T0400"),
            seconds=9 * 3600 + pl.col("number") * 61 % 36_000,
            txn_id=_txn_id(spec, 0, "withdrawal"),
            merchant_ref=pl.concat_str([pl.lit(date), digits(bank, 8)]),
            amount=-pl.col("amount"),
            expected_fee=tariffs.fee(choices, pl.col("amount")),
            fee=tariffs.fee(choices, pl.col("amount")) + wrong,
        )
        .with_columns(bank="merchant_ref")
    )


def _midnight(spec: DaySpec) -> list[pl.DataFrame]:
    """Those of tonight, and the other sides of last night's."""
    tonight = shape.numbered(shape.midnight_blocks(spec.carry_out), shape.AT_MIDNIGHT)
    last_night = shape.numbered(shape.midnight_blocks(spec.carry_in), shape.AT_MIDNIGHT)
    late = shape.LAST_SECOND - pl.col("variant") % 50
    return [
        payments(spec, 0, tonight).with_columns(seconds=late),
        shape.carried_in(payments(spec, -1, last_night)),
    ]
