"""The fee schedules: configs/fees/<slug>.toml."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recon.fees.schedule import Tariff, schedule_problems
from recon.io.setting_types import Amount, CurrencyCode, Kind, Settings
from recon.money import Rounding
from recon.settings import AccountSettings


class _TariffBase(Settings):
    name: str
    account: str
    currency: CurrencyCode
    effective_from: date
    effective_to: date | None = None
    percent: Amount = Decimal(0)
    fixed: Amount = Decimal(0)
    minimum: Amount | None = None
    maximum: Amount | None = None
    rounding: Rounding = "half_up"

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class TariffSettings(_TariffBase):
    kinds: Annotated[list[Kind], Field(min_length=1)]
    payment_methods: list[str] | None = None
    on_refund: Literal["returned", "kept"] = "kept"


class WithdrawalSettings(_TariffBase):
    """What taking money out of the wallet costs."""


class FeeSettings(Settings):
    """fees/<slug>.toml"""

    tariff: list[TariffSettings] = []
    withdrawal: list[WithdrawalSettings] = []


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
        rows = [*map(_tariff, settings.tariff), *map(_tariff, settings.withdrawal)]
        where = f"{directory}/fees/{slug}.toml"
        known = {account.account for account in accounts if account.provider == slug}
        problems += [
            f"{where}: tariff {row.name!r} is for account {row.account}, which is not configured"
            for row in rows
            if row.account not in known and slug not in unsure
        ]
        problems += [f"{where}: {problem}" for problem in schedule_problems(rows)]
        tariffs += rows
    return tariffs


def _tariff(row: TariffSettings | WithdrawalSettings) -> Tariff:
    facts = row.model_dump()
    if isinstance(row, WithdrawalSettings):
        return Tariff(**facts, kinds=frozenset({"withdrawal"}))
    facts["kinds"] = frozenset(row.kinds)
    methods = row.payment_methods
    facts["payment_methods"] = None if methods is None else frozenset(methods)
    return Tariff(**facts)
