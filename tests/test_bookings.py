"""Movements and their bookings on the balance: what waits, what is cleared, what is told."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.settlement.bookings import BOOKED, Bookings, booked, bookings
from recon.tables import OPEN_ITEM, STATEMENT_LINE, empty
from tests.support import TODAY, WHOSE, frame_of, line

TOMORROW = replace(WHOSE, business_date=TODAY + timedelta(days=1))
PAID = line("L1", txn_id="4200001", net="99.40")
REFUNDED = line("L2", kind="refund", txn_id="5030001", parent_txn_id="4200001", net="-40.00")
OF_NO_NUMBER = line("L3", kind="refund", txn_id=None, parent_txn_id="4200001", net="-40.00")


def lines(*rows: dict[str, Any]) -> pl.LazyFrame:
    return frame_of(STATEMENT_LINE, rows).lazy()


def moves(**amounts: str) -> pl.DataFrame:
    """BOOKED in CNY by number, written `n4200001`."""
    rows = [
        {"txn_id": name.removeprefix("n"), "currency": "CNY", "amount": amount}
        for name, amount in amounts.items()
    ]
    return frame_of(BOOKED, rows)


def book(
    told: pl.LazyFrame,
    moved: pl.DataFrame | None,
    carried: pl.DataFrame | None = None,
    *,
    day: Any = WHOSE,
    window: int = 1,
    is_first: bool = False,
    is_whole: bool = True,
) -> Bookings:
    before = empty(OPEN_ITEM) if carried is None else carried
    return bookings(told, moved, before, window, day, is_first=is_first, is_whole=is_whole)


def waiting(found: Bookings) -> list[tuple[str, str, str]]:
    return [
        (number, f"{amount.normalize():f}", state)
        for number, amount, state in found.left.select("txn_id", "amount", "state").rows()
    ]


def unbooked(found: Bookings) -> list[str]:
    return [f"{amount.normalize():f}" for amount in found.unbooked["unbooked"]]


@pytest.mark.parametrize(
    ("told", "moved", "left", "off"),
    [
        ([PAID], {"n4200001": "99.40"}, [], []),
        ([PAID], {}, [("4200001", "99.4", "open")], ["99.4"]),
        ([PAID], {"n4200001": "99.00"}, [("4200001", "0.4", "open")], ["0.4"]),
        # A refund by its own number, and one that has but that of its payment.
        ([PAID, REFUNDED], {"n4200001": "99.40", "n5030001": "-40.00"}, [], []),
        ([PAID, OF_NO_NUMBER], {"n4200001": "59.40"}, [], []),
    ],
)
def test_lines_wait_for_their_bookings(
    told: list[dict[str, Any]], moved: dict[str, str], left: list[Any], off: list[str]
) -> None:
    found = book(lines(*told), moves(**moved))
    assert (waiting(found), unbooked(found)) == (left, off)
    assert found.discrepancies.height == 0


def test_a_payment_and_the_fee_of_it_are_booked_as_one() -> None:
    rows = [PAID | {"net": "100.00"}, PAID | {"line_id": "F", "kind": "fee", "net": "-0.60"}]
    found = booked(lines(*rows)).collect()
    assert found["amount"].to_list() == [Decimal("99.40")]


def test_what_waits_is_cleared_by_its_booking_and_keeps_its_day_until_then() -> None:
    before = book(lines(PAID), moves()).left
    partly = book(lines(), moves(n4200001="90.00"), before, day=TOMORROW)
    assert waiting(partly) == [("4200001", "9.4", "open")]
    assert partly.left["business_date"].to_list() == [TODAY]
    assert waiting(book(lines(), moves(n4200001="99.40"), before, day=TOMORROW)) == []


def test_a_booking_of_no_movement_is_told_at_once_and_a_line_that_comes_later_clears_it() -> None:
    early = book(lines(), moves(n4200001="99.40"), window=3)
    assert (waiting(early), unbooked(early)) == ([("4200001", "-99.4", "overdue")], ["-99.4"])
    (said,) = early.discrepancies["explanation"]
    assert "4200001 are -99.40 CNY apart" in said
    later = book(lines(PAID), moves(), early.left, day=TOMORROW)
    assert (waiting(later), later.discrepancies.height) == ([], 0)


def test_bookings_of_the_first_day_that_is_known_leave_it_unproved_and_wait_for_nothing() -> None:
    found = book(lines(PAID), moves(n4100000="7.00", n4100001="2.00"), is_first=True)
    assert (waiting(found), unbooked(found)) == ([("4200001", "99.4", "open")], ["99.4"])
    assert found.before.rows() == [("CNY", Decimal(9), 2)]
    assert found.discrepancies.height == 0  # the balance of the day tells it


def test_what_is_not_booked_in_its_time_is_told_once() -> None:
    before = book(lines(PAID), moves(), window=0).left
    broken = book(lines(), moves(), before, day=TOMORROW, is_whole=False)
    assert waiting(broken) == [("4200001", "99.4", "open")]  # told on a day that is whole
    late = book(lines(), moves(), before, day=TOMORROW)
    (row,) = late.discrepancies.to_dicts()
    assert row["type"] == "balance_mismatch"
    assert row["discrepancy_id"] == f"booking:{late.left['item_id'][0]}"
    assert "4200001 are 99.40 CNY apart since 2026-11-20" in row["explanation"]
    assert waiting(late) == [("4200001", "99.4", "overdue")]
    again = book(lines(), moves(), late.left, day=TOMORROW)
    assert again.discrepancies.height == 0


def test_where_nobody_says_what_is_booked_all_waits() -> None:
    before = book(lines(PAID), moves()).left
    found = book(lines(REFUNDED), None, before, day=TOMORROW)
    assert (waiting(found), unbooked(found)) == ([("4200001", "99.4", "open")], [])
