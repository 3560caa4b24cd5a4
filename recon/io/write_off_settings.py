"""`[write_off]` of recon.toml: differences too small to look into."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from recon.control.write_offs import SmallDifferences
from recon.io.setting_types import Amount, CurrencyCode, Settings


class WriteOffLimits(Settings):
    limit: Annotated[Amount, Field(gt=0)]
    daily_cap: Annotated[Amount, Field(gt=0)]

    @model_validator(mode="after")
    def _one_fits_into_a_day(self) -> Self:
        if self.daily_cap < self.limit:
            raise ValueError("daily_cap must not be less than limit")
        return self


class WriteOffSettings(Settings):
    booking_account: Annotated[str, Field(min_length=1)]
    currency: Annotated[dict[CurrencyCode, WriteOffLimits], Field(min_length=1)]

    def policy(self) -> SmallDifferences:
        limits = {code: (each.limit, each.daily_cap) for code, each in self.currency.items()}
        return SmallDifferences(self.booking_account, limits)
