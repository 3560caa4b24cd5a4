"""The fee schedule of a contract: dated tariff rows, and which of them apply to a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from recon.money import Rounding

OnRefund = Literal["returned", "kept", "returned_with_fixed", "recomputed"]
RefundAt = Literal["refund_date", "payment_date"]
TierBy = Literal["amount", "month_amount", "month_count"]
TierMode = Literal["slab", "marginal"]
Per = Literal["day", "month", "lifetime"]
ChargedTo = Literal["us", "customer", "merchant"]

WITHDRAWALS: Final = ("withdrawal", "withdrawal_reversal")
# What gives a movement back: its fee follows `on_refund` of the row of that movement.
RETURN_OF: Final = {
    "refund": "payment",
    "withdrawal_reversal": "withdrawal",
    "chargeback_reversal": "chargeback",
}


@dataclass(frozen=True)
class Tier:
    """A step of a tariff row: what is not above `up_to` and above the step before; None: no end."""

    percent: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)
    up_to: Decimal | None = None


@dataclass(frozen=True)
class Traits:
    """What decides which rows apply to a line."""

    kind: str
    payment_method: str | None
    currency: str
    business_date: date
    converted: bool = False  # paid in another currency than it is settled in
    merchant_id: str | None = None
    paid_on: date | None = None  # of a refund: when the payment was made, where that is known


@dataclass(frozen=True)
class Tariff:
    """One row of a fee schedule.

    fee = round(amount x percent / 100 + fixed), then held between minimum and maximum. `tiers` take
    the place of the percentage: a slab charges the whole amount at one step, a marginal tier each
    part of it at its own. A free quota leaves amounts, or the first movements, uncharged.
    """

    name: str
    account: str
    kinds: frozenset[str]
    currency: str
    effective_from: date
    effective_to: date | None = None  # the last day, included
    payment_methods: frozenset[str] | None = None  # `*` in them stands for any text
    merchants: frozenset[str] | None = None
    converted: bool | None = None
    percent: Decimal = Decimal(0)
    fixed: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    free_below: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    tier_by: TierBy = "amount"
    tier_mode: TierMode = "slab"
    free_amount: Decimal | None = None
    free_count: int | None = None
    free_per: Per = "month"
    free_used: Decimal = Decimal(0)  # of the quota, before the first day that was run
    counted_with: frozenset[str] = frozenset()  # accounts whose rows of this name count as well
    rounding: Rounding = "half_up"
    round_per: Literal["line", "batch"] = "line"
    on_refund: OnRefund = "kept"
    refund_at: RefundAt = "refund_date"  # the day whose row says what comes back
    tax_percent: Decimal | None = None
    tax_rounding: Rounding = "half_up"
    promotion: bool = False  # goes before every other row while its quota lasts
    quota_amount: Decimal | None = None
    quota_count: int | None = None
    surcharge: bool = False  # comes on top of the row that applies
    gap_allowed: bool = False  # nothing applied between the row before and this one
    tolerance: Decimal | None = None  # in place of the account's
    charged_to: ChargedTo = "us"
    borne_by: Literal["us", "customer"] = "us"

    @property
    def by_month(self) -> bool:
        return bool(self.tiers) and self.tier_by != "amount"

    @property
    def has_free_quota(self) -> bool:
        return self.free_amount is not None or self.free_count is not None

    @property
    def has_promotion_quota(self) -> bool:
        return self.quota_amount is not None or self.quota_count is not None

    @property
    def counts(self) -> Per | None:
        """Over which time the movements of this row are counted; None: they are not."""
        if self.has_promotion_quota:
            return "lifetime"
        if self.has_free_quota:
            return self.free_per
        return "month" if self.by_month else None

    @property
    def needs_original(self) -> bool:
        """Whether a refund cannot be assessed without the payment it belongs to."""
        return self.refund_at == "payment_date" or self.on_refund in (
            "returned_with_fixed",
            "recomputed",
        )

    def returns(self, kind: str) -> bool:
        """Whether a line of this kind gives back what this row has charged."""
        return kind not in self.kinds and RETURN_OF.get(kind) in self.kinds

    def covers(self, traits: Traits) -> bool:
        return (
            (traits.kind in self.kinds or self.returns(traits.kind))
            and traits.currency == self.currency
            and self.is_in_force(self._day_of(traits))
            and (self.converted is None or self.converted == traits.converted)
            and (self.merchants is None or traits.merchant_id in self.merchants)
            and self._is_method(traits.payment_method)
        )

    def _day_of(self, traits: Traits) -> date:
        by_payment = self.refund_at == "payment_date" and self.returns(traits.kind)
        return (traits.paid_on if by_payment else None) or traits.business_date

    def is_in_force(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    def _is_method(self, method: str | None) -> bool:
        if self.payment_methods is None:
            return True
        return method is not None and any(fits(one, method) for one in self.payment_methods)

    def rank(self, kind: str) -> tuple[bool, bool, bool, int, bool]:
        """How specific the row is for a kind of line; the highest goes first."""
        methods = 0
        if self.payment_methods is not None:
            methods = 1 if any("*" in one for one in self.payment_methods) else 2
        return (
            kind in self.kinds,
            self.promotion,
            self.merchants is not None,
            methods,
            self.converted is not None,
        )


def fits(pattern: str, text: str) -> bool:
    """Whether a payment method is meant by a pattern in which `*` stands for any text."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(first):
        return False
    place = len(first)
    for part in rest[:-1]:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(text) - place >= len(rest[-1]) and text.endswith(rest[-1])


def rows_for(
    tariffs: Iterable[Tariff], traits: Traits
) -> tuple[tuple[Tariff, ...], tuple[Tariff, ...]]:
    """The rows that may apply to a line, and its surcharges.

    Of the first the most specific applies; promotions with a quota stand before the row that takes
    over when it is used up. `schedule_problems` has made sure that no two are equally specific.
    """
    covering = [row for row in tariffs if row.covers(traits)]
    surcharges = tuple(row for row in covering if row.surcharge)
    ranked = sorted(
        (row for row in covering if not row.surcharge),
        key=lambda row: row.rank(traits.kind),
        reverse=True,
    )
    chosen = []
    for row in ranked:
        if row.has_promotion_quota and row.returns(traits.kind):
            continue  # nobody knows whether the payment was one of those with the promotion
        chosen.append(row)
        if not row.has_promotion_quota:
            break
    return tuple(chosen), surcharges
