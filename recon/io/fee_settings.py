"""The fee schedules: configs/fees/<slug>.toml."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from recon.errors import UserError
from recon.fees.problems import schedule_problems
from recon.fees.schedule import ChargedTo, OnRefund, Per, RefundAt, Tariff, Tier, TierBy, TierMode
from recon.io.setting_types import Amount, CurrencyCode, Kind, Settings, WholeNumber
from recon.io.settings_file import read_settings
from recon.money import Rounding
from recon.settings import AccountSettings

Count = Annotated[WholeNumber, Field(ge=1)]


class TierSettings(Settings):
    """A step of `tiers`."""

    up_to: Amount | None = None
    percent: Amount = Decimal(0)
    fixed: Amount = Decimal(0)


class _TariffBase(Settings):
    name: str
    account: str
    currency: CurrencyCode
    effective_from: date
    effective_to: date | None = None
    gap_allowed: bool = False
    payment_methods: Annotated[list[str], Field(min_length=1)] | None = None
    merchants: Annotated[list[str], Field(min_length=1)] | None = None
    converted: bool | None = None
    percent: Amount = Decimal(0)
    fixed: Amount = Decimal(0)
    minimum: Amount | None = None
    maximum: Amount | None = None
    rounding: Rounding = "half_up"
    on_refund: OnRefund = "kept"
    tax_percent: Amount | None = None
    tax_rounding: Rounding = "half_up"
    tolerance: Amount | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class _CountingTariff(_TariffBase):
    """What only the row has that a line is assessed by first of all."""

    free_below: Amount | None = None
    tiers: list[TierSettings] = []
    tier_by: TierBy = "amount"
    tier_mode: TierMode = "slab"
    free_amount: Amount | None = None
    free_count: Count | None = None
    free_per: Per = "month"
    free_used: Amount = Decimal(0)
    counted_with: list[str] = []
    promotion: bool = False
    quota_amount: Amount | None = None
    quota_count: Count | None = None


class TariffSettings(_CountingTariff):
    kinds: Annotated[list[Kind], Field(min_length=1)]
    refund_at: RefundAt = "refund_date"
    round_per: Literal["line", "batch"] = "line"


class SurchargeSettings(_TariffBase):
    """What comes on top of the row that applies."""

    kinds: Annotated[list[Kind], Field(min_length=1)]
    charged_to: ChargedTo = "us"


class WithdrawalSettings(_CountingTariff):
    """What taking money out of the wallet costs: us, or whoever we charge for it."""

    charged_to: ChargedTo = "us"
    borne_by: Literal["us", "customer"] = "us"


class FeeSettings(Settings):
    """fees/<slug>.toml"""

    tariff: list[TariffSettings] = []
    surcharge: list[SurchargeSettings] = []
    withdrawal: list[WithdrawalSettings] = []

    def rows(self) -> list[Tariff]:
        return [*map(_tariff, self.tariff), *map(_tariff, self.surcharge),
                *map(_tariff, self.withdrawal)]  # fmt: skip


def tariffs_of(
    directory: Path,
    fees: dict[str, FeeSettings | None],
    accounts: list[AccountSettings],
    unsure: set[str],
    problems: list[str],
) -> list[Tariff]:
    """The rows of every schedule; what is wrong with them is added to `problems`."""
    tariffs: list[Tariff] = []
    for slug, settings in fees.items():
        if settings is None:
            continue
        rows = settings.rows()
        where = f"{directory}/fees/{slug}.toml"
        known = {account.account for account in accounts if account.provider == slug}
        problems += [
            f"{where}: tariff {row.name!r} is for account {row.account}, which is not configured"
            for row in rows
            if row.account not in known and slug not in unsure
        ]
        problems += [
            f"{where}: tariff {row.name!r} is counted with account {number}, which has no row of "
            "that name that is counted with this one"
            for row in rows
            for number in sorted(row.counted_with)
            if not any(_counts_with(other, row, number) for other in rows)
        ]
        problems += [f"{where}: {problem}" for problem in schedule_problems(rows)]
        tariffs += rows
    return tariffs


def _counts_with(other: Tariff, row: Tariff, number: str) -> bool:
    is_namesake = other.account == number and other.name == row.name
    return is_namesake and row.account in other.counted_with


def read_schedule(path: Path) -> list[Tariff]:
    """The rows of a schedule that is not in force. Errors: UserError, a line a problem."""
    rows = read_settings(path, FeeSettings).rows()
    if problems := schedule_problems(rows):
        raise UserError("\n".join(f"{path}: {problem}" for problem in problems))
    return rows


def _tariff(row: TariffSettings | SurchargeSettings | WithdrawalSettings) -> Tariff:
    facts: dict[str, Any] = row.model_dump(exclude={"tiers"})
    facts["kinds"] = frozenset(facts.get("kinds", ["withdrawal"]))
    for name in ("payment_methods", "merchants", "counted_with"):
        if facts.get(name) is not None:
            facts[name] = frozenset(facts[name])
    tiers = () if isinstance(row, SurchargeSettings) else row.tiers
    return Tariff(
        **facts,
        tiers=tuple(Tier(tier.percent, tier.fixed, tier.up_to) for tier in tiers),
        surcharge=isinstance(row, SurchargeSettings),
    )
