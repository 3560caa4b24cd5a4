"""Fees: cases to check by hand, then random schedules against a slow and plain second opinion."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon.fees import assess
from recon.fees.schedule import Tariff, schedule_problems, tariff_for
from recon.money import EXPONENT, PYTHON_ROUNDING
from recon.tables import check
from tests.support import TODAY, WHOSE, line, lines

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
    found = assess.assess(given_lines.lazy(), tariffs).collect()
    check("ASSESSED_FEE", found)
    return found


def expected_fees(tariffs: Sequence[Tariff], *rows: dict[str, Any]) -> list[Decimal | None]:
    by_line = dict(assessed(tariffs, *rows).select("line_id", "expected").iter_rows())
    return [by_line.get(f"L{n}") for n, _ in enumerate(rows)]


def discrepancies(
    tariffs: Sequence[Tariff], *rows: dict[str, Any], tolerance: str = "0"
) -> list[dict[str, Any]]:
    given_lines = lines(*rows).lazy()
    off = assess.varying(assess.assess(given_lines, tariffs), Decimal(tolerance)).collect()
    found = assess.discrepancies(off, given_lines, WHOSE)
    check("DISCREPANCY", found)
    return list(found.iter_rows(named=True))


# ------------------------------------------------------------------------------ by hand

# Amount -> fee, by which row of a schedule.
VECTORS = {
    "0.6 percent, half up to the fen": (
        {"percent": "0.6"},
        "0.01 0.00 · 0.83 0.00 · 0.84 0.01 · 2.49 0.01 · 2.50 0.02 · 260 1.56 · 99999.99 600.00",
    ),
    "half down": ({"percent": "0.6", "rounding": "half_down"}, "2.50 0.01 · 2.51 0.02 · 7.50 0.04"),
    "half even": ({"percent": "0.6", "rounding": "half_even"}, "2.50 0.02 · 7.50 0.04 · 7.51 0.05"),
    "always up": ({"percent": "0.6", "rounding": "up"}, "0.01 0.01 · 1.00 0.01 · 100 0.60"),
    "always down": ({"percent": "0.6", "rounding": "down"}, "1.66 0.00 · 1.67 0.01 · 3.33 0.01"),
    "nothing": ({"percent": "0"}, "0.01 0.00 · 1000000 0.00"),
    "a fixed part alone": ({"fixed": "0.49"}, "0.00 0.49 · 0.01 0.49 · 100 0.49"),
    "percent and fixed": (
        {"percent": "3.49", "fixed": "0.49", "currency": "USD"},
        "100 3.98 · 241.50 8.92 · 0.01 0.49 · 0.15 0.50",
    ),
    "the sum is rounded, not its parts": (
        {"percent": "1", "fixed": "0.005"},
        "0.50 0.01 · 0.49 0.01 · 1.49 0.02 · 1.50 0.02",
    ),
    "not less than a minimum": (
        {"percent": "0.6", "minimum": "0.10"},
        "0.01 0.10 · 16.66 0.10 · 17.49 0.10 · 17.50 0.11",
    ),
    "not more than a maximum": (
        {"percent": "0.6", "maximum": "5.00"},
        "833.33 5.00 · 832.49 4.99 · 1000000 5.00",
    ),
    "between both": ({"percent": "1", "minimum": "1", "maximum": "2"}, "1 1 · 150 1.50 · 900 2"),
    "yen have no decimals": (
        {"percent": "4.1", "fixed": "40", "currency": "JPY"},
        "1000 81 · 1234 91 · 12 40 · 13 41",
    ),
    "dinars have three": (
        {"percent": "2.5", "currency": "KWD"},
        "1.234 0.031 · 1.220 0.031 · 1.219 0.030 · 0.020 0.001 · 0.019 0.000",
    ),
    "a rate of four decimals": ({"percent": "0.3825"}, "100 0.38 · 1000 3.83 · 10000 38.25"),
}


@pytest.mark.parametrize(("facts", "table"), VECTORS.values(), ids=VECTORS)
def test_the_fee_of_a_payment(facts: dict[str, Any], table: str) -> None:
    cases = [case.split() for case in table.split("·")]
    rows = [{"gross": amount, "currency": facts.get("currency", "CNY")} for amount, _ in cases]
    assert expected_fees([tariff(**facts)], *rows) == [Decimal(fee) for _, fee in cases]


REFUNDS = {
    "returned": ({"percent": "0.6", "on_refund": "returned"}, "0.83 0 · 0.84 -0.01 · 260 -1.56"),
    "kept": ({"percent": "0.6", "on_refund": "kept"}, "0.84 0 · 260 0"),
    "a fixed part never comes back": (
        {"percent": "3.49", "fixed": "0.49", "on_refund": "returned"},
        "100 -3.49",
    ),
    "nor does a minimum": (
        {"percent": "0.6", "minimum": "1.00", "on_refund": "returned"},
        "10 -0.06",
    ),
    "rounded half away from nothing": (
        {"percent": "0.6", "on_refund": "returned"},
        "2.50 -0.02 · 2.49 -0.01",
    ),
    "rounded as the row says": (
        {"percent": "0.6", "rounding": "down", "on_refund": "returned"},
        "2.50 -0.01 · 3.33 -0.01 · 3.34 -0.02",
    ),
}


@pytest.mark.parametrize(("facts", "table"), REFUNDS.values(), ids=REFUNDS)
def test_the_fee_of_a_refund(facts: dict[str, Any], table: str) -> None:
    cases = [case.split() for case in table.split("·")]
    rows = [{"kind": "refund", "gross": f"-{amount}"} for amount, _ in cases]
    assert expected_fees([tariff(**facts)], *rows) == [Decimal(fee) for _, fee in cases]


def test_the_charge_of_a_withdrawal_is_positive_though_money_leaves() -> None:
    row = tariff(kinds=WITHDRAWAL, percent="1.5", minimum="0.25", maximum="15.00")
    rows = [{"kind": "withdrawal", "gross": amount} for amount in ("-10", "-100", "-2000")]
    assert expected_fees([row], *rows) == [Decimal("0.25"), Decimal("1.50"), Decimal("15.00")]


def test_a_row_for_withdrawals_says_nothing_of_refunds() -> None:
    row = tariff(kinds=WITHDRAWAL, percent="1.5", on_refund="returned")
    assert expected_fees([row], {"kind": "refund", "gross": "-100"}) == [None]


def test_the_sum_of_rounded_fees_is_not_the_rounded_fee_of_the_sum() -> None:
    found = assessed([tariff(percent="0.6")], *[{"gross": "1.00", "fee": "0.01"}] * 3)
    summary = assess.summarize(found.lazy()).collect()
    check("FEE_SUMMARY", summary)
    assert summary.select("line_count", "base", "charged", "expected", "variance").rows() == [
        (3, Decimal("3.00"), Decimal("0.03"), Decimal("0.03"), 0)
    ]


def test_fees_are_summed_by_tariff_row_kind_and_currency() -> None:
    schedule = [
        tariff(name="yuan", percent="1", on_refund="returned"),
        tariff(name="dollar", percent="2", currency="USD"),
    ]
    found = assessed(
        schedule,
        {"gross": "100", "fee": "1.00"},
        {"gross": "200", "fee": "2.50"},
        {"gross": "-50", "fee": "-0.50", "kind": "refund"},
        {"gross": "100", "fee": "1.00", "currency": "USD"},
        {"gross": "-9", "fee": "3.00", "kind": "chargeback"},
    )
    summary = assess.summarize(found.lazy()).collect()
    figures = ["line_count", "base", "charged", "expected", "variance"]
    assert summary.select("tariff", "kind", "currency", *figures).rows() == [
        (None, "chargeback", "CNY", 1, 9, 3, 0, 3),
        ("yuan", "payment", "CNY", 2, 300, Decimal("3.50"), 3, Decimal("0.50")),
        ("yuan", "refund", "CNY", 1, 50, Decimal("-0.50"), Decimal("-0.50"), 0),
        ("dollar", "payment", "USD", 1, 100, 1, 2, -1),
    ]


# ------------------------------------------------------------------------------ which row applies


def test_a_row_that_names_payment_methods_comes_before_one_that_does_not() -> None:
    general = tariff(name="general", percent="0.6")
    special = tariff(name="special", percent="0.38", payment_methods=frozenset({"MICROPAY"}))
    for schedule in ([general, special], [special, general]):
        names = [
            found.name if (found := tariff_for(schedule, "payment", method, "CNY", TODAY)) else None
            for method in ("MICROPAY", "JSAPI", "micropay", None)
        ]
        assert names == ["special", "general", "general", "general"]
        rows = [{"gross": "1000", "payment_method": name} for name in ("MICROPAY", "APP", None)]
        assert expected_fees(schedule, *rows) == [Decimal("3.80"), Decimal(6), Decimal(6)]


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-06-30", None),
        ("2026-07-01", "summer"),
        ("2026-08-31", "summer"),
        ("2026-09-01", "autumn"),
        ("2030-01-01", "autumn"),
    ],
)
def test_a_row_applies_from_its_first_to_its_last_day(day: str, name: str | None) -> None:
    first, last = date(2026, 7, 1), date(2026, 8, 31)
    schedule = [
        tariff(name="summer", percent="1", effective_from=first, effective_to=last),
        tariff(name="autumn", percent="2", effective_from=last + timedelta(days=1)),
    ]
    found = assessed(schedule, {"business_date": day, "gross": "100", "fee": "1"})
    assert found["tariff"].to_list() == [name]


@pytest.mark.parametrize(
    ("kind", "currency"),
    [("chargeback", "CNY"), ("payment", "USD"), ("withdrawal", "CNY"), ("payment_x", "CNY")],
)
def test_a_row_is_for_its_kinds_and_its_currency_only(kind: str, currency: str) -> None:
    assert tariff_for([tariff()], kind, None, currency, TODAY) is None
    assert tariff_for([tariff()], "refund", None, "CNY", TODAY) is not None


def test_lines_without_a_charge_and_without_a_tariff_row_are_not_assessed() -> None:
    found = assessed([tariff()], {"kind": "adjustment"}, {"kind": "fee", "gross": "-5"})
    assert found.height == 0


def test_without_any_tariff_row_only_charged_lines_are_assessed() -> None:
    found = assessed([], {"gross": "10"}, {"gross": "10", "fee": "0.06"})
    assert found.select("line_id", "tariff", "expected", "variance").rows() == [
        ("L1", None, None, Decimal("0.06"))
    ]


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
        "but by tariff WX 0.6% it is 1.56 CNY."
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


# ------------------------------------------------------------------------------ a second opinion

KINDS = ["payment", "withdrawal", "chargeback"]
METHODS = ["APP", "CARD", "QR"]
CURRENCIES = ["CNY", "JPY", "KWD"]
DAYS = [date(2026, 11, 1) + timedelta(days=n) for n in range(6)]


def amounts_of(currency: str, largest: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, largest).map(lambda n: Decimal(n).scaleb(-EXPONENT[currency]))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    currency = draw(st.sampled_from(CURRENCIES))
    small = amounts_of(currency, 500)
    return Tariff(
        name=f"row {draw(st.integers(0, 10**9))}",
        account="A",
        kinds=draw(st.frozensets(st.sampled_from(KINDS), min_size=1)),
        currency=currency,
        effective_from=draw(st.sampled_from(DAYS)),
        effective_to=draw(st.none() | st.sampled_from(DAYS)),
        payment_methods=draw(st.none() | st.frozensets(st.sampled_from(METHODS), min_size=1)),
        percent=draw(st.integers(0, 99_999)) * Decimal("0.0001"),
        fixed=draw(small),
        minimum=draw(st.none() | small),
        maximum=draw(st.none() | small),
        rounding=draw(st.sampled_from(sorted(PYTHON_ROUNDING))),  # type: ignore[arg-type]
        on_refund=draw(st.sampled_from(["returned", "kept"])),
    )


@st.composite
def charged_lines(draw: st.DrawFn) -> dict[str, Any]:
    currency = draw(st.sampled_from(CURRENCIES))
    sign = draw(st.sampled_from([1, -1]))
    return {
        "kind": draw(st.sampled_from([*KINDS, "refund"])),
        "payment_method": draw(st.none() | st.sampled_from(METHODS)),
        "currency": currency,
        "business_date": draw(st.sampled_from(DAYS)),
        "gross": str(sign * draw(amounts_of(currency, 10_000_000))),
        "fee": "1",
    }


def rows_for(schedule: Sequence[Tariff], row: dict[str, Any]) -> list[Tariff]:
    """Every row that could apply, day by day and without a shortcut."""
    fitting = []
    for found in schedule:
        days = [day for day in DAYS if day >= found.effective_from]
        if found.effective_to is not None:
            days = [day for day in days if day <= found.effective_to]
        kinds = [*found.kinds, "refund"] if "payment" in found.kinds else [*found.kinds]
        methods = [None, *METHODS] if found.payment_methods is None else [*found.payment_methods]
        if (
            row["kind"] in kinds
            and row["payment_method"] in methods
            and row["currency"] == found.currency
            and row["business_date"] in days
        ):
            fitting.append(found)
    return fitting


def slow_fee(found: Tariff, row: dict[str, Any]) -> Decimal:
    unit = Decimal(1).scaleb(-EXPONENT[found.currency])
    share = abs(Decimal(row["gross"])) * found.percent / 100
    mode = PYTHON_ROUNDING[found.rounding]
    if row["kind"] == "refund":
        return -share.quantize(unit, mode) if found.on_refund == "returned" else Decimal(0)
    fee = (share + found.fixed).quantize(unit, mode)
    if found.minimum is not None and fee < found.minimum:
        fee = found.minimum
    if found.maximum is not None and fee > found.maximum:
        fee = found.maximum
    return fee


def overlap(one: Tariff, other: Tariff) -> bool:
    """True where some line would fit both and neither is more specific."""
    if (one.payment_methods is None) != (other.payment_methods is None):
        return False
    return any(
        len(rows_for([one, other], row)) == 2
        for row in (
            {"kind": kind, "payment_method": method, "currency": currency, "business_date": day}
            for kind in KINDS
            for method in METHODS
            for currency in {one.currency}
            for day in DAYS
        )
    )


def consistent(schedule: Sequence[Tariff]) -> list[Tariff]:
    """Drop rows until none overlaps another or ends before it starts."""
    kept: list[Tariff] = []
    for found in schedule:
        ends_early = found.effective_to is not None and found.effective_to < found.effective_from
        if not ends_early and not any(overlap(found, other) for other in kept):
            kept.append(found)
    return kept


@given(
    st.lists(tariffs(), max_size=6, unique_by=lambda found: found.name),
    st.lists(charged_lines(), min_size=1, max_size=25),
)
def test_any_schedule_gives_the_fees_of_a_slow_and_plain_calculation(
    schedule: list[Tariff], rows: list[dict[str, Any]]
) -> None:
    kept = consistent(schedule)
    names, expected = [], []
    for row_ in rows:
        fitting = sorted(rows_for(kept, row_), key=lambda found: found.payment_methods is None)
        names.append(fitting[0].name if fitting else None)
        expected.append(slow_fee(fitting[0], row_) if fitting else None)
    by_line = {
        line_id: facts
        for line_id, *facts in assessed(kept, *rows)
        .select("line_id", "tariff", "expected")
        .iter_rows()
    }
    found_ = [by_line[f"L{n}"] for n, _ in enumerate(rows)]
    assert found_ == [[name, fee] for name, fee in zip(names, expected, strict=True)]


@given(st.lists(tariffs(), min_size=2, max_size=5, unique_by=lambda found: found.name))
def test_a_schedule_is_refused_exactly_where_two_rows_would_fit_one_line(
    schedule: list[Tariff],
) -> None:
    early = [
        found.name
        for found in schedule
        if found.effective_to is not None and found.effective_to < found.effective_from
    ]
    whole = [found for found in schedule if found.name not in early]
    clashes = [pair for pair in combinations(whole, 2) if overlap(*pair)]
    assert len(schedule_problems(whole)) == len(clashes)
    assert bool(schedule_problems(schedule)) == bool(early or clashes)
    assert schedule_problems(consistent(schedule)) == []
