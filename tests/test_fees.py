"""Fees: sums by tariff row, what is wrong with a schedule, and variances as discrepancies."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from recon.boundary import check
from recon.fees import assess, variances
from recon.fees.problems import schedule_problems
from recon.fees.schedule import Tariff
from recon.fees.tables import ASSESSED_FEE
from tests.support import WHOSE, line, lines

PAYMENT = frozenset({"payment"})
WITHDRAWAL = frozenset({"withdrawal"})


def tariff(**facts: Any) -> Tariff:
    """A row for payments in yuan from 2026 on, but for what is given; amounts are text."""
    amounts = {"percent", "fixed", "minimum", "maximum"}
    usual = {"name": "T", "account": "A", "kinds": PAYMENT, "currency": "CNY"}
    usual |= {"effective_from": date(2026, 1, 1)}
    typed = {name: Decimal(value) if name in amounts else value for name, value in facts.items()}
    return Tariff(**(usual | typed))  # type: ignore[arg-type]


def assessed(tariffs: Sequence[Tariff], *rows: dict[str, Any]) -> pl.DataFrame:
    """ASSESSED_FEE of lines, numbered L0, L1, ... in their order."""
    given_lines = lines(*(line(f"L{n}", **row) for n, row in enumerate(rows)))
    found = assess.assess(given_lines.lazy(), tariffs).rows.collect()
    assert found.schema == pl.Schema(ASSESSED_FEE)
    return found


def discrepancies(
    tariffs: Sequence[Tariff], *rows: dict[str, Any], tolerance: str = "0"
) -> list[dict[str, Any]]:
    given_lines = lines(*rows).lazy()
    every = assess.assess(given_lines, tariffs)
    off = variances.varying(every, tariffs, Decimal(tolerance)).collect()
    found = variances.discrepancies(off, given_lines, tariffs, WHOSE)
    check("DISCREPANCY", found)
    return list(found.iter_rows(named=True))


# ------------------------------------------------------------------------------ sums


def summed(tariffs: Sequence[Tariff], *rows: dict[str, Any]) -> pl.DataFrame:
    """FEE_SUMMARY of lines."""
    given_lines = lines(*(line(f"L{n}", **row) for n, row in enumerate(rows)))
    return assess.summarize(assess.assess(given_lines.lazy(), tariffs), tariffs).collect()


def test_the_sum_of_rounded_fees_is_not_the_rounded_fee_of_the_sum() -> None:
    summary = summed([tariff(percent="0.6")], *[{"gross": "1.00", "fee": "0.01"}] * 3)
    check("FEE_SUMMARY", summary)
    assert summary.select("line_count", "base", "charged", "expected", "variance").rows() == [
        (3, Decimal("3.00"), Decimal("0.03"), Decimal("0.03"), 0)
    ]


def test_fees_are_summed_by_tariff_row_kind_and_currency() -> None:
    schedule = [
        tariff(name="yuan", percent="1", on_refund="returned"),
        tariff(name="dollar", percent="2", currency="USD"),
    ]
    summary = summed(
        schedule,
        {"gross": "100", "fee": "1.00"},
        {"gross": "200", "fee": "2.50"},
        {"gross": "-50", "fee": "-0.50", "kind": "refund"},
        {"gross": "100", "fee": "1.00", "currency": "USD"},
        {"gross": "-9", "fee": "3.00", "kind": "chargeback"},
    )
    figures = ["line_count", "base", "charged", "expected", "variance"]
    assert summary.select("tariff", "kind", "currency", *figures).rows() == [
        (None, "chargeback", "CNY", 1, 9, 3, 0, 3),
        ("yuan", "payment", "CNY", 2, 300, Decimal("3.50"), 3, Decimal("0.50")),
        ("yuan", "refund", "CNY", 1, 50, Decimal("-0.50"), Decimal("-0.50"), 0),
        ("dollar", "payment", "USD", 1, 100, 1, 2, -1),
    ]


@pytest.mark.parametrize("kind", ["adjustment", "payment"])
def test_lines_without_a_charge_and_without_a_tariff_row_are_not_assessed(kind: str) -> None:
    assert assessed([], {"kind": kind, "fee": "0"}).height == 0


def test_without_any_tariff_row_only_charged_lines_are_assessed() -> None:
    found = assessed([], {"gross": "10"}, {"gross": "10", "fee": "0.06"})
    assert found.select("line_id", "tariff", "expected", "variance").rows() == [
        ("L1", None, None, Decimal("0.06"))
    ]


def test_a_fee_on_a_line_of_its_own_is_summed_and_is_no_percentage_of_anything() -> None:
    found = assessed([tariff()], {"kind": "fee", "gross": "-5"})
    assert found.select("tariff", "base", "charged").rows() == [(None, 0, 5)]
    assert discrepancies([tariff()], line(kind="fee", gross="-5")) == []


# ------------------------------------------------------------------------------ schedules


def row(name: str, first: str, last: str | None = None, **facts: Any) -> Tariff:
    dates = [date.fromisoformat(f"2026-{day}") if day else None for day in (first, last)]
    return tariff(name=name, effective_from=dates[0], effective_to=dates[1], **facts)


MICRO, APP = frozenset({"MICROPAY"}), frozenset({"APP", "MICROPAY"})


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        (row("a", "01-01"), row("b", "02-01"), True),
        (row("a", "01-01", "01-31"), row("b", "02-01"), False),
        (row("a", "01-01", "02-01"), row("b", "02-01"), True),  # one day is enough
        (row("a", "03-01"), row("b", "01-01", "02-28"), False),
        (row("a", "02-01", "02-10"), row("b", "01-01", "12-31"), True),
        (row("a", "01-01"), row("b", "01-01", currency="USD"), False),
        (row("a", "01-01"), row("b", "01-01", account="B"), False),
        (row("a", "01-01"), row("b", "01-01", kinds=WITHDRAWAL), False),
        (row("a", "01-01"), row("b", "01-01", kinds=PAYMENT | WITHDRAWAL), True),
        (row("a", "01-01"), row("b", "01-01", payment_methods=MICRO), False),
        (row("a", "01-01", payment_methods=MICRO), row("b", "01-01", payment_methods=APP), True),
        (
            row("a", "01-01", payment_methods=MICRO),
            row("b", "01-01", payment_methods=APP - MICRO),
            False,
        ),
    ],
)
def test_two_equally_specific_rows_may_not_overlap(
    one: Tariff, other: Tariff, overlaps: bool
) -> None:
    for schedule in ([one, other], [other, one]):
        problems = schedule_problems(schedule)
        assert len(problems) == overlaps
        assert all("'a'" in text and "'b'" in text and "overlap" in text for text in problems)


def test_a_row_that_ends_before_it_starts_is_refused() -> None:
    assert schedule_problems([row("a", "02-01", "01-31")]) == [
        "tariff 'a' ends on 2026-01-31, before it starts on 2026-02-01"
    ]


# ------------------------------------------------------------------------------ discrepancies


@pytest.mark.parametrize(
    ("charged", "difference"),
    [("1.57", "0.01"), ("1.55", "-0.01"), ("0", "-1.56"), ("-1.56", "-3.12")],
)
def test_a_fee_that_is_off_is_one_discrepancy_with_its_sign(charged: str, difference: str) -> None:
    facts = {"merchant_ref": "R1", "txn_id": "T1", "gross": "260", "fee": charged}
    (found,) = discrepancies([tariff(name="WX 0.6%", percent="0.6")], line(**facts))
    assert found["type"] == "fee_variance"
    assert found["difference"] == Decimal(difference)
    assert (found["amount_ledger"], found["amount_provider"]) == (Decimal("1.56"), Decimal(charged))
    assert (found["merchant_ref"], found["txn_id"], found["line_ids"]) == ("R1", "T1", ["L1"])
    assert (found["discrepancy_id"], found["rule"]) == ("fee:L1", "WX 0.6%")
    assert found["explanation"] == (
        f"The fee on a payment of 260.00 CNY was {Decimal(charged):.2f} CNY, "
        "but by tariff WX 0.6% it is 1.56 CNY: 260.00 x 0.6% = 1.56."
    )


def test_the_right_fee_is_no_discrepancy() -> None:
    schedule = [tariff(percent="0.6", on_refund="returned")]
    right = [
        line("L1", gross="260", fee="1.56"),
        line("L2", gross="0.83", fee="0"),
        line("L3", gross="-260", fee="-1.56", kind="refund"),
    ]
    assert discrepancies(schedule, *right) == []


def test_a_fee_that_is_not_returned_on_a_refund_is_a_discrepancy() -> None:
    schedule = [tariff(percent="0.6", on_refund="returned")]
    (found,) = discrepancies(schedule, line(gross="-260", fee="0", kind="refund"))
    assert found["difference"] == Decimal("1.56")


def test_a_fee_nobody_agreed_to_is_a_discrepancy() -> None:
    (found,) = discrepancies([tariff()], line(kind="chargeback", gross="-10", fee="15.00"))
    assert (found["type"], found["rule"], found["difference"]) == ("fee_variance", None, 15)
    assert found["explanation"] == (
        "A fee of 15.00 CNY was charged on a chargeback that no row of the fee schedule covers."
    )


def test_a_fee_that_is_not_stated_is_missing_data_and_not_zero() -> None:
    (found,) = discrepancies([tariff(percent="0.6")], line(gross="260", fee=None))
    assert (found["type"], found["amount_provider"]) == ("fee_data_missing", None)
    assert "was not stated, but by tariff T it is 1.56 CNY" in found["explanation"]


def test_a_fee_that_is_not_stated_is_missing_data_even_where_none_is_due() -> None:
    (found,) = discrepancies([tariff(percent="0")], line(gross="260", fee=None), tolerance="5")
    assert found["type"] == "fee_data_missing"


def test_a_charge_on_a_withdrawal_has_a_type_of_its_own() -> None:
    schedule = [tariff(kinds=WITHDRAWAL, percent="1.5")]
    (found,) = discrepancies(schedule, line(kind="withdrawal", gross="-100", fee="2.00"))
    assert (found["type"], found["difference"]) == ("withdrawal_charge_variance", Decimal("0.50"))
    assert found["explanation"].startswith("The charge on a withdrawal of 100.00 CNY was 2.00 CNY")


@pytest.mark.parametrize(
    ("charged", "is_off"),
    [("1.51", False), ("1.61", False), ("1.50", True), ("1.62", True), ("1.56", False)],
)
def test_a_tolerance_is_absolute_and_includes_itself(charged: str, is_off: bool) -> None:
    schedule = [tariff(percent="0.6")]
    found = discrepancies(schedule, line(gross="260", fee=charged), tolerance="0.05")
    assert bool(found) is is_off
