"""What values of the configuration may be: amounts, currencies, kinds, time zones.

Every table of the configuration is a `Settings`, wherever it is described.
"""

from decimal import Context, Decimal
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from recon.money import EXPONENT, MONEY
from recon.settlement.cycles import WEEKDAYS, cycle_problem
from recon.tables import KINDS

_SMALLEST: Final = Decimal(1).scaleb(-MONEY.scale)
_WIDE: Final = Context(prec=MONEY.precision)


class Settings(BaseModel):
    """A table of the configuration: unknown settings are refused, because a misspelled tolerance
    must not be ignored, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _decimal(value: Any) -> Any:
    """Amounts and percentages are written as text: a TOML number with a point would be a float."""
    if isinstance(value, float):
        raise ValueError('write amounts and percentages in quotes, e.g. "0.6"')
    return value


def _no_yes(value: Any) -> Any:
    """`line_window_days = true` would be a window of one day."""
    if isinstance(value, bool):
        raise ValueError("write a whole number")
    return value


def _within_bounds(value: Decimal) -> Decimal:
    """What no column of amounts can hold would stop every run, days later."""
    whole = MONEY.precision - MONEY.scale
    if value and (value.adjusted() >= whole or value != value.quantize(_SMALLEST, context=_WIDE)):
        raise ValueError(f"at most {whole} digits before the point and {MONEY.scale} behind it")
    return value


def one_of(valid: Any, what: str) -> Any:
    def check(value: str) -> str:
        if value not in valid:
            raise ValueError(f"{value!r} is not {what}; valid: {', '.join(sorted(valid))}")
        return value

    return AfterValidator(check)


@cache
def _time_zones() -> set[str]:
    """Looked up once: each time it reads the whole folder of them."""
    return available_timezones()


def _known_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError(f"{value!r} is not a time zone; write it like Asia/Shanghai")
    return value


def _known_cycle(value: str) -> str:
    problem = cycle_problem(value)
    if problem is not None:
        raise ValueError(problem)
    return value


Weekday = Annotated[str, one_of(WEEKDAYS, "a day of the week")]
Amount = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_within_bounds)]
Kind = Annotated[str, one_of(KINDS, "a kind of line")]
CurrencyCode = Annotated[str, one_of(EXPONENT, "a currency code")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
CycleText = Annotated[str, AfterValidator(_known_cycle)]
WholeNumber = Annotated[int, BeforeValidator(_no_yes)]
Days = Annotated[WholeNumber, Field(ge=0, le=366)]
