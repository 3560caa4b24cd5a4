"""The fee of one tariff row as an expression over prepared lines; every step is exact.

The columns it reads: `base` (what is charged on, without a sign), `used_amount` and
`used_count` (what came before the line in the month, or of the quota), `original` and `returned`
(of a refund: what was paid, and what was given back before). Products of amounts with up to nine
decimals and of percentages with up to seven fit the 18 decimals there are; what `times` does about
longer tokens is told there.
"""

from decimal import Decimal
from typing import Final

import polars as pl

from recon.fees.schedule import Tariff, Tier
from recon.money import EXPONENT, MONEY, ZERO, Rounding, round_to

_SHORT: Final = 9  # decimals that an amount may have and still be multiplied exactly
_HUNDRED: Final = Decimal(100)


def literal(value: Decimal | int) -> pl.Expr:
    return pl.lit(Decimal(value), dtype=MONEY)


def decimals_of(tariff: Tariff) -> int:
    return EXPONENT.get(tariff.currency, 18)


def expected(tariff: Tariff, *, is_return: bool) -> pl.Expr:
    """The fee by one row, signed: what comes back is negative; null where it cannot be known."""
    return -_returned(tariff) if is_return else charge(tariff, pl.col("base"))


def charge(tariff: Tariff, amount: pl.Expr) -> pl.Expr:
    """What a movement of an amount costs."""
    left = chargeable(tariff, amount)
    share, fixed = _share(tariff, left)
    fee = share + fixed + literal(tariff.fixed)
    if tariff.round_per == "line":
        fee = round_to(fee, decimals_of(tariff), tariff.rounding)
    if tariff.minimum is not None:
        fee = pl.max_horizontal(fee, literal(tariff.minimum))
    if tariff.maximum is not None:
        fee = pl.min_horizontal(fee, literal(tariff.maximum))
    if tariff.has_free_quota:
        fee = pl.when(left > ZERO).then(fee).otherwise(ZERO)
    if tariff.free_below is not None:
        fee = pl.when(amount < literal(tariff.free_below)).then(ZERO).otherwise(fee)
    return fee


def _returned(tariff: Tariff) -> pl.Expr:
    """What comes back of a refund, without a sign; null where the payment must be known, and is
    not."""
    if tariff.refund_at == "payment_date":
        return pl.when(pl.col("original").is_not_null()).then(_given_back(tariff))
    return _given_back(tariff)


def _given_back(tariff: Tariff) -> pl.Expr:
    base, decimals = pl.col("base"), decimals_of(tariff)
    if tariff.on_refund == "kept":
        return ZERO
    if tariff.on_refund == "returned":
        share, _ = _share(tariff, chargeable(tariff, base))
        return share if tariff.round_per == "batch" else round_to(share, decimals, tariff.rounding)
    original = pl.col("original")
    if tariff.on_refund == "returned_with_fixed":
        part = charge(tariff, original) * base / original
        return pl.when(original > ZERO).then(round_to(part, decimals, tariff.rounding))
    before = pl.max_horizontal(original - pl.col("returned"), ZERO)
    after = pl.max_horizontal(before - base, ZERO)
    kept_after = pl.when(after > ZERO).then(charge(tariff, after)).otherwise(ZERO)
    kept_before = pl.when(before > ZERO).then(charge(tariff, before)).otherwise(ZERO)
    return pl.when(original.is_not_null()).then(kept_before - kept_after)


def chargeable(tariff: Tariff, amount: pl.Expr) -> pl.Expr:
    """What a free quota leaves of an amount."""
    if tariff.free_count is not None:
        is_free = pl.col("used_count") < tariff.free_count
        return pl.when(is_free).then(ZERO).otherwise(amount)
    if tariff.free_amount is not None:
        left = pl.max_horizontal(literal(tariff.free_amount) - pl.col("used_amount"), ZERO)
        return pl.max_horizontal(amount - left, ZERO)
    return amount


