"""Business dates and ranges of them. "Today" is always an argument, never read here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from recon.errors import UserError


@dataclass(frozen=True, order=True)
class Period:
    """A closed range of business dates."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UserError(f"the range ends before it starts: {self.first} to {self.last}")

    def __iter__(self) -> Iterator[date]:
        for offset in range(self.day_count):
            yield self.first + timedelta(days=offset)

    @property
    def day_count(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        if self.first == self.last:
            return self.first.isoformat()
        return f"{self.first.isoformat()}_{self.last.isoformat()}"


@dataclass(frozen=True)
class Clock:
    """When an account's business dates begin and end: in which time zone, and how long after the
    midnight that each of them begins with on the calendar."""

    time_zone: str
    cut_off: timedelta = timedelta(days=1)


def cut_off_of(text: str) -> timedelta:
    """`17:00` ends the day in its afternoon, `24:00` at midnight, `28:00` at four the next morning.
    Errors: ValueError for any other text."""
    if not re.fullmatch(r"([0-3][0-9]|4[0-7]):[0-5][0-9]", text) or text == "00:00":
        raise ValueError(
            f"{text!r} is no time at which a day ends; write it like 17:00, or 28:00 for four "
            "o'clock on the morning after"
        )
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def one_day(day: date) -> Period:
    return Period(day, day)


def parse_date(text: str) -> date:
    """Read `YYYY-MM-DD`; anything else is the user's mistake, said with an example, and so is a
    year of another age: from 0026 on a range would be run for weeks."""
    example = "write it as YYYY-MM-DD, e.g. 2026-11-20"
    try:
        # The standard library alone would also accept 20261120 and 2026-W47-5.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is not a date; {example}") from None
    if not 1900 <= day.year < 2200:
        raise UserError(f"{text!r} is too far from today; {example}")
    return day
