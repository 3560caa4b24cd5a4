"""On which day a period is paid: business days, calendar days, weeks, months, holidays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.io.deliveries import business_days
from recon.settlement.cycles import BusinessDays, Cycle, cycle_problem

CHRISTMAS = BusinessDays(frozenset({date(2026, 12, 25), date(2027, 1, 1)}))


@pytest.mark.parametrize(
    ("cycle", "last", "paid"),
    [
        ("T+0", "2026-11-20", "2026-11-20"),  # a Friday
        ("T+0", "2026-11-21", "2026-11-23"),
        ("T+1", "2026-11-19", "2026-11-20"),
        ("T+1", "2026-11-20", "2026-11-23"),
        ("T+1", "2026-11-21", "2026-11-23"),
        ("T+2", "2026-11-20", "2026-11-24"),
        ("T+1", "2026-12-24", "2026-12-28"),
        ("T+7", "2026-12-24", "2027-01-06"),
        ("D+0", "2026-11-21", "2026-11-21"),
        ("D+1", "2026-11-20", "2026-11-21"),
        ("D+1", "2026-12-24", "2026-12-25"),
        ("weekly:fri", "2026-11-19", "2026-11-20"),
        ("weekly:fri", "2026-11-20", "2026-11-27"),
        ("weekly:fri", "2026-12-24", "2026-12-28"),
        ("weekly:sun", "2026-11-20", "2026-11-23"),
        ("monthly:15", "2026-11-14", "2026-11-16"),
        ("monthly:15", "2026-11-15", "2026-12-15"),
        ("monthly:31", "2027-02-01", "2027-03-01"),
        ("monthly:30", "2026-11-29", "2026-11-30"),
        ("monthly:last", "2026-11-29", "2026-11-30"),
        ("monthly:last", "2026-11-30", "2026-12-31"),
        ("monthly:1", "2026-12-31", "2027-01-04"),
    ],
)
def test_a_period_is_paid_on_the_day_of_its_cycle(cycle: str, last: str, paid: str) -> None:
    found = Cycle(cycle).pays_on(date.fromisoformat(last), CHRISTMAS)
    assert found.isoformat() == paid


@pytest.mark.parametrize(
    ("calendar", "last", "paid"),
    [
        ("CN", "2026-09-30", "2026-10-08"),  # the golden week
        ("CN", "2026-09-19", "2026-09-20"),  # a Sunday that is worked instead
        ("XECB", "2026-04-02", "2026-04-07"),  # Good Friday and Easter Monday
        ("US", "2026-11-25", "2026-11-27"),  # Thanksgiving
        ("DE-BE", "2026-12-31", "2027-01-04"),
        (None, "2026-12-24", "2026-12-25"),
    ],
)
def test_holidays_are_those_of_the_calendar(calendar: str | None, last: str, paid: str) -> None:
    day = date.fromisoformat(last)
    assert Cycle("T+1").pays_on(day, business_days(calendar, day)).isoformat() == paid


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["T+0", "T+3", "D+2", "weekly:mon", "monthly:31", "monthly:last"]),
)
def test_money_is_never_paid_before_the_period_is_over(last: date, cycle: str) -> None:
    found = Cycle(cycle).pays_on(last, CHRISTMAS)
    assert last <= found <= last + timedelta(days=40)
    assert cycle.startswith("D") or CHRISTMAS.is_open(found)


@pytest.mark.parametrize("text", ["T1", "T+100", "weekly", "weekly:xyz", "monthly:0", "monthly:32"])
def test_what_is_no_cycle_is_told_with_examples(text: str) -> None:
    assert "write T+1" in (cycle_problem(text) or "")
