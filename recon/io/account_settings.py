"""The accounts of a provider: `[[account]]` of configs/providers/<slug>.toml."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from recon.io.deliveries import Calendar, Schedule
from recon.io.setting_types import (
    Amount,
    CurrencyCode,
    CycleText,
    Days,
    Settings,
    TimeZone,
    Weekday,
    WholeNumber,
    one_of,
)
from recon.money import EXPONENT
from recon.periods import cut_off_of
from recon.settlement.cycles import WEEKDAYS

PayoutCurrency = Annotated[str, one_of((*EXPONENT, "*"), "a currency code, or *")]


def _usable_reference(text: str) -> str:
    try:
        text.format(date=date(2026, 11, 20))
    except (KeyError, IndexError, ValueError):
        raise ValueError(f"{text!r}: write the day as {{date:%Y%m%d}}") from None
    return text


def _known_cut_off(text: str) -> str:
    cut_off_of(text)
    return text


class AccountEntry(Settings):
    account: Annotated[str, Field(min_length=1)]
    title: str
    time_zone: TimeZone
    cut_off: Annotated[str, AfterValidator(_known_cut_off)] = "24:00"
    statements: Annotated[list[str], Field(min_length=1)]
    line_window_days: Days = 1
    entry_window_days: Days = 1
    date_tolerance_days: Days = 1
    unmapped_limit: Annotated[WholeNumber, Field(ge=0)] = 0
    fee_tolerance: Amount = Decimal(0)
    pays_into: dict[PayoutCurrency, str] = {}
    booking_window_days: Days = 1
    payout_window_days: Days = 3
    cycle: CycleText | None = None
    cycle_from: date | None = None
    cycle_calendar: Calendar | None = None
    minimum_payout: dict[CurrencyCode, Amount] = {}
    payouts_on: Literal["statement", "bank"] = "statement"
    payout_reference: Annotated[str, AfterValidator(_usable_reference)] | None = None
    reserve_percent: Annotated[Amount, Field(ge=0, le=100)] | None = None
    reserve_days: Days = 0
    fx_tolerance_percent: Annotated[Amount, Field(ge=0, le=100)] | None = None
    ready_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    ready_days: Annotated[WholeNumber, Field(ge=0, le=31)] = 1
    grace_minutes: Annotated[WholeNumber, Field(ge=0, le=10_080)] = 0
    calendar: Calendar | None = None
    weekdays: Annotated[list[Weekday], Field(min_length=1)] | None = None
    no_activity: Literal["header_only", "no_file"] | None = None

    @model_validator(mode="after")
    def _silence_has_an_hour(self) -> Self:
        if self.no_activity == "no_file" and self.ready_at is None:
            raise ValueError(
                'no_activity = "no_file" needs ready_at: silence before it says nothing'
            )
        return self

    @model_validator(mode="after")
    def _payouts_are_agreed(self) -> Self:
        if (self.cycle is None) != (self.cycle_from is None):
            raise ValueError(
                "cycle and cycle_from, the first business date it holds for, go together"
            )
        of_cycle = ("cycle_calendar", "minimum_payout", "payout_reference")
        alone = [name for name in of_cycle if getattr(self, name)]
        if self.payouts_on == "bank":
            alone.append('payouts_on = "bank"')
        if self.cycle is None and alone:
            raise ValueError(f"{alone[0]} means nothing without cycle")
        if self.payouts_on == "bank" and not self.pays_into:
            raise ValueError('payouts_on = "bank" needs pays_into, the bank account they arrive on')
        return self

    def schedule(self) -> Schedule:
        names = ("ready_at", "ready_days", "grace_minutes", "calendar", "no_activity")
        facts = {name: getattr(self, name) for name in names}
        days = None if self.weekdays is None else frozenset(map(WEEKDAYS.index, self.weekdays))
        return Schedule(**facts, weekdays=days, time_zone=self.time_zone)
