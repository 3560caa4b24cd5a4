"""When a period's money is paid out: so many days after it, or on a day of the week or month."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_REST_DAYS: Final = 31  # no calendar is closed for longer
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class BusinessDays:
    """The days banks are open: weekends and holidays out, weekends that are worked instead in."""

    holidays: frozenset[date] = frozenset()
    worked_weekends: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        if day in self.worked_weekends:
            return True
        return day.weekday() < WEEKDAYS.index("sat") and day not in self.holidays

    def first_open(self, day: date) -> date:
        """The day itself, or the next one on which banks are open."""
        for offset in range(_LONGEST_REST_DAYS):
            if self.is_open(day + timedelta(days=offset)):
                return day + timedelta(days=offset)
        return day

    def after(self, day: date, count: int) -> date:
        """The `count`th business day after a day."""
        for _ in range(count):
            day = self.first_open(day + _ONE_DAY)
        return day


@dataclass(frozen=True)
class Cycle:
    """`T+1`: business days; `D+1`: calendar days; `weekly:fri`; `monthly:15`, `monthly:last`.

    `T` is the day of business itself, also where that is no business day: what is sold on a
    Saturday and paid T+1 comes on Monday. Days of the week and the month that are closed move to
    the next business day; calendar days do not move.
    """

    text: str

    def pays_on(self, last: date, days: BusinessDays) -> date:
        """The day on which what was settled up to `last` is paid."""
        kind, number = self._parts()
        if kind == "T":
            return days.after(last, int(number)) if int(number) else days.first_open(last)
        if kind == "D":
            return last + timedelta(days=int(number))
        if kind == "weekly":
            ahead = (WEEKDAYS.index(number) - last.weekday() - 1) % 7 + 1
            return days.first_open(last + timedelta(days=ahead))
        return days.first_open(_next_in_month(last, number))

    def next_after(self, day: date, days: BusinessDays) -> date:
        """The first day after a day on which anything can be paid."""
        kind, _ = self._parts()
        if kind == "T":
            return days.after(day, 1)
        return day + _ONE_DAY if kind == "D" else self.pays_on(day, days)

    def _parts(self) -> tuple[str, str]:
        kind, _, number = self.text.replace("+", ":").partition(":")
        return kind, number


def is_payable(amount: Decimal, minimum: Decimal) -> bool:
    """Whether so much is paid out; less, or a debt, is carried forward."""
    return amount > 0 and amount >= minimum


def cycle_problem(text: str) -> str | None:
    """What is wrong with the text of a cycle."""
    days = "|".join(WEEKDAYS)
    day_of_month = r"[1-9]|[12]\d|3[01]|last"
    if re.fullmatch(rf"[TD]\+\d{{1,2}}|weekly:({days})|monthly:({day_of_month})", text):
        return None
    return (
        f"{text!r} is no settlement cycle; write T+1 (business days), D+1 (calendar days), "
        "weekly:fri, monthly:15 or monthly:last"
    )


def _next_in_month(after: date, number: str) -> date:
    """The next such day of a month after a day; a month that is too short has it on its last."""
    year, month = after.year, after.month
    while True:
        longest = monthrange(year, month)[1]
        found = date(year, month, longest if number == "last" else min(int(number), longest))
        if found > after:
            return found
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
