"""What is wrong with a fee schedule, as sentences: overlaps, gaps, rows that mean nothing."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import combinations, pairwise

from recon.fees.schedule import RETURN_OF, WITHDRAWALS, Tariff
from recon.money import EXPONENT

# Rates of more decimals could not be multiplied with every amount without rounding.
_PERCENT_DECIMALS = 7
_FROM_PAYMENT = ("returned_with_fixed", "recomputed")
_EXACT_DECIMALS = 9  # of an amount: it can be multiplied with another, or a rate, unrounded


def schedule_problems(tariffs: Sequence[Tariff]) -> list[str]:
    """What is wrong with a schedule, all of it, as sentences."""
    problems = [f"tariff {row.name!r} {problem}" for row in tariffs for problem in _of_row(row)]
    problems += [
        f"tariffs {one.name!r} and {other.name!r} overlap: both apply to "
        f"{'/'.join(sorted(one.kinds & other.kinds))} in {one.currency} on the same days"
        for one, other in combinations(tariffs, 2)
        if _overlap(one, other)
    ]
    problems += [
        f"tariffs {one.name!r} for {one.charged_to} and for {other.charged_to} have one name, and "
        "rows of one name are counted together; give each its own"
        for one, other in combinations(tariffs, 2)
        if _count_together(one, other)
    ]
    return problems + list(_gaps(tariffs)) + list(_refund_days(tariffs))


def _of_row(row: Tariff) -> Iterator[str]:
    if row.effective_to is not None and row.effective_to < row.effective_from:
        yield f"ends on {row.effective_to}, before it starts on {row.effective_from}"
    rates = [row.percent, row.tax_percent, *(tier.percent for tier in row.tiers)]
    if any(rate is not None and _decimals(rate) > _PERCENT_DECIMALS for rate in rates):
        yield f"has a percentage of more than {_PERCENT_DECIMALS} decimals"
    decimals = EXPONENT.get(row.currency, 18)
    is_short = decimals <= _EXACT_DECIMALS
    if is_short and any(_decimals(amount) > _EXACT_DECIMALS for amount in _amounts(row)):
        yield f"has an amount in {row.currency} of more than {_EXACT_DECIMALS} decimals"
    yield from _of_tiers(row)
    if row.free_amount is not None and row.free_count is not None:
        yield "has free_amount and free_count; a quota is one of them"
    if row.has_promotion_quota and not row.promotion:
        yield "has a quota; add promotion = true, or use free_amount or free_count"
    if sum((row.by_month, row.has_free_quota, row.has_promotion_quota)) > 1:
        yield "counts twice: tiers by month, a free quota and a promotion's quota, take one"
    if row.has_promotion_quota and row.kinds & RETURN_OF.keys():
        yield "has a promotion's quota for what gives money back; only movements are counted"
    if row.charged_to != "us" and not row.kinds <= set(WITHDRAWALS):
        yield f"is charged to the {row.charged_to} and not only for withdrawals"
    if row.counted_with and row.counts is None:
        yield "says counted_with, and has no quota or tiers by month that are counted"
    if row.surcharge and row.counts is not None:
        yield "is a surcharge and cannot have a quota or tiers by month"
    if row.surcharge and row.needs_original:
        yield f'is a surcharge and cannot say on_refund = "{row.on_refund}"'
    if row.refund_at != "refund_date" and "payment" not in row.kinds:
        yield f'cannot say refund_at = "{row.refund_at}": it is not for payments'
    if row.round_per == "batch" and row.tax_percent is not None:
        yield "is rounded once a batch and cannot have a tax of its own; make the tax a surcharge"
    if row.on_refund in _FROM_PAYMENT and "payment" not in row.kinds:
        yield f'cannot say on_refund = "{row.on_refund}": it is not for payments'
    if row.on_refund == "returned_with_fixed" and not is_short:
        yield f'cannot say on_refund = "{row.on_refund}" for {decimals} decimals of {row.currency}'


def _of_tiers(row: Tariff) -> Iterator[str]:
    if not row.tiers:
        return
    edges = [tier.up_to for tier in row.tiers]
    if edges[-1] is not None or None in edges[:-1]:
        yield "needs up_to on every tier but the last, which has no end"
    elif any(low >= high for low, high in pairwise(edge for edge in edges if edge is not None)):
        yield "has tiers that do not rise"
    if row.percent:
        yield "has tiers and a percentage of its own; put it into the tiers"
    if row.tier_mode == "marginal" and any(tier.fixed for tier in row.tiers):
        yield "has a fixed part in a marginal tier; only slabs have one"


def _amounts(row: Tariff) -> Iterator[Decimal]:
    yield from (row.fixed, row.free_used)
    bounds = (row.minimum, row.maximum, row.free_below, row.free_amount, row.quota_amount)
    edges = (edge for tier in row.tiers for edge in (tier.fixed, tier.up_to))
    yield from (amount for amount in (*bounds, *edges) if amount is not None)


def _decimals(rate: Decimal) -> int:
    text = f"{rate:f}"
    return len(text.partition(".")[2].rstrip("0"))


def _overlap(one: Tariff, other: Tariff) -> bool:
    """Whether some line would fit both rows and neither is more specific."""
    if (one.account, one.currency, one.charged_to) != (
        other.account,
        other.currency,
        other.charged_to,
    ):
        return False
    if one.surcharge or other.surcharge:  # they add up; only the same one twice is a mistake
        if one.name != other.name or one.surcharge != other.surcharge:
            return False
    elif one.rank("") != other.rank(""):
        return False
    if not one.kinds & other.kinds or not _may_meet(one.merchants, other.merchants):
        return False
    if None not in (one.converted, other.converted) and one.converted != other.converted:
        return False
    if not _methods_meet(one.payment_methods, other.payment_methods):
        return False
    ends_before = one.effective_to is not None and one.effective_to < other.effective_from
    starts_after = other.effective_to is not None and other.effective_to < one.effective_from
    return not ends_before and not starts_after


def _count_together(one: Tariff, other: Tariff) -> bool:
    """Whether what is charged to one would use up a quota of what is charged to another."""
    is_one_name = (one.account, one.name) == (other.account, other.name)
    is_counted = one.counts is not None or other.counts is not None
    return is_one_name and is_counted and one.charged_to != other.charged_to


def _may_meet(some: frozenset[str] | None, others: frozenset[str] | None) -> bool:
    return some is None or others is None or bool(some & others)


def _methods_meet(some: frozenset[str] | None, others: frozenset[str] | None) -> bool:
    if some is None or others is None:
        return True
    return any(_patterns_meet(one, other) for one in some for other in others)


def _patterns_meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return _patterns_meet(one[1:], other) or _patterns_meet(one, other[1:])
    if other[0] == "*":
        return _patterns_meet(other, one)
    return one[0] == other[0] and _patterns_meet(one[1:], other[1:])


def _gaps(tariffs: Sequence[Tariff]) -> Iterator[str]:
    """Days without a row between two rows for the same lines."""
    regular = [row for row in tariffs if not row.promotion and not row.surcharge]
    series: dict[tuple[object, ...], list[Tariff]] = {}
    for row in regular:
        who = (row.account, row.currency, row.charged_to, row.merchants, row.converted)
        for kind in row.kinds:
            series.setdefault((*who, row.payment_methods, kind), []).append(row)
    told = set()
    for rows in series.values():
        rows.sort(key=lambda row: row.effective_from)
        for one, after in pairwise(rows):
            if one.effective_to is None or after.gap_allowed:
                continue
            first, last = one.effective_to + timedelta(1), after.effective_from - timedelta(1)
            if first <= last and (one, after) not in told:
                told.add((one, after))
                yield (
                    f"tariffs {one.name!r} and {after.name!r} leave a gap from {first} to {last}; "
                    f"say gap_allowed = true in {after.name!r} if nothing was charged by contract"
                )


def _refund_days(tariffs: Sequence[Tariff]) -> Iterator[str]:
    """Rows for payments of which one goes by the day of the payment and one by that of the refund:
    a refund might fit both, or none."""
    first: dict[tuple[str, str, str], Tariff] = {}
    for row in tariffs:
        if "payment" not in row.kinds or row.surcharge:
            continue
        one = first.setdefault((row.account, row.currency, row.charged_to), row)
        if one.refund_at != row.refund_at:
            yield (
                f"tariffs {one.name!r} and {row.name!r} have different refund_at; all rows for "
                f"payments of an account in {row.currency} need the same"
            )
