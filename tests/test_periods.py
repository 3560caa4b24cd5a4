"""Business dates: closed ranges, and text that is a date or the user's mistake."""

from datetime import date

import pytest

from recon.errors import UserError
from recon.periods import Period, one_day, parse_date

MONDAY = date(2026, 11, 16)
FRIDAY = date(2026, 11, 20)


def test_a_period_holds_both_of_its_ends() -> None:
    period = Period(MONDAY, FRIDAY)
    assert [day.day for day in period] == [16, 17, 18, 19, 20]
    assert MONDAY in period
    assert FRIDAY in period
    assert date(2026, 11, 15) not in period
    assert date(2026, 11, 21) not in period


def test_a_period_goes_over_the_end_of_a_month_and_a_leap_day() -> None:
    assert len(list(Period(date(2028, 2, 27), date(2028, 3, 1)))) == 4


def test_one_day_is_a_period() -> None:
    assert list(one_day(FRIDAY)) == [FRIDAY]
    assert str(one_day(FRIDAY)) == "2026-11-20"
    assert str(Period(MONDAY, FRIDAY)) == "2026-11-16_2026-11-20"


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(UserError, match="ends before it starts: 2026-11-20 to 2026-11-16"):
        Period(FRIDAY, MONDAY)


def test_a_date_is_read() -> None:
    assert parse_date("2026-11-20") == FRIDAY


@pytest.mark.parametrize(
    "text",
    [
        "20261120",
        "2026-W47-5",  # ten characters as well, and `date.fromisoformat` accepts it
        "2026-11-20T00:00",
        "2026-11-2",
        "2026-02-30",
        "2026-13-01",
        "2026/11/20",
        "20-11-2026",
        "11/20/2026",
        " 2026-11-20",
        "2026-11-20 ",
        "２０２６-11-20",
        "yesterday",
        "",
    ],
)
def test_anything_else_is_the_users_mistake_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="write it as YYYY-MM-DD"):
        parse_date(text)