def _share(tariff: Tariff, amount: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The percentage of an amount, not rounded, and the fixed part of the tier that it is in."""
    if not tariff.tiers:
        return times(amount, tariff.percent, decimals_of(tariff), tariff.rounding), ZERO
    if tariff.tier_mode == "slab" or tariff.tier_by == "month_count":
        return _slab(tariff, amount)
    start = pl.col("used_amount") if tariff.tier_by == "month_amount" else ZERO
    return _marginal(tariff, start, start + amount), ZERO


def _slab(tariff: Tariff, amount: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The whole amount at the tier that it, or what came before it in the month, has reached."""
    place: pl.Expr = {
        "amount": amount,
        "month_amount": pl.col("used_amount"),
        "month_count": pl.col("used_count").cast(MONEY),
    }[tariff.tier_by]
    *lower, last = tariff.tiers
    share, fixed = _tier_share(tariff, last, amount), literal(last.fixed)
    for tier in reversed(lower):
        edge = literal(tier.up_to or 0)
        inside = place <= edge if tariff.tier_by == "amount" else place < edge
        share = pl.when(inside).then(_tier_share(tariff, tier, amount)).otherwise(share)
        fixed = pl.when(inside).then(literal(tier.fixed)).otherwise(fixed)
    return share, fixed


def _marginal(tariff: Tariff, start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Each part of what lies between start and end at the percentage of its own tier."""
    total = ZERO
    for low, tier in zip([Decimal(0), *edges(tariff)], tariff.tiers, strict=True):
        part = part_between(start, end, low, tier.up_to)
        total = total + _tier_share(tariff, tier, part)
    return total


def part_between(start: pl.Expr, end: pl.Expr, low: Decimal, high: Decimal | None) -> pl.Expr:
    """How much of what lies between start and end lies between two edges."""
    top = end if high is None else pl.min_horizontal(end, literal(high))
    return pl.max_horizontal(top - pl.max_horizontal(start, literal(low)), ZERO)


def edges(tariff: Tariff) -> list[Decimal]:
    return [tier.up_to for tier in tariff.tiers if tier.up_to is not None]


def _tier_share(tariff: Tariff, tier: Tier, amount: pl.Expr) -> pl.Expr:
    return times(amount, tier.percent, decimals_of(tariff), tariff.rounding)


def times(amount: pl.Expr, percent: Decimal, decimals: int, mode: Rounding) -> pl.Expr:
    """percent / 100 of an amount that is not negative; exact, or rounded to 18 places by `mode`.

    A token's 18 decimals times a percentage has more than MONEY holds. The first nine decimals are
    multiplied apart from the rest, whose product is rounded where the token ends.
    """
    rate = percent / _HUNDRED
    if decimals <= _SHORT:
        return _product(amount, rate)
    shift = Decimal(10) ** _SHORT
    first = amount.truncate(_SHORT).cast(MONEY)
    rest = (amount - first) * literal(shift)
    last = round_to(_product(rest, rate), _SHORT, mode) * literal(1 / shift)
    return _product(first, rate) + last


def _product(amount: pl.Expr, rate: Decimal) -> pl.Expr:
    """An amount times a rate, of which MONEY holds every digit.

    Counted in the last place of MONEY, in whole numbers: Polars multiplies decimals in 256 bits,
    which takes five times as long. Up to a rate of 1 no step is larger than the amount.
    """
    if abs(rate) > 1:
        return amount * literal(rate)
    share, whole = rate.as_integer_ratio()
    return (amount.to_physical() // whole * share).reinterpret(dtype=MONEY)


def tax(tariff: Tariff, fee: pl.Expr) -> pl.Expr:
    """The tax on a fee, with its sign."""
    percent, decimals = tariff.tax_percent or Decimal(0), decimals_of(tariff)
    part = times(fee.abs(), percent, decimals, tariff.tax_rounding)
    rounded = round_to(part, decimals, tariff.tax_rounding)
    return pl.when(fee < ZERO).then(-rounded).otherwise(rounded)
