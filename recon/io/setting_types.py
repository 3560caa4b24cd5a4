"""What values of the configuration may be: amounts, currencies, kinds, time zones.

Every table of the configuration is a `Settings`, wherever it is described.
"""

from decimal import Decimal
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from recon.money import EXPONENT
from recon.settlement.cycles import WEEKDAYS, cycle_problem
from recon.tables import KINDS


class Settings(BaseModel):
    """A table of the configuration: unknown settings are refused, because a misspelled tolerance
    must not be ignored, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _decimal(value: Any) -> Any:
    """Amounts and percentages are written as text: a TOML number with a point would be a float."""
    if isinstance(value, float):
        raise ValueError('write amounts and percentages in quotes, e.g. "0.6"')
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
Amount = Annotated[Decimal, BeforeValidator(_decimal)]
Kind = Annotated[str, one_of(KINDS, "a kind of line")]
CurrencyCode = Annotated[str, one_of(EXPONENT, "a currency code")]
TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
CycleText = Annotated[str, AfterValidator(_known_cycle)]
Days = Annotated[int, Field(ge=0, le=366)]
