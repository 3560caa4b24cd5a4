"""The fee schedule of a contract: dated tariff rows, and which of them applies to a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Literal

from recon.money import Rounding

OnRefund = Literal["returned", "kept"]


@dataclass(frozen=True)
class Tariff:
    """One row of a fee schedule.

    fee = round(amount x percent / 100 + fixed), then held between minimum and maximum. On a refund
    the percentage of the refunded amount comes back (`returned`) or nothing does (`kept`); a fixed
    part never comes back.
    """

    name: str
    account: str
    kinds: frozenset[str]
    currency: str
    effective_from: date
    effective_to: date | None = None  # the last day, included
    payment_methods: frozenset[str] | None = None
    percent: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    rounding: Rounding = "half_up"
    on_refund: OnRefund = "kept"

    def covers(self, kind: str, payment_method: str | None, currency: str, day: date) -> bool:
        charged_kind = "payment" if kind == "refund" else kind
        return (
            charged_kind in self.kinds
            and currency == self.currency
            and self.effective_from <= day
            and (self.effective_to is None or day <= self.effective_to)
            and (self.payment_methods is None or payment_method in self.payment_methods)
        )


def tariff_for(
    tariffs: Iterable[Tariff], kind: str, payment_method: str | None, currency: str, day: date
) -> Tariff | None:
    """The most specific row that covers a line: one that names payment methods before one that
    does not. `schedule_problems` has made sure that no two are equally specific."""
    fitting = [row for row in tariffs if row.covers(kind, payment_method, currency, day)]
    return min(fitting, key=lambda row: row.payment_methods is None, default=None)


def schedule_problems(tariffs: Sequence[Tariff]) -> list[str]:
    """What is wrong with a schedule, as sentences: rows that overlap or end before they start."""
    problems = [
        f"tariff {row.name!r} ends on {row.effective_to}, before it starts on {row.effective_from}"
        for row in tariffs
        if row.effective_to is not None and row.effective_to < row.effective_from
    ]
    problems += [
        f"tariffs {one.name!r} and {other.name!r} overlap: both apply to "
        f"{'/'.join(sorted(one.kinds & other.kinds))} in {one.currency} on the same days"
        for one, other in combinations(tariffs, 2)
        if _overlap(one, other)
    ]
    return problems


def _overlap(one: Tariff, other: Tariff) -> bool:
    if one.account != other.account or one.currency != other.currency:
        return False
    if not one.kinds & other.kinds:
        return False
    methods, other_methods = one.payment_methods, other.payment_methods
    if (methods is None) != (other_methods is None):
        return False  # the one that names methods is more specific
    if methods is not None and other_methods is not None and not methods & other_methods:
        return False
    ends_before = one.effective_to is not None and one.effective_to < other.effective_from
    starts_after = other.effective_to is not None and other.effective_to < one.effective_from
    return not ends_before and not starts_after
